"""One ticket as a value: what was asked of a person, and what they said of it."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from reconciler.items import Value
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import Ticket, TicketStatus

KEY_LENGTH = 12


class RecordError(Exception):
    """A ticket whose head can be read and means nothing.

    Args:
        message: what is wrong.
        name: the field that is wrong.
    """

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.field = name


class Status(StrEnum):
    """What a ticket's head says."""

    OPEN = "open"
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


_MEANING = {
    Status.OPEN: TicketStatus.OPEN,
    Status.DONE: TicketStatus.CLAIMED,
    Status.REJECTED: TicketStatus.REJECTED,
    Status.SUPERSEDED: TicketStatus.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One more operation on the same holder that a ticket asks for."""

    operation: Operation
    entitlement: str
    generation: int
    wanted: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One ticket, or (see `parts`) one of the operations that a ticket asks for.

    Attributes:
        address: its file, relative to the root, with forward slashes.
        wanted: what the operation was to make of the item: its level, the account's attributes.
        generation: 1 for the first ticket of an operation, one more for each that was closed before.
        owner: the id of the person who is asked.
        due: the day until when, or empty where a ticket does not say.
        also: what else the ticket asks for; its key is that of the first operation.
        together: of one of several operations of a ticket, the ids of all of them.
    """

    address: str
    key: str
    change_id: str
    app: str
    operation: Operation
    holder: str
    entitlement: str
    generation: int
    status: Status
    opened: datetime
    closed: datetime | None = None
    account: str = ""
    username: str = ""
    attested_by: str = ""
    wanted: Mapping[str, Value] = field(default_factory=dict)
    owner: str = ""
    due: str = ""
    also: tuple[Part, ...] = ()
    together: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Return what it asks for, in a few words."""
        if self.also:
            return f"{len(self.also) + 1} changes of {self.holder}"
        return f"{self.operation.value} {self.entitlement or self.holder}"

    @property
    def about(self) -> tuple[str, str, str]:
        """Return what is the same for all generations of tickets of one operation."""
        return (self.operation.value, self.holder, self.entitlement)

    @property
    def ticket(self) -> Ticket:
        """Return what the core knows of a ticket."""
        return Ticket(
            self.change_id,
            self.key,
            _MEANING[self.status],
            self.address,
            self.opened,
            self.closed,
            due=_day(self.due),
            owner=self.owner,
            title=" ".join(filter(None, (self.operation, self.holder, self.entitlement))),
            wanted=self.wanted,
            closed_by=self.attested_by,
            together=self.together,
        )

    @property
    def order(self) -> tuple[datetime, int, datetime]:
        """Return what puts closed tickets in the order in which they were done."""
        return (self.closed or self.opened, self.generation, self.opened)


def make_key(app: str, operation: str, holder: str, entitlement: str, generation: int) -> str:
    """Return the key of a ticket: the beginning of a SHA-256 over what it is about, as hex."""
    about = json.dumps([app, operation, holder, entitlement, generation])
    return hashlib.sha256(about.encode()).hexdigest()[:KEY_LENGTH]


def key_of(change: Change, generation: int) -> str:
    """Return the key of a change's ticket."""
    return make_key(change.app, change.operation, change.holder, change.entitlement, generation)


def file_name(record: Record) -> str:
    """Return a file name that is safe everywhere, says what the ticket is about, and ends in its key."""
    several = (record.app, record.holder, f"{len(record.also) + 1} changes")
    parts = several if record.also else (record.app, record.operation, record.holder, record.entitlement)
    return "-".join((*filter(None, map(_safe, parts)), record.key)) + ".md"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:40].rstrip("-")


def record_of(change: Change, generation: int, *, owner: str, opened: datetime, due: datetime) -> Record:
    """Return the record of a ticket that asks for a change; it has no address yet."""
    return Record(
        address="",
        key=key_of(change, generation),
        change_id=change.id,
        app=change.app,
        operation=change.operation,
        holder=change.holder,
        entitlement=change.entitlement,
        generation=generation,
        status=Status.OPEN,
        opened=opened,
        account=change.account_id,
        username=change.username,
        wanted=wanted_of(change),
        owner=owner,
        due=f"{due:%Y-%m-%d}",
    )


def wanted_of(change: Change) -> dict[str, Value]:
    """Return what a ticket is to make of its item; for a new name, what it was called before."""
    if change.operation is Operation.RENAME_ENTITLEMENT:
        return {"from": change.former or change.entitlement_id}
    return {name: value for name, value in change.after.items() if value not in (None, "", ())}


def each_of(record: Record) -> Iterator[Record]:
    """Yield a record for each operation that a ticket asks for, with its own key, and the ticket's status and dates."""
    if not record.also:
        yield record
        return
    parts = (Part(record.operation, record.entitlement, record.generation, record.wanted), *record.also)
    together = tuple(_change_id(record, part) for part in parts)
    for part, change_id in zip(parts, together, strict=True):
        yield replace(
            record,
            key=key_of_part(record, part),
            change_id=change_id,
            operation=part.operation,
            entitlement=part.entitlement,
            generation=part.generation,
            wanted=part.wanted,
            also=(),
            together=together,
        )


def key_of_part(record: Record, part: Part) -> str:
    """Return the key of one of the operations that a ticket asks for."""
    return make_key(record.app, part.operation, record.holder, part.entitlement, part.generation)


def _change_id(record: Record, part: Part) -> str:
    slug = part.operation.replace(" ", "-")
    return "/".join((record.app, slug, record.holder, *filter(None, (part.entitlement,))))


def _day(text: str) -> date | None:
    """Return the day that a ticket is due; None where a person wrote something else there."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
