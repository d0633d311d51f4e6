"""Guards of the base and of the head: whatever a pull request does to them, the stricter of both holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_worlds import App, World, app_with, rules, whole_plan

from reconciler.model.policies import Limit, Limits, NeverTogether, Policies, Protected
from reconciler.plan.plan import AppPlan, Plan

KEYS = ("team:a", "role:x", "role:y")
PEOPLE = tuple(f"p{number}" for number in range(8))


def attacked(policies: tuple[Policies, ...]) -> Plan:
    """Return the plan of an app from which a lot is taken away, and in which something new is granted."""
    world = World(app=app_with(rules("role:x", privileged=True)))
    for number, person in enumerate(PEOPLE):
        world.settled(person, "team:a", *(["role:x"] if number < 3 else []))
    for person in PEOPLE[:2]:
        world.leave(person)
    for person in PEOPLE[2:5]:
        world.wanted = {pair: level for pair, level in world.wanted.items() if pair[0] != person}
    world.people.pop("p5")
    world.wanted["p6", "role:y"] = None
    world.model.add_entitlement("role:y")
    return whole_plan(world.plan(policies=policies), policies=policies)


def refusals(plan: Plan) -> set[str]:
    """Return what a plan refuses: its changes that are blocked, and its guards."""
    blocked = {change.id for change in plan.changes() if change.blocked}
    return blocked | {f"{one.guard} {one.app}" for one in plan.verdicts if one.refused}


LIMITS = st.builds(Limit, st.integers(0, 6), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
POLICIES = st.builds(
    Policies,
    never_together=st.sampled_from(
        [{}, {"both": NeverTogether("both", ("github/team:a", "github/role:y"))}],
    ),
    protected=st.builds(
        Protected,
        people=st.frozensets(st.sampled_from(PEOPLE), max_size=2),
        accounts=st.frozensets(st.sampled_from([f"github/{name}" for name in PEOPLE]), max_size=2),
        entitlements=st.frozensets(st.sampled_from([f"github/{key}" for key in KEYS]), max_size=1),
    ),
    limits=st.builds(Limits, LIMITS, LIMITS, st.integers(0, 3), LIMITS),
)


def counted(policies: Policies) -> Policies:
    """Return policies whose protections block nothing, so that what is counted is the same under all."""
    return Policies(limits=policies.limits)


@given(POLICIES, POLICIES)
def test_both_protect_what_either_protects(base: Policies, head: Policies) -> None:
    """In either order; and what either never allows together, both never allow."""
    both = attacked((base, head))
    assert refusals(both) == refusals(attacked((head, base)))
    blocked = {change.id for change in both.changes() if change.blocked}
    for one in (base, head):
        alone = {change.id for change in attacked((one,)).changes() if change.blocked}
        assert alone <= blocked


@given(POLICIES, POLICIES)
def test_both_refuse_what_either_refuses(base: Policies, head: Policies) -> None:
    """Each limit by itself is the stricter one; nothing else is refused."""
    base, head = counted(base), counted(head)
    both = refusals(attacked((base, head)))
    assert both == refusals(attacked((base,))) | refusals(attacked((head,)))


STRICT = Policies(
    never_together={"both": NeverTogether("both", ("github/team:a", "github/role:y"))},
    protected=Protected(frozenset({"p2"}), frozenset({"github/p5"}), frozenset({"github/role:x"})),
    limits=Limits(Limit(1), Limit(1), 3, Limit(1)),
)
LOOSE = Limits(Limit(1000, 1.0), Limit(1000, 1.0), 0, Limit(1000, 1.0))


@pytest.mark.parametrize(
    ("weaken", "guard"),
    [
        (lambda: Policies(STRICT.never_together, STRICT.protected, LOOSE), "leavers "),
        (lambda: Policies(STRICT.never_together, STRICT.protected, LOOSE), "removals_per_app github"),
        (lambda: Policies(STRICT.never_together, STRICT.protected, LOOSE), "removals "),
        (lambda: Policies({}, STRICT.protected, STRICT.limits), "github/grant/p6/role:y"),
        (lambda: Policies(STRICT.never_together, Protected(), STRICT.limits), "github/revoke/p2/team:a"),
        (lambda: Policies(STRICT.never_together, Protected(), STRICT.limits), "github/suspend-account/p5"),
        (lambda: Policies(STRICT.never_together, Protected(), STRICT.limits), "github/revoke/p0/role:x"),
        (Policies, "github/revoke/p2/role:x"),
    ],
)
def test_a_pull_request_cannot_take_a_guard_away_and_use_the_gap(weaken: Callable[[], Policies], guard: str) -> None:
    """A limit is raised, a protection dropped, a rule deleted: alone it would do, beside the base it does not."""
    head = weaken()
    assert guard in refusals(attacked((STRICT,)))
    assert guard not in refusals(attacked((head,)))
    assert guard in refusals(attacked((STRICT, head)))
    assert guard in refusals(attacked((head, STRICT)))


@pytest.mark.parametrize("minimum", [0, 2])
def test_the_last_admins_stay_although_the_head_drops_the_minimum_or_the_privilege(minimum: int) -> None:
    """Neither `minimum_admins: 0` nor taking `privileged` away opens the way."""
    base, head = Policies(limits=Limits(minimum_admins=2)), Policies(limits=Limits(minimum_admins=minimum))
    for entitlement in (rules("role:x", privileged=True), rules("role:x")):
        world = World(app=app_with(entitlement)).settled("ana", "role:x").settled("omar", "role:x")
        del world.wanted["ana", "role:x"]
        plan = world.plan(policies=(base, head), privileged=frozenset({"role:x"}))
        assert "minimum_admins github" in refusals(whole_plan(plan, policies=(base, head)))


def shrinking(name: str, removed: int) -> AppPlan:
    """Return the plan of an app from which so many grants are taken."""
    world = World(app=App(name, "omar"))
    for number in range(12):
        world.settled(f"p{number}", "team:a")
        if number < removed:
            del world.wanted[f"p{number}", "team:a"]
    return world.plan()


def test_a_little_in_every_app_is_too_much_in_all() -> None:
    """Five in each of six apps: no app refuses, the plan does; a share counts of what all apps hold."""
    apps = [shrinking(f"app{number}", 5) for number in range(6)]
    policies = (Policies(limits=Limits(removals_per_app=Limit(5), removals=Limit(25))),)
    assert refusals(whole_plan(*apps, policies=policies)) == {"removals "}
    (verdict,) = [one for one in whole_plan(*apps, policies=policies).verdicts if one.guard == "removals"]
    assert verdict.text == "30 of 25 removals in all apps"
    assert refusals(whole_plan(*apps[:5], policies=policies)) == set()
    shared = (Policies(limits=Limits(removals_per_app=Limit(5), removals=Limit(0, 0.25))),)
    assert refusals(whole_plan(*apps, policies=shared)) == set()


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4), LIMITS)
def test_the_limit_on_all_removals_is_their_number_against_the_larger_of_both(counts: list[int], limit: Limit) -> None:
    """Leavers are not among them."""
    apps = [shrinking(f"app{number}", count) for number, count in enumerate(counts)]
    policies = (Policies(limits=Limits(removals_per_app=Limit(1000), removals=limit)),)
    allowed = max(limit.count, int(24 * len(counts) * limit.share))
    assert ("removals " in refusals(whole_plan(*apps, policies=policies))) is (sum(counts) > allowed)


def test_a_leaver_counts_once_however_many_apps_there_are_and_in_no_other_limit() -> None:
    """Accounts, grants and apps together: one."""
    policies = (Policies(limits=Limits(Limit(2), Limit(0), 0, Limit(0))),)
    apps = []
    for name, people in itertools.product(("a", "b", "c"), (("ana", "omar"),)):
        world = World(app=App(name, "lee")).settled("stays")
        for person in people:
            world.settled(person, "team:a", "role:x").leave(person)
        apps.append(world.plan())
    assert refusals(whole_plan(*apps, policies=policies)) == set()
    assert refusals(whole_plan(*apps, policies=(Policies(limits=Limits(Limit(1))),))) == {"leavers "}
