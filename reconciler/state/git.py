"""The state on a branch of the repository: no infrastructure, and what an ephemeral runner can reach anyway."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from reconciler.errors import StateError
from reconciler.state.contract import Adoption, Lock
from reconciler.state.database import Database
from reconciler.state.file import explaining, writable_in_memory
from reconciler.state.git_branch import GitBranch, MovedError, RejectedError
from reconciler.state.git_files import StateFiles
from reconciler.state.history import KEPT
from reconciler.state.lock import TableLock
from reconciler.state.names import FileNames
from reconciler.state.sqlite import SqliteStore

DEFAULT_BRANCH: Final = "reconciler/state"
DEFAULT_COMMITS: Final = 200
_MANY: Final = 5000
_ABANDONED: Final = timedelta(hours=2)
_log = logging.getLogger(__name__)


class GitStore(SqliteStore):
    """The state as files on an orphan branch; see `contract.StateStore` for what the methods promise.

    A copy of it lies in memory. Each transaction that changes something is one commit and one push before it is over.

    Args:
        root: a folder in the repository.
        branch: the branch's name. It is made with the first transaction.
        remote: whose branch; empty takes `origin`, or the only remote, or the local repository where there is none.
        commits: after so many the history is begun anew, so that the branch stays small.
        read_only: open it for planning: nothing is written or pushed, and a missing branch is an empty state.

    Raises:
        ConfigurationError: there is no repository or no such remote.
        StateError: it cannot be read, is not ours, or is newer than this tool.
    """

    name: ClassVar[str] = "git"
    pause: ClassVar[float] = 1.0
    pace: ClassVar[float] = 10.0
    glance: ClassVar[float] = 5.0

    def __init__(
        self,
        root: Path,
        *,
        branch: str = DEFAULT_BRANCH,
        remote: str = "",
        commits: int = DEFAULT_COMMITS,
        read_only: bool = False,
    ) -> None:
        self._branch = GitBranch(root, branch, remote)
        self.path = Path(self._branch.address)
        self._read_only = read_only
        self._most = commits
        self._newest = ""
        self._squash = False
        self._database = writable_in_memory()
        self._names = FileNames(self._database)
        self._files = StateFiles(self._database, self._names)
        self._lock: TableLock = GitLock(self._database, self._written_at)
        try:
            self._refresh()
        except BaseException:
            self._let_go()
            raise

    @property
    def readers(self) -> str:
        """Say who can read the state."""
        return f"kept in the {self._branch.address}: everybody who can read the repository can read it"

    def close(self) -> None:
        """Give the lock back and let go of the repository."""
        try:
            self.unlock()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._database.close()
        self._branch.close()

    def holder(self) -> Lock | None:
        """Return who holds the lock now."""
        if self._lock.fence is None and not self._joined:
            self._refresh()
        return super().holder()

    def _look(self) -> None:
        """Ask the remote whether the branch is as we left it; if not, read it and see whose the lock is."""
        self._refresh()
        super()._look()

    def adopt(self, app: str, adoption: Adoption) -> None:
        """Take items on, forget gone ones, remember counts."""
        if len(adoption.grants) < _MANY:
            super().adopt(app, adoption)
            return
        with self.together(), self._files.in_bulk("grants", self._app(app)):
            super().adopt(app, adoption)

    def remember(
        self, app: str, at: datetime, grants: Iterable[tuple[str, str, str | None]], *, keep: int = KEPT
    ) -> None:
        """Remember which grants a complete read found."""
        if self._has_readings(app):
            super().remember(app, at, grants, keep=keep)
            return
        with self.together(), self._files.in_bulk("held", self._app(app)):
            super().remember(app, at, grants, keep=keep)

    def _has_readings(self, app: str) -> bool:
        query = "SELECT 1 FROM readings WHERE app = ? LIMIT 1"
        return self._database.execute(query, (self._names.known(app),)).fetchone() is not None

    def forget(self, app: str) -> None:
        """Drop everything that is applied in an app, also from the branch's history."""
        self._squash = True
        super().forget(app)

    def forget_identity(self, identity: str, app: str | None = None) -> int:
        """Drop what is known of an identity, also from the branch's history."""
        self._squash = True
        return super().forget_identity(identity, app)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Write in one transaction, which is over when the commit is pushed."""
        fence = self._lock.fence
        if not self._read_only and not self._holds(fence):
            self._refresh()
        try:
            with super()._write() as database:
                yield database
                self._publish()
        except MovedError:
            self._refresh()
            self._lock.fence = fence
            self._lock.check()
            raise
        finally:
            self._squash = False

    def _holds(self, fence: int | None) -> bool:
        """Say whether the lock is ours as far as we know; then a push is what tells, and reading first is needless."""
        holder = self._lock.holder()
        return holder is not None and holder.fence == fence

    def _refresh(self) -> None:
        """Read what others wrote."""
        newest = self._branch.newest()
        if newest == self._newest:
            return
        if not newest:
            raise StateError(f"the {self._branch.address} is gone", hint="restore it from a clone, then run it again")
        with explaining(self.path), self._copying():
            self._files.take(self._branch.files(newest), self._branch.read)
        self._newest = newest

    @contextmanager
    def _copying(self) -> Iterator[None]:
        """Change the copy in memory alone, all or nothing."""
        self._database.execute("BEGIN")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            self._names.forget()
            self._database.execute("ROLLBACK")
            raise

    def _publish(self) -> None:
        """Commit and push what the transaction changed."""
        changes = self._files.changes()
        if not changes and not self._squash:
            return
        if (self._squash or self._files.commits >= self._most) and self._newest and self._restart(changes):
            return
        commit = self._branch.commit(self._newest, changes, "Record the state [skip ci]")
        self._branch.publish(self._newest, commit)
        self._published(commit, self._files.commits + 1)

    def _restart(self, changes: dict[str, bytes | None]) -> bool:
        """Replace the branch by one commit; False where the remote does not allow that."""
        commit = self._branch.commit("", self._files.restarted(changes), "Record the state, begun anew [skip ci]")
        try:
            self._branch.publish(self._newest, commit)
        except RejectedError as error:
            if self._squash:
                raise
            _log.warning("the history of the state cannot be shortened: %s", error.message)
            return False
        self._published(commit, 1)
        return True

    def _published(self, commit: str, commits: int) -> None:
        self._newest = commit
        self._files.published(self._branch.files(commit), commits)

    def _written_at(self) -> datetime:
        return datetime.fromtimestamp(self._branch.written_at(self._newest), UTC)


class GitLock(TableLock):
    """One store's part in the lock of its branch: nothing tells whether the holder still runs, but how long it slept.

    Args:
        database: the copy of the state.
        written_at: returns when the branch was last written to.
    """

    def __init__(self, database: Database, written_at: Callable[[], datetime]) -> None:
        super().__init__(database)
        self._written_at = written_at

    def _left_behind(self, holder: Lock, at: datetime) -> bool:  # noqa: ARG002 - the branch's own time counts
        """Say whether the holder wrote nothing for long and left no intent open: its later writes will be refused."""
        if self._unsettled():
            return False
        return datetime.now(UTC) - self._written_at() > _ABANDONED
