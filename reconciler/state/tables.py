"""The state in tables, whatever database holds them: what the methods of a store do inside its transactions."""

import math
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import ClassVar, Final, Self

from reconciler.collector import paused_collector
from reconciler.errors import LockError, StateError
from reconciler.items import Names
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.state import applied, audit, intents, journal
from reconciler.state.blocks import Blocks
from reconciler.state.codec import encode_moment
from reconciler.state.contract import Adoption, Applied, AppliedAccount, AuditEntry, JournalEntry, Lock, Run
from reconciler.state.database import Database
from reconciler.state.history import HistoryTable
from reconciler.state.lock import TableLock
from reconciler.state.names import FileNames
from reconciler.state.upkeep import Upkeep

_OPEN: Final = frozenset({"", Outcome.DONE, Outcome.UNKNOWN})


class TableStore(HistoryTable, Upkeep):
    """What the back ends with tables share; see `contract.StateStore` for what the methods promise."""

    name: ClassVar[str]
    pause: ClassVar[float] = 0.1
    """Seconds between two attempts to take a lock that somebody holds."""
    pace: ClassVar[float] = 0.5
    """Seconds between two writes of outcomes."""
    glance: ClassVar[float] = 0.02
    """Seconds for which a lock that was just seen to be ours is not looked at again."""

    _database: Database
    _names: FileNames
    _lock: TableLock
    _grants: Blocks | None = None
    """Where grants that have settled are folded away, in back ends that do so."""
    _joined = False
    _looked = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StateError:
            # What went wrong first is what the user must see.
            if kind is None:
                raise

    @property
    def readers(self) -> str:
        """Say who else can read the state, where that is more than who may read a private file."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """Give the lock back and let go of the database."""

    @abstractmethod
    def _read(self) -> AbstractContextManager[Database]:
        """See one moment of the database."""

    @abstractmethod
    def _write(self) -> AbstractContextManager[Database]:
        """Write in one transaction, with all other writers kept out from its start."""

    @contextmanager
    def _reading(self) -> Iterator[Database]:
        """See one moment of the database, or what is being written together."""
        if self._joined:
            yield self._database
            return
        with self._read() as database:
            yield database

    @contextmanager
    def _transaction(self) -> Iterator[Database]:
        """Write in one transaction, or in the one that joins several writes."""
        if self._joined:
            yield self._database
            return
        with self._write() as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        """Write in one transaction, if nobody else holds the lock and ours was not broken."""
        with self._transaction() as database:
            self._lock.check()
            yield database

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make everything that is written inside one transaction."""
        with self._writing():
            outer, self._joined = self._joined, True
            try:
                yield
            finally:
                self._joined = outer

    def apps(self) -> Sequence[str]:
        """Return the names of the apps that the state knows, sorted."""
        with self._reading() as database:
            rows = database.execute("SELECT name FROM names JOIN apps ON apps.app = names.id ORDER BY name")
            return [row[0] for row in rows]

    def load(self, app: str, names: Names) -> Applied:
        """Return what is applied in an app, with grants numbered by `names`."""
        with self._reading() as database:
            number = self._names.known(app)
            with paused_collector():
                folded = self._grants.read(number or 0) if self._grants else ()
                return Applied() if number is None else applied.load_app(database, self._names, number, names, folded)

    def accounts(self, app: str, identities: Iterable[str]) -> dict[str, AppliedAccount]:
        """Return what is applied of these identities' accounts in an app, of those that have one."""
        with self._reading() as database:
            number = self._names.known(app)
            return {} if number is None else applied.load_accounts(database, self._names, number, identities)

    def fingerprint(self, app: str) -> str:
        """Return a text that changes whenever what is applied in an app changes: the file's lineage and a counter."""
        with self._reading() as database:
            lineage = database.execute("SELECT lineage FROM meta").fetchone()[0]
            row = database.execute(
                "SELECT generation FROM apps JOIN names ON apps.app = names.id WHERE name = ?", (app,)
            ).fetchone()
            return f"{lineage}:{row[0]}" if row else ""

    def adopt(self, app: str, adoption: Adoption) -> None:
        """Take items on, forget gone ones, remember counts."""
        with self._writing() as database:
            number = self._app(app)
            database.execute("UPDATE apps SET known = 1 WHERE app = ? AND known = 0", (number,))
            before = database.total_changes
            applied.adopt(database, self._names, number, adoption)
            if database.total_changes > before:
                self._touch(number)

    def forget(self, app: str) -> None:
        """Drop everything that is applied in an app, as if the state had never heard of it; the journal stays."""
        with self._writing() as database:
            number = self._names.known(app)
            for table in ("accounts", "entitlements", "grants", "counts", "readings", "held", "blocks", "apps"):
                database.execute(f"DELETE FROM {table} WHERE app = ?", (number,))  # noqa: S608 - our own tables

    def begin(self, run: Run) -> None:
        """Record that an apply starts."""
        with self._writing() as database:
            if journal.has_run(database, run.id):
                raise StateError(f"a run {run.id} was recorded before", hint="give each apply its own id")
            journal.begin(database, run)

    def intend(self, run: str, changes: Sequence[Change], at: datetime) -> Sequence[int]:
        """Record the intent of changes, before their first request: journal and pending items."""
        moment = encode_moment(at)
        with self._writing() as database:
            self._require_run(run)
            apps = {app: self._app(app) for app in {change.app for change in changes}}
            self._names.numbers({name for change in changes for name in (change.holder, change.entitlement) if name})
            previous: dict[int, str | None] = {}
            steps_last = sorted(range(len(changes)), key=lambda index: intents.is_step(changes[index]))
            for index in steps_last:
                app = apps[changes[index].app]
                previous[index] = intents.enter(database, self._names, app, changes[index], at)
            for number in apps.values():
                self._touch(number)
            return journal.record(database, run, changes, previous, moment)

    def settle(self, run: str, receipts: Iterable[tuple[int, Receipt]], at: datetime) -> None:
        """Record outcomes, by the entries' numbers."""
        moment = encode_moment(at)
        with self._writing() as database:
            self._require_run(run)
            listed = list(receipts)
            found = journal.find(database, [number for number, _ in listed])
            apps = {app: self._app(app) for app in {receipt.change.app for _, receipt in listed}}
            for number, receipt in listed:
                change = receipt.change
                change_id, outcome, previous = found.get(number, ("", "", None))
                if change_id != change.id:
                    words = f"journal entry {number} is not about {change.id}"
                    raise StateError(words, hint="this is a fault of the caller")
                if outcome in _OPEN:
                    found[number] = change_id, receipt.outcome.value, previous
                    journal.conclude(database, number, receipt.outcome.value, receipt.detail, moment)
                    intents.settle(database, self._names, apps[change.app], receipt, previous)
            for app in apps.values():
                self._touch(app)

    def end(self, run: str, summary: str, at: datetime) -> None:
        """Record that an apply ended, and drop what is settled of those long past."""
        with self._writing() as database:
            self._require_run(run)
            journal.end(database, run, summary, at)
            journal.prune(database, run)

    def unsettled(self) -> Sequence[JournalEntry]:
        """Return the intents whose outcome was never recorded: an earlier run was interrupted."""
        with self._reading() as database:
            return journal.unsettled(database)

    def journal(self, *, run: str | None = None, last: int = 1000) -> Sequence[JournalEntry]:
        """Return journal entries, the newest last."""
        with self._reading() as database:
            return journal.entries(database, run, last)

    def runs(self, *, last: int = 100) -> Sequence[Run]:
        """Return applies, the newest last."""
        with self._reading() as database:
            return journal.runs(database, last)

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries to the end of the audit trail, if they continue it."""
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

    def lock(
        self, owner: str, command: str, at: datetime, wait: float = 0.0, tell: Callable[[LockError], None] | None = None
    ) -> None:
        """Take the lock that keeps two applies apart, waiting for it up to `wait` seconds."""
        start = time.monotonic()
        waited, told = 0.0, ""
        while True:
            try:
                self._take(owner, command, at + timedelta(seconds=waited))
            except LockError as error:
                if waited >= wait:
                    raise
                if tell and error.message != told:
                    told = error.message
                    tell(error)
                time.sleep(min(self.pause, wait - waited))
                waited = time.monotonic() - start
            else:
                return

    def check_lock(self) -> None:
        """Make sure that the lock is still ours, if we hold one."""
        if self._lock.fence is None or time.monotonic() - self._looked < self.glance:
            return
        self._look()
        self._looked = time.monotonic()

    def _look(self) -> None:
        """Ask the database whether the lock is still ours."""
        with self._reading():
            self._lock.check()

    def _take(self, owner: str, command: str, at: datetime) -> None:
        held = self._lock.fence
        try:
            with self._transaction():
                self._lock.take(owner, command, at)
        except BaseException:
            if held is None:
                self._lock.release()
            raise

    def unlock(self) -> None:
        """Give the lock back, if it is ours."""
        if self._lock.fence is None:
            return
        with self._transaction():
            self._lock.give_back()
        self._lock.release()

    def holder(self) -> Lock | None:
        """Return who holds the lock."""
        with self._reading():
            return self._lock.holder()

    def break_lock(self, fence: int | None = None) -> Lock | None:
        """Take the lock from whoever holds it; with `fence`, only from the one with this number."""
        with self._transaction():
            return self._lock.break_open(fence)

    def _app(self, name: str) -> int:
        """Return an app's number, adding the app if it is new."""
        number = self._names.number(name)
        self._database.execute("INSERT INTO apps (app) VALUES (?) ON CONFLICT DO NOTHING", (number,))
        return number

    def _touch(self, app: int) -> None:
        """Make the fingerprint of an app another one."""
        self._database.execute("UPDATE apps SET generation = generation + 1 WHERE app = ?", (app,))

    def _require_run(self, run: str) -> None:
        if not journal.has_run(self._database, run):
            raise StateError(f"no run {run} was recorded", hint="this is a fault of the caller: begin it first")
