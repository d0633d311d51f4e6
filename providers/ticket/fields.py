"""A ticket's record as fields, wherever they are kept: in the head of a file, in the last line of a tracker's text."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TypeAlias, TypeVar

from providers.ticket.header import read_header
from providers.ticket.record import Part, Record, RecordError, Status, key_of_part, make_key
from reconciler.items import Value
from reconciler.provider.change import Operation

Plain: TypeAlias = "Value | Mapping[str, Value]"
Field: TypeAlias = "Plain | Sequence[Mapping[str, Plain]]"
_Kind = TypeVar("_Kind", bound=StrEnum)


def fields_of(record: Record) -> dict[str, Field]:
    """Return a record as the fields that `parse_fields` reads, in the order in which people read them."""
    fields: dict[str, Field] = {
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
    return fields | ({"also": [_fields_of_part(record, part) for part in record.also]} if record.also else {})


def _fields_of_part(record: Record, part: Part) -> dict[str, Plain]:
    return {
        "key": key_of_part(record, part),
        "operation": part.operation.value,
        "entitlement": part.entitlement,
        "generation": part.generation,
        "wanted": dict(part.wanted),
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
        also=tuple(map(_part, _parts(fields))),
    )
    if _text(fields, "level", required=False) != str(record.wanted.get("level") or ""):
        raise RecordError("`level:` is not the level in `wanted:`: it was changed by hand", "level")
    _check(record)
    for part, said in zip(record.also, _parts(fields), strict=True):
        if key_of_part(record, part) != said.get("key"):
            what = f"the key {said.get('key')!r} belongs to another operation: it was changed by hand"
            raise RecordError(f"`also:`: {what}", "also")
    return record


def _parts(fields: Mapping[str, object]) -> list[dict[str, object]]:
    """Return what a ticket asks for beside its first operation, as it was written."""
    parts = fields.get("also") or []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise RecordError("`also:` is no list of operations: it was changed by hand", "also")
    return [{**part, "generation": str(part.get("generation"))} for part in parts]


def _part(fields: Mapping[str, object]) -> Part:
    try:
        operation, entitlement = _one_of(Operation, fields, "operation"), _text(fields, "entitlement", required=False)
        return Part(operation, entitlement, _generation(fields), _wanted(fields))
    except RecordError as error:
        raise RecordError(f"`also:` has an operation whose {error}", "also") from None


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
