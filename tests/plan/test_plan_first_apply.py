"""The guard of an app that the state has never heard of, and guards that are taken from the base and the head."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from plan_worlds import World, app_with, rules, whole_plan

from reconciler.items import Names
from reconciler.model.apps import Manage
from reconciler.model.policies import Limit, Limits, NeverTogether, Policies, Protected
from reconciler.plan.app import plan_app
from reconciler.plan.guards import Override
from reconciler.plan.plan import AppPlan, Plan
from reconciler.provider.change import Change


def first_plan(world: World) -> AppPlan:
    """Plan an app that the state does not know."""
    inputs = world.inputs()
    unknown = replace(world.applied(Names()), accounts={}, entitlements={}, grants={}, pending=set(), known=False)
    return plan_app(replace(inputs, applied=unknown))


def unrecognized(there: int, declared: int, *, recognized: int = 0) -> World:
    """Return a world with accounts that are there, some that are declared, and some that are both."""
    world = World()
    for number in range(there):
        world.live(f"other{number}")
    for number in range(declared):
        world.declare(f"p{number}", "team:a")
    for number in range(recognized):
        world.declare(f"both{number}").live(f"both{number}")
    return world


def refused(plan: Plan) -> list[str]:
    """Return the guards that refuse."""
    return [verdict.guard for verdict in plan.verdicts if verdict.refused]


@pytest.mark.parametrize(
    ("there", "declared", "recognized", "stopped"),
    [
        (50, 20, 0, False),
        (50, 21, 0, True),
        (100, 30, 0, False),
        (100, 31, 0, True),
        (0, 200, 0, False),
        (10, 5, 200, False),
        (0, 64, 200, True),
    ],
)
def test_a_first_apply_beside_many_unrecognized_accounts_is_refused(
    there: int, declared: int, recognized: int, *, stopped: bool
) -> None:
    """More than twenty, or 30 % of what is there; an empty app is only new, a recognized account none to make."""
    plan = whole_plan(first_plan(unrecognized(there, declared, recognized=recognized)))
    assert ("first_apply" in refused(plan)) is stopped


def test_a_first_apply_that_takes_many_accounts_is_refused() -> None:
    """In an app that is managed whole, strangers would be suspended."""
    world = unrecognized(70, 0)
    world.app = replace(world.app, manage=Manage.EVERYTHING)
    limits = Limits(removals_per_app=Limit(100), removals=Limit(100))
    plan = whole_plan(first_plan(world), policies=(Policies(limits=limits),))
    assert refused(plan) == ["first_apply"]


def test_it_is_the_first_apply_alone() -> None:
    """Fifty new people in an app that is known are a large day, no suspicion."""
    world = unrecognized(50, 50)
    assert "first_apply" not in refused(whole_plan(world.plan()))
    assert "first_apply" in refused(whole_plan(first_plan(world)))


def test_leavers_do_not_count() -> None:
    """They have their own limit."""
    world = unrecognized(0, 20)
    for number in range(30):
        world.live(f"gone{number}").leave(f"gone{number}")
    plan = whole_plan(first_plan(world), policies=(Policies(limits=Limits(leavers=Limit(50))),))
    assert refused(plan) == []


def test_a_first_apply_can_be_overridden_by_its_digest() -> None:
    """Somebody looked at it."""
    app = first_plan(unrecognized(50, 40))
    plan = whole_plan(app)
    assert "40 accounts to make or to suspend beside 50 that are there" in plan.verdicts[0].text
    lifted = whole_plan(app, overrides=(Override(plan.digest, "the tenant is shared with the other company"),))
    assert refused(lifted) == []
    assert lifted.digest == plan.digest


def removal() -> AppPlan:
    """Return the plan of an app in which somebody loses a team."""
    world = World(app=app_with(rules("role:owner", privileged=True)))
    world.settled("ana", "team:a", "role:owner").settled("omar", "team:a")
    del world.wanted["ana", "team:a"]
    del world.wanted["ana", "role:owner"]
    return world.plan()


GUARDS = [
    Policies(protected=Protected(people=frozenset({"ana"})), limits=Limits(minimum_admins=0)),
    Policies(protected=Protected(accounts=frozenset({"github/ana"})), limits=Limits(minimum_admins=0)),
    Policies(protected=Protected(entitlements=frozenset({"github/team:a"})), limits=Limits(minimum_admins=0)),
    Policies(limits=Limits(removals_per_app=Limit(0), minimum_admins=0)),
    Policies(limits=Limits(minimum_admins=1)),
]
OPEN = Policies(limits=Limits(Limit(100, 1.0), Limit(100, 1.0), 0))


@pytest.mark.parametrize(("guard", "first"), list(itertools.product(GUARDS, [True, False])))
def test_a_guard_of_the_base_or_of_the_head_alone_holds(guard: Policies, *, first: bool) -> None:
    """One pull request can neither remove a guard and use the gap, nor add one that counts only later."""
    app = removal()
    assert not whole_plan(app, policies=(OPEN, OPEN)).refused
    both = (guard, OPEN) if first else (OPEN, guard)
    assert whole_plan(app, policies=both).refused


@pytest.mark.parametrize("first", [True, False])
def test_what_may_never_be_together_in_the_base_or_the_head_may_not(*, first: bool) -> None:
    """The rule reaches the plan of the app and that of the company."""
    rule = {"pay-yourself": NeverTogether("pay-yourself", ("github/team:a", "github/team:b"))}
    both = (Policies(never_together=rule), Policies()) if first else (Policies(), Policies(never_together=rule))
    world = World().settled("ana", "team:a").declare("ana", "team:a", "team:b")
    world.model.add_entitlement("team:b")

    def blocked(policies: tuple[Policies, ...]) -> list[Change]:
        plan = whole_plan(world.plan(policies=policies), policies=policies)
        return [change for change in plan.changes() if change.blocked]

    assert [change.entitlement for change in blocked(both)] == ["team:b"]
    assert blocked((Policies(), Policies())) == []
