"""What holds for every company, whatever is in it and in whatever order it is written."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.companies import APPS, LEVELS, MOMENT, companies, shuffle

from reconciler.items import AccountItem, GrantItem, Names
from reconciler.model.access import Recipients, WantedList
from reconciler.model.company import Company
from reconciler.model.identities import Group, Person
from reconciler.resolve.account import declare_account
from reconciler.resolve.company import Resolved, declare_app, resolve_company
from reconciler.resolve.declared import DeclaredApp, Presence
from reconciler.resolve.explain import explain, who
from reconciler.resolve.reasons import reasons_for

HOURS = st.integers(min_value=-100, max_value=100).map(lambda hours: MOMENT + timedelta(hours=hours))
Side = dict[GrantItem, str | None]


def declare(company: Company, app: str = "github") -> tuple[Resolved, DeclaredApp]:
    """Resolve a company and declare one of its apps."""
    resolved = resolve_company(company, MOMENT)
    return resolved, declare_app(resolved, app, Names(), LEVELS)


def grants(declared: DeclaredApp) -> Side:
    """Return the present grants by name, with their levels."""
    names = declared.names
    return {names.item(number): names.levels[level] for number, level in declared.grants.items()}


def absent(declared: DeclaredApp) -> dict[GrantItem, str]:
    """Return the absent grants by name, with the reason's kind."""
    return {declared.names.item(number): str(because) for number, because in declared.absent.items()}


@given(companies(), st.integers())
def test_the_order_in_which_things_are_written_means_nothing(company: Company, seed: int) -> None:
    """Files, and what is in them, can be sorted in any way."""
    for app in APPS:
        (one_resolved, one), (two_resolved, two) = declare(company, app), declare(shuffle(company, seed), app)
        assert grants(one) == grants(two)
        assert absent(one) == absent(two)
        assert (one.accounts, one.absent_accounts, one.leavers) == (two.accounts, two.absent_accounts, two.leavers)
        assert list(one.clashes) == list(two.clashes)
        for identity in company.people:
            assert explain(one_resolved, one, identity) == explain(two_resolved, two, identity)


@given(companies())
def test_every_side_is_apart_from_the_others(company: Company) -> None:
    """Nothing is present and absent at once, and who left or is still to come holds nothing."""
    resolved, declared = declare(company)
    assert not declared.grants.keys() & declared.absent.keys()
    assert not declared.accounts.keys() & declared.absent_accounts.keys()
    holders = {item.holder for item in grants(declared)} | {item.holder for item in absent(declared)}
    assert not holders & (resolved.leavers.keys() | resolved.roster.waiting)
    assert not resolved.roster.waiting & declared.accounts.keys()
    suspended = {name for name, presence in declared.accounts.items() if presence is Presence.SUSPENDED}
    assert suspended == set(resolved.leavers)


@given(companies())
def test_every_present_grant_has_an_account_and_a_reason_whose_block_names_it(company: Company) -> None:
    """Nothing is given for no reason, and every reason leads to a line on which the entitlement is written."""
    resolved, declared = declare(company)
    written = _places(company, "github")
    for item in grants(declared):
        assert ":" in item.holder or declared.accounts[item.holder] is Presence.PRESENT
        reasons = reasons_for(resolved, declared, item)
        assert reasons
        assert all(item.entitlement == written[reason.place] for reason in reasons)
        assert list(reasons) == sorted(reasons, key=lambda reason: reason.place)


@given(companies())
def test_everything_absent_or_suspended_has_a_reason(company: Company) -> None:
    """Whoever loses something can be told why."""
    resolved, declared = declare(company)
    for item in absent(declared):
        assert reasons_for(resolved, declared, item)
    for identity in declared.accounts.keys() | declared.absent_accounts.keys():
        assert reasons_for(resolved, declared, AccountItem(identity))


@given(companies(clashes=False))
def test_grants_are_what_a_slow_and_obvious_reading_of_the_blocks_gives(company: Company) -> None:
    """The quick way over integers agrees with one that goes block by block, holder by holder."""
    resolved, declared = declare(company)
    assert grants(declared) == _read_slowly(company, resolved)


@given(companies())
def test_an_expiry_only_ever_removes(company: Company) -> None:
    """Without its ends a company has every grant that it has with them, and levels at least as strong."""
    forever = replace(company, grants=tuple(replace(block, until=None) for block in company.grants))
    ended, endless = grants(declare(company)[1]), grants(declare(forever)[1])
    assert ended.keys() <= endless.keys()
    order = (None, *LEVELS["repo"])
    for item, level in ended.items():
        if item.entitlement.startswith("repo:"):
            assert order.index(level) <= order.index(endless[item])


@given(companies(), HOURS, HOURS)
def test_leavers_stay_leavers_and_ended_blocks_stay_ended(company: Company, one: datetime, two: datetime) -> None:
    """As time goes by nobody comes back on their own, and whoever started has started."""
    early, late = sorted((one, two))
    before, after = resolve_company(company, early), resolve_company(company, late)
    assert before.leavers.keys() <= after.leavers.keys()
    assert after.roster.waiting <= before.roster.waiting
    for app in APPS:
        ended = {block.place for block in before.blocks.get(app, ()) if block.expired}
        assert ended <= {block.place for block in after.blocks.get(app, ()) if block.expired}
        assert len(after.upcoming.get(app, ())) <= len(before.upcoming.get(app, ()))


@given(companies())
def test_explain_and_who_tell_the_same_story(company: Company) -> None:
    """Each present grant is in the answers to both questions, with the same reasons."""
    resolved, declared = declare(company)
    for item in grants(declared):
        mine = [part for part in explain(resolved, declared, item.holder) if part.item == item]
        theirs = [part for part in who(resolved, declared, item.entitlement) if part.item == item]
        assert mine == theirs
        assert len(mine) == 1


@given(companies())
def test_every_identity_can_be_rendered_and_explained_in_every_app(company: Company) -> None:
    """Whoever is asked about, there is an answer."""
    for app in APPS:
        resolved, declared = declare(company, app)
        for identity in (*company.people, *company.service_accounts, "nobody"):
            account = declare_account(resolved, declared, identity)
            assert account.presence is declared.accounts.get(identity, Presence.ABSENT)
            assert explain(resolved, declared, identity)[0].item == AccountItem(identity)


def _places(company: Company, app: str) -> dict[object, str]:
    """Return the entitlement that is written at each place of an app's lists."""
    lists: list[WantedList] = [block.grants[app] for block in company.grants if app in block.grants]
    lists += [role.grants[app] for role in company.roles.values() if app in role.grants]
    return {some.place_of(index): item.entitlement for some in lists for index, item in enumerate(some.wanted)}


def _read_slowly(company: Company, resolved: Resolved) -> Side:
    found: Side = {}
    order = (None, *LEVELS["repo"])
    live = [
        block for block in company.grants if not _is_over(block.until) and not (block.start and block.start > MOMENT)
    ]
    for block in (*company.roles.values(), *live):
        for holder in _holders(company, resolved, block.to):
            for entitlement, level in block.grants.get("github", WantedList(())).wanted:
                item = GrantItem(holder, entitlement)
                found[item] = max(found.get(item), level, key=order.index)
    return found


def _is_over(until: datetime | None) -> bool:
    return until is not None and until <= MOMENT


def _holders(company: Company, resolved: Resolved, to: Recipients) -> set[str]:
    """Return who is named, is in a named group or is part of everyone, and is here; and entitlements of github."""
    named = {*to.people, *to.service_accounts, *(company.people if to.everyone else ())}
    for group in to.groups:
        named |= _members(company, resolved, group)
    here = {name for name in named if resolved.is_here(name)} - set(to.excluded)
    return here | {key.removeprefix("github/") for key in to.entitlements if key.startswith("github/")}


def _members(company: Company, resolved: Resolved, name: str) -> set[str]:
    group = company.groups[name]
    members = {*group.people, *group.service_accounts}
    members |= {person.id for person in company.people.values() if _matches(group, person)}
    for nested in group.groups:
        members |= _members(company, resolved, nested)
    return {member for member in members if resolved.is_here(member)} - set(group.excluded)


def _matches(group: Group, person: Person) -> bool:
    values = {**person.attributes, "department": person.department, "title": person.title, "type": person.type}
    if group.where is not None:
        wanted = {name: value if isinstance(value, tuple) else (value,) for name, value in group.where.items()}
        if all(values.get(name) in several for name, several in wanted.items()):
            return True
    match group.expression:
        case "":
            return False
        case "not manager":
            return not person.manager
        case 'location in ["Berlin", "Paris"]':
            return values.get("location") in ("Berlin", "Paris")
        case _:
            return (person.department, person.title) == ("Sales", "Lead")
