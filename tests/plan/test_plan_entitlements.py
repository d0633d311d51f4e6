"""The table for entitlements: created, renamed, updated, followed, forgotten."""

from __future__ import annotations

from plan_worlds import World, app_with, found, only_change, operations, rules

from reconciler.items import EntitlementItem
from reconciler.plan.plan import Fact
from reconciler.provider.change import Cause, Operation
from reconciler.state.contract import AppliedEntitlement


def pinned(key: str, remote_id: str, live_key: str, *, declared: bool = True) -> World:
    """Return a world in which `key` is pinned to an id that is now called `live_key`, and ana holds it."""
    world = World(app=app_with(rules(key)) if declared else app_with()).declare("ana", key)
    world.model.add_entitlement(live_key, remote_id)
    world.live("ana", live_key).apply("ana", key)
    world.entitlements[key] = AppliedEntitlement(remote_id)
    return world


def test_a_declared_entitlement_is_created() -> None:
    """With its attributes, before anything else stands on it."""
    world = World(app=app_with(rules("team:new", attributes={"description": "the new ones"})))
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.CREATE_ENTITLEMENT, Cause.NEW)
    assert change.after == {"name": "new", "description": "the new ones"}


def test_a_declared_entitlement_that_is_gone_is_created_again() -> None:
    """Drift: it was ours."""
    world = World(app=app_with(rules("team:a")), entitlements={"team:a": AppliedEntitlement("e-team:a", created=True)})
    assert only_change(world.plan()).cause is Cause.LOST


def test_a_creation_that_never_landed_is_not_yet_applied() -> None:
    """Recorded as pending and absent."""
    world = World(app=app_with(rules("team:a")), entitlements={"team:a": AppliedEntitlement("", pending=True)})
    assert only_change(world.plan()).cause is Cause.UNFINISHED


def test_an_entitlement_that_the_yaml_renamed_is_renamed_in_place() -> None:
    """`formerly`: its grants move with it, nobody loses access in between."""
    world = World(app=app_with(rules("team:new", formerly=("team:old",)))).settled("ana", "team:old")
    world.wanted = {("ana", "team:new"): None}
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.RENAME_ENTITLEMENT, Cause.EDITED)
    assert (change.before, change.after, change.entitlement_id) == ({"name": "old"}, {"name": "new"}, "e-team:old")
    world.carry_out(world.plan())
    plan = world.plan()
    assert plan.changes == ()
    assert plan.adoption.grants == (("ana", "team:new", None),)


def test_a_former_name_is_ignored_where_both_are_live() -> None:
    """They are two entitlements, and nothing is renamed."""
    world = World(app=app_with(rules("team:new", formerly=("team:old",))))
    world.model.add_entitlement("team:new")
    world.model.add_entitlement("team:old")
    assert world.plan().changes == ()


def test_a_declared_entitlement_that_was_renamed_outside_is_renamed_back() -> None:
    """Drift; and its grants are compared under our name meanwhile."""
    change = only_change(pinned("team:a", "e-1", "team:other").plan())
    assert (change.operation, change.cause) == (Operation.RENAME_ENTITLEMENT, Cause.DRIFTED)
    assert (change.before, change.after) == ({"name": "other"}, {"name": "a"})


def test_a_granted_entitlement_that_was_renamed_outside_is_followed() -> None:
    """The YAML only grants it, so its name is not ours to set."""
    plan = pinned("team:a", "e-1", "team:other", declared=False).plan()
    assert plan.changes == ()
    assert "is now called team:other" in found(plan, Fact.RENAMED)[0].text


def test_the_yaml_can_follow_a_rename() -> None:
    """Named as it is called now, it is the same entitlement: no revoke, no grant."""
    world = pinned("team:a", "e-1", "team:other", declared=False)
    world.wanted = {("ana", "team:other"): None}
    plan = world.plan()
    assert plan.changes == ()
    world.carry_out(plan)
    assert set(world.grants) == {("ana", "team:other")}
    assert set(world.entitlements) == {"team:other"}


def test_an_entitlement_that_was_made_anew_is_another_one() -> None:
    """The pinned id is gone and the name is back: nothing is planned on it."""
    world = pinned("team:a", "e-2", "team:a")
    world.entitlements["team:a"] = AppliedEntitlement("e-1")
    world.declare("ben", "team:a").live("ben")
    plan = world.plan()
    assert plan.changes == ()
    (finding,) = found(plan, Fact.CONFLICT)
    assert (finding.item, finding.refuses) == (EntitlementItem("team:a"), True)
    assert "made anew" in finding.text


def test_an_entitlement_that_was_renamed_and_its_name_given_to_another_blocks_both_ways() -> None:
    """The pinned one has a new name, a new one has ours."""
    world = pinned("team:a", "e-1", "team:moved")
    world.model.add_entitlement("team:a", "e-2")
    world.declare("ben", "team:a").live("ben")
    plan = world.plan()
    assert plan.changes == ()
    assert "id e-2 has the name" in found(plan, Fact.CONFLICT)[0].text


def test_ids_that_are_not_stable_say_nothing_about_names() -> None:
    """Made anew or not, the key is the pin."""
    from plan_worlds import can_everything  # noqa: PLC0415 - only this test needs other capabilities

    world = pinned("team:a", "e-2", "team:a")
    world.entitlements["team:a"] = AppliedEntitlement("e-1")
    assert found(world.plan(capabilities=can_everything(stable_ids=False)), Fact.CONFLICT) == []


def test_attributes_of_an_entitlement_are_kept_equal() -> None:
    """Only those that the YAML names."""
    world = World(app=app_with(rules("team:a", attributes={"description": "right"})))
    world.model.add_entitlement("team:a", description="wrong", secret="kept")
    change = only_change(world.plan())
    assert (change.operation, change.after) == (Operation.UPDATE_ENTITLEMENT, {"description": "right"})


def test_an_entitlement_is_never_deleted() -> None:
    """One that we made and that is declared no more is told, left in place and forgotten."""
    world = World(entitlements={"team:a": AppliedEntitlement("e-team:a", created=True)})
    world.model.add_entitlement("team:a")
    plan = world.plan()
    assert plan.changes == ()
    assert "left in place" in found(plan, Fact.NOTE)[0].text
    assert plan.adoption.gone == (EntitlementItem("team:a"),)


def test_a_rename_comes_before_the_creation_of_what_takes_the_old_name() -> None:
    """Within a kind, names are freed first."""
    world = World(app=app_with(rules("team:new", formerly=("team:old",)), rules("team:also")))
    world.model.add_entitlement("team:old")
    assert operations(world.plan()) == ["rename-entitlement/team:new", "create-entitlement/team:also"]


def test_a_name_that_two_entitlements_carry_is_a_conflict() -> None:
    """Nobody can tell which one is meant: nothing is granted on it, nothing revoked."""
    world = World().settled("ana", "team:a").declare("ben", "team:a").live("ben")
    world.model.add_entitlement("team:a", "e-twin")
    del world.wanted["ana", "team:a"]
    plan = world.plan()
    assert plan.changes == ()
    assert "2 entitlements are called team:a (ids e-team:a, e-twin)" in found(plan, Fact.CONFLICT)[0].text


def test_a_plan_carries_the_prices_of_what_it_changes() -> None:
    """For whoever sums them up; what stays as it is costs what it did."""
    prices = {"team:a": "12.50 EUR/month", "team:b": "3 USD/year"}
    world = World(app=app_with(*(rules(key, price=price) for key, price in prices.items())))
    for key in prices:
        world.model.add_entitlement(key)
    world = world.settled("ana", "team:b").declare("ana", "team:a")
    plan = world.plan()
    assert [change.entitlement for change in plan.changes] == ["team:a"]
    assert plan.prices == {"team:a": "12.50 EUR/month"}
