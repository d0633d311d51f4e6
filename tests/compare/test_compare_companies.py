"""What two revisions of a company can differ in, and whose guards count: pure parts, on random companies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.companies import LEVELS, MOMENT, companies

from reconciler.items import Names
from reconciler.model.apps import App, EntitlementRules, Manage, Way
from reconciler.model.company import Company, Settings
from reconciler.plan.strictest import loosened, strictest
from reconciler.resolve.account import declare_account
from reconciler.resolve.app import declare_app
from reconciler.resolve.company import resolve_company
from reconciler.resolve.declared import DeclaredApp, Presence
from reconciler.resolve.differing import differ, is_edited, same_app
from reconciler.resolve.resolved import Resolved
from reconciler.run.ways import routes_alike


@st.composite
def revisions(draw: st.DrawFn) -> tuple[Company, Company]:
    """Draw a company, and the same with some of its parts as another company has them."""
    base, other = draw(companies()), draw(companies())
    head = base
    for part in draw(st.sets(st.sampled_from(["people", "groups", "roles", "apps", "grants"]))):
        if part == "grants":
            count = draw(st.integers(0, len(base.grants)))
            head = replace(head, grants=(*base.grants[:count], *other.grants[:1], *base.grants[count:]))
        else:
            mine, theirs = getattr(base, part), getattr(other, part)
            names = draw(st.sets(st.sampled_from(sorted({*mine, *theirs}) or ["none"])))
            kept = {name: one for name, one in mine.items() if name not in names}
            head = replace(head, **{part: {**kept, **{name: theirs[name] for name in names if name in theirs}}})
    return base, head


def said(resolved: Resolved, app: str) -> tuple[object, ...]:
    """Return everything that is declared in an app, by names."""
    declared = declare_app(resolved, app, Names(), LEVELS)
    names = declared.names
    present = sorted(name for name, presence in declared.accounts.items() if presence is Presence.PRESENT)
    return (
        {str(names.item(grant)): names.levels[level] for grant, level in declared.grants.items()},
        {str(names.item(grant)): why for grant, why in declared.absent.items()},
        dict(declared.absent_accounts),
        {name: rendered(resolved, declared, name) for name in present},
        sorted(str(clash.item) for clash in declared.clashes),
    )


def rendered(resolved: Resolved, declared: DeclaredApp, name: str) -> object:
    """Return an account as it is declared."""
    return declare_account(resolved, declared, name)


@given(revisions())
def test_an_app_that_is_said_not_to_differ_is_declared_alike(pair: tuple[Company, Company]) -> None:
    """Grants, accounts, attributes: whatever was edited anywhere. Only leavers of no concern may differ there."""
    one, other = (resolve_company(company, MOMENT) for company in pair)
    found = differ(one, other)
    for app in other.company.apps.keys() - found.apps:
        assert said(one, app) == said(other, app)
    assert one.leavers.keys() ^ other.leavers.keys() <= found.identities


@given(companies(), st.integers(0, 9))
def test_a_company_differs_from_itself_in_nothing(company: Company, seed: int) -> None:
    """Wherever its lines stand."""
    one = resolve_company(company, MOMENT)
    moved = replace(
        company, people={name: replace(p, place=p.place._replace(line=seed)) for name, p in company.people.items()}
    )
    found = differ(one, resolve_company(moved, MOMENT))
    assert (found.apps, found.identities) == (frozenset(), frozenset())
    assert not any(is_edited(company, moved, name) for name in company.people)


MODES = list(Manage)


@pytest.mark.parametrize("base", MODES)
@pytest.mark.parametrize("head", MODES)
def test_the_stricter_way_to_manage_counts(base: Manage, head: Manage) -> None:
    """In general and by kind; and only what the head loosens is told."""
    one, other = App("wiki", "lee", manage=base), App("wiki", "lee", manage=head)
    strict = strictest(one, other)
    assert strict.manage is MODES[min(MODES.index(base), MODES.index(head))]
    assert bool(list(loosened(one, other))) is (MODES.index(head) > MODES.index(base))
    kinds = strictest(App("wiki", "lee", manage_kinds={"team": base}), App("wiki", "lee", manage=head))
    assert kinds.manages("team") is strict.manage


def test_what_either_side_calls_privileged_is_privileged() -> None:
    """Unmarked or removed from the YAML: both are as before until the merge."""
    base = App(
        "wiki", "lee", entitlements={key: EntitlementRules(key, privileged=True) for key in ("role:a", "role:b")}
    )
    head = App("wiki", "lee", entitlements={"role:a": EntitlementRules("role:a", price="1 EUR/month")})
    strict = strictest(base, head)
    assert {key for key, rules in strict.entitlements.items() if rules.privileged} == {"role:a", "role:b"}
    assert strict.entitlements["role:a"].price == "1 EUR/month"
    assert len(list(loosened(base, head))) == 2


@pytest.mark.parametrize(("base", "head", "days"), [(30, 1, 30), (1, 30, 30), (None, 1, None), (30, None, None)])
def test_accounts_are_deleted_after_the_longer_grace(base: int | None, head: int | None, days: int | None) -> None:
    """No grace means that nothing is ever deleted."""
    one, other = (App("w", "lee", delete_after=None if n is None else timedelta(days=n)) for n in (base, head))
    assert strictest(one, other).delete_after == (None if days is None else timedelta(days=days))


def test_a_route_is_known_if_each_of_its_ways_is() -> None:
    """In any order, and without one of them; another configuration is another way, and so is that of another app."""
    settings = Settings(Path())
    scim, ticket = Way("scim", {"url": "https://a"}), Way("ticket", {"via": "directory"})
    known = App("wiki", "lee", route=(scim, ticket))
    assert routes_alike(known, App("wiki", "lee", route=(ticket, scim)), settings)
    assert routes_alike(known, App("wiki", "lee", route=(scim,)), settings)
    assert routes_alike(None, App("wiki", "lee"), settings)
    assert not routes_alike(known, App("wiki", "lee", route=(Way("scim", {"url": "https://b"}),)), settings)
    assert not routes_alike(None, App("wiki", "lee", route=(scim,)), settings)
    assert not same_app(known, App("wiki", "lee", route=(scim,)))
