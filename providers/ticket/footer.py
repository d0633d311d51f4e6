"""What a tracker's ticket holds for the tool: one line at the end of its text, with the fields of its record.

Status, dates of closing and who closed it are the tracker's own and not in it; what is in it must not be edited. It is
found again by its mark, and a ticket of ours without it (or with two) is an error, never skipped.
"""

import json
import re
from collections.abc import Mapping
from typing import Final

from providers.ticket.record import Record, RecordError, fields_of
from reconciler.items import Value

MARK: Final = "reconciler-ticket"
_FOOTER = re.compile(rf"^(?:<!-- )?{MARK}: (\{{.*?\}})\s*(?:-->|$)", re.MULTILINE)
"""At the beginning of a line, where no value that was filled in can stand."""
_ITS_OWN: Final = frozenset({"status", "closed", "attested_by", "evidence"})
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "-": "\\u002d", "{": "\\u007b", "}": "\\u007d"}
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')


def write_footer(record: Record) -> str:
    """Return the line for a tracker that shows plain text."""
    fields = {
        name: value for name, value in fields_of(record).items() if name not in _ITS_OWN and value not in ("", None)
    }
    return f"{MARK}: {_encode(fields)}"


def write_comment(record: Record) -> str:
    """Return the line as an HTML comment, which Markdown does not show."""
    return f"<!-- {write_footer(record)} -->"


def _encode(fields: "Mapping[str, Value | Mapping[str, Value]]") -> str:
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
