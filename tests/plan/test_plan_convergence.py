"""Random declared, applied and live sides: a plan that was carried out leaves nothing to do, whatever they were."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from plan_worlds import MOMENT, Model, World, all_collections, app_with, rules, whole_plan

from reconciler.items import AccountItem, EntitlementItem, GrantItem, kind_of
from reconciler.model.apps import Manage, OnDrift
from reconciler.plan.digest import digest_plan
from reconciler.plan.file import decode_plan, encode_plan
from reconciler.plan.order import requirements, staged
from reconciler.plan.plan import Fact, Scope
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus, entitlements_of, grants_of
from reconciler.resolve.declared import AbsentBecause, Presence
from reconciler.state.contract import AppliedAccount, AppliedEntitlement

PEOPLE = ("ana", "ben", "cam")
KEYS = ("team:a", "team:b", "role:admin", "repo:web")
STATUSES = (AccountStatus.ACTIVE, AccountStatus.INVITED, AccountStatus.SUSPENDED)
LONG_AGO = MOMENT - timedelta(days=90)


@st.composite
def worlds(draw: st.DrawFn, *modes: Manage) -> World:
    """Draw an app whose three sides have nothing to do with each other."""
    declared = [
        rules("team:a", formerly=("team:old",)),
        rules("role:admin", privileged=True),
        rules("repo:web", attributes={"description": draw(st.sampled_from(["", "the site"]))}),
    ]
    app = app_with(
        *draw(st.lists(st.sampled_from(declared), unique_by=lambda one: one.key)),
        manage=draw(st.sampled_from(modes or tuple(Manage))),
        delete_after=draw(st.sampled_from([None, timedelta(days=30)])),
        drift=draw(st.sampled_from(OnDrift)),
    )
    world = World(app=app, model=Model())
    for key in sorted(draw(st.sets(st.sampled_from([*KEYS, "team:old"])))):
        world.model.add_entitlement(key)
    for key in sorted(draw(st.sets(st.sampled_from([*KEYS, "team:old"])))):
        pin = draw(st.sampled_from([f"e-{key}", f"e-{key}", "e-team:old", "e-gone", ""]))
        if pin in {known.remote_id for known in world.entitlements.values()}:
            pin = ""
        world.entitlements[key] = AppliedEntitlement(pin, pending=not pin)
    for person in PEOPLE:
        draw_person(draw, world, person)
    return world


def draw_person(draw: st.DrawFn, world: World, person: str) -> None:
    """Draw one person's account and grants on each side."""
    presence = draw(st.sampled_from([None, Presence.PRESENT, Presence.PRESENT, Presence.SUSPENDED]))
    keys = st.sets(st.sampled_from(KEYS))
    if presence is None:
        world.silent.add(person)
    else:
        world.people[person] = presence
    world.attributes[person] = {"title": draw(st.sampled_from(["", "Engineer"]))}
    if presence is Presence.PRESENT:
        world.wanted.update({(person, key): draw_level(draw, key) for key in draw(keys)})
    else:
        world.absent.update({(person, key): AbsentBecause.EXPIRED for key in draw(keys)})
    if draw(st.booleans()):
        attributes = {"title": draw(st.sampled_from(["", "Intern"]))}
        world.live(person, status=draw(st.sampled_from(STATUSES)), attributes=attributes)
        here = {entitlement.key for entitlement in world.model.entitlements.values()}
        for key in sorted(draw(keys) & here):
            world.model.grant(person, key, draw_level(draw, key))
    if draw(st.booleans()):
        pin = draw(st.sampled_from([f"u-{person}", f"u-{person}", "u-gone", "u-ana"]))
        status = draw(st.sampled_from([AccountStatus.ACTIVE, AccountStatus.SUSPENDED]))
        pending = draw(st.booleans())
        since = draw(st.sampled_from([MOMENT, LONG_AGO]))
        world.accounts[person] = AppliedAccount(pin, person, status, {"title": "Engineer"}, pending, since)
        rows = draw(keys)
        world.grants.update({(person, key): draw_level(draw, key) for key in rows})
        world.pending.update((person, key) for key in rows if draw(st.booleans()))


def draw_level(draw: st.DrawFn, key: str) -> str | None:
    """Draw a level where the kind has some."""
    return draw(st.sampled_from([None, "read", "write", "admin"])) if kind_of(key) == "repo" else None


@given(worlds())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(world: World) -> None:
    """The second plan has no change, and from the third on there is nothing to adopt or forget either."""
    world.carry_out(world.plan())
    second = world.plan()
    assert [change.id for change in second.changes if not change.blocked] == []
    world.carry_out(second)
    third = world.plan()
    assert third.adoption.accounts == {}
    assert third.adoption.entitlements == {}
    assert (tuple(third.adoption.grants), tuple(third.adoption.gone), third.adoption.counts) == ((), (), {})


@given(worlds(), st.integers(0, 9))
def test_the_order_in_which_an_app_lists_its_items_never_matters(world: World, order: int) -> None:
    """Shuffled live sides give the same plan and the same digest."""
    one, other = world.plan(), world.plan(world.model.snapshot(order=order))
    assert one == other
    assert whole_plan(one).digest == whole_plan(other).digest


@given(worlds(), st.sets(st.sampled_from(all_collections()), min_size=1))
def test_nothing_is_planned_that_relies_on_what_was_not_read(world: World, incomplete: set[str]) -> None:
    """Neither added nor removed nor forgotten; but a pinned leaver who was seen is suspended."""
    plan = world.plan(world.model.snapshot(incomplete=incomplete))
    for change in plan.changes:
        if isinstance(change.item, AccountItem):
            pinned = world.people.get(change.holder) is Presence.SUSPENDED and change.account_id
            assert ACCOUNTS not in incomplete or pinned
        elif isinstance(change.item, GrantItem):
            assert incomplete.isdisjoint({ACCOUNTS, grants_of(change.kind)})
            created = any(c.operation is Operation.CREATE_ENTITLEMENT for c in plan.changes if c.kind == change.kind)
            assert entitlements_of(change.kind) not in incomplete or not created
        elif change.operation is Operation.CREATE_ENTITLEMENT:
            assert entitlements_of(change.kind) not in incomplete
    for item in plan.adoption.gone:
        relied = {ACCOUNTS} if not isinstance(item, EntitlementItem) else {entitlements_of(kind_of(item.entitlement))}
        if isinstance(item, GrantItem):
            relied.add(grants_of(kind_of(item.entitlement)))
        assert relied.isdisjoint(incomplete)
    assert not plan.complete


@given(worlds(Manage.DECLARED))
def test_what_is_unmanaged_is_never_removed_where_only_the_declared_is_managed(world: World) -> None:
    """Without a record, and with a silent YAML, nothing is taken away."""
    plan = world.plan()
    recorded = {(holder, key) for holder, key in world.grants}
    for change in plan.changes:
        if change.operation is Operation.REVOKE:
            pair = (change.holder, change.entitlement)
            leaver = world.people.get(change.holder) is Presence.SUSPENDED
            former = change.entitlement == "team:a" and (change.holder, "team:old") in recorded
            assert pair in recorded or pair in world.absent or leaver or former
        elif change.operation is Operation.SUSPEND_ACCOUNT:
            assert change.holder in world.accounts or change.holder in world.people


@given(worlds(Manage.OBSERVE))
def test_an_app_that_is_only_observed_is_never_changed(world: World) -> None:
    """Nothing is done, adopted or forgotten; what would be done is shown."""
    plan = world.plan()
    assert plan.changes == ()
    assert (plan.adoption.accounts, plan.adoption.entitlements) == ({}, {})
    assert (plan.adoption.grants, plan.adoption.gone) == ((), ())


@given(worlds(), st.sampled_from(PEOPLE))
def test_a_partial_plan_touches_only_its_identities(world: World, person: str) -> None:
    """Changes, adoption and findings about items are all of the identity that was asked for."""
    plan = world.plan(scope=Scope(identities=(person,)))
    assert {change.holder for change in plan.changes} <= {person}
    assert set(plan.adoption.accounts) <= {person}
    assert {grant[0] for grant in plan.adoption.grants} <= {person}
    assert plan.adoption.entitlements == {}
    assert {finding.item.holder for finding in plan.findings if isinstance(finding.item, AccountItem)} <= {person}


@given(worlds())
def test_a_partial_plan_is_a_part_of_the_whole_plan(world: World) -> None:
    """Limiting a plan never adds anything to it."""
    whole = {change.id for change in world.plan().changes}
    for person in PEOPLE:
        assert {change.id for change in world.plan(scope=Scope(identities=(person,))).changes} <= whole


@given(worlds())
def test_expiry_only_ever_removes(world: World) -> None:
    """Once present items are declared absent, no change adds anything to their holders."""
    before = world.plan()
    world.absent.update(dict.fromkeys(world.wanted, AbsentBecause.EXPIRED))
    world.wanted.clear()
    after = world.plan()
    adding = {Operation.GRANT, Operation.SET_LEVEL}
    assert not [change for change in after.changes if change.operation in adding]
    revoked = {c.id for c in before.changes if c.operation is Operation.REVOKE and not c.blocked}
    assert revoked <= {change.id for change in after.changes}


@given(worlds())
def test_no_stage_comes_before_what_its_changes_need(world: World) -> None:
    """Every change that another one needs stands before it, and stages hold each change exactly once."""
    plan = world.plan()
    order = [change.id for stage in staged(plan.changes) for strand in stage.strands for change in strand]
    assert sorted(order) == sorted(change.id for change in plan.changes)
    assert order == [change.id for change in plan.changes]
    for change_id, needed in requirements(plan.changes).items():
        assert all(order.index(one) < order.index(change_id) for one in needed)


@given(worlds())
def test_a_plan_file_gives_back_exactly_the_plan(world: World) -> None:
    """Encoding and decoding is the identity, and the digest is the one that was written."""
    plan = whole_plan(world.plan())
    read = decode_plan(encode_plan(plan))
    assert read == plan
    assert digest_plan(read) == plan.digest


@given(worlds())
def test_no_change_has_two_meanings(world: World) -> None:
    """The ids of a plan's changes are all different, and each has a way."""
    plan = world.plan()
    assert len({change.id for change in plan.changes}) == len(plan.changes)
    assert all(change.way or change.blocked for change in plan.changes)
    assert not [finding for finding in plan.findings if finding.fact is Fact.PENDING]
