"""The table for grants, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plan_worlds import App, World, app_with, found, only_change, operations, rules

from reconciler.items import EntitlementItem, GrantItem
from reconciler.model.apps import Manage
from reconciler.plan.grants import SINGLY
from reconciler.plan.plan import Fact
from reconciler.provider.change import Cause, Operation
from reconciler.resolve.declared import AbsentBecause, Clash
from reconciler.state.contract import AppliedEntitlement


def with_team(**more: object) -> World:
    """Return a world in which ana is settled and team:a is there."""
    world = World(**more)  # type: ignore[arg-type]
    return world.settled("ana", "team:a")


def test_what_is_settled_needs_nothing() -> None:
    """Declared, live and applied alike: no change, no finding, nothing to adopt."""
    plan = with_team().plan()
    assert (plan.changes, plan.findings) == ((), ())
    assert (plan.adoption.accounts, plan.adoption.grants, plan.adoption.gone) == ({}, (), ())


def test_a_new_grant_is_added() -> None:
    """Declared, not live, never applied."""
    change = only_change(with_team().settled("ben").declare("ben", "team:a").plan())
    assert (change.operation, change.cause, change.way) == (Operation.GRANT, Cause.NEW, "api")
    assert (change.account_id, change.entitlement_id, change.username) == ("u-ben", "e-team:a", "ben")
    assert change.why[0].place.short == "grants.yaml:3"


def test_a_grant_that_was_lost_outside_git_is_added_back() -> None:
    """Declared and applied, no longer live: drift."""
    world = with_team().settled("ben").declare("ben", "team:a").apply("ben", "team:a")
    assert only_change(world.plan()).cause is Cause.LOST


def test_a_grant_whose_intent_never_landed_is_not_yet_applied() -> None:
    """Recorded as pending and absent: unfinished, never drift."""
    world = with_team().settled("ben").declare("ben", "team:a").apply("ben", "team:a")
    world.pending.add(("ben", "team:a"))
    assert only_change(world.plan()).cause is Cause.UNFINISHED


def test_a_declared_grant_that_is_held_already_is_adopted() -> None:
    """Nothing to do; it becomes ours."""
    world = with_team().settled("ben").declare("ben", "team:a").live("ben", "team:a")
    plan = world.plan()
    assert plan.changes == ()
    assert plan.adoption.grants == (("ben", "team:a", None),)


def test_a_privileged_grant_is_adopted_in_full_view() -> None:
    """It is listed singly, so that a reviewer sees it; another one is only counted."""
    world = World(app=app_with(rules("role:admin", privileged=True))).settled("ana", "team:a")
    plan = world.declare("ana", "role:admin").live("ana", "team:a", "role:admin").plan()
    (finding,) = found(plan, Fact.ADOPTED)
    assert finding.item == GrantItem("ana", "role:admin")
    assert finding.privileged


@pytest.mark.parametrize(
    ("declared", "live", "applied", "cause"),
    [
        ("write", "read", "read", Cause.EDITED),
        ("write", "admin", "write", Cause.DRIFTED),
        ("write", "admin", "read", Cause.CONFLICT),
        ("write", "admin", "-", Cause.NEW),
    ],
)
def test_another_level_is_set_in_place(declared: str, live: str, applied: str, cause: Cause) -> None:
    """A level is changed, never removed and added; the cause says who moved."""
    world = World().settled("kim").declare("kim", "repo:web", level=declared).live("kim", "repo:web", level=live)
    if applied != "-":
        world.apply("kim", "repo:web", level=applied)
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.SET_LEVEL, cause)
    assert (change.before, change.after) == ({"level": live}, {"level": declared})


def test_a_level_that_was_intended_and_never_landed_is_not_yet_applied() -> None:
    """The recorded level is the declared one, and pending."""
    world = World().settled("kim").declare("kim", "repo:web", level="write").live("kim", "repo:web", level="read")
    world.apply("kim", "repo:web", level="write").pending.add(("kim", "repo:web"))
    assert only_change(world.plan()).cause is Cause.UNFINISHED


def test_no_level_means_the_weakest_where_the_order_is_known() -> None:
    """`repo:web` alone is satisfied by `read`, and not by `admin`."""
    weakest = World().settled("kim").declare("kim", "repo:web").live("kim", "repo:web", level="read")
    assert weakest.plan().changes == ()
    change = only_change(
        World().settled("kim").declare("kim", "repo:web").live("kim", "repo:web", level="admin").plan()
    )
    assert (change.operation, change.after) == (Operation.SET_LEVEL, {"level": "read"})


def test_no_level_accepts_what_is_found_where_no_order_is_known_and_keeps_it() -> None:
    """The level found at first is recorded; if it changes afterwards, that is drift."""
    world = with_team().live("ana", "team:a", level="maintainer")
    plan = world.plan()
    assert plan.changes == ()
    assert plan.adoption.grants == (("ana", "team:a", "maintainer"),)
    world.carry_out(plan)
    assert world.plan().adoption.grants == ()
    change = only_change(world.live("ana", "team:a", level="owner").plan())
    assert (change.cause, change.after) == (Cause.DRIFTED, {"level": "maintainer"})


def test_a_grant_that_was_removed_from_git_is_revoked() -> None:
    """Applied and live, and the YAML is silent."""
    world = with_team()
    del world.wanted["ana", "team:a"]
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.REVOKE, Cause.REMOVED)
    assert change.why[-1].text == "removed from git"


def test_a_revoke_that_never_landed_is_not_yet_applied() -> None:
    """The intent of the removal is recorded, and the grant is still there."""
    world = with_team()
    del world.wanted["ana", "team:a"]
    world.pending.add(("ana", "team:a"))
    assert only_change(world.plan()).cause is Cause.UNFINISHED


@pytest.mark.parametrize(
    ("because", "cause"), [(AbsentBecause.EXPIRED, Cause.EXPIRED), (AbsentBecause.EXCLUDED, Cause.EXCLUDED)]
)
def test_a_grant_that_is_declared_absent_is_revoked_even_if_it_was_never_ours(
    because: AbsentBecause, cause: Cause
) -> None:
    """Expired or excluded."""
    world = with_team().settled("ben").live("ben", "team:a")
    world.absent["ben", "team:a"] = because
    assert only_change(world.plan()).cause is cause


def test_an_unmanaged_grant_is_reported_and_left_alone() -> None:
    """Live, never applied, and the YAML is silent."""
    plan = with_team().settled("ben").live("ben", "team:a").plan()
    assert plan.changes == ()
    (finding,) = found(plan, Fact.UNMANAGED)
    assert (finding.item, finding.fails_drift) == (GrantItem("ben", "team:a"), False)
    assert plan.counts.unmanaged_grants == 1


def test_a_privileged_unmanaged_grant_fails_the_drift_check() -> None:
    """Somebody gave it outside git."""
    world = World(app=app_with(rules("role:admin", privileged=True))).settled("ana").live("ana", "role:admin")
    (finding,) = found(world.plan(), Fact.UNMANAGED)
    assert (finding.fails_drift, finding.privileged) == (True, True)


def test_many_unmanaged_grants_are_counted_by_kind() -> None:
    """A first look at a large app is readable, and privileged ones are still named."""
    world = World(app=app_with(rules("role:admin", privileged=True)))
    for number in range(SINGLY + 1):
        world.settled(f"p{number}").live(f"p{number}", "team:a")
    findings = found(world.live("p0", "team:a", "role:admin").plan(), Fact.UNMANAGED)
    assert [str(finding.item) for finding in findings] == ["None", "p0 role:admin"]
    assert findings[0].text.startswith(f"{SINGLY + 1} grants of kind team")


def test_an_unmanaged_grant_is_removed_where_everything_is_managed() -> None:
    """Also by kind only."""
    world = World(app=App("github", "omar", manage_kinds={"team": Manage.EVERYTHING})).settled("ana")
    plan = world.live("ana", "team:a", "role:x").plan()
    assert only_change(plan).id == "github/revoke/ana/team:a"
    assert only_change(plan).cause is Cause.STRANGER


def test_what_is_gone_and_wanted_no_more_is_forgotten() -> None:
    """Applied, silent and seen absent."""
    world = with_team().apply("ana", "team:a", "team:b")
    world.model.add_entitlement("team:b")
    plan = world.plan()
    assert plan.changes == ()
    assert GrantItem("ana", "team:b") in plan.adoption.gone


def test_an_app_that_is_only_observed_shows_what_would_be_done() -> None:
    """No change, no adoption."""
    world = with_team(app=App("github", "omar", manage=Manage.OBSERVE)).declare("ana", "team:b").live("ana")
    world.model.add_entitlement("team:b")
    plan = world.plan()
    assert plan.changes == ()
    (finding,) = found(plan, Fact.OBSERVED)
    assert (finding.item, finding.text) == (GrantItem("ana", "team:b"), "would grant (new); only observed here")


def test_a_name_that_is_neither_declared_nor_live_is_refused_with_a_suggestion() -> None:
    """A wrong name never becomes a new team."""
    plan = with_team().declare("ana", "team:aa").plan()
    assert plan.changes == ()
    (finding,) = found(plan, Fact.BLOCKED)
    assert (finding.item, finding.refuses) == (EntitlementItem("team:aa"), True)
    assert "did you mean team:a?" in finding.text
    assert "1 grant waits" in finding.text


def test_a_grant_on_what_the_same_plan_creates_is_planned() -> None:
    """Account and team are made first; their ids are not known yet."""
    world = World(app=app_with(rules("team:new"))).declare("ana", "team:new")
    plan = world.plan()
    assert operations(plan) == ["create-entitlement/team:new", "create-account/ana", "grant/ana/team:new"]
    assert (plan.changes[-1].account_id, plan.changes[-1].entitlement_id) == ("", "")


def test_an_entitlement_can_hold_another_one() -> None:
    """A team on a repository: granted, levelled and revoked like a person's."""
    world = World()
    world.model.add_entitlement("team:a")
    world.model.add_entitlement("repo:web")
    world.wanted["team:a", "repo:web"] = "write"
    change = only_change(world.plan())
    assert (change.id, change.holder_entitlement_id) == ("github/grant/team:a/repo:web", "e-team:a")
    assert change.account_id == ""
    world.carry_out(world.plan())
    assert world.plan().changes == ()
    world.wanted.clear()
    assert only_change(world.plan()).operation is Operation.REVOKE


def test_an_item_with_undecided_levels_is_left_as_it_is() -> None:
    """Two blocks disagree, and nobody knows which is stronger."""
    world = with_team().declare("ana", "team:a", level="boss")
    inputs = world.inputs()
    declared = inputs.declared
    declared.clashes = [Clash(GrantItem("ana", "team:a"), ("boss", "chief"), ())]
    from reconciler.plan.app import plan_app  # noqa: PLC0415 - only this test goes around the world

    plan = plan_app(replace(inputs, declared=declared))
    assert plan.changes == ()
    (finding,) = found(plan, Fact.BLOCKED)
    assert "boss, chief" in finding.text


def test_grants_of_a_leaver_are_all_revoked() -> None:
    """Also those that were never ours."""
    world = with_team().live("ana", "team:a", "role:x").leave("ana")
    assert operations(world.plan()) == [
        "end-sessions/ana",
        "suspend-account/ana",
        "revoke/ana/role:x",
        "revoke/ana/team:a",
    ]


def test_entitlements_that_are_granted_are_pinned() -> None:
    """The id is recorded when an entitlement is first declared or granted."""
    world = with_team()
    world.entitlements.clear()
    assert world.plan().adoption.entitlements == {"team:a": AppliedEntitlement("e-team:a")}
