"""File apps for tests: a folder with real files, and the provider over it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from providers.file.config import FileConfig
from providers.file.provider import FileProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.contract import Surroundings
from reconciler.provider.snapshot import Snapshot

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNTS = {"id": "id", "username": "login", "email": "mail", "status": "state", "grants": "spaces"}
WIKI = {"path": "wiki.csv", "columns": ACCOUNTS, "kind": "space", "complete": True}


def open_file(root: Path, config: Mapping[str, Any], *, read_only: bool = False) -> FileProvider:
    """Return the provider over files in a folder."""
    surroundings = Surroundings(app="wiki", root=root, read_only=read_only, now=NOW)
    return FileProvider.open(FileConfig.model_validate(config), surroundings)


def read(root: Path, config: Mapping[str, Any]) -> Snapshot:
    """Read once."""
    return asyncio.run(open_file(root, config, read_only=True).read())


def perform(root: Path, config: Mapping[str, Any], *changes: Change) -> list[Receipt]:
    """Read, and perform changes one after the other."""

    async def run() -> list[Receipt]:
        provider = open_file(root, config)
        await provider.read()
        return [await provider.perform(change) for change in changes]

    return asyncio.run(run())


def change(  # noqa: D103 - the arguments say it
    operation: Operation,
    item: Item | str,
    account_id: str = "",
    *,
    before: Mapping[str, Value] | None = None,
    after: Mapping[str, Value] | None = None,
    entitlement_id: str = "",
    username: str = "",
) -> Change:
    item = AccountItem(item) if isinstance(item, str) else item
    return Change(
        "wiki",
        operation,
        item,
        "file",
        before=before or {},
        after=after or {},
        account_id=account_id,
        entitlement_id=entitlement_id,
        username=username,
    )


def grant(holder: str, entitlement: str, account_id: str = "", level: str = "") -> Change:
    """Return the change that grants something."""
    after: dict[str, Value] = {"level": level} if level else {}
    return change(Operation.GRANT, GrantItem(holder, entitlement), account_id, after=after)


def revoke(holder: str, entitlement: str, account_id: str = "") -> Change:
    """Return the change that revokes something."""
    return change(Operation.REVOKE, GrantItem(holder, entitlement), account_id)


def entitlement(operation: Operation, key: str, **more: Any) -> Change:
    """Return a change of an entitlement itself."""
    return change(operation, EntitlementItem(key), **more)
