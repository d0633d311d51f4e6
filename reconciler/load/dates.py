"""Days, instants and durations, as people write them.

A bare date means that day in the organization's time zone; a zone may be named (`2026-03-31 18:00 Europe/Berlin`), or
an offset given (RFC 3339). Instants become UTC, so that two of them always compare as instants.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)"
    r" ?(?P<zone>[Zz]|[+-]\d{2}:\d{2}|[A-Za-z][\w+\-]*(?:/[\w+\-]+)*)?"
    r"| (?P<day_zone>[A-Za-z][\w+\-]*(?:/[\w+\-]+)+))?",
    re.ASCII,
)
_DURATION = re.compile(r"(\d{1,5}) ?(d|days?|w|weeks?|h|hours?)", re.ASCII)
_UNITS = {"d": timedelta(days=1), "w": timedelta(weeks=1), "h": timedelta(hours=1)}
_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=4_096)
def parse_day(text: str) -> date:
    """Return `2026-03-31` as a date.

    Raises:
        ValueError: it is none; the message says what is wrong, without the text.
    """
    if not _DAY.fullmatch(text):
        raise ValueError("a date like 2026-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date that exists") from None


@lru_cache(maxsize=256)
def find_zone(name: str) -> tzinfo:
    """Return the time zone of an IANA name, `Z`, or an offset.

    Raises:
        ValueError: nobody knows it.
    """
    if name in {"Z", "z"}:
        return UTC
    if name[0] in "+-":
        return datetime.fromisoformat(f"2000-01-01T00:00{name}").tzinfo or UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a name that is a folder, has odd characters, or is unknown
        raise ValueError("a time zone like Europe/Berlin") from None


def parse_instant(text: str, zone: tzinfo, *, end: bool) -> datetime:
    """Return an instant in UTC: `2026-03-31`, `2026-03-31 18:00`, and both with a zone or an offset.

    A local time that a clock change leaves out is moved on by the gap; one that occurs twice is the later one if it is
    an end and the earlier one if it is a beginning: nobody loses access sooner than it reads.

    Args:
        text: as written.
        zone: the organization's, for what names no zone.
        end: whether a bare date means the end of that day (its beginning otherwise).

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    found = _INSTANT.fullmatch(text)
    if not found:
        raise ValueError("a date (2026-03-31) or a time (2026-03-31 18:00, 2026-03-31 18:00 Europe/Berlin)")
    day = parse_day(found["day"])
    named = found["zone"] or found["day_zone"]
    zone = find_zone(named) if named else zone
    try:
        if not found["time"]:
            return _to_utc(datetime.combine(day + _ONE_DAY if end else day, time()), zone, fold=0)
        return _to_utc(datetime.combine(day, time.fromisoformat(found["time"])), zone, fold=int(end))
    except OverflowError:
        raise ValueError("a date between the years 1 and 9999") from None
    except ValueError:
        raise ValueError("a time between 00:00 and 23:59") from None


def _to_utc(local: datetime, zone: tzinfo, *, fold: int) -> datetime:
    """Return a local time in UTC; in a gap, PEP 495's fold=0 reads it with the offset before the gap: moved on."""
    aware = local.replace(tzinfo=zone, fold=fold)
    if fold and _is_missing(aware):
        aware = aware.replace(fold=0)
    return aware.astimezone(UTC)


def _is_missing(aware: datetime) -> bool:
    """Say whether a clock change leaves this local time out."""
    again = aware.astimezone(UTC).astimezone(aware.tzinfo)
    return again.replace(tzinfo=None) != aware.replace(tzinfo=None)


def parse_duration(text: str) -> timedelta:
    """Return `30d`, `2w` or `12h` as a duration.

    Raises:
        ValueError: it is none; the message says what was expected.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError("a number of days, weeks or hours like 30d, 2w or 12h")
    return int(found[1]) * _UNITS[found[2][0]]
