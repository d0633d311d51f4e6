"""The lock of a PostgreSQL state: a row, and an advisory lock of the server that dies with the holder's connection.

Advisory locks belong to a session (https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS): the
connection must reach the server itself, or a pooler in session mode.
"""

from datetime import datetime

from reconciler.state.contract import Lock
from reconciler.state.lock import TableLock

_ADVISORY = "(hashtext((SELECT 'reconciler ' || lineage FROM meta)), ?)"


class PostgresLock(TableLock):
    """One store's part in the lock of its schema."""

    def release(self) -> None:
        """Let go of the server's lock; after the transaction that gave the lock back."""
        if self.fence is not None:
            self._database.execute(f"SELECT pg_advisory_unlock{_ADVISORY}", (self.fence,))
        self.fence = None

    def _guard(self) -> None:
        self._database.execute(f"SELECT pg_advisory_lock{_ADVISORY}", (self.fence,))

    def _left_behind(self, holder: Lock, at: datetime) -> bool:  # noqa: ARG002 - the server knows better than a clock
        """Say whether the holder's connection is gone: nobody holds the server's lock of its number."""
        if holder.fence == self.fence:
            return False
        free = bool(self._database.execute(f"SELECT pg_try_advisory_lock{_ADVISORY}", (holder.fence,)).fetchone()[0])
        if free:
            self._database.execute(f"SELECT pg_advisory_unlock{_ADVISORY}", (holder.fence,))
        return free
