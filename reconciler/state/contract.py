"""What a state back end keeps, and how the core uses it. SQLite is the embedded default; others fit the same seam.

Everything is kept item by item: what is applied with its last value, entered with the intent, dropped only when the
item was seen absent. Names of apps, identities and entitlements are the keys; the numbers of `Names` stay inside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from reconciler.errors import LockError
from reconciler.items import GrantLevels, Item, Names, Value
from reconciler.provider.change import Change, Receipt
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.sighting import LiveThen


@dataclass(frozen=True, slots=True)
class AppliedAccount:
    """An account that we made or adopted.

    Attributes:
        remote_id: the pin; empty while it was only intended.
        status: what we last made it.
        attributes: the mapped attributes with the values that we last made them.
        pending: the intent is recorded, and it was not seen in the app since.
        unfinished: a leaver's steps that were intended and never done (`transfer files`), by the operation's value: the
            suspended account no longer shows that they are missing. Kept by `intend` and `settle`, not by `adopt`.
        since: when it got its status; an adoption without it keeps what is known as long as the status stays.
    """

    remote_id: str
    username: str = ""
    status: AccountStatus = AccountStatus.ACTIVE
    attributes: Mapping[str, Value] = field(default_factory=dict)
    pending: bool = False
    since: datetime | None = None
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedEntitlement:
    """An entitlement that we pinned: made by us (`created`), or found when it was first declared or granted."""

    remote_id: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    pending: bool = False
    created: bool = False


@dataclass(slots=True)
class Applied:
    """What is applied in one app.

    Attributes:
        accounts: identity id → account. entitlements: key → entitlement.
        grants: packed grant → level number, over the `Names` that it was loaded with. Includes the pending ones.
        pending: packed grants whose intent is recorded, and which were not seen in the app since.
        counts: collection → how many items its last complete read had.
        known: False if the state has never heard of this app.
    """

    accounts: dict[str, AppliedAccount] = field(default_factory=dict)
    entitlements: dict[str, AppliedEntitlement] = field(default_factory=dict)
    grants: GrantLevels = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    known: bool = False


@dataclass(frozen=True, slots=True)
class Adoption:
    """Items that are declared and live, and that we take on without changing anything. Also repairs pins and values.

    Attributes:
        grants: (holder, entitlement, level) each.
        gone: items to forget, because they are wanted no more and were seen absent.
        counts: collection → items, for each collection that was read whole.
    """

    accounts: Mapping[str, AppliedAccount] = field(default_factory=dict)
    entitlements: Mapping[str, AppliedEntitlement] = field(default_factory=dict)
    grants: Sequence[tuple[str, str, str | None]] = ()
    gone: Sequence[Item] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One recorded intent, with its outcome where there is one.

    Attributes:
        run: the id of the apply that it belongs to.
        outcome: an `Outcome` value, or empty while nothing is known.
        change: the change that was intended, without its reasons; enough to look for it in the app.
    """

    run: str
    number: int
    app: str
    change_id: str
    operation: str
    item: str
    intended_at: datetime
    outcome: str = ""
    detail: str = ""
    ended_at: datetime | None = None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds the lock, with which command, since when; `fence` grows with every lock that is ever given out."""

    owner: str
    command: str
    since: datetime
    fence: int


@dataclass(frozen=True, slots=True)
class Run:
    """One apply: who ran it where, of which plan, and how it ended."""

    id: str
    plan_digest: str
    operator: str
    machine: str
    started_at: datetime
    reason: str = ""
    ended_at: datetime | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit trail, chained to the one before it.

    Attributes:
        number: counts from 1, without gaps.
        at: an instant with a time zone.
        kind: what happened (`audit.kinds.Kind`); body: plain JSON data, without secrets.
        previous: the digest of the entry before it, empty for the first one.
        digest: SHA-256 (hex) over all the others (`audit.chain.digest_entry`).
    """

    number: int
    at: datetime
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str


class StateStore(Protocol):
    """A state back end. Every method is one transaction; what it returned from is on disk.

    Opening raises StateError where the state cannot be read or is newer than this tool.
    """

    name: ClassVar[str]
    pace: ClassVar[float]
    """Seconds that should lie between two writes that can wait: outcomes of intents that are on disk."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def readers(self) -> str:
        """Say who else can read the state, where that is more than who may read a private file."""
        ...

    def apps(self) -> Sequence[str]:
        """Return the names of the apps that the state knows, sorted."""
        ...

    def load(self, app: str, names: Names) -> Applied:
        """Return what is applied in an app, with grants numbered by `names`."""
        ...

    def accounts(self, app: str, identities: Iterable[str]) -> Mapping[str, AppliedAccount]:
        """Return what is applied of these identities' accounts in an app, of those that have one."""
        ...

    def fingerprint(self, app: str) -> str:
        """Return a text that changes whenever what is applied in an app changes."""
        ...

    def adopt(self, app: str, adoption: Adoption) -> None:
        """Take items on, forget gone ones, remember counts."""
        ...

    def forget(self, app: str) -> None:
        """Drop everything that is applied in an app, as if the state had never heard of it; the journal stays."""
        ...

    def begin(self, run: Run) -> None:
        """Record that an apply starts."""
        ...

    def intend(self, run: str, changes: Sequence[Change], at: datetime) -> Sequence[int]:
        """Record the intent of changes, before their first request: journal and pending items.

        The items get the values that they will have, and are pending from now on. A new account or entitlement loses
        its old pin. Leaver's steps that leave no trace (sessions, files, licences) become `unfinished`, where the
        account is recorded or is recorded by another one of these changes.

        Returns the entries' numbers.
        """
        ...

    def settle(self, run: str, receipts: Iterable[tuple[int, Receipt]], at: datetime) -> None:
        """Record outcomes, by the entries' numbers.

        VERIFIED: the item is applied, no longer pending (an account, once nothing else is open on it). DONE and
        UNKNOWN: it stays pending until it is seen (an entry may be settled again as VERIFIED, or its item adopted); a
        leaver's step is finished by DONE. FAILED, NOT_ATTEMPTED and TICKET: it gets back the values that it had before
        the intent. What was removed is dropped only by `adopt(gone=…)`, once it was seen absent.
        Settling what is already settled for good changes nothing.

        Raises:
            StateError: an entry does not exist or is about another change.
        """
        ...

    def end(self, run: str, summary: str, at: datetime) -> None:
        """Record that an apply ended, and drop what is settled of those long past from the journal."""
        ...

    def unsettled(self) -> Sequence[JournalEntry]:
        """Return the intents whose outcome was never recorded: an earlier run was interrupted."""
        ...

    def journal(self, *, run: str | None = None, last: int = 1000) -> Sequence[JournalEntry]:
        """Return journal entries, the newest last."""
        ...

    def runs(self, *, last: int = 100) -> Sequence[Run]:
        """Return applies, the newest last."""
        ...

    def lock(
        self, owner: str, command: str, at: datetime, wait: float = 0.0, tell: Callable[[LockError], None] | None = None
    ) -> None:
        """Take the lock that keeps two applies apart, waiting for it up to `wait` seconds.

        From then on every write checks that it is still ours. While somebody else holds it, nothing can be written.
        What a holder that certainly no longer runs left behind is taken over; where it left intents open, only by an
        `apply`, which looks up first what became of them.

        Args:
            owner: whose lock it will be.
            command: for what.
            at: since when, if nobody holds it.
            wait: seconds to wait for it, 0 to be refused at once.
            tell: called before the waiting begins, and whenever somebody else holds it than before.

        Raises:
            LockError: somebody else holds it; the message names who, with what, since when.
        """
        ...

    def check_lock(self) -> None:
        """Make sure, before a request is sent, that the lock is still ours; does nothing if we hold none.

        Asks the back end itself, but not more often than that costs next to nothing: see each one's `glance`.

        Raises:
            LockError: it was broken, or somebody else holds it now.
        """
        ...

    def unlock(self) -> None:
        """Give the lock back, if it is ours."""
        ...

    def holder(self) -> Lock | None:
        """Return who holds the lock, None if it is free."""
        ...

    def break_lock(self, fence: int | None = None) -> Lock | None:
        """Take the lock from whoever holds it and return who that was; that writer is refused from now on.

        Raises:
            LockError: `fence` is given, and the lock that is held bears another number.
        """
        ...

    def remember(self, app: str, at: datetime, grants: Iterable[tuple[str, str, str | None]]) -> None:
        """Remember which grants (holder, entitlement, level) a complete read found; only differences are kept.

        What is older than the last one that is remembered is left out: a later read knew better.
        """
        ...

    def live_at(
        self, app: str, at: datetime, *, holder: str | None = None, entitlement: str | None = None
    ) -> LiveThen | None:
        """Return what the last complete read until an instant found, None if none is remembered.

        Args:
            app: where.
            at: the instant.
            holder: only what this one held.
            entitlement: only who held this one.
        """
        ...

    def export(self) -> Iterator[list[Any]]:
        """Return everything but the lock at one moment, as plain lists with names in them."""
        ...

    def restore(self, rows: Iterable[Sequence[Any]]) -> int:
        """Fill an empty state with what `export` yielded, all or nothing; return how many rows there were.

        Raises:
            StateError: the state is not empty, or the rows are none, incomplete or of a newer tool.
        """
        ...

    def forget_identity(self, identity: str, app: str | None = None) -> int:
        """Drop what is applied, remembered and told in the journal of an identity, in one app or everywhere.

        Returns how many rows that were. The audit trail alone still names it.

        Raises:
            StateError: an interrupted apply left an intent on it.
        """
        ...

    def unpin(self, app: str, item: Item) -> bool:
        """Drop the pin of an account or an entitlement; the next plan matches it anew. False if it is not applied.

        Raises:
            StateError: the item is a grant, which has no pin.
        """
        ...

    def repair(self, app: str) -> int:
        """Drop every pin of an app, so that they are found anew and adopted; return how many there were."""
        ...

    def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Add entries to the end of the audit trail; none is ever changed or taken away.

        Raises:
            StateError: they do not continue what is stored: each has the next number and names the digest before it.
        """
        ...

    def audit(self, *, since: int = 1) -> Iterator[AuditEntry]:
        """Yield the entries of the audit trail in the order in which they are kept, from a number on.

        They are given back as they are, whether or not they still fit together. One that cannot be an entry any more
        (its body is no JSON, say) is given back without its content, so that its digest is wrong.
        """
        ...

    def audit_head(self) -> tuple[int, str]:
        """Return the number and the digest of the last entry of the audit trail; (0, "") where there is none."""
        ...


@runtime_checkable
class Joining(Protocol):
    """A back end that can make several writes one transaction."""

    def together(self) -> AbstractContextManager[None]:
        """Keep everything that is written inside, or nothing of it."""
        ...
