"""Short ways for tests to drive the provider: open it, read, perform, and build changes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from providers.scim.provider import ScimProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.contract import Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot

R = TypeVar("R")


def surroundings(*, read_only: bool = False) -> Surroundings:
    """What the core would give."""
    return Surroundings(app="hub", root=Path.cwd(), read_only=read_only, now=datetime.now(UTC))


def open_provider(url: str, *, read_only: bool = False, **config: Any) -> ScimProvider:
    """Make a provider for a server, with a token from the environment."""
    written = {"url": url, "token": {"env": "SCIM_TOKEN"}, **config}
    return ScimProvider.open(ScimProvider.Config.model_validate(written), surroundings(read_only=read_only))


def use(provider: ScimProvider, work: Callable[[ScimProvider], Awaitable[R]]) -> R:
    """Enter a provider, work with it, and leave it."""

    async def run() -> R:
        async with provider:
            return await work(provider)

    return asyncio.run(run())


def read(url: str, **config: Any) -> Snapshot:
    """Read a server as a plan would."""
    return use(open_provider(url, read_only=True, **config), lambda provider: provider.read())


def reread(url: str, *remote_ids: str, **config: Any) -> Sequence[LiveAccount | None]:
    """Read single accounts."""
    return use(open_provider(url, read_only=True, **config), lambda provider: provider.reread(remote_ids))


def perform(url: str, *changes: Change, **config: Any) -> list[Receipt]:
    """Do changes one after the other."""

    async def work(provider: ScimProvider) -> list[Receipt]:
        return [await provider.perform(change) for change in changes]

    return use(open_provider(url, **config), work)


def perform_one(url: str, change: Change, **config: Any) -> Receipt:
    """Do one change."""
    return perform(url, change, **config)[0]


def perform_batch(url: str, changes: Sequence[Change], **config: Any) -> Sequence[Receipt]:
    """Do several changes of one group."""
    return use(open_provider(url, **config), lambda provider: provider.perform_batch(changes))


def change(operation: Operation, item: Item, **parts: Any) -> Change:
    """Make a change of the app `hub`."""
    return Change("hub", operation, item, "scim", **parts)


def create(username: str, email: str = "", external_id: str = "", **after: Value) -> Change:
    """Make the creation of an account; attributes with `__` for the dot."""
    mapped = {name.replace("__", "."): value for name, value in after.items()}
    wanted: Mapping[str, Value] = {"username": username, "email": email, "external_id": external_id, **mapped}
    return change(Operation.CREATE_ACCOUNT, AccountItem(username), after=wanted, username=username)


def update(account_id: str, before: Mapping[str, Value], after: Mapping[str, Value], version: str = "") -> Change:
    """Make an update of an account's attributes."""
    return change(
        Operation.UPDATE_ACCOUNT, AccountItem("ana"), before=before, after=after, account_id=account_id, version=version
    )


def on_account(operation: Operation, account_id: str, version: str = "") -> Change:
    """Make a suspension, reactivation or deletion."""
    return change(operation, AccountItem("ana"), account_id=account_id, username="ana", version=version)


def suspend(account_id: str, version: str = "") -> Change:
    """Make a suspension."""
    return on_account(Operation.SUSPEND_ACCOUNT, account_id, version)


def grant(account_id: str, group_id: str, key: str = "group:eng") -> Change:
    """Make a grant."""
    return change(
        Operation.GRANT, GrantItem(account_id, key), account_id=account_id, entitlement_id=group_id, username=account_id
    )


def revoke(account_id: str, group_id: str, key: str = "group:eng") -> Change:
    """Make a revocation."""
    return change(
        Operation.REVOKE,
        GrantItem(account_id, key),
        account_id=account_id,
        entitlement_id=group_id,
        username=account_id,
    )


def create_group(key: str) -> Change:
    """Make the creation of a group."""
    return change(Operation.CREATE_ENTITLEMENT, EntitlementItem(key))


def rename_group(key: str, group_id: str) -> Change:
    """Make the renaming of a group."""
    return change(Operation.RENAME_ENTITLEMENT, EntitlementItem(key), entitlement_id=group_id)
