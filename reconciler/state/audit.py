"""The audit trail in its table: added to, and given back exactly as it is kept."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.errors import StateError
from reconciler.state.codec import decode, encode_canonical, encode_moment
from reconciler.state.contract import AuditEntry
from reconciler.state.database import Database

_COLUMNS: Final = "number, at, kind, body, previous, digest"
_AT_ONCE: Final = 1000
_NO_MOMENT: Final = datetime.min.replace(tzinfo=UTC)


def head(database: Database) -> tuple[int, str]:
    """Return the number and the digest of the last entry, (0, "") where there is none."""
    row = database.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")


def append(database: Database, entries: Sequence[AuditEntry]) -> None:
    """Add entries.

    Raises:
        StateError: they do not continue the trail.
    """
    check_continuity(head(database), entries)
    rows = [
        (one.number, encode_moment(one.at), one.kind, encode_canonical(one.body), one.previous, one.digest)
        for one in entries
    ]
    database.executemany(f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608 - ours


def check_continuity(last: tuple[int, str], entries: Sequence[AuditEntry]) -> None:
    """Refuse entries that do not continue a trail; every back end asks this before it adds any.

    Args:
        last: number and digest of the last entry that is kept.
        entries: what is to be added.

    Raises:
        StateError: a number or a digest does not follow.
    """
    number, digest = last
    for entry in entries:
        if (entry.number, entry.previous) != (number + 1, digest):
            raise StateError(
                f"audit entry {entry.number} does not continue the trail, which ends with {number}",
                hint="another run wrote to the state, or the trail was edited: see `reconciler audit verify`",
            )
        number, digest = entry.number, entry.digest


def read(database: Database, since: int) -> list[Any]:
    """Return the next rows from a number on."""
    query = f"SELECT {_COLUMNS} FROM audit WHERE number >= ? ORDER BY number LIMIT {_AT_ONCE}"  # noqa: S608 - ours
    return database.execute(query, (since,)).fetchall()


def entry_of(row: Any) -> AuditEntry:
    """Return the entry of a row; where a value is not as it was written, the entry has no content."""
    number, at, kind, body, previous, digest = row
    try:
        moment, content = datetime.fromisoformat(at), decode(body)
        intact = encode_moment(moment) == at and encode_canonical(content) == body and isinstance(content, dict)
    except (StateError, ValueError, TypeError, RecursionError):
        intact, moment, content = False, _NO_MOMENT, {}
    if not intact:
        moment, content = _NO_MOMENT, {}
    return AuditEntry(int(number), moment, str(kind), content, str(previous), str(digest))
