"""Ticket apps for tests: a folder, changes as the core makes them, and people who close tickets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from providers.ticket.provider import TicketProvider
from providers.ticket.via.directory import DirectoryConfig
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.problems import Place
from reconciler.provider.change import Change, Operation, Receipt, Why
from reconciler.provider.contract import Surroundings, Ticket
from reconciler.provider.snapshot import Snapshot

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = {"ana": ("Ana Ruiz", "ana@acme.example"), "lee": ("Lee Wong", "lee@acme.example")}


def open_tickets(
    root: Path, *, app: str = "badges", read_only: bool = False, config: DirectoryConfig | None = None
) -> TicketProvider:
    """Return the provider over a folder."""
    surroundings = Surroundings(app=app, root=root, read_only=read_only, now=NOW, owner="lee", people=PEOPLE)
    return TicketProvider.open(config or DirectoryConfig(), surroundings)


def make(
    operation: Operation,
    holder: str = "",
    entitlement: str = "",
    *,
    app: str = "badges",
    after: Mapping[str, Value] | None = None,
    before: Mapping[str, Value] | None = None,
) -> Change:
    """Return a change of an account, a grant or an entitlement."""
    item = GrantItem(holder, entitlement) if holder and entitlement else AccountItem(holder)
    return Change(
        app,
        operation,
        EntitlementItem(entitlement) if entitlement and not holder else item,
        "ticket",
        before=before or {},
        after=after or {},
        username=f"{holder}@acme.example" if holder else "",
        why=(Why("role engineer, because group engineering", Place("roles.yaml", 3)),),
    )


def perform(root: Path, *changes: Change) -> list[Receipt]:
    """Perform changes, one after the other, with one provider."""

    async def run() -> list[Receipt]:
        provider = open_tickets(root, app=changes[0].app)
        return [await provider.perform(change) for change in changes]

    return asyncio.run(run())


def open_one(root: Path, change: Change) -> Path:
    """Open one ticket and return its file."""
    return root / perform(root, change)[0].detail


def close(file: Path, day: str = "2026-03-02", status: str = "done", by: str = "Lee Wong") -> None:
    """Close a ticket as a person does: by three lines."""
    text = file.read_text(encoding="utf-8")
    for name, value in {"status": status, "closed": day, "attested_by": by}.items():
        text = re.sub(rf"^{name}:.*$", f"{name}: {value}", text, count=1, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")


def do_all(root: Path, *changes: Change) -> None:
    """Open a ticket for each change, and close it on the following days."""
    for day, change in enumerate(changes, start=2):
        close(open_one(root, change), f"2026-03-{day:02}")


def read(root: Path, app: str = "badges") -> Snapshot:
    """Read what is attested."""
    return asyncio.run(open_tickets(root, app=app, read_only=True).read())


def list_tickets(root: Path, app: str = "badges") -> list[Ticket]:
    """Return the newest ticket of each operation."""
    return list(asyncio.run(open_tickets(root, app=app, read_only=True).tickets()))
