"""What is present, suspended, absent or silent in one app."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from support.companies import company, wanted

from reconciler.errors import ConfigurationError
from reconciler.items import GrantItem, Names
from reconciler.model.access import GrantBlock, Recipients, Role
from reconciler.model.apps import AccountRules, App
from reconciler.model.identities import Group, Person, ServiceAccount
from reconciler.resolve.company import declare_app, resolve_company
from reconciler.resolve.declared import AbsentBecause, DeclaredApp, Presence, iter_bundles

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(days=1), NOW + timedelta(days=1)
PEOPLE = (
    Person("ana", "Ana"),
    Person("kim", "Kim"),
    Person("gone", "Gone", last_day=date(2026, 6, 14)),
    Person("soon", "Soon", start=date(2026, 6, 16)),
)
GROUPS = (
    Group("all", people=("ana", "kim", "gone", "soon")),
    Group("some", groups=("all",), excluded=("kim", "gone", "soon")),
    Group("wide", groups=("some",)),
)
TEAM = {"github": wanted("team:web")}
EVERYBODY = Recipients(groups=("all",))


def declare(
    roles: Sequence[Recipients] = (), grants: Sequence[GrantBlock] = (), accounts: AccountRules | None = None
) -> DeclaredApp:
    """Declare the app github, with a role that gives `team:web` to each of some recipients."""
    given = company(
        people=PEOPLE,
        services=[ServiceAccount("bot", "ana")],
        groups=GROUPS,
        apps=[App("github", "ana", accounts=accounts or AccountRules()), App("slack", "ana")],
        roles=[Role(f"r{number}", to, TEAM) for number, to in enumerate(roles)],
        grants=grants,
    )
    return declare_app(resolve_company(given, NOW), "github", Names(), {})


def present(declared: DeclaredApp) -> set[str]:
    """Return who holds `team:web`, given that nothing else is there to be held."""
    items = declared.names.items(declared.grants)
    assert {item.entitlement for item in items} <= {"team:web"}
    return {item.holder for item in items}


def absent(declared: DeclaredApp) -> dict[str, AbsentBecause]:
    """Return for whom `team:web` is declared absent, and why."""
    return {declared.names.item(number).holder: because for number, because in declared.absent.items()}


EXCLUDED, EXPIRED = AbsentBecause.EXCLUDED, AbsentBecause.EXPIRED


@pytest.mark.parametrize(
    ("to", "has", "has_not"),
    [
        (Recipients(people=("ana", "gone", "soon", "nobody")), {"ana"}, {}),
        (Recipients(service_accounts=("bot",)), {"bot"}, {}),
        (Recipients(groups=("all",)), {"ana", "kim"}, {}),
        (Recipients(everyone=True), {"ana", "kim"}, {}),
        (Recipients(everyone=True, excluded=("kim", "gone", "soon")), {"ana"}, {"kim": EXCLUDED}),
        (Recipients(groups=("some",)), {"ana"}, {"kim": EXCLUDED}),
        (Recipients(groups=("wide",)), {"ana"}, {"kim": EXCLUDED}),
        (Recipients(groups=("wide", "all")), {"ana", "kim"}, {}),
        (Recipients(people=("kim",), groups=("wide",)), {"ana", "kim"}, {}),
        (Recipients(people=("kim",), excluded=("kim",)), set(), {"kim": EXCLUDED}),
        (Recipients(entitlements=("github/team:all", "slack/team:other")), {"team:all"}, {}),
        (Recipients(), set(), {}),
    ],
)
def test_recipients_hold_what_a_block_gives_and_excepted_ones_do_not(
    to: Recipients, has: set[str], has_not: Mapping[str, AbsentBecause]
) -> None:
    """Only who is here receives; an exception is declared absent unless the same block gives it by another way."""
    declared = declare([to])
    assert present(declared) == has
    assert absent(declared) == has_not


def test_whoever_gets_a_block_by_another_way_is_not_kept_out_of_it() -> None:
    """A group that excepts somebody says nothing about who is named beside it, not even once the block has expired."""
    to = Recipients(people=("kim",), groups=("wide",))
    declared = declare(grants=[GrantBlock(to, TEAM, until=PAST)])
    assert [bundle.absent for bundle in declared.bundles] == [EXPIRED]


def test_another_block_outweighs_an_exception_and_an_expiry() -> None:
    """Blocks only ever add: what one keeps back another may give."""
    expired = GrantBlock(EVERYBODY, TEAM, until=PAST)
    kept_back = Recipients(everyone=True, excluded=("kim",))
    declared = declare([kept_back, Recipients(people=("kim",))], [expired])
    assert present(declared) == {"ana", "kim"}
    assert absent(declared) == {}


def test_expired_goes_before_excluded() -> None:
    """The date is what changed something; the exception was always there."""
    declared = declare([Recipients(people=(), excluded=("kim",))], [GrantBlock(EVERYBODY, TEAM, until=PAST)])
    assert absent(declared) == {"ana": EXPIRED, "kim": EXPIRED}


def test_a_block_that_has_not_begun_is_silent_even_in_what_it_excepts() -> None:
    """A grant from tomorrow on neither gives nor takes anything today."""
    declared = declare(grants=[GrantBlock(Recipients(people=("ana",), excluded=("kim",)), TEAM, start=FUTURE)])
    assert (declared.grants, declared.absent, declared.bundles) == ({}, {}, ())
    assert declared.accounts == {"gone": Presence.SUSPENDED}


def test_a_leaver_is_suspended_in_every_app_and_holds_nothing() -> None:
    """A leaver needs no block to be suspended, and no expired block to lose a grant."""
    declared = declare([EVERYBODY], [GrantBlock(Recipients(people=("gone",)), TEAM, until=PAST)])
    assert declared.accounts["gone"] is Presence.SUSPENDED
    assert list(declared.leavers) == ["gone"]
    assert "gone" not in present(declared) | set(absent(declared))
    assert "soon" not in declared.accounts


def test_an_empty_list_is_an_account_and_nothing_more() -> None:
    """An app without entitlements still has accounts to give."""
    declared = declare(grants=[GrantBlock(Recipients(people=("ana",)), {"github": wanted()})])
    assert declared.accounts == {"ana": Presence.PRESENT, "gone": Presence.SUSPENDED}
    assert declared.grants == {}


def test_accounts_to_gives_accounts() -> None:
    """An app can give everyone an account without any grant; who is excepted there has none."""
    rules = AccountRules(to=Recipients(everyone=True, excluded=("kim",)))
    declared = declare(accounts=rules)
    assert declared.accounts == {"ana": Presence.PRESENT, "gone": Presence.SUSPENDED}
    assert declared.absent_accounts == {"kim": EXCLUDED}
    assert declare([Recipients(people=("kim",))], accounts=rules).absent_accounts == {}


def test_an_account_that_was_declared_for_a_time_is_absent_afterwards_and_one_that_only_went_along_is_silent() -> None:
    """Only a block that asks for nothing but the account says anything about it once it has expired."""
    alone = declare(grants=[GrantBlock(Recipients(people=("ana",)), {"github": wanted()}, until=PAST)])
    along = declare(grants=[GrantBlock(Recipients(people=("ana",)), TEAM, until=PAST)])
    assert (alone.absent_accounts, along.absent_accounts) == ({"ana": EXPIRED}, {})
    assert "ana" not in alone.accounts.keys() | along.accounts.keys()


def test_an_entitlement_that_holds_another_has_no_account() -> None:
    """A team on a repository is a grant like any other, and nobody's account."""
    block = GrantBlock(Recipients(entitlements=("github/team:web",)), {"github": wanted(("repo:web", "write"))})
    declared = declare(grants=[block])
    number = declared.names.grant("team:web", "repo:web")
    assert declared.names.levels[declared.grants[number]] == "write"
    assert declared.accounts == {"gone": Presence.SUSPENDED}


def test_an_app_is_declared_from_its_own_blocks_only() -> None:
    """What is given in one app is nowhere in another."""
    given = company(
        people=PEOPLE,
        apps=[App("github", "ana"), App("slack", "ana")],
        roles=[Role("r", Recipients(people=("ana",)), TEAM | {"slack": wanted("channel:eng")})],
    )
    resolved = resolve_company(given, NOW)
    for app, key in (("github", "team:web"), ("slack", "channel:eng")):
        declared = declare_app(resolved, app, Names(), {})
        assert declared.names.items(declared.grants) == [GrantItem("ana", key)]


def test_an_unknown_app_is_refused_with_the_names_of_those_there_are() -> None:
    """A misspelt app says which ones exist."""
    resolved = resolve_company(company(apps=[App("github", "ana")]), NOW)
    with pytest.raises(ConfigurationError, match="unknown app 'gitbub'\n  the apps are github"):
        declare_app(resolved, "gitbub", Names(), {})


def test_names_that_are_in_use_already_are_gone_on_with() -> None:
    """Numbers that the state was loaded with stay what they are."""
    names = Names()
    before = names.grant("old", "team:old"), names.grant("ana", "team:web")
    given = company(people=PEOPLE, apps=[App("github", "ana")], roles=[Role("r", EVERYBODY, TEAM)], groups=GROUPS)
    declared = declare_app(resolve_company(given, NOW), "github", names, {})
    assert before[1] in declared.grants
    assert before == (names.grant("old", "team:old"), names.grant("ana", "team:web"))


def test_bundles_of_a_holder_are_found_whether_narrow_or_wide() -> None:
    """The index of narrow bundles and the walk over wide ones give what a plain search gives, in the same order."""
    people = [Person(f"p{number}", f"P {number}") for number in range(50)]
    roles = [
        Role(f"r{number}", Recipients(people=tuple(f"p{n}" for n in range(0, 50, number))), TEAM)
        for number in range(1, 20)
    ]
    given = company(people=people, apps=[App("github", "p0")], roles=roles)
    declared = declare_app(resolve_company(given, NOW), "github", Names(), {})
    for holder in map(declared.names.holder, ("p0", "p1", "p12", "p49", "nobody")):
        assert list(iter_bundles(declared, holder)) == [b for b in declared.bundles if holder in b.holders]


def test_a_million_grants_are_a_dict_of_ints() -> None:
    """Ten thousand people with a hundred grants each, by roles and one by one, cost integers and nothing else."""
    people = [Person(f"p{number}", f"P {number}", department=f"D{number % 10}") for number in range(10_000)]
    keys = [f"team:t{number}" for number in range(1_000)]
    lists = [wanted(*keys[start : start + 100]) for start in range(0, 1_000, 100)]
    groups = [Group(f"g{number}", where={"department": f"D{number}"}) for number in range(10)]
    by_role = company(
        people=people,
        groups=groups,
        apps=[App("github", "p0")],
        roles=[Role(f"r{n}", Recipients(groups=(f"g{n}",)), {"github": lists[n]}) for n in range(10)],
    )
    one_by_one = company(
        people=people,
        apps=[App("github", "p0")],
        grants=[GrantBlock(Recipients(people=(f"p{n}",)), {"github": lists[n % 10]}) for n in range(10_000)],
    )
    names = Names()
    first = declare_app(resolve_company(by_role, NOW), "github", names, {})
    second = declare_app(resolve_company(one_by_one, NOW), "github", names, {})
    assert len(first.grants) == 1_000_000
    assert first.grants == second.grants
    assert first.accounts == second.accounts
