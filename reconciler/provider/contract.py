"""The contract between the core and a provider: what it can do, reading, and performing one change. That is all.

A provider is a class behind the entry-point group `reconciler.providers`. The core validates its part of the YAML with
its `Config`, opens it with `open`, and uses it as an asynchronous context manager. It never compares, never decides
what to do, keeps no state of its own and reads nothing but its configuration and its app.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

from reconciler.items import Value
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.pace import Pace
from reconciler.provider.snapshot import LiveAccount, Snapshot

if TYPE_CHECKING:  # whoever only plans or prints needs no pydantic
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Ability:
    """Whether something can be done, and why not."""

    can: bool
    why: str = ""

    def __bool__(self) -> bool:
        return self.can


CAN = Ability(can=True)


def cannot(why: str) -> Ability:
    """Return the ability's absence with its reason (lower case: `the server has no PATCH`)."""
    return Ability(can=False, why=why)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one way can do in one app, as configured; known without asking the app, so that a plan can choose a way.

    Attributes:
        reads: collection (see `snapshot`) → ability. A collection that is not in here is not read by this way.
        operations: on accounts: operation → ability. What is missing cannot be done.
        kinds: kind of entitlement → operation → ability; the kind `*` stands for every kind that is not named.
        stable_ids: whether a remote id is never given to something else.
        passing_ids: how remote ids begin that stand for something that passes by nature (an invitation to an address,
            which becomes an account of another id); one that is gone stands in nobody's way. Empty: there are none.
        levels: kind → its levels from the weakest to the strongest; empty where the kind has none.
        attributes: the account attributes that can be written, by the app's names; None means any.
        holder_editable: attributes that an account's holder can change, and that therefore match nobody.
        batches: whether grants and revokes of one entitlement may be handed over together (`BatchProvider`); to people,
            by tickets, whatever concerns one holder.
        concurrency: how many changes may be in flight at once.
        paces: the vendor's limits on what changes something, for the estimate before an apply. Keeping them is the
            transport's.
        least_share: a collection with less than this share of its last complete read is taken for cut off.
    """

    reads: Mapping[str, Ability] = field(default_factory=dict)
    operations: Mapping[Operation, Ability] = field(default_factory=dict)
    kinds: Mapping[str, Mapping[Operation, Ability]] = field(default_factory=dict)
    stable_ids: bool = True
    passing_ids: str = ""
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: frozenset[str] | None = None
    holder_editable: frozenset[str] = frozenset()
    batches: bool = False
    concurrency: int = 8
    paces: tuple[Pace, ...] = ()
    least_share: float = 0.5

    def ability(self, operation: Operation, kind: str) -> Ability:
        """Say whether an operation can be done on a kind of entitlement, or on `accounts`."""
        table = self.operations if kind == "accounts" else self.kinds.get(kind, self.kinds.get("*", {}))
        return table.get(operation, cannot(f"{operation} is not supported for {kind}"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the core gives to a provider when it opens it.

    Attributes:
        app: the app's name in the YAML.
        root: the folder of `reconciler.yaml`; relative paths in configurations start here.
        owner: who is asked: the id of the app's owner, or of who stands in; in `people`, everybody's name and email by
            id: for tickets.
        read_only: True while planning: the transport refuses to write, and the provider must not either.
        now: the moment of the run, with a time zone.
        secrets_env, secrets_files: the names and globs that secret references may use; None means any.
        sops: the `sops` program, or empty.
    """

    app: str
    root: Path
    read_only: bool
    now: datetime
    owner: str = ""
    people: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    secrets_env: tuple[str, ...] | None = None
    secrets_files: tuple[str, ...] | None = None
    sops: str = ""


@runtime_checkable
class Provider(AbstractAsyncContextManager["Provider"], Protocol):
    """One way to reach one app.

    `perform` is idempotent: "already a member" and "not found" on removal are success. It returns a receipt for
    everything that the app answered (also for a refusal: FAILED, with the app's words) and for what is undecidable
    (UNKNOWN, where the request may have landed and the app gives no way to know). It looks up what may have landed
    before it says so.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    Config: "ClassVar[type[BaseModel]]"
    capabilities: Capabilities

    @classmethod
    def open(cls, config: "BaseModel", surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing yet.

        Raises:
            ProviderError: the configuration cannot work; the message says what to change.
        """
        ...

    async def read(self) -> Snapshot:
        """Read everything that `capabilities.reads` names, each collection complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        ...

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        ...


@runtime_checkable
class BatchProvider(Provider, Protocol):
    """A provider that performs several grants and revokes of one entitlement in fewer requests.

    One whose changes are done by a person gets those of one holder instead, and asks for them in one ticket.
    """

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Do changes of one entitlement (all GRANT or all REVOKE), a receipt each, in the same order.

        Tickets: ask for changes of one holder, of any operations, in the order in which they are to be done.
        """
        ...


@runtime_checkable
class RereadProvider(Provider, Protocol):
    """A provider that reads single accounts: a pinned leaver is suspended even where the list is not to be had."""

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts by remote id, None for each that does not exist (an answer, never a failure to read).

        Raises:
            ProviderError: one could not be read.
        """
        ...


class TicketStatus(StrEnum):
    """What is known of a ticket."""

    OPEN = "open"
    CLAIMED = "claimed done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One operation that a person was asked to do.

    Attributes:
        change_id: `Change.id` of the operation.
        key: unique for app, item, operation and generation.
        status: open, or what a person said on closing it.
        address: where a person finds it.
        opened, closed: instants; closed is None while it is open.
        due: the last day on which it is in time, if the ticket says.
        owner: the id of the person who was asked, or empty.
        title: what it is about, in a few words, or empty.
        wanted: what the operation was to make of its item, without empty values; None where the ticket does not say.
        closed_by: who attests what it was closed as, in the tracker's words, or empty.
        together: ids of all operations that the ticket at this address asks for, where there are several: they are
            closed together. Empty for a ticket of one operation.
    """

    change_id: str
    key: str
    status: TicketStatus
    address: str
    opened: datetime
    closed: datetime | None = None
    due: date | None = None
    owner: str = ""
    title: str = ""
    wanted: Mapping[str, Value] | None = None
    closed_by: str = ""
    together: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is told about an open ticket, below it, and once.

    Attributes:
        mark: what it is known by among the notes of its ticket: small letters, digits and `-`.
        text: one or two sentences of plain text.
        owner: the id of whom the ticket waits for from now on; empty where that stays as it was.
    """

    mark: str
    text: str
    owner: str = ""


@runtime_checkable
class TicketProvider(Provider, Protocol):
    """A provider whose changes are done by a person: `perform` opens a ticket or finds the open one."""

    async def tickets(self) -> Sequence[Ticket]:
        """Read the newest ticket of each operation of this app, and whatever older one is open (again)."""
        ...

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close a ticket whose operation is no longer wanted, saying why."""
        ...


@runtime_checkable
class NotingProvider(TicketProvider, Protocol):
    """A provider of tickets that can say something more about one: a reminder, or whom it waits for now."""

    async def note(self, ticket: Ticket, note: Note) -> bool:
        """Tell it to whoever is asked, unless it was told before or the ticket is closed; say whether it was told now.

        Raises:
            ProviderError: the ticket is gone, or it was not told, or it is not known.
        """
        ...
