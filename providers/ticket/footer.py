"""What a tracker's ticket holds for the tool: one line at the end of its text, with the fields of its record.

Status, dates of closing and who closed it are the tracker's own and not in it; what is in it must not be edited. It is
found again by its mark, and a ticket of ours without it (or with two) is an error, never skipped.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from providers.ticket.fields import Field, fields_of, parse_fields
from providers.ticket.record import Record, RecordError, Status
from reconciler.errors import ProviderError

MARK: Final = "reconciler-ticket"
_FOOTER = re.compile(rf"^(?:<!-- )?{MARK}: (\{{.*?\}})\s*(?:-->|$)", re.MULTILINE)
"""At the beginning of a line, where no value that was filled in can stand."""
_ITS_OWN: Final = frozenset({"status", "closed", "attested_by", "evidence"})
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "-": "\\u002d", "{": "\\u007b", "}": "\\u007d"}
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Found:
    """What a tracker lists: a ticket's text, and what the tracker itself knows of it.

    Attributes:
        address: where a person finds it.
        text: all of it, with its last line.
        closed: when it was closed, as ISO 8601 with an offset; empty while it is open.
        by: who closed it.
    """

    address: str
    text: str
    status: Status
    closed: str = ""
    by: str = ""


def write_footer(record: Record) -> str:
    """Return the line for a tracker that shows plain text."""
    fields = {
        name: value for name, value in fields_of(record).items() if name not in _ITS_OWN and value not in ("", None)
    }
    return f"{MARK}: {_encode(fields)}"


def write_comment(record: Record) -> str:
    """Return the line as an HTML comment, which Markdown does not show."""
    return f"<!-- {write_footer(record)} -->"


def _encode(fields: Mapping[str, Field]) -> str:
    """Return JSON on one line, in which texts hold no letter that means something to HTML or to the pattern above."""
    text = json.dumps(fields, default=dict)
    return _TEXT.sub(lambda match: "".join(_ESCAPES.get(letter, letter) for letter in match[0]), text)


def read_footer(text: str) -> Mapping[str, object]:
    """Return the fields that a ticket's text holds.

    Raises:
        RecordError: there is no such line, or there are two, or it was changed by hand.
    """
    found = _FOOTER.findall(text)
    if len(found) != 1:
        what = "lost its last line" if not found else "has two last lines"
        raise RecordError(f"the ticket {what} ({MARK}: …), by which it is known", MARK)
    try:
        fields = json.loads(found[0])
    except (ValueError, RecursionError):
        raise RecordError(f"the ticket's last line ({MARK}: …) was changed by hand", MARK) from None
    if not isinstance(fields, dict):
        raise RecordError(f"the ticket's last line ({MARK}: …) was changed by hand", MARK)
    return {name: str(value) if name == "generation" else value for name, value in fields.items()}


def read_found(found: Iterable[Found], app: str, where: str, *, hint: str) -> list[Record]:
    """Return the records of an app's tickets, the oldest of those with the same key.

    Args:
        found: the oldest first.
        app: whose; tickets of other apps are left out.
        where: the tracker in a few words.
        hint: how something that is no ticket is taken from the list.

    Raises:
        ProviderError: some cannot be read; the message names each.
    """
    records: dict[str, Record] = {}
    faults: list[str] = []
    for one in found:
        try:
            record = _record(one)
        except RecordError as error:
            faults.append(f"{one.address}: {error}")
            continue
        if record.app == app:
            # The oldest counts: a second one with the same key is a copy that somebody made.
            records.setdefault(record.key, record)
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        message = f"{where} that cannot be read:\n  " + "\n  ".join(faults[:_SHOWN]) + more
        raise ProviderError(message, hint=f"take back the edit, or {hint}")
    return list(records.values())


def _record(one: Found) -> Record:
    fields: dict[str, object] = {**read_footer(one.text), "status": one.status.value}
    if one.status is not Status.OPEN:
        fields |= {"closed": one.closed, "attested_by": one.by}
    return parse_fields(fields, one.address)
