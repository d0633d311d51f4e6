"""The audit trail of the back ends with tables."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from reconciler.state import audit
from reconciler.state.contract import AuditEntry
from reconciler.state.database import Database


class AuditTable(ABC):
    """The audit trail of a store that has its tables in a database."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Database]:
        """See one moment of the database."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Database]:
        """Write in one transaction, if nobody else holds the lock."""

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries to the end of the audit trail.

        Raises:
            StateError: they do not continue it.
        """
        with self._writing() as database:
            audit.append(database, entries)

    def audit(self, *, since: int = 1) -> Iterator[AuditEntry]:
        """Yield the entries of the audit trail, as they are, from a number on."""
        while True:
            with self._reading() as database:
                rows = audit.read(database, since)
            if not rows:
                return
            since = rows[-1][0] + 1
            yield from map(audit.entry_of, rows)

    def audit_head(self) -> tuple[int, str]:
        """Return the number and the digest of the last entry of the audit trail; (0, "") where there is none."""
        with self._reading() as database:
            return audit.head(database)
