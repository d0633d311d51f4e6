"""Trails to look at: real ones that a real apply wrote, and made ones of any length."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.audit.anchor import Head
from reconciler.audit.chain import Event, link
from reconciler.audit.trail import Trail
from reconciler.audit.verify import Verified, verify_trail
from reconciler.state.contract import AuditEntry
from reconciler.state.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_entries(count: int) -> list[AuditEntry]:
    """Return a chain of this length, an entry a second."""
    entries: list[AuditEntry] = []
    head = (0, "")
    for number in range(count):
        event: Event = ("run started", {"run": f"r{number}", "list": [1, None, "ä"], "map": {"b": 1.5, "a": True}})
        (entry,) = link(head, [event], NOW + timedelta(seconds=number))
        entries.append(entry)
        head = (entry.number, entry.digest)
    return entries


def store_trail(path: Path, events: Sequence[Event]) -> Head:
    """Write a trail into a state and return its head."""
    with SqliteStore(path) as store:
        Trail(store).append(events, NOW)
        return Head(*store.audit_head())


def tamper(path: Path, *statements: str) -> None:
    """Do to the state's file what somebody who can write it can do; its own guards are no hindrance."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for trigger in ("audit_is_not_changed", "audit_is_not_removed"):
            database.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            database.execute(statement)


def verify_file(path: Path, *heads: Head) -> Verified:
    """Verify the trail of a state's file."""
    with SqliteStore(path, read_only=True) as store:
        return verify_trail(store.audit(), heads)
