"""What was not read: nothing that relies on it, in either direction, and the reason told."""

from __future__ import annotations

import pytest
from plan_worlds import World, all_collections, app_with, can_everything, found, only_change, operations, rules

from reconciler.plan.inputs import WayRead
from reconciler.plan.plan import Fact, Scope
from reconciler.provider.contract import CAN, Capabilities
from reconciler.provider.snapshot import ACCOUNTS, Completeness, LiveAccount, SnapshotBuilder


def eventful() -> World:
    """Return a world in which something of every sort is to be done."""
    world = World(app=app_with(rules("team:new"))).settled("ana", "team:a").settled("ben", "team:a")
    world.declare("ana", "team:b", "role:x").declare("cam", "team:a").live("ben", "team:a", "repo:web")
    world.model.add_entitlement("team:b")
    world.model.add_entitlement("role:x")
    del world.wanted["ben", "team:a"]
    return world


def test_every_sort_of_change_is_there_when_everything_was_read() -> None:
    """What the tests below compare with."""
    assert operations(eventful().plan()) == [
        "create-entitlement/team:new",
        "create-account/cam",
        "grant/ana/role:x",
        "grant/ana/team:b",
        "grant/cam/team:a",
        "revoke/ben/team:a",
    ]


def test_grants_of_one_kind_that_were_not_read_hold_up_only_that_kind() -> None:
    """Neither added nor removed; counted, with the reason."""
    plan = eventful().plan(eventful().model.snapshot(incomplete=["grants:team"]))
    assert operations(plan) == ["create-entitlement/team:new", "create-account/cam", "grant/ana/role:x"]
    (finding,) = found(plan, Fact.UNREAD)
    assert finding.text == "grants:team: the last page is missing; 3 grants are left as they were"
    assert not plan.complete


def test_accounts_that_were_not_read_hold_up_all_that_accounts_hold() -> None:
    """An unread list never means that everybody is gone, nor that everybody is new."""
    plan = eventful().plan(eventful().model.snapshot(incomplete=[ACCOUNTS]))
    assert operations(plan) == ["create-entitlement/team:new"]
    assert plan.adoption.gone == ()


def test_entitlements_that_were_not_read_are_not_created_nor_called_unknown() -> None:
    """A 403 on groups is not their absence."""
    world = eventful().declare("ana", "team:somewhere")
    plan = world.plan(world.model.snapshot(incomplete=["entitlements:team"]))
    assert operations(plan) == [
        "create-account/cam",
        "grant/ana/role:x",
        "grant/ana/team:b",
        "grant/cam/team:a",
        "revoke/ben/team:a",
    ]
    assert found(plan, Fact.BLOCKED) == []


def test_one_entitlement_that_could_not_be_read_holds_up_only_itself() -> None:
    """The rest of its kind is whole."""
    world = eventful()
    snapshot = world.model.snapshot()
    snapshot.collections["grants:team"] = Completeness(complete=True, why="read", unread=frozenset({"team:a"}))
    plan = world.plan(snapshot)
    assert [one for one in operations(plan) if "team:a" in one] == []
    assert "grant/ana/team:b" in operations(plan)
    assert not plan.complete


def test_a_pinned_leaver_is_suspended_though_the_list_could_not_be_read() -> None:
    """Read singly by the pinned id; a leaver without a pin waits."""
    world = World().apply("ana").leave("ana").live("ben").leave("ben")
    snapshot = SnapshotBuilder().snapshot
    snapshot.collections = {ACCOUNTS: Completeness(complete=False, why="HTTP 500")}
    plan = world.plan(snapshot, reread={"u-ana": LiveAccount("u-ana", "ana")})
    assert operations(plan) == ["end-sessions/ana", "suspend-account/ana"]
    assert {change.account_id for change in plan.changes} == {"u-ana"}


def test_a_pinned_leaver_who_was_seen_in_an_unfinished_list_is_suspended() -> None:
    """What was seen is there."""
    world = World().live("ana").apply("ana").leave("ana")
    plan = world.plan(world.model.snapshot(incomplete=[ACCOUNTS]))
    assert operations(plan) == ["end-sessions/ana", "suspend-account/ana"]


@pytest.mark.parametrize(("before", "now", "small"), [(5, 2, True), (4, 2, False), (2, 0, True), (1, 0, False)])
def test_a_collection_that_is_suddenly_much_smaller_is_not_believed(before: int, now: int, small: bool) -> None:
    """Less than half, or nothing where there were several."""
    world = World(counts={ACCOUNTS: before})
    for number in range(before):
        world.settled(f"p{number}")
        if number >= now:
            del world.model.accounts[f"u-p{number}"]
    plan = world.plan()
    assert (plan.changes == ()) is small
    if small:
        text = found(plan, Fact.UNREAD)[0].text
        assert f"only {now} where the last complete read had {before}" in text
        assert "--trust-read github" in text
        assert ACCOUNTS not in plan.adoption.counts


def test_a_smaller_collection_is_believed_if_somebody_says_so() -> None:
    """By the app's name."""
    world = World(counts={ACCOUNTS: 5}).declare("ana")
    assert world.plan().changes == ()
    assert operations(world.plan(scope=Scope(trust_reads=("github",)))) == ["create-account/ana"]


def test_what_we_took_away_ourselves_is_no_sudden_loss() -> None:
    """After a large, reviewed removal the next read is believed."""
    world = World()
    for number in range(6):
        world.settled(f"p{number}", "team:a")
    world.carry_out(world.plan())
    for number in range(5):
        del world.wanted[f"p{number}", "team:a"]
    world.carry_out(world.plan())
    plan = world.plan()
    assert plan.complete
    assert len(plan.adoption.gone) == 5
    assert plan.adoption.counts == {"grants:team": 1}


def test_a_way_that_failed_is_not_replaced_by_the_next_one() -> None:
    """Its collections are unread; the next way may see less."""
    world = World().settled("ana", "team:a").declare("ben")
    broken = WayRead("scim", "1.0", can_everything(), None, "HTTP 403")
    plan = world.plan(ways=[broken, WayRead("api", "1.0", can_everything(), world.model.snapshot())])
    assert plan.changes == ()
    assert plan.collections[ACCOUNTS].why == "scim: HTTP 403"
    assert any("scim: HTTP 403" in finding.text for finding in found(plan, Fact.UNREAD))


def test_a_collection_about_which_a_way_says_nothing_is_not_whole() -> None:
    """Silence is no proof."""
    world = World().declare("ana")
    assert world.plan(SnapshotBuilder().snapshot).changes == ()


def test_an_app_that_could_not_be_opened_has_an_error_and_nothing_else() -> None:
    """The exit code says so."""
    plan = World().declare("ana").plan(error="github: the token is missing")
    assert (plan.changes, plan.complete, plan.error) == ((), False, "github: the token is missing")


def test_each_collection_comes_from_the_first_way_that_can_read_it() -> None:
    """Accounts of the second way are joined by name or email, and carry its own ids."""
    world = World().settled("ana").declare("ana", "team:a")
    scim = Capabilities(reads={ACCOUNTS: CAN}, operations=can_everything().operations)
    builder = SnapshotBuilder()
    builder.account(LiveAccount("U123", "someone", "ANA@acme.example"))
    builder.account(LiveAccount("U456", "stranger", "stranger@else.example"))
    from reconciler.provider.snapshot import LiveEntitlement  # noqa: PLC0415 - only this test builds a second way

    team = builder.entitlement(LiveEntitlement("T1", "team:a"))
    builder.grant(1, team)
    for collection in all_collections():
        builder.complete(collection, "all pages")
    own = world.model.snapshot()
    own.collections = {ACCOUNTS: Completeness(complete=True, why="all pages")}
    slack = WayRead("slack", "1.0", can_everything(), builder.snapshot)
    plan = world.plan(ways=[WayRead("scim", "1.0", scim, own), slack])
    change = only_change(plan)
    assert (change.way, change.account_id, change.entitlement_id) == ("slack", "U123", "T1")
    assert [str(finding.item) for finding in found(plan, Fact.UNMANAGED)] == ["@U456 team:a"]
