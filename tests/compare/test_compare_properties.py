"""Random worlds and two declared sides: parting a plan loses nothing, adds nothing, and leaves drift alone."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "plan"))

from plan_worlds import World, reasons, whole_plan
from test_plan_convergence import PEOPLE, worlds

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.model.apps import Manage
from reconciler.plan.app import plan_again, plan_app
from reconciler.plan.compare import Compared, compare_app
from reconciler.plan.file import decode_plan, encode_plan
from reconciler.plan.inputs import AppInputs
from reconciler.plan.plan import AppPlan, Comparison, Fact
from reconciler.plan.sides import declare_otherwise, join_sides, matched_otherwise
from reconciler.plan.touched import touch
from reconciler.provider.change import Change, Operation, Why
from reconciler.resolve.declared import Presence

_PARTIAL = {Operation.UPDATE_ACCOUNT, Operation.UPDATE_ENTITLEMENT}


@st.composite
def requests(draw: st.DrawFn) -> tuple[World, World]:
    """Draw a world, and the same with another declared side: (head, base), live and applied alike."""
    head = draw(worlds(Manage.DECLARED, Manage.EVERYTHING))
    base = copy.copy(head)
    base.people, base.wanted, base.absent = dict(head.people), dict(head.wanted), dict(head.absent)
    base.silent, base.attributes = set(head.silent), copy.deepcopy(head.attributes)
    for person in sorted(draw(st.sets(st.sampled_from(PEOPLE)))):
        other = draw(worlds())
        base.people.pop(person, None)
        base.silent.discard(person)
        for pair in [pair for pair in {*base.wanted, *base.absent} if pair[0] == person]:
            base.wanted.pop(pair, None)
            base.absent.pop(pair, None)
        if person in other.people:
            base.people[person] = other.people[person]
        else:
            base.silent.add(person)
        base.wanted.update({pair: level for pair, level in other.wanted.items() if pair[0] == person})
        base.absent.update({pair: why for pair, why in other.absent.items() if pair[0] == person})
        base.attributes[person] = other.attributes[person]
        if draw(st.booleans()):
            base.usernames = {**head.usernames, person: draw(st.sampled_from(PEOPLE))}
        elif person in base.silent and draw(st.booleans()):
            base.silent.discard(person)
    return head, base


def sides(head: World, base: World) -> tuple[AppInputs, AppInputs]:
    """Return what both are planned from: one live and one applied side."""
    now = head.inputs()
    declared = base.declared(now.declared.names)
    return now, replace(now, declared=declared, account=base.account, identities=base.identities())


def compare(head: World, base: World) -> tuple[AppPlan, AppPlan, Compared]:
    """Plan both, and part them."""
    now, then = sides(head, base)
    one, other = plan_app(now), plan_app(then)
    return one, other, compare_app(one, other, touch(now, then, PEOPLE), explain, explain)


def _written(world: World, name: str) -> object:
    known = name in world.people or name in world.silent
    return known, world.attributes.get(name), world.usernames.get(name)


def explain(item: Item) -> tuple[Why, ...]:
    """Return why an item is declared."""
    return tuple(Why(reason.text, reason.place) for reason in reasons(item))


@given(requests())
def test_planning_only_whom_a_pull_request_touches_gives_the_same_parts(pair: tuple[World, World]) -> None:
    """The shortcut that makes it cheap is none in what comes out: changes, findings, adoption."""
    head, base = pair
    now, then = sides(head, base)
    joined = join_sides(now)
    other = declare_otherwise(joined, then)
    edited = {name for name in PEOPLE if _written(head, name) != _written(base, name)}
    touched = touch(now, then, edited)
    about = touched.holders | edited | matched_otherwise(joined, other)
    quick = compare_app(plan_app(now, joined), plan_again(other, about), touched, explain, explain, about=about)
    whole = compare_app(plan_app(now), plan_app(then), touched, explain, explain)
    assert quick.own == whole.own
    assert quick.before.changes == whole.before.changes
    assert quick.dropped == whole.dropped


def pieces(changes: tuple[Change, ...]) -> set[tuple[str, str, object, object]]:
    """Return what changes do, an attribute at a time."""
    found: set[tuple[str, str, object, object]] = set()
    for change in changes:
        if change.operation in _PARTIAL:
            found.update((change.id, name, change.before.get(name), value) for name, value in change.after.items())
        else:
            found.add((change.id, "", str(sorted(change.before.items())), str(sorted(change.after.items()))))
    return found


@given(requests())
def test_what_is_own_and_what_was_before_are_together_the_plan_of_the_head(pair: tuple[World, World]) -> None:
    """Nothing is lost but what waits (and is told), nothing is twice, and nothing was never asked for."""
    one, other, parted = compare(*pair)
    own, before = pieces(parted.own.changes), pieces(parted.before.changes)
    assert own | before <= pieces(one.changes)
    assert not own & before
    told = {finding.item for finding in parted.own.findings if finding.fact is Fact.WAITING}
    for change in one.changes:
        if not pieces((change,)) <= own | before:
            assert change.item in told
    assert pieces(parted.dropped.changes) <= pieces(other.changes)
    assert not pieces(parted.dropped.changes) & pieces(one.changes)


@given(requests())
def test_nothing_that_the_base_asks_for_as_well_is_own(pair: tuple[World, World]) -> None:
    """Drift, what is not yet applied, and what is due are nobody's pull request."""
    _, other, parted = compare(*pair)
    assert not pieces(parted.own.changes) & pieces(other.changes)


@given(worlds())
def test_a_pull_request_that_changes_nothing_has_no_changes(world: World) -> None:
    """The same declared side twice: everything was there before."""
    one, _, parted = compare(world, world)
    assert parted.own.changes == ()
    assert parted.dropped.changes == ()
    assert parted.before.changes == one.changes
    adoption = parted.own.adoption
    assert (adoption.accounts, adoption.entitlements, adoption.grants, adoption.gone) == ({}, {}, (), ())
    assert not [finding for finding in parted.own.findings if finding.fact is Fact.ALREADY]


@given(requests())
def test_applying_the_own_changes_leaves_exactly_what_was_before(pair: tuple[World, World]) -> None:
    """Once a pull request is applied, a plan of the head is what was folded away (and what waited for it)."""
    head, base = pair
    _, _, parted = compare(head, base)
    waiting = {finding.item for finding in parted.own.findings if finding.fact is Fact.WAITING}
    head.carry_out(replace(parted.own, changes=tuple(c for c in parted.own.changes if not c.blocked)))
    left = head.plan()
    own = pieces(tuple(change for change in parted.own.changes if not change.blocked))
    assert not {piece[:2] for piece in pieces(left.changes)} & {piece[:2] for piece in own}
    before = {piece[:2] for piece in pieces(parted.before.changes)}
    stands_on_own = {change.holder for change in parted.own.changes}
    for change in left.changes:
        waited = change.item in waiting or change.holder in stands_on_own
        assert waited or {piece[:2] for piece in pieces((change,))} <= before
    for change in parted.before.changes:
        if change.item not in waiting:
            assert change.id in {one.id for one in left.changes}


@given(requests())
def test_every_own_change_comes_from_something_that_is_declared_otherwise(pair: tuple[World, World]) -> None:
    """It is about an item on which base and head differ, or about an entitlement that such an item names."""
    head, base = pair
    now, then = sides(head, base)
    touched = touch(now, then, PEOPLE)
    _, _, parted = compare(head, base)
    for change in parted.own.changes:
        if change.operation in {Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT}:
            assert change.entitlement in touched.entitlements
        elif change.operation is not Operation.UPDATE_ENTITLEMENT:
            assert change.item in touched.items or change.holder in touched.accounts


@given(requests())
def test_whatever_a_pull_request_adds_is_a_change_or_told(pair: tuple[World, World]) -> None:
    """A grant that only the head declares is planned, there already, or in somebody's way: never passed over."""
    head, base = pair
    one, _, parted = compare(head, base)
    new = {grant for grant, level in head.wanted.items() if base.wanted.get(grant, "silent") != level}
    new = {grant for grant in new if head.people.get(grant[0]) is Presence.PRESENT}
    held = {finding.item for finding in parted.own.findings} | {change.item for change in one.changes}
    holders = {item.holder for item in held if isinstance(item, AccountItem)}
    keys = {item.entitlement for item in held if isinstance(item, EntitlementItem)}
    for holder, key in new:
        assert GrantItem(holder, key) in held or holder in holders or key in keys


@given(requests())
def test_the_plan_of_a_pull_request_survives_its_file(pair: tuple[World, World]) -> None:
    """With its comparison, and with its digest."""
    _, _, parted = compare(*pair)
    comparison = Comparison("b" * 40, edits="e" * 64, before=(parted.before,), dropped=(parted.dropped,))
    plan = whole_plan(parted.own, comparison=comparison)
    assert decode_plan(encode_plan(plan)) == plan


@given(requests())
def test_drift_elsewhere_leaves_the_digest_as_it_is(pair: tuple[World, World]) -> None:
    """Somebody whom the pull request does not name is suspended in the app: what it does stays the same."""
    head, base = pair
    before = whole_plan(compare(head, base)[2].own, comparison=Comparison("b" * 40))
    stranger = copy.deepcopy(head), copy.deepcopy(base)
    model = stranger[0].model
    model.add_account("mallory")
    model.grants["u-mallory", "team:a"] = None
    if "team:a" not in {entitlement.key for entitlement in model.entitlements.values()}:
        del model.grants["u-mallory", "team:a"]
    stranger[1].model = model
    after = whole_plan(compare(*stranger)[2].own, comparison=Comparison("b" * 40))
    assert after.digest == before.digest
