"""The tables of the SQLite state, and how an older file becomes a newer one.

The format's number is SQLite's `user_version`; `application_id` says whose file it is (https://sqlite.org/pragma.html).
Every name (app, holder, entitlement, level) stands once in `names`; everything else refers to it by its small integer,
so that a grant costs about 17 bytes.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from reconciler.errors import StateError

APPLICATION_ID: Final = 0x52_43_4E_53
"""Says that a SQLite file is ours."""

_FIRST: Final = """
CREATE TABLE meta (lineage TEXT NOT NULL, fence INTEGER NOT NULL DEFAULT 0);
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE apps (
    app INTEGER PRIMARY KEY, known INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE accounts (
    app INTEGER NOT NULL, holder INTEGER NOT NULL, remote_id TEXT NOT NULL, username TEXT NOT NULL,
    status TEXT NOT NULL, attributes TEXT NOT NULL, since TEXT, unfinished TEXT NOT NULL DEFAULT '[]',
    pending INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (app, holder)
) WITHOUT ROWID;
CREATE TABLE entitlements (
    app INTEGER NOT NULL, entitlement INTEGER NOT NULL, remote_id TEXT NOT NULL, attributes TEXT NOT NULL,
    created INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (app, entitlement)
) WITHOUT ROWID;
CREATE TABLE grants (
    app INTEGER NOT NULL, holder INTEGER NOT NULL, entitlement INTEGER NOT NULL, level INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0, fresh INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (app, holder, entitlement)
) WITHOUT ROWID;
CREATE INDEX grants_pending ON grants (app) WHERE pending > 0;
CREATE TABLE counts (
    app INTEGER NOT NULL, collection TEXT NOT NULL, items INTEGER NOT NULL, PRIMARY KEY (app, collection)
) WITHOUT ROWID;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, plan_digest TEXT NOT NULL, operator TEXT NOT NULL,
    machine TEXT NOT NULL, started_at TEXT NOT NULL, reason TEXT NOT NULL, ended_at TEXT, summary TEXT NOT NULL
);
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, app TEXT NOT NULL, change_id TEXT NOT NULL,
    change TEXT NOT NULL, previous TEXT, intended_at TEXT NOT NULL, outcome TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '', ended_at TEXT
);
CREATE INDEX journal_open ON journal (number) WHERE outcome = '';
CREATE INDEX journal_run ON journal (run);
CREATE TABLE lock (fence INTEGER NOT NULL, owner TEXT NOT NULL, command TEXT NOT NULL, since TEXT NOT NULL);
"""

_AUDIT: Final = """
CREATE TABLE audit (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
CREATE TRIGGER audit_is_not_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
"""

_HISTORY: Final = """
CREATE TABLE readings (number INTEGER PRIMARY KEY AUTOINCREMENT, app INTEGER NOT NULL, at TEXT NOT NULL);
CREATE INDEX readings_app ON readings (app, number);
CREATE TABLE held (
    app INTEGER NOT NULL, holder INTEGER NOT NULL, entitlement INTEGER NOT NULL, level INTEGER NOT NULL,
    first INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (app, holder, entitlement, first)
) WITHOUT ROWID;
"""

_BLOCKS: Final = """
CREATE TABLE blocks (
    part TEXT NOT NULL, app INTEGER NOT NULL, block INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (part, app, block)
);
"""

STEPS: Final[Sequence[str]] = (_FIRST, _AUDIT, _HISTORY, _BLOCKS)
"""Step n makes a file of format n into one of format n + 1. A step that was once released is never edited."""


def format_of(database: sqlite3.Connection, steps: Sequence[str] = STEPS) -> int:
    """Return the format's number of a file, 0 if it is empty.

    Raises:
        StateError: the file is not ours, or newer than this tool.
    """
    number = int(database.execute("PRAGMA user_version").fetchone()[0])
    owner = int(database.execute("PRAGMA application_id").fetchone()[0])
    if owner != APPLICATION_ID and (owner or number or database.execute("SELECT 1 FROM sqlite_master").fetchone()):
        raise StateError("it is a SQLite file, but not a state", hint="name another path in `state` of reconciler.yaml")
    if number > len(steps):
        raise StateError(
            f"it has format {number}; this tool knows formats up to {len(steps)}",
            hint="a newer reconciler wrote it: update the tool, and nothing is lost",
        )
    return number


def migrate(database: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Bring a file to the newest format, in one transaction; an empty one gets all tables.

    Raises:
        StateError: the file is not ours, or newer than this tool.
    """
    if format_of(database, steps) == len(steps):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        start = format_of(database, steps)
        for step in steps[start:]:
            _run(database, step)
        if start == 0:
            database.execute("INSERT INTO meta (lineage) VALUES (?)", (uuid4().hex,))
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {len(steps)}")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _run(database: sqlite3.Connection, step: str) -> None:
    """Run the statements of one step; unlike `executescript`, without a commit in between."""
    for statement in step.split(";\n"):
        if statement.strip():
            database.execute(statement)
