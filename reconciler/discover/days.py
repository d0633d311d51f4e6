"""Dates of one column: the order of day and month is known from the whole column, or asked for; never guessed."""

import re
from collections.abc import Iterable
from datetime import date

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII)
_POINTS = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_SLASHES = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?: .*)?", re.ASCII)
_MOST_MONTHS = 12
ORDERS = ("dmy", "mdy")


def find_order(texts: Iterable[str]) -> str:
    """Return `dmy` or `mdy` if some date of a column can only be read so, else an empty text."""
    found = {order for text in texts if (order := _order_of(text))}
    return found.pop() if len(found) == 1 else ""


def _order_of(text: str) -> str:
    match = _SLASHES.fullmatch(text)
    if not match:
        return ""
    if int(match[1]) > _MOST_MONTHS:
        return "dmy"
    return "mdy" if int(match[2]) > _MOST_MONTHS else ""


def read_day(text: str, order: str) -> date:
    """Return a date.

    Args:
        text: `2026-01-31` (a time behind it is left out), `31.01.2026`, or with slashes in the order that is known.
        order: `dmy`, `mdy`, or empty where nobody knows.

    Raises:
        ValueError: it is none, or could be two; the message says so.
    """
    if match := _ISO.fullmatch(text):
        year, month, day = match.groups()
    elif match := _POINTS.fullmatch(text):
        day, month, year = match.groups()
    elif match := _SLASHES.fullmatch(text):
        first, second, year = match.groups()
        if not order and first != second:
            raise ValueError("could be two dates; say which: --dates dmy, or --dates mdy")
        day, month = (second, first) if order == "mdy" else (first, second)
    else:
        raise ValueError("is no date like 2026-01-31")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError("is no date that exists") from None
