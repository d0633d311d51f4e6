"""The audit trail in its table: entries are only ever added, each continuing the one before."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import msgspec

from reconciler.errors import StateError
from reconciler.state.codec import decode, encode_moment
from reconciler.state.contract import AuditEntry
from reconciler.state.database import Database

_PAGE = 1000
_canonical = msgspec.json.Encoder(order="sorted").encode
_COLUMNS = "number, at, kind, body, previous, digest"


class AuditTable(ABC):
    """The audit trail of a store that has its tables in a database."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Database]:
        """See one moment of the database."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Database]:
        """Write in one transaction, if nobody else holds the lock."""

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries to the trail.

        Raises:
            StateError: they do not continue it.
        """
        if not entries:
            return
        with self._writing() as database:
            number, digest = _head(database)
            for entry in entries:
                if (entry.number, entry.previous) != (number + 1, digest):
                    raise StateError(
                        f"audit entry {entry.number} does not continue the trail, whose last entry is {number}",
                        hint="somebody else wrote to the trail: run it again",
                    )
                number, digest = entry.number, entry.digest
            query = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own columns
            database.executemany(query, [_row(entry) for entry in entries])

    def audit(self, *, since: int = 1) -> Iterator[AuditEntry]:
        """Return the entries from a number on, in order, a page at a time."""
        query = f"SELECT {_COLUMNS} FROM audit WHERE number >= ? ORDER BY number LIMIT {_PAGE}"  # noqa: S608 - same
        while True:
            with self._reading() as database:
                rows = database.execute(query, (since,)).fetchall()
            for number, at, kind, body, previous, digest in rows:
                yield AuditEntry(number, datetime.fromisoformat(at), kind, decode(body), previous, digest)
            if len(rows) < _PAGE:
                return
            since = int(rows[-1][0]) + 1

    def audit_head(self) -> tuple[int, str]:
        """Return the number and the digest of the last entry; (0, "") if there is none."""
        with self._reading() as database:
            return _head(database)


def _head(database: Database) -> tuple[int, str]:
    row = database.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    return (int(row[0]), row[1]) if row else (0, "")


def _row(entry: AuditEntry) -> tuple[object, ...]:
    body = _canonical(dict(entry.body)).decode()
    return entry.number, encode_moment(entry.at), entry.kind, body, entry.previous, entry.digest
