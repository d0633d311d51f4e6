"""Ways, tickets, scopes: who does a change, when it is pending instead, and what a partial plan leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plan_worlds import MOMENT, App, World, app_with, can_everything, found, only_change, operations, rules

from reconciler.model.apps import OnDrift
from reconciler.plan.inputs import WayRead
from reconciler.plan.order import requirements
from reconciler.plan.plan import Fact, Scope
from reconciler.provider.change import Cause, Operation
from reconciler.provider.contract import CAN, Capabilities, Ticket, TicketStatus, cannot
from reconciler.provider.snapshot import ACCOUNTS, Completeness, SnapshotBuilder

TICKETS = WayRead("ticket", "1.0", can_everything(reads={}))


def api(world: World, **more: object) -> WayRead:
    """Return a way that reads the model."""
    return WayRead("api", "1.0", can_everything(**more), world.model.snapshot())  # type: ignore[arg-type]


def ticket(change_id: str, status: TicketStatus = TicketStatus.OPEN, *, closed_hours_ago: int = 0) -> Ticket:
    """Return a ticket that was opened a day ago."""
    closed = MOMENT - timedelta(hours=closed_hours_ago) if status is not TicketStatus.OPEN else None
    return Ticket(change_id, f"key-{change_id}", status, "tickets/1.md", MOMENT - timedelta(days=1), closed)


def test_each_operation_takes_the_first_way_that_can_do_it() -> None:
    """Accounts by the one, grants by the other, and what neither can do is a ticket."""
    world = World().settled("ana").declare("ana", "team:a", "role:x").declare("ben")
    world.model.add_entitlement("team:a")
    world.model.add_entitlement("role:x")
    first = WayRead("scim", "1.0", Capabilities(operations={Operation.CREATE_ACCOUNT: CAN}))
    kinds = {"team": {Operation.GRANT: CAN}, "role": {Operation.GRANT: cannot("roles are only shown")}}
    second = WayRead("api", "1.0", Capabilities(reads=can_everything().reads, kinds=kinds), world.model.snapshot())
    plan = world.plan(ways=[first, second, TICKETS])
    ways = {change.id.removeprefix("github/"): change.way for change in plan.changes}
    assert ways == {"create-account/ben": "scim", "grant/ana/team:a": "api", "grant/ana/role:x": "ticket"}


def test_an_operation_that_nobody_can_do_is_blocked_with_every_ways_reason() -> None:
    """It is never dropped."""
    world = World().declare("ana")
    change = only_change(world.plan(ways=[api(world, without=[Operation.CREATE_ACCOUNT])]))
    assert change.way == ""
    assert change.blocked.startswith("no way can do it: api: create account is not supported")


def test_a_grant_is_not_attempted_where_nobody_can_create_its_account() -> None:
    """It waits, and says for what."""
    world = World().declare("ana", "team:a")
    world.model.add_entitlement("team:a")
    plan = world.plan(ways=[api(world, without=[Operation.CREATE_ACCOUNT])])
    assert operations(plan) == ["create-account/ana"]
    assert "waits: create account ana" in found(plan, Fact.BLOCKED)[0].text


def test_a_way_that_cannot_write_an_attribute_leaves_the_update_to_the_next() -> None:
    """Capabilities name the attributes."""
    world = World(attributes={"ana": {"title": "Lead"}}).settled("ana")
    assert only_change(world.plan(ways=[api(world, attributes=frozenset({"phone"})), TICKETS])).way == "ticket"


def test_an_open_ticket_is_pending_not_a_change() -> None:
    """A second run opens no second one."""
    world = World().declare("ana")
    plan = world.plan(tickets=[("ticket", ticket("github/create-account/ana"))])
    assert plan.changes == ()
    (finding,) = found(plan, Fact.PENDING)
    assert finding.text == "create account: ticket open: tickets/1.md"


def test_a_grant_by_another_way_waits_for_the_ticket_of_its_account() -> None:
    """Pending too; a grant by ticket does not wait."""
    world = World().declare("ana", "team:a")
    world.model.add_entitlement("team:a")
    tickets = [("ticket", ticket("github/create-account/ana"))]
    assert len(found(world.plan(tickets=tickets), Fact.PENDING)) == 2
    by_hand = world.plan(ways=[api(world, without=[Operation.GRANT]), TICKETS], tickets=tickets)
    assert operations(by_hand) == ["grant/ana/team:a"]
    assert requirements(by_hand.changes) == {}


@pytest.mark.parametrize(("read_hours_ago", "pending"), [(5, True), (1, False), (None, False)])
def test_a_closed_ticket_is_a_claim_until_a_newer_read(read_hours_ago: int | None, pending: bool) -> None:
    """A read from before the closing proves nothing; a newer one that does not show it makes a new change."""
    world = World().declare("ana")
    snapshot = world.model.snapshot()
    snapshot.as_of = None if read_hours_ago is None else MOMENT - timedelta(hours=read_hours_ago)
    claimed = ticket("github/create-account/ana", TicketStatus.CLAIMED, closed_hours_ago=3)
    plan = world.plan(snapshot, tickets=[("ticket", claimed)])
    assert (plan.changes == ()) is pending
    assert bool(found(plan, Fact.PENDING)) is pending


def test_a_rejected_ticket_is_not_opened_again() -> None:
    """Somebody said no; the YAML has to follow, or the ticket."""
    plan = World().declare("ana").plan(tickets=[("ticket", ticket("github/create-account/ana", TicketStatus.REJECTED))])
    assert plan.changes == ()
    assert found(plan, Fact.BLOCKED)[0].refuses


def test_a_ticket_whose_operation_is_no_longer_wanted_is_cancelled() -> None:
    """And only then: not where the item was not read, not where it is out of scope."""
    world = World().settled("ana", "team:a")
    tickets = [("ticket", ticket("github/grant/ana/team:a"))]
    (cancellation,) = world.plan(tickets=tickets).cancellations
    assert (cancellation.change_id, cancellation.way) == ("github/grant/ana/team:a", "ticket")
    unread = world.model.snapshot(incomplete=["grants:team"])
    assert world.plan(unread, tickets=tickets).cancellations == ()
    assert world.plan(tickets=tickets, scope=Scope(identities=("ben",))).cancellations == ()


def test_a_leavers_other_steps_are_not_repeated_while_the_suspension_is_a_ticket() -> None:
    """They were done with it; a second run has nothing to do."""
    world = World().live("ana").leave("ana")
    plan = world.plan(tickets=[("ticket", ticket("github/suspend-account/ana"))])
    assert plan.changes == ()
    assert len(found(plan, Fact.PENDING)) == 1


def test_the_ticket_of_a_leavers_step_outlives_the_suspension() -> None:
    """Files are still to be handed over, though the account no longer shows it."""
    from reconciler.model.apps import LeaverStep  # noqa: PLC0415 - only this test needs it
    from reconciler.provider.snapshot import AccountStatus  # noqa: PLC0415 - same

    world = World(app=App("github", "omar", leaver=(LeaverStep("suspend"), LeaverStep("transfer_files"))))
    world.live("ana", status=AccountStatus.SUSPENDED).apply("ana", status=AccountStatus.SUSPENDED).leave("ana")
    plan = world.plan(tickets=[("ticket", ticket("github/transfer-files/ana"))])
    assert (plan.changes, plan.cancellations) == ((), ())
    assert found(plan, Fact.PENDING)[0].text.startswith("transfer files: ticket open")


def test_an_app_that_only_people_reach_takes_every_name_as_given() -> None:
    """No app lists its entitlements, so none can be unknown; account and grants are asked for together."""
    world = World(app=App("figma", "omar")).declare("ana", "role:admin")
    builder = SnapshotBuilder()
    builder.snapshot.collections = {
        ACCOUNTS: Completeness(complete=True, why="as attested"),
        "grants:*": Completeness(complete=True, why="as attested"),
    }
    reads = {ACCOUNTS: CAN, "grants:*": CAN}
    way = WayRead("ticket", "1.0", can_everything(reads=reads), builder.snapshot)
    plan = world.plan(ways=[way])
    assert [change.id for change in plan.changes] == ["figma/create-account/ana", "figma/grant/ana/role:admin"]
    assert requirements(plan.changes) == {}
    assert plan.complete


def test_a_kind_that_no_app_lists_must_be_named_in_the_yaml() -> None:
    """A wrong kind is a wrong name, not a ticket."""
    world = World(app=app_with(rules("license:pro"))).settled("ana").declare("ana", "license:pro", "licence:pro")
    attested = SnapshotBuilder()
    attested.snapshot.collections = {"grants:*": Completeness(complete=True, why="as attested")}
    people = WayRead("ticket", "1.0", can_everything(reads={"grants:*": CAN}), attested.snapshot)
    writes = Capabilities(reads=can_everything().reads, operations=can_everything().operations)
    plan = world.plan(ways=[WayRead("api", "1.0", writes, world.model.snapshot()), people])
    assert [(change.id, change.way) for change in plan.changes] == [("github/grant/ana/license:pro", "ticket")]
    assert "did you mean license:pro?" in found(plan, Fact.BLOCKED)[0].text


def drifting(on_drift: OnDrift) -> World:
    """Return a world with drift, a leaver, something that was never finished and something new."""
    world = World(app=App("github", "omar", drift=on_drift))
    world.settled("ana", "team:a").settled("ben", "team:a").live("lou").leave("lou")
    del world.model.grants["u-ana", "team:a"]
    world.declare("ben", "team:b").apply("ben", "team:b").pending.add(("ben", "team:b"))
    world.model.add_entitlement("team:b")
    return world


def test_a_due_run_leaves_drift_to_a_reviewed_plan() -> None:
    """What merged dates made due and what was never finished is done; drift is shown."""
    plan = drifting(OnDrift.REPORT).plan(scope=Scope(due=True))
    assert operations(plan) == ["end-sessions/lou", "suspend-account/lou", "grant/ben/team:b"]
    assert "left to a reviewed plan" in found(plan, Fact.OBSERVED)[0].text


def test_a_due_run_corrects_drift_where_the_app_says_so() -> None:
    """`drift: correct`."""
    plan = drifting(OnDrift.CORRECT).plan(scope=Scope(due=True))
    assert "grant/ana/team:a" in operations(plan)
    assert plan.changes[-2].cause is Cause.LOST


def test_a_partial_plan_does_not_create_what_belongs_to_nobody_in_it() -> None:
    """A grant on a team that would have to be made first is blocked, and says why."""
    world = World(app=app_with(rules("team:new"))).settled("ana").declare("ana", "team:new")
    plan = world.plan(scope=Scope(identities=("ana",)))
    assert plan.changes == ()
    assert "this partial plan does not create it" in found(plan, Fact.BLOCKED)[0].text
