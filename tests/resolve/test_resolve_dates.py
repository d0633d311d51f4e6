"""Who is here at a moment: days of people in the organization's time zone, instants of grants with their own."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from support.companies import company, wanted

from reconciler.errors import ConfigurationError
from reconciler.items import Names
from reconciler.model.access import GrantBlock, Recipients
from reconciler.model.apps import App
from reconciler.model.identities import Person
from reconciler.problems import Place
from reconciler.resolve.company import declare_app, resolve_company
from reconciler.resolve.declared import AbsentBecause, Presence

ANA = Person("ana", "Ana Ruiz", start=date(2026, 3, 1), last_day=date(2026, 3, 31), place=Place("people.yaml", 3))


@pytest.mark.parametrize(
    ("timezone", "moment", "here"),
    [
        ("UTC", "2026-02-28T23:59:59+00:00", False),
        ("UTC", "2026-03-01T00:00:00+00:00", True),
        ("UTC", "2026-03-31T23:59:59+00:00", True),
        ("UTC", "2026-04-01T00:00:00+00:00", False),
        ("Pacific/Auckland", "2026-02-28T11:00:00+00:00", True),
        ("Pacific/Auckland", "2026-03-31T10:59:59+00:00", True),
        ("Pacific/Auckland", "2026-03-31T11:00:00+00:00", False),
        ("Pacific/Honolulu", "2026-03-01T09:59:59+00:00", False),
        ("Pacific/Honolulu", "2026-03-01T10:00:00+00:00", True),
        ("Pacific/Honolulu", "2026-04-01T09:59:59+00:00", True),
        ("Pacific/Honolulu", "2026-04-01T10:00:00+00:00", False),
        ("Europe/Berlin", "2026-03-31T21:59:59+00:00", True),
        ("Europe/Berlin", "2026-03-31T22:00:00+00:00", False),
        ("Europe/Berlin", "2026-04-01T00:00:00+03:00", True),
    ],
)
def test_days_begin_and_end_at_midnight_of_the_organization(timezone: str, moment: str, here: bool) -> None:
    """The first and the last day are whole days in the organization's zone, wherever the moment was written."""
    resolved = resolve_company(company(people=[ANA], timezone=timezone), datetime.fromisoformat(moment))
    assert resolved.is_here("ana") is here


@pytest.mark.parametrize(
    ("day", "last_second"),
    [(date(2026, 3, 29), "2026-03-29T23:59:59+02:00"), (date(2026, 10, 25), "2026-10-25T23:59:59+01:00")],
)
def test_a_last_day_on_which_the_clocks_change_still_ends_at_midnight(day: date, last_second: str) -> None:
    """A day of 23 or 25 hours is a day: nobody leaves an hour early or late."""
    given = company(people=[Person("ana", "Ana", last_day=day)], timezone="Europe/Berlin")
    moment = datetime.fromisoformat(last_second)
    assert resolve_company(given, moment).is_here("ana")
    assert not resolve_company(given, moment + timedelta(seconds=1)).is_here("ana")


def test_a_leaver_is_known_with_last_day_manager_and_place() -> None:
    """What a plan needs for a handover is at hand, and so is where the last day is written."""
    person = Person("sam", "Sam", manager="omar", last_day=date(2026, 1, 5), place=Place("people.yaml", 9))
    leaver = resolve_company(company(people=[person]), datetime(2026, 1, 6, tzinfo=UTC)).leavers["sam"]
    assert (leaver.identity, leaver.last_day, leaver.manager) == ("sam", date(2026, 1, 5), "omar")
    assert leaver.place == Place("people.yaml", 9)


def test_a_last_day_that_is_over_counts_more_than_a_first_day_to_come() -> None:
    """Of two dates that contradict each other, the one that takes access away holds."""
    person = Person("sam", "Sam", start=date(2026, 2, 1), last_day=date(2026, 1, 5))
    resolved = resolve_company(company(people=[person]), datetime(2026, 1, 6, tzinfo=UTC))
    assert "sam" in resolved.leavers
    assert not resolved.roster.waiting


def test_a_moment_without_a_time_zone_is_refused() -> None:
    """A bare time means another instant on every machine."""
    with pytest.raises(ConfigurationError, match="has no time zone"):
        resolve_company(company(people=[ANA]), datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", ""])
def test_an_unknown_time_zone_is_refused_by_name(name: str) -> None:
    """A time zone that is none (or a path) says so, instead of a traceback."""
    with pytest.raises(ConfigurationError, match="unknown time zone"):
        resolve_company(company(people=[ANA], timezone=name), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("year", [1, 9999])
def test_the_first_and_the_last_instants_can_be_asked_about(year: int) -> None:
    """`--at` with an absurd date gives an answer."""
    given = company(people=[Person("ana", "Ana")], timezone="Pacific/Auckland")
    month, day, hour = (1, 1, 0) if year == 1 else (12, 31, 23)
    for zone in (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))):
        assert resolve_company(given, datetime(year, month, day, hour, tzinfo=zone)).is_here("ana")


UNTIL = datetime(2026, 3, 31, 18, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("moment", "granted", "absent"),
    [
        (UNTIL - timedelta(days=10, seconds=1), False, False),
        (UNTIL - timedelta(days=10), True, False),
        (UNTIL - timedelta(seconds=1), True, False),
        (UNTIL, False, True),
        (UNTIL + timedelta(days=365), False, True),
    ],
)
def test_a_grant_holds_from_its_start_until_just_before_its_end(moment: datetime, granted: bool, absent: bool) -> None:
    """Before its start a grant is silent; from the very instant of `until` on, it is declared absent."""
    block = GrantBlock(
        Recipients(people=("ana",)), {"figma": wanted("role:admin")}, until=UNTIL, start=UNTIL - timedelta(days=10)
    )
    given = company(people=[Person("ana", "Ana")], apps=[App("figma", "ana")], grants=[block])
    declared = declare_app(resolve_company(given, moment.astimezone(UTC)), "figma", Names(), {})
    number = declared.names.grant("ana", "role:admin")
    assert (number in declared.grants) is granted
    assert declared.absent.get(number) is (AbsentBecause.EXPIRED if absent else None)
    assert declared.accounts == ({"ana": Presence.PRESENT} if granted else {})


def test_somebody_who_left_is_gone_from_that_moment_on_whatever_the_last_day_is() -> None:
    """To the second; the day is the one in the organization's time zone."""
    left = datetime(2026, 6, 15, 22, 30, tzinfo=UTC)
    person = Person("ana", "Ana", last_day=date(2026, 8, 31), left=left)
    given = company(people=[person], timezone="Europe/Berlin")
    assert resolve_company(given, left - timedelta(seconds=1)).is_here("ana")
    leaver = resolve_company(given, left).leavers["ana"]
    assert (leaver.last_day, leaver.left) == (date(2026, 6, 16), left)
