"""Assignments that take their time: followed to their end, tried again on conflict, never guessed."""

import asyncio
from typing import Any

import pytest
from aws_driving import JumpingClock, drive, grant, perform, read
from fake_identity_center import OUTSTANDING, FakeIdentityCenter

from providers.aws.provider import AwsProvider
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.transport import Limits

pytestmark = pytest.mark.evidence("aws", against="our own fake", of="requests checked against AWS's service models")


def assignment(app: FakeIdentityCenter, account: str = "production") -> tuple[str, str, str, str]:
    """Add an AWS account, a permission set and a user, as an assignment of the three."""
    number, arn = app.add_account(account), next(iter(app.sets), "") or app.add_set("Admin")
    return number, arn, "USER", app.add_user(f"ana-{account}", f"ana-{account}@acme.example")


def change(app: FakeIdentityCenter, one: tuple[str, str, str, str], operation: Operation = Operation.GRANT) -> Change:
    """Return the change that makes an assignment, or takes it away."""
    number, arn, kind, principal = one
    key = f"account:{app.accounts[number]}/{app.sets[arn]}"
    if kind == "GROUP":
        return grant("group:ops", key, f"{number}/{arn}", operation, holder_entitlement_id=principal)
    return grant(principal, key, f"{number}/{arn}", operation)


@pytest.mark.parametrize("operation", [Operation.GRANT, Operation.REVOKE])
def test_an_assignment_is_followed_until_it_is_done(app: FakeIdentityCenter, operation: Operation) -> None:
    """`done` is said after AWS says so, not when it took the request."""
    one = assignment(app)
    app.assigned = {one} if operation is Operation.REVOKE else set()
    (receipt,) = perform(app, change(app, one, operation))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert (one in app.assigned) is (operation is Operation.GRANT)
    assert sum(name.startswith("DescribeAccountAssignment") for name in app.log) >= 2


def test_an_assignment_of_a_group_is_the_groups(app: FakeIdentityCenter) -> None:
    """A grant that a group holds is assigned to the group, and read as held by it."""
    number, arn, _, _ = assignment(app)
    one = (number, arn, "GROUP", app.add_group("ops"))
    (receipt,) = perform(app, change(app, one))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert app.assigned == {one}
    assert list(read(app).grants()) == [("group:ops", "account:production/Admin", None)]


def test_an_assignment_that_fails_in_the_background_has_failed(app: FakeIdentityCenter) -> None:
    """AWS took the request and could not do it: its own reason is told."""
    app.failing = "Received a 403 from the target account"
    (receipt,) = perform(app, change(app, assignment(app)))
    assert receipt.outcome is Outcome.FAILED
    assert "Received a 403 from the target account" in receipt.detail


def test_an_assignment_that_takes_too_long_is_unknown(app: FakeIdentityCenter) -> None:
    """After the deadline nothing is claimed, and the request's id is told."""
    app.slow = 10_000
    clock = JumpingClock()
    (receipt,) = perform(app, change(app, assignment(app)), clock=clock, assignment_deadline=60)
    assert receipt.outcome is Outcome.UNKNOWN
    assert next(iter(app.jobs)) in receipt.detail
    assert 30 < clock.now - 1000 <= 61


def test_a_conflict_is_tried_again_until_it_works(app: FakeIdentityCenter) -> None:
    """A conflict with an earlier write is no refusal, as AWS's reference says."""
    app.conflicts = 3
    one = assignment(app)
    (receipt,) = perform(app, change(app, one))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert one in app.assigned
    assert app.log.count("CreateAccountAssignment") == 4


def test_a_conflict_that_never_ends_has_failed(app: FakeIdentityCenter) -> None:
    """Within the deadline, and with AWS's words."""
    app.conflicts = 10_000
    (receipt,) = perform(app, change(app, assignment(app)), assignment_deadline=30)
    assert receipt.outcome is Outcome.FAILED
    assert "conflicting operation" in receipt.detail
    assert not app.assigned


def test_a_conflict_with_what_is_true_already_is_done(app: FakeIdentityCenter) -> None:
    """Where AWS refuses to assign what is assigned, nothing is left to do."""
    one = assignment(app)
    app.assigned, app.conflicts = {one}, 1
    (receipt,) = perform(app, change(app, one))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "it was so already")
    assert not app.jobs


def test_a_lost_answer_is_looked_up(app: FakeIdentityCenter) -> None:
    """The request was taken and its answer lost: it is waited for, and not sent a second time."""
    app.losing = True
    one = assignment(app)
    (receipt,) = perform(app, change(app, one))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert one in app.assigned
    assert app.log.count("CreateAccountAssignment") == 1


def test_limits_are_kept(app: FakeIdentityCenter) -> None:
    """One assignment at a time in an AWS account, ten in all: the fake refuses more, and is never driven to."""
    ones = [assignment(app, f"account{number}") for number in range(25)]
    second = (*ones[0][:3], app.add_user("omar"))
    receipts = perform(app, *(change(app, one) for one in (*ones, second)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 26
    assert app.assigned == {*ones, second}
    assert app.log.count("CreateAccountAssignment") == 26
    assert 1 < app.most_outstanding <= OUTSTANDING


def test_twenty_requests_a_second_are_the_most(app: FakeIdentityCenter) -> None:
    """The documented rate holds over a whole read and apply, by the clock that the transport waits by."""
    ones = [assignment(app, f"account{number}") for number in range(25)]
    clock = JumpingClock()
    perform(app, *(change(app, one) for one in ones), clock=clock)
    sent = sum(not name.startswith(("ListUsers", "ListGroups")) for name in app.log)
    assert sent >= 50
    assert clock.now - 1000 >= (sent - 10) / 20 - 0.1


@pytest.mark.parametrize("told", [1, None])
def test_throttling_is_waited_out(app: FakeIdentityCenter, told: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS refuses with 400 where it means 429, with a time to wait or without one."""
    monkeypatch.setattr("providers.aws.client._PATIENCE", Limits(first_wait=0.01, jitter=0.01))
    app.throttled, app.told = 1, told
    one = assignment(app)
    (receipt,) = perform(app, change(app, one))
    assert receipt.outcome is Outcome.DONE, receipt.detail
    assert one in app.assigned


def test_a_plan_sends_no_operation_that_writes(app: FakeIdentityCenter) -> None:
    """Every request is a POST: the transport still refuses what is not called List, Describe or Get."""
    one = assignment(app)

    async def work(provider: AwsProvider, _: Any) -> None:
        await provider.read()
        provider._read_only = False  # as a provider with a fault would: what refuses now is the transport
        for operation in (Operation.GRANT, Operation.REVOKE):
            receipt = await provider.perform(change(app, one, operation))
            assert receipt.outcome is Outcome.FAILED
            assert "would write while planning" in receipt.detail
        await asyncio.sleep(0)

    drive(app, work, read_only=True)
    assert app.log
    assert all(name.startswith(("List", "Describe", "Get")) for name in app.log)


@pytest.mark.parametrize("times", [1, 3])
def test_what_somebody_else_changes_at_the_same_moment_is_tried_again(app: FakeIdentityCenter, times: int) -> None:
    """The store says so with a conflict that is none of names: members of one group are added side by side."""
    people = [app.add_user(f"p{number}") for number in range(4)]
    group = app.add_group("ops")
    app.at_once = times
    receipts = perform(app, *(grant(one, "group:ops", group) for one in people))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 4
    assert {pair[1] for pair in app.members.values()} == set(people)
    assert len(app.members) == 4
