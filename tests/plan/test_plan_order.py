"""The order that is safe at every step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from plan_worlds import LONG_AGO, App, World, app_with, operations, rules, whole_plan

from reconciler.items import AccountItem, GrantItem
from reconciler.plan.order import ONLY_AFTER, StageName, gather_asked, in_order, requirements, staged
from reconciler.provider.change import Cause, Change, Operation
from reconciler.provider.snapshot import AccountStatus


def busy() -> World:
    """Return a world with a change for every stage."""
    app = app_with(rules("team:new", formerly=("team:old",)), rules("team:more"), delete_after=timedelta(days=1))
    world = World(app=app)
    world.settled("ana", "team:a").settled("sam").settled("zoe", "team:a").leave("zoe")
    world.declare("ana", "team:more").declare("new", "team:more").declare("kim", "repo:web", level="write")
    world.live("kim", "repo:web", level="read").live("old", status=AccountStatus.SUSPENDED)
    world.apply("old", status=AccountStatus.SUSPENDED, since=LONG_AGO)
    world.model.add_entitlement("team:old")
    world.people.pop("sam")
    del world.wanted["ana", "team:a"]
    return world


def test_leavers_first_then_what_others_stand_on_then_grants_then_removals() -> None:
    """The stages, and what is in them."""
    stages = staged(busy().plan().changes)
    assert [stage.name for stage in stages] == [
        StageName.LEAVERS,
        StageName.LEAVER_GRANTS,
        StageName.ENTITLEMENTS,
        StageName.ACCOUNTS,
        StageName.GRANTS,
        StageName.LEVELS,
        StageName.SUSPENSIONS,
        StageName.REVOKES,
        StageName.DELETIONS,
    ]
    leaver = stages[0].strands[0]
    assert [change.id for change in leaver] == ["github/end-sessions/zoe", "github/suspend-account/zoe"]
    assert len(stages[4].strands) == 2


def test_the_order_of_the_input_does_not_matter() -> None:
    """Only whether sessions end before or after the suspension is kept as it comes."""
    changes = busy().plan().changes
    steps = [change for change in changes if change.holder == "zoe"]
    others = [change for change in changes if change.holder != "zoe"]
    assert staged([*reversed(others), *steps]) == staged(changes)


def test_a_leavers_licence_goes_after_the_files_also_where_all_of_it_waits_for_the_next_admin() -> None:
    """The handover keeps the steps together, and the single licence with them."""
    after = {ONLY_AFTER: ("google/grant/ana/role:admin",)}

    def make(operation: Operation, entitlement: str = "", **more: object) -> Change:
        item = GrantItem("zoe", entitlement) if entitlement else AccountItem("zoe")
        return Change("google", operation, item, "google", cause=Cause.LEAVER, **more)  # type: ignore[arg-type]

    licence = make(Operation.REVOKE, "license:pro")
    steps = [Operation.REMOVE_LICENSES, Operation.TRANSFER_FILES]
    suspend = make(Operation.SUSPEND_ACCOUNT, before=after)
    grant = Change("google", Operation.GRANT, GrantItem("ana", "role:admin"), "google")
    changes = [licence, *map(make, steps), suspend, make(Operation.REVOKE, "group:all"), grant]
    ends = [change.id for change in in_order(changes) if change.holder == "zoe"]
    assert ends == [
        "google/revoke/zoe/group:all",
        "google/suspend-account/zoe",
        "google/transfer-files/zoe",
        "google/remove-licenses/zoe",
        "google/revoke/zoe/license:pro",
    ]
    assert requirements(changes)[licence.id] == ("google/transfer-files/zoe",)


def test_strands_of_one_stage_reach_across_apps() -> None:
    """Two apps have one order, so that the explainer and the executor walk the same list."""
    other = World(app=App("slack", "omar")).settled("zoe").leave("zoe").settled("stays")
    plan = whole_plan(busy().plan(), other.plan())
    first = staged(plan.changes())[0]
    assert first.name is StageName.LEAVERS
    assert [strand[0].app for strand in first.strands] == ["github", "slack"]


def test_a_grant_needs_what_the_same_plan_makes() -> None:
    """The account and the entitlement; a grant on what is there needs nothing."""
    needed = requirements(busy().plan().changes)
    assert needed == {
        "github/grant/ana/team:more": ("github/create-entitlement/team:more",),
        "github/grant/new/team:more": ("github/create-entitlement/team:more", "github/create-account/new"),
    }


def test_a_reactivated_account_is_there_before_its_grants() -> None:
    """A rehired person gets nothing before the account is usable."""
    world = World().declare("ana", "team:a").live("ana", status=AccountStatus.SUSPENDED)
    world.apply("ana", status=AccountStatus.SUSPENDED)
    world.model.add_entitlement("team:a")
    plan = world.plan()
    assert operations(plan) == ["reactivate-account/ana", "grant/ana/team:a"]
    assert requirements(plan.changes) == {"github/grant/ana/team:a": ("github/reactivate-account/ana",)}


@given(st.sets(st.integers(0, 20)))
def test_what_people_are_asked_for_about_one_holder_is_one_strand(by_ticket: set[int]) -> None:
    """Nothing is lost or done twice, nothing comes before what it needs, and other ways keep their stages."""
    plan = busy().plan().changes
    changes = [replace(one, way="ticket") if number in by_ticket else one for number, one in enumerate(plan)]
    needs = requirements(changes)
    stages = [stage.strands for stage in staged(changes)]
    gathered = gather_asked(stages, needs)
    listed = [change.id for strands in gathered for strand in strands for change in strand]
    assert sorted(listed) == sorted(change.id for change in changes)
    assert all(listed.index(one) < listed.index(change_id) for change_id in needs for one in needs[change_id])
    asked = [strand for strands in gathered for strand in strands if strand[0].way == "ticket" and strand[0].holder]
    free = [strand[0].holder for strand in asked if strand[0].id not in needs]
    assert len(free) == len(set(free))
    assert all({change.way for change in strand} == {"ticket"} for strand in asked)
    own = [change.id for change in changes if change.way != "ticket"]
    before = [change.id for strands in stages for strand in strands for change in strand if change.id in own]
    assert [one for one in listed if one in own] == before
