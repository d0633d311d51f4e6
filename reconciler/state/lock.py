"""The lock that keeps two applies apart: a row in the file, and a lock of the system that dies with its holder.

Every lock has a fencing number, which only grows. A writer checks in each transaction that the row still bears its
number, so that one whose lock was broken is refused. The system's lock, on a file named after the number, tells a
holder that is still at work from one that was killed: what the latter left behind is taken over.
"""

import logging
import os
import sqlite3
import sys
from datetime import datetime
from pathlib import Path

from reconciler.errors import LockError
from reconciler.state.codec import encode_moment
from reconciler.state.contract import Lock

_log = logging.getLogger(__name__)


class FileLock:
    """One store's part in the lock of its file. Call its methods inside a transaction.

    Args:
        path: the state's file; the guards lie beside it.
    """

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        self._database = database
        self._path = path
        self._fence: int | None = None
        self._guard: int | None = None

    def holder(self) -> Lock | None:
        """Return who holds the lock."""
        row = self._database.execute("SELECT owner, command, since, fence FROM lock").fetchone()
        return Lock(row[0], row[1], datetime.fromisoformat(row[2]), int(row[3])) if row else None

    def take(self, owner: str, command: str, at: datetime) -> None:
        """Take the lock, also from a holder that is no longer running.

        Raises:
            LockError: somebody holds it.
        """
        holder = self.holder()
        if holder and not self._left_behind(holder):
            raise LockError(
                f"{holder.owner} has held the state's lock since {holder.since:%Y-%m-%d %H:%M %Z} ({holder.command})",
                hint="wait for it; if it is no longer running, `reconciler state unlock` gives the lock back",
            )
        if holder:
            _log.warning("taking over the lock that %s left behind (%s)", holder.owner, holder.command)
            self._guard_path(holder.fence).unlink(missing_ok=True)
        self._database.execute("DELETE FROM lock")
        fence = int(self._database.execute("UPDATE meta SET fence = fence + 1 RETURNING fence").fetchone()[0])
        values = (fence, owner, command, encode_moment(at))
        self._database.execute("INSERT INTO lock (fence, owner, command, since) VALUES (?, ?, ?, ?)", values)
        self._fence = fence
        self._guard = _hold(self._guard_path(fence))

    def check(self) -> None:
        """Refuse to write if the lock was taken from us, or somebody else holds it.

        Raises:
            LockError: it is so.
        """
        holder = self.holder()
        if (holder.fence if holder else None) == self._fence:
            return
        if self._fence is None and holder:
            raise LockError(
                f"{holder.owner} holds the state's lock ({holder.command})",
                hint="wait for it; if it is no longer running, `reconciler state unlock` gives the lock back",
            )
        by = f" and given to {holder.owner} ({holder.command})" if holder else ""
        raise LockError(
            f"this run's lock on the state was broken{by}; nothing more is written",
            hint="plan again when the other run is done: what this one began is looked up in the apps",
        )

    def give_back(self) -> None:
        """Give the lock back if it is still ours."""
        if self._fence is not None:
            self._database.execute("DELETE FROM lock WHERE fence = ?", (self._fence,))

    def release(self) -> None:
        """Let go of the operating system's lock; after the transaction that gave the lock back."""
        if self._fence is not None:
            self._guard_path(self._fence).unlink(missing_ok=True)
        if self._guard is not None:
            os.close(self._guard)
        self._fence = self._guard = None

    def _left_behind(self, holder: Lock) -> bool:
        """Say whether a holder is certainly no longer running: its file is there, and nobody holds it."""
        path = self._guard_path(holder.fence)
        if not path.exists():
            return False
        guard = _hold(path)
        if guard is not None:
            os.close(guard)
        return guard is not None

    def _guard_path(self, fence: int) -> Path:
        return self._path.with_name(f"{self._path.name}.lock-{fence}")


def _hold(path: Path) -> int | None:
    """Hold a file until the process ends; None if somebody else does, or where the system cannot do it."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - not on every system

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
