"""What somebody gains by another revision: now, later, longer, by a group, by a service account, and what is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from support.companies import company

from reconciler.model.access import GrantBlock, Recipients, Wanted, WantedList
from reconciler.model.apps import App, EntitlementRules
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.resolve.company import resolve_company
from reconciler.resolve.gaining import find_gains, stays_longer

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ANA = Person("ana", "Ana Ruiz", department="Engineering")
DESIGN = {"chat": WantedList((Wanted("group:design"),))}
APP = App("chat", "kim", entitlements={"group:vault": EntitlementRules("group:vault", privileged=True)})
TEAM = GrantBlock(Recipients(people=("ana",)), {"chat": WantedList((Wanted("group:team"),))})


def gains(*added: GrantBlock, before: tuple[GrantBlock, ...] = (), person: Person = ANA) -> list[str]:
    """Return what ana gains by blocks."""
    shared = {
        "people": (person, Person("kim", "Kim Lee")),
        "services": (ServiceAccount("bot", "ana"), ServiceAccount("other", "kim")),
        "groups": (Group("engineers", where={"department": "Engineering"}),),
        "apps": (APP,),
    }
    one = resolve_company(company(**shared, grants=before), NOW)  # type: ignore[arg-type] # keywords of one call
    other = resolve_company(company(**shared, grants=(*before, *added)), NOW)  # type: ignore[arg-type] # same
    return [str(gain) for gain in find_gains(one, other, "ana")]


@pytest.mark.parametrize(
    "to",
    [Recipients(people=("ana",)), Recipients(groups=("engineers",)), Recipients(service_accounts=("bot",))],
)
def test_access_is_gained_however_it_comes(to: Recipients) -> None:
    """By name, by a group, by a service account of one's own; with the account that it needs."""
    assert gains(GrantBlock(to, DESIGN)) == ["an account in chat", "chat/group:design"]


def test_what_others_get_is_no_gain() -> None:
    """Nor is what their service accounts get."""
    assert gains(GrantBlock(Recipients(people=("kim",), service_accounts=("other",)), DESIGN)) == []


def test_what_begins_later_is_gained_all_the_same() -> None:
    """A date that comes later asks nobody."""
    later = GrantBlock(Recipients(people=("ana",)), DESIGN, start=NOW + timedelta(days=30))
    assert "chat/group:design" in gains(later)


def test_what_is_had_for_longer_is_gained_and_what_is_had_already_is_not() -> None:
    """An end that moves out is a gain; one that moves in is none."""
    had = GrantBlock(Recipients(people=("ana",)), DESIGN, until=NOW + timedelta(days=5))
    assert "chat/group:design" in gains(replace(had, until=None), before=(had,))
    assert gains(replace(had, until=NOW + timedelta(days=2)), before=(had,)) == []


def test_what_a_group_of_ones_own_gets_is_gained() -> None:
    """A team that becomes a member of another one takes its members along."""
    leads = GrantBlock(Recipients(entitlements=("chat/group:team",)), DESIGN)
    assert gains(leads, before=(TEAM,)) == ["chat/group:design"]
    assert gains(leads) == []


def test_what_everybody_gets_favours_nobody_unless_it_is_privileged() -> None:
    """Or no tool for all could ever be approved."""
    assert gains(GrantBlock(Recipients(everyone=True), DESIGN)) == []
    vault = {"chat": WantedList((Wanted("group:vault"),))}
    assert gains(GrantBlock(Recipients(everyone=True), vault)) == ["chat/group:vault"]


def test_a_later_last_day_is_told() -> None:
    """Whoever would have left keeps everything."""
    short, long = (
        resolve_company(company(people=(replace(ANA, last_day=day),)), NOW) for day in (date(2026, 7, 1), None)
    )
    assert stays_longer(short, long, "ana")
    assert not stays_longer(long, short, "ana")
