"""The lock that keeps two applies apart: a row in the state, and what tells a holder at work from one that was killed.

Every lock has a fencing number, which only grows and is its name. A writer checks in each transaction that the row
still bears its number, so that one whose lock was broken is refused. Of a file, a lock of the operating system, on a
guard named after the number, dies with its holder: what a killed one left behind is taken over.
"""

import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

from reconciler.errors import LockError
from reconciler.state.codec import encode_moment
from reconciler.state.contract import Lock
from reconciler.state.database import Database

SETTLING: Final = "apply"
"""The command that settles what an interrupted one left open, before it does anything else."""

_log = logging.getLogger(__name__)


class TableLock:
    """One store's part in the lock of its database. Call its methods inside a transaction that keeps writers out.

    Args:
        database: where the row is.

    Attributes:
        fence: the number of the lock that is ours, None while we hold none.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.fence: int | None = None

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
        if holder and not self._left_behind(holder, at):
            raise LockError(
                f"{holder.owner} has held the state's lock since {holder.since:%Y-%m-%d %H:%M %Z} ({holder.command})",
                hint=_stale(holder),
            )
        if holder and command != SETTLING and self._unsettled():
            raise LockError(
                f"{holder.owner} left the state's lock behind ({holder.command}), and intents without an outcome",
                hint="run `reconciler apply`: it looks up first what became of them",
            )
        if holder:
            _log.warning("taking over the lock that %s left behind (%s)", holder.owner, holder.command)
            self._clear(holder)
        self._database.execute("DELETE FROM lock")
        fence = int(self._database.execute("UPDATE meta SET fence = fence + 1 RETURNING fence").fetchone()[0])
        values = (fence, owner, command, encode_moment(at))
        self._database.execute("INSERT INTO lock (fence, owner, command, since) VALUES (?, ?, ?, ?)", values)
        self.fence = fence
        self._guard()

    def check(self) -> None:
        """Refuse to write if the lock was taken from us, or somebody else holds it.

        Raises:
            LockError: it is so.
        """
        holder = self.holder()
        if (holder.fence if holder else None) == self.fence:
            return
        if self.fence is None and holder:
            raise LockError(f"{holder.owner} holds the state's lock ({holder.command})", hint=_stale(holder))
        by = f" and given to {holder.owner} ({holder.command})" if holder else ""
        raise LockError(
            f"this run's lock on the state was broken{by}; nothing more is written",
            hint="plan again when the other run is done: what this one began is looked up in the apps",
        )

    def break_open(self, fence: int | None) -> Lock | None:
        """Take the lock from whoever holds it and return who that was; with a number, only from the one that bears it.

        Raises:
            LockError: another lock is held than the one that was named.
        """
        holder = self.holder()
        if holder and fence is not None and holder.fence != fence:
            raise LockError(
                f"lock {fence} is no longer held: {holder.owner} ({holder.command}) holds lock {holder.fence}",
                hint="look at `reconciler state list` again, and name the lock that is to be broken",
            )
        self._database.execute("DELETE FROM lock")
        return holder

    def give_back(self) -> None:
        """Give the lock back if it is still ours."""
        if self.fence is not None:
            self._database.execute("DELETE FROM lock WHERE fence = ?", (self.fence,))

    def release(self) -> None:
        """Let go of what tells others that we run; after the transaction that gave the lock back."""
        self.fence = None

    def _unsettled(self) -> bool:
        """Say whether an intent has no outcome."""
        return self._database.execute("SELECT 1 FROM journal WHERE outcome = '' LIMIT 1").fetchone() is not None

    def _guard(self) -> None:
        """Start telling others that we run."""

    def _clear(self, holder: Lock) -> None:
        """Clear away what a holder that is gone left behind."""

    def _left_behind(self, holder: Lock, at: datetime) -> bool:  # noqa: ARG002 - others know more
        """Say whether a holder is certainly no longer running."""
        return False


class FileLock(TableLock):
    """The lock of a SQLite file.

    Args:
        database: the open file.
        path: its path; the guards lie beside it.
    """

    def __init__(self, database: Database, path: Path) -> None:
        super().__init__(database)
        self._path = path
        self._held: int | None = None

    def release(self) -> None:
        """Let go of the operating system's lock; after the transaction that gave the lock back."""
        if self.fence is not None:
            self._guard_path(self.fence).unlink(missing_ok=True)
        if self._held is not None:
            os.close(self._held)
        self.fence = self._held = None

    def _guard(self) -> None:
        if self.fence is not None:
            self._held = _hold(self._guard_path(self.fence))

    def _clear(self, holder: Lock) -> None:
        self._guard_path(holder.fence).unlink(missing_ok=True)

    def _left_behind(self, holder: Lock, at: datetime) -> bool:  # noqa: ARG002 - the system knows better than a clock
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


def _stale(holder: Lock) -> str:
    """Say what to do about a lock that may be stale."""
    return f"wait for it; if it is no longer running, `reconciler state unlock {holder.fence}` gives the lock back"


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
