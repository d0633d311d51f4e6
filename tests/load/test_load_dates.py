"""Days, instants and durations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import Repository
from hypothesis import given
from hypothesis import strategies as st

from reconciler.load.dates import parse_day, parse_duration, parse_instant

BERLIN = ZoneInfo("Europe/Berlin")

INSTANTS = {
    "a day ends at its midnight": ("2026-03-31", "2026-03-31T22:00"),
    "a day in winter": ("2026-01-31", "2026-01-31T23:00"),
    "a local time": ("2026-07-01 18:00", "2026-07-01T16:00"),
    "seconds": ("2026-07-01T18:00:30", "2026-07-01T16:00:30"),
    "a named zone": ("2026-03-31 18:00 America/New_York", "2026-03-31T22:00"),
    "a day in a named zone": ("2026-03-31 America/New_York", "2026-04-01T04:00"),
    "an offset": ("2026-03-31T18:00:00+05:30", "2026-03-31T12:30"),
    "an offset with a space": ("2026-03-31 18:00 -02:00", "2026-03-31T20:00"),
    "zulu": ("2026-03-31T18:00Z", "2026-03-31T18:00"),
    "UTC by name": ("2026-03-31 18:00 UTC", "2026-03-31T18:00"),
    "in the gap of spring, moved on": ("2026-03-29 02:30", "2026-03-29T01:30"),
    "twice in autumn, the later for an end": ("2026-10-25 02:30", "2026-10-25T01:30"),
    "the day of the change": ("2026-03-29", "2026-03-29T22:00"),
}


@pytest.mark.parametrize(("text", "utc"), INSTANTS.values(), ids=INSTANTS.keys())
def test_an_end_is_read_in_its_zone(text: str, utc: str) -> None:
    """With a zone or an offset in it, or in the organization's zone; clock changes never shorten it."""
    assert parse_instant(text, BERLIN, end=True) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_beginning_is_the_first_moment_of_a_day() -> None:
    """And the earlier of two equal local times."""
    assert parse_instant("2026-03-31", BERLIN, end=False) == datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert parse_instant("2026-10-25 02:30", BERLIN, end=False) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_day_may_begin_with_a_gap() -> None:
    """Where clocks go forward at midnight, a day begins when its first hour exists."""
    beirut = ZoneInfo("Asia/Beirut")
    assert parse_instant("2026-03-29", beirut, end=False) == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert parse_instant("2026-03-28", beirut, end=True) == datetime(2026, 3, 28, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "a date (2026-03-31) or a time"),
        ("2026-02-30", "a date that exists"),
        ("2026-03-31 25:00", "a time between 00:00 and 23:59"),
        ("2026-03-31 18:00 Europe/Berlln", "a time zone like Europe/Berlin"),
        ("2026-03-31 18:00 ../../etc/passwd", "a date (2026-03-31) or a time"),
        ("2026-03-31 18:00 Europe", "a time zone like Europe/Berlin"),
        ("2026-03-31 18:00 +99:00", "a time"),
        ("9999-12-31", "a date between the years 1 and 9999"),
        ("0000-01-01", "a date that exists"),
        ("20260331", "a date (2026-03-31) or a time"),
        ("2026-03-31\n", "a date (2026-03-31) or a time"),
        ("\u0662026-03-31", "a date (2026-03-31) or a time"),
    ],
)
def test_what_is_no_instant_is_told(text: str, expected: str) -> None:
    """The message says what is expected, never a traceback."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_instant(text, BERLIN, end=True)
    assert expected in str(caught.value)


@given(st.text(alphabet="0123456789-:TZ +EuropB/rlin.", max_size=40))
def test_an_instant_or_a_value_error(text: str) -> None:
    """Nothing else comes out of a text."""
    try:
        found = parse_instant(text, BERLIN, end=True)
    except ValueError as error:
        told = str(error)
    else:
        told = f"a moment in {found.tzinfo}"
    assert told.startswith("a ")


@given(st.dates(min_value=date(1970, 1, 1), max_value=date(2100, 1, 1)))
def test_a_day_ends_where_the_next_begins(day: date) -> None:
    """In any zone, no instant lies between two days."""
    following = day + timedelta(days=1)
    for zone in (BERLIN, ZoneInfo("America/Sao_Paulo"), ZoneInfo("Pacific/Apia"), UTC):
        assert parse_instant(day.isoformat(), zone, end=True) == parse_instant(following.isoformat(), zone, end=False)


def test_a_day_is_written_in_one_way() -> None:
    """Other forms of ISO 8601 are refused: they would be read differently by people."""
    assert parse_day("2026-03-31") == date(2026, 3, 31)
    for text in ("2026-3-31", "31.03.2026", "20260331", "2026-W14-2", "2026-13-01"):
        with pytest.raises(ValueError, match="a date"):
            parse_day(text)


def test_durations_are_days_weeks_or_hours() -> None:
    """`30d`, `2w`, `12h`, also in words."""
    found = [parse_duration(text) for text in ("30d", "2w", "12h", "1 day", "3 weeks")]
    assert found == [timedelta(days=30), timedelta(weeks=2), timedelta(hours=12), timedelta(days=1), timedelta(weeks=3)]
    for text in ("a month", "-1d", "30", "1.5d", "999999d"):
        with pytest.raises(ValueError, match="30d, 2w or 12h"):
            parse_duration(text)


def test_the_organizations_zone_decides_what_a_bare_date_means(acme: Repository) -> None:
    """The same grant ends at another instant in another zone, also where the parsed file comes from the cache."""
    acme.cache = acme.root / ".cache"
    acme.write("grants.yaml", "grants: [{to: everyone, grants: {slack: []}, until: 2026-12-31}]")
    zones = ("UTC", "Asia/Tokyo", "America/New_York")
    ends = [acme.write("reconciler.yaml", f"timezone: {zone}").company().grants[0].until for zone in zones]
    assert ends == [
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 15, tzinfo=UTC),
        datetime(2027, 1, 1, 5, tzinfo=UTC),
    ]
