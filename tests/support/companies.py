"""Random small companies, for properties that must hold for every company, and short ways to write one by hand."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from reconciler.items import Value
from reconciler.model.access import GrantBlock, Recipients, Role, Wanted, WantedList
from reconciler.model.apps import AccountRules, App, EntitlementRules
from reconciler.model.company import Company, Settings
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.problems import Place

MOMENT = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""The moment that random companies are made around: some of their dates are over, some are to come."""

APPS = ("github", "slack")
DEPARTMENTS = ("Engineering", "Sales", "")
LEVELS = {"repo": ("read", "write", "admin")}
"""What a provider would say of the kinds in random companies: repositories have levels, in this order."""

WANTED = (
    Wanted("team:platform"),
    Wanted("team:sales"),
    Wanted("role:admin"),
    Wanted("repo:web", "read"),
    Wanted("repo:web", "write"),
    Wanted("repo:web", "admin"),
    Wanted("repo:api"),
    Wanted("repo:api", "write"),
    Wanted("seat:pro", "half"),
    Wanted("seat:pro", "full"),
)
"""What blocks of random companies ask for. `seat` has levels whose order nobody knows."""

WHERE: tuple[Mapping[str, Value], ...] = (
    {"department": "Engineering"},
    {"department": ("Engineering", "Sales"), "type": "employee"},
    {"location": "Berlin"},
)
EXPRESSIONS = ('department == "Sales" and title == "Lead"', 'location in ["Berlin", "Paris"]', "not manager")

_Item = TypeVar("_Item")

_DAYS = st.integers(min_value=-3, max_value=3).map(lambda days: MOMENT.date() + timedelta(days=days))
_INSTANTS = st.integers(min_value=-72, max_value=72).map(lambda hours: MOMENT + timedelta(hours=hours))


def wanted(*items: Wanted | str | tuple[str, str], file: str = "grants.yaml", line: int = 1) -> WantedList:
    """Write a list of entitlements, one a line from `line` on: keys, or (key, level)."""
    listed = tuple(Wanted(item) if isinstance(item, str) else Wanted(*item) for item in items)
    return WantedList(listed, file, array("I", range(line, line + len(listed))), Place(file, line))


def company(
    *,
    people: Sequence[Person] = (),
    services: Sequence[ServiceAccount] = (),
    groups: Sequence[Group] = (),
    apps: Sequence[App] = (),
    roles: Sequence[Role] = (),
    grants: Sequence[GrantBlock] = (),
    timezone: str = "UTC",
) -> Company:
    """Write a company by hand, from values that know their own names."""
    return Company(
        settings=Settings(Path(), timezone=timezone),
        people={person.id: person for person in people},
        service_accounts={service.id: service for service in services},
        groups={group.name: group for group in groups},
        apps={app.name: app for app in apps},
        roles={role.name: role for role in roles},
        grants=tuple(grants),
    )


def shuffle(given: Company, seed: int) -> Company:
    """Return the same company, written in another order of people, groups, apps, roles and grants."""
    random = Random(seed)

    def mix(items: Mapping[str, _Item]) -> dict[str, _Item]:
        return dict(random.sample(list(items.items()), len(items)))

    return replace(
        given,
        people=mix(given.people),
        service_accounts=mix(given.service_accounts),
        groups=mix(given.groups),
        apps=mix(given.apps),
        roles=mix(given.roles),
        grants=tuple(random.sample(given.grants, len(given.grants))),
    )


@st.composite
def companies(
    draw: st.DrawFn, *, most_people: int = 5, most_blocks: int = 4, apps: Sequence[str] = APPS, clashes: bool = True
) -> Company:
    """Draw a company that loading would accept: no cycles, no dangling names, unique emails, contractors with an end.

    It has leavers and people who are still to come (around `MOMENT`), nested groups with rules and exceptions, roles,
    grants with starts and ends, service accounts, and grants that are held by entitlements.

    Args:
        draw: given by hypothesis.
        most_people: at most so many people; there is always one.
        most_blocks: at most so many roles, and as many grants.
        apps: the apps' names.
        clashes: whether blocks may ask for levels whose order nobody knows.
    """
    lines = count(10)
    choice = [item for item in WANTED if clashes or not item.entitlement.startswith("seat:")]
    ids = [f"p{number}" for number in range(draw(st.integers(1, most_people)))]
    services = [f"bot{number}" for number in range(draw(st.integers(0, 1)))]
    people = [draw(_people(identity, ids, next(lines))) for identity in ids]
    groups = draw(_groups(ids, services, lines))
    pools = {
        "people": ids,
        "service_accounts": services,
        "groups": [group.name for group in groups],
        "entitlements": [f"{app}/team:platform" for app in apps],
    }
    recipients = _recipients(pools, lines)
    grants = _grants(apps, choice, lines)
    roles = [
        Role(f"role{number}", draw(recipients), draw(grants), place=Place("roles.yaml", next(lines)))
        for number in range(draw(st.integers(0, most_blocks)))
    ]
    blocks = [draw(_blocks(recipients, grants, next(lines))) for _ in range(draw(st.integers(0, most_blocks)))]
    return company(
        people=people,
        services=[
            ServiceAccount(name, "p0", f"{name}@acme.example", place=Place("people.yaml", 1)) for name in services
        ],
        groups=groups,
        apps=[draw(_apps(name, recipients, next(lines))) for name in apps],
        roles=roles,
        grants=blocks,
        timezone=draw(st.sampled_from(("UTC", "Europe/Berlin", "Pacific/Auckland", "Pacific/Honolulu"))),
    )


@st.composite
def _people(draw: st.DrawFn, identity: str, ids: Sequence[str], line: int) -> Person:
    start = draw(st.none() | _DAYS)
    is_contractor = draw(st.booleans())
    last_day = draw(_DAYS if is_contractor else st.none() | _DAYS)
    if start and last_day:
        start, last_day = min(start, last_day), max(start, last_day)
    return Person(
        id=identity,
        name=f"Ann {identity.upper()}",
        email=f"{identity}@acme.example",
        type="contractor" if is_contractor else "employee",
        title=draw(st.sampled_from(("", "Engineer", "Lead"))),
        department=draw(st.sampled_from(DEPARTMENTS)),
        manager=draw(st.sampled_from(("", *(other for other in ids if other != identity)))),
        start=start,
        last_day=last_day,
        usernames=draw(st.sampled_from(({}, {"github": f"gh-{identity}"}))),
        attributes=draw(st.sampled_from(({}, {"location": "Berlin"}, {"location": "Paris"}))),
        place=Place("people.yaml", line),
    )


@st.composite
def _groups(draw: st.DrawFn, ids: Sequence[str], services: Sequence[str], lines: Iterator[int]) -> list[Group]:
    """Draw groups of which each is nested only in earlier ones, so that nothing goes round."""
    names = [f"group{number}" for number in range(draw(st.integers(0, 4)))]
    return [
        Group(
            name=name,
            people=draw(_some(ids)),
            service_accounts=draw(_some(services)),
            groups=draw(_some(names[number + 1 :])),
            where=draw(st.none() | st.sampled_from(WHERE)),
            expression=draw(st.sampled_from(("", "", *EXPRESSIONS))),
            excluded=draw(_few(ids)),
            place=Place("groups.yaml", next(lines)),
        )
        for number, name in enumerate(names)
    ]


@st.composite
def _recipients(draw: st.DrawFn, pools: Mapping[str, Sequence[str]], lines: Iterator[int]) -> Recipients:
    return Recipients(
        people=draw(_few(pools["people"])),
        service_accounts=draw(_few(pools["service_accounts"])),
        groups=draw(_some(pools["groups"])),
        entitlements=draw(_few(pools["entitlements"])),
        everyone=draw(st.sampled_from((False, False, False, True))),
        excluded=draw(_few(pools["people"])),
        place=Place("roles.yaml", next(lines)),
    )


@st.composite
def _grants(
    draw: st.DrawFn, apps: Sequence[str], choice: Sequence[Wanted], lines: Iterator[int]
) -> dict[str, WantedList]:
    named = draw(st.lists(st.sampled_from(apps), min_size=1, unique=True))
    lists = st.lists(st.sampled_from(choice), max_size=4, unique=True)
    return {app: wanted(*draw(lists), line=next(lines) * 10) for app in named}


@st.composite
def _blocks(
    draw: st.DrawFn,
    recipients: st.SearchStrategy[Recipients],
    grants: st.SearchStrategy[Mapping[str, WantedList]],
    line: int,
) -> GrantBlock:
    start, until = draw(st.none() | _INSTANTS), draw(st.none() | _INSTANTS)
    if start and until and until <= start:
        start, until = until, start + timedelta(hours=1)
    return GrantBlock(
        draw(recipients), draw(grants), until=until, start=start, reason="", place=Place("grants.yaml", line)
    )


@st.composite
def _apps(draw: st.DrawFn, name: str, recipients: st.SearchStrategy[Recipients], line: int) -> App:
    keys = draw(_some(sorted({item.entitlement for item in WANTED})))
    return App(
        name=name,
        owner="p0",
        accounts=AccountRules(
            attributes=draw(st.sampled_from(({}, {"displayName": "{{ person.name }}", "title": "{{ person.title }}"}))),
            to=draw(st.none() | recipients),
            place=Place(f"apps/{name}.yaml", 5),
        ),
        entitlements={key: EntitlementRules(key, place=Place(f"apps/{name}.yaml", 6)) for key in keys},
        place=Place(f"apps/{name}.yaml", line),
    )


def _some(names: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), unique=True, max_size=3).map(tuple) if names else st.just(())


def _few(names: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.one_of(st.just(()), st.just(()), _some(names))
