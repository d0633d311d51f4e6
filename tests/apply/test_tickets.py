"""What no other way can do becomes a ticket: pending, outside what is applied, closed when nobody wants it."""

from dataclasses import replace
from pathlib import Path

import pytest
from pretend_app import PretendApp, TicketDesk
from world import World, details, edit, outcomes

from reconciler.plan.plan import TicketCancellation
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.contract import CAN, TicketStatus

PEOPLE = "people: {ana: {name: Ana, email: ana@acme.example}, omar: {name: Omar, email: omar@acme.example}}\n"
GRANT = "grants: [{to: {people: [ana]}, grants: {code: ['team:core']}}]\n"
APP = "apps: {code: {owner: omar, entitlements: {'team:core': {}}}}\n"


@pytest.fixture
def desk() -> TicketDesk:
    """Return a desk with no ticket."""
    return TicketDesk()


def make(folder: Path, desk: TicketDesk, *, can: frozenset[Operation]) -> tuple[World, PretendApp]:
    """Return a company whose app can do only some operations itself."""
    code = PretendApp()
    code.entitlement("team:core")
    able = {operation: CAN for operation in Operation if operation in can}
    code.capabilities = replace(code.capabilities, operations=able, kinds={"*": able})
    world = World(folder, {"code": {"pretend": code, "ticket": desk}})
    world.write(PEOPLE + GRANT, APP)
    return world, code


def test_a_ticket_is_a_whole_apply_and_not_applied(tmp_path: Path, desk: TicketDesk) -> None:
    """Exit 0, nothing claimed; the next plan shows it as pending and does not open a second one."""
    world, _ = make(tmp_path, desk, can=frozenset())
    report = world.apply()
    assert set(outcomes(report).values()) == {Outcome.TICKET}
    assert report.exit_code == 0
    applied, grants = world.applied("code")
    assert (applied.accounts, grants, applied.pending) == ({}, {}, set())
    assert len(desk.opened) == 2
    assert list(world.plan().changes()) == []


def test_a_person_is_asked_for_both_but_no_app_for_a_grant_of_an_account_to_come(
    tmp_path: Path, desk: TicketDesk
) -> None:
    """The account waits for a ticket, so the app's own grant cannot be done yet."""
    world, code = make(tmp_path, desk, can=frozenset({Operation.GRANT}))
    plan = world.plan()
    ways = {change.id: change.way for change in plan.changes()}
    assert ways["code/create-account/ana"] == "ticket"
    by_app = edit(plan, lambda app: replace(app, changes=tuple(_by_app(c) for c in app.changes)))
    report = world.apply(by_app)
    assert outcomes(report)["code/create-account/ana"] is Outcome.TICKET
    assert details(report)["code/grant/ana/team:core"] == "because create account ana waits for a ticket"
    assert code.performed == []


def _by_app(change: Change) -> Change:
    return replace(change, way="pretend", blocked="") if change.operation is Operation.GRANT else change


LEAVER = """\
people:
  zoe: {name: Zoe, email: zoe@acme.example, start: 2025-01-01, last_day: 2026-01-31, manager: omar}
  omar: {name: Omar, email: omar@acme.example}
"""
STEPS = "apps: {code: {owner: omar, leaver: [remove_licenses, transfer_files: {to: manager}, suspend]}}\n"


def test_licences_stay_while_a_person_is_still_handing_the_files_over(tmp_path: Path, desk: TicketDesk) -> None:
    """The app could take them at once; it waits for the ticket, and forgets nothing meanwhile."""
    world, code = make(tmp_path, desk, can=frozenset({Operation.SUSPEND_ACCOUNT, Operation.REMOVE_LICENSES}))
    world.write(LEAVER, STEPS)
    code.account("u-zoe", "zoe")
    code.account("u-omar", "omar")
    report = world.apply()
    assert details(report)["code/remove-licenses/zoe"] == "because transfer files zoe waits for a ticket"
    assert code.accounts["u-zoe"]["status"] == "suspended"
    texts = [found.text for _, found in world.plan().findings()]
    assert "remove licenses: after transfer files: ticket open: tickets/1.md" in texts
    world.apply()
    assert code.steps == []
    ticket = desk.opened["code/transfer-files/zoe"]
    desk.opened[ticket.change_id] = replace(ticket, status=TicketStatus.CLAIMED, closed=world.moment)
    assert world.apply().exit_code == 0
    assert code.steps == ["remove licenses"]
    assert list(world.plan().changes()) == []


def test_a_ticket_that_nobody_wants_any_more_is_cancelled_with_the_reason(tmp_path: Path, desk: TicketDesk) -> None:
    """Once: a second apply finds nothing to cancel."""
    world, _ = make(tmp_path, desk, can=frozenset())
    world.apply()
    world.write(PEOPLE, APP)
    report = world.apply()
    assert report.cancelled == 2
    assert report.exit_code == 0
    assert {reason for _, reason in desk.cancelled} == {"no longer wanted"}
    assert {ticket.status for ticket in desk.opened.values()} == {TicketStatus.SUPERSEDED}
    assert world.apply().cancelled == 0


def test_a_ticket_that_cannot_be_cancelled_is_a_problem(tmp_path: Path, desk: TicketDesk) -> None:
    """By a desk that is down, or by a way that nobody opened."""
    world, _ = make(tmp_path, desk, can=frozenset())
    world.apply()
    world.write(PEOPLE, APP)
    plan = world.plan()
    desk.broken = "the tracker is down"
    report = world.apply(plan)
    assert report.exit_code == 4
    assert "the ticket tickets/1.md could not be cancelled: the tracker is down" in report.problems[0]
    lost = TicketCancellation("desk", "code/x", "key", "tickets/9.md", "no longer wanted")
    report = world.apply(edit(plan, lambda app: replace(app, cancellations=(lost,))))
    assert "desk was not opened" in report.problems[0]


def test_the_opposite_is_not_asked_for_while_a_ticket_may_still_be_open(tmp_path: Path, desk: TicketDesk) -> None:
    """The tracker refuses to close the grant's ticket, so nobody is asked to revoke; the next apply does both."""
    world, code = make(tmp_path, desk, can=frozenset())
    world.apply()
    code.account("u-ana", "ana")
    code.grant("u-ana", "team:core")
    world.write(PEOPLE, APP)
    plan = world.plan()
    desk.broken = "the tracker is down"
    report = world.apply(plan)
    assert outcomes(report)["code/revoke/ana/team:core"] is Outcome.NOT_ATTEMPTED
    assert "could not be cancelled first" in details(report)["code/revoke/ana/team:core"]
    assert "code/revoke/ana/team:core" not in desk.opened
    desk.broken = ""
    assert outcomes(world.apply())["code/revoke/ana/team:core"] is Outcome.TICKET
    assert desk.opened["code/grant/ana/team:core"].status is TicketStatus.SUPERSEDED
