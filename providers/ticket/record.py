"""One ticket as a value: what was asked of a person, and what they said of it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeVar

from providers.ticket.header import read_header
from reconciler.items import Value
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import Ticket, TicketStatus

KEY_LENGTH = 12
_Kind = TypeVar("_Kind", bound=StrEnum)


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
class Record:
    """One ticket.

    Attributes:
        address: its file, relative to the root, with forward slashes.
        wanted: what the operation was to make of the item: its level, the account's attributes.
        generation: 1 for the first ticket of an operation, one more for each that was closed before.
        owner: the id of the person who is asked.
        due: the day until when, or empty where a ticket does not say.
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
    parts = (record.app, record.operation, record.holder, record.entitlement)
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
        return {"from": change.before.get("key") or change.entitlement_id}
    return {name: value for name, value in change.after.items() if value not in (None, "", ())}


def fields_of(record: Record) -> dict[str, "Value | Mapping[str, Value]"]:
    """Return a record as the fields that `parse_fields` reads, in the order in which people read them."""
    return {
        "status": record.status.value,
        "closed": record.closed.isoformat() if record.closed else "",
        "attested_by": record.attested_by,
        "evidence": "",
        "key": record.key,
        "change": record.change_id,
        "app": record.app,
        "operation": record.operation.value,
        "holder": record.holder,
        "account": record.account,
        "username": record.username,
        "entitlement": record.entitlement,
        "level": record.wanted.get("level"),
        "wanted": record.wanted,
        "generation": record.generation,
        "owner": record.owner,
        "opened": record.opened.astimezone(UTC).isoformat(timespec="seconds"),
        "due": record.due,
    }


def parse_record(text: str, address: str) -> Record:
    """Read a ticket file.

    Raises:
        HeaderError: the head cannot be read.
        RecordError: a field is missing or means nothing.
    """
    return parse_fields(read_header(text)[0], address)


def parse_fields(fields: Mapping[str, object], address: str) -> Record:
    """Read the fields of a ticket, wherever they were kept.

    Raises:
        RecordError: a field is missing or means nothing.
    """
    operation = _one_of(Operation, fields, "operation")
    status = _one_of(Status, fields, "status")
    record = Record(
        address=address,
        key=_text(fields, "key"),
        change_id=_text(fields, "change"),
        app=_text(fields, "app"),
        operation=operation,
        holder=_text(fields, "holder", required=False),
        entitlement=_text(fields, "entitlement", required=False),
        generation=_generation(fields),
        status=status,
        opened=_instant(fields, "opened"),
        closed=_instant(fields, "closed") if fields.get("closed") else None,
        account=_text(fields, "account", required=False),
        username=_text(fields, "username", required=False),
        attested_by=_text(fields, "attested_by", required=False),
        wanted=_wanted(fields),
        owner=_text(fields, "owner", required=False),
        due=_text(fields, "due", required=False),
    )
    if _text(fields, "level", required=False) != str(record.wanted.get("level") or ""):
        raise RecordError("`level:` is not the level in `wanted:`: it was changed by hand", "level")
    _check(record)
    return record


def _check(record: Record) -> None:
    expected = make_key(record.app, record.operation, record.holder, record.entitlement, record.generation)
    if record.key != expected:
        what = f"the key {record.key!r} belongs to another operation: a copy, or a field was changed by hand"
        raise RecordError(what, "key")
    if record.status is Status.DONE and not (record.closed and record.attested_by):
        missing = "closed" if not record.closed else "attested_by"
        raise RecordError(f"status is done, and `{missing}:` is empty: say when it was done, and who says so", missing)
    if record.status is not Status.OPEN and record.closed is None:
        raise RecordError(f"status is {record.status}, and `closed:` is empty: write the date (2026-03-31)", "closed")


def _text(fields: Mapping[str, object], name: str, *, required: bool = True) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str) or (required and not value):
        raise RecordError(f"`{name}:` is missing" if value == "" else f"`{name}:` is no text", name)
    return value


def _one_of(kind: type[_Kind], fields: Mapping[str, object], name: str) -> _Kind:
    text = _text(fields, name)
    try:
        return kind(text.lower())
    except ValueError:
        raise RecordError(f"`{name}: {text}` means nothing; it is one of: {', '.join(kind)}", name) from None


def _day(text: str) -> date | None:
    """Return the day that a ticket is due; None where a person wrote something else there."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _generation(fields: Mapping[str, object]) -> int:
    text = _text(fields, "generation", required=False) if isinstance(fields.get("generation", ""), str) else ""
    if not re.fullmatch(r"[1-9]\d{0,5}", text):
        raise RecordError("`generation:` is no whole number from 1", "generation")
    return int(text)


def _instant(fields: Mapping[str, object], name: str) -> datetime:
    text = _text(fields, name)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise RecordError(f"`{name}: {text}` is no date; write 2026-03-31 or 2026-03-31T18:00+02:00", name) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _wanted(fields: Mapping[str, object]) -> dict[str, Value]:
    value = fields.get("wanted") or {}
    if not isinstance(value, dict):
        raise RecordError("`wanted:` is no {…}", "wanted")
    wanted: dict[str, Value] = {}
    for name, part in value.items():
        if isinstance(part, dict):
            raise RecordError(f"`wanted:` has an object at {name!r}", "wanted")
        wanted[name] = tuple(map(str, part)) if isinstance(part, list) else part
    return wanted
