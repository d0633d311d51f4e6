"""The table for accounts and their attributes, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plan_worlds import LONG_AGO, MOMENT, World, can_everything, found, only_change, operations

from reconciler.items import AccountItem
from reconciler.model.apps import App, LeaverStep, Manage
from reconciler.plan.inputs import WayRead
from reconciler.plan.plan import Fact, Scope
from reconciler.problems import Place
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import AccountStatus
from reconciler.resolve.declared import AbsentBecause, Leaver

SUSPENDED = AccountStatus.SUSPENDED


def test_a_new_account_is_created_with_what_it_starts_with() -> None:
    """Identifying values, mapped attributes, and the person's own under `person.`."""
    world = World(attributes={"ana": {"title": "Engineer", "phone": ""}}).declare("ana")
    change = only_change(world.plan())
    assert (change.operation, change.cause, change.before) == (
        Operation.CREATE_ACCOUNT,
        Cause.NEW,
        {"status": "absent"},
    )
    assert change.after == {
        "username": "ana",
        "email": "ana@acme.example",
        "external_id": "ana",
        "title": "Engineer",
        "person.name": "Ana",
    }


@pytest.mark.parametrize(
    ("pending", "status", "cause"),
    [
        (False, AccountStatus.ACTIVE, Cause.LOST),
        (True, AccountStatus.ACTIVE, Cause.UNFINISHED),
        (False, SUSPENDED, Cause.NEW),
    ],
)
def test_an_account_that_is_gone_is_created_again(pending: bool, status: AccountStatus, cause: Cause) -> None:
    """Deleted outside git, never landed, or suspended by us, deleted, and rehired."""
    world = World().declare("ana").apply("ana", pending=pending, status=status)
    assert only_change(world.plan()).cause is cause


@pytest.mark.parametrize("status", [AccountStatus.ACTIVE, AccountStatus.INVITED])
def test_an_account_that_is_there_is_adopted_and_pinned(status: AccountStatus) -> None:
    """Invited counts as present."""
    plan = World().declare("ana").live("ana", status=status).plan()
    assert plan.changes == ()
    assert plan.adoption.accounts["ana"].remote_id == "u-ana"
    assert plan.adoption.accounts["ana"].since == MOMENT


def test_an_account_that_somebody_suspended_is_a_conflict_and_gets_nothing_new() -> None:
    """It is never reactivated as routine, and its new grants wait."""
    world = World().settled("ana", "team:a").declare("ana", "team:b").live("ana", "team:a", status=SUSPENDED)
    world.model.add_entitlement("team:b")
    plan = world.plan()
    assert plan.changes == ()
    assert "--reactivate ana" in found(plan, Fact.CONFLICT)[0].text
    assert any(finding.text.startswith("waits: ") for finding in found(plan, Fact.CONFLICT))


def test_an_account_that_somebody_suspended_is_reactivated_if_asked() -> None:
    """The scope names the identity."""
    world = World().settled("ana").live("ana", status=SUSPENDED)
    change = only_change(world.plan(scope=Scope(reactivate=("ana",))))
    assert (change.operation, change.cause) == (Operation.REACTIVATE_ACCOUNT, Cause.DRIFTED)


def test_an_account_that_we_suspended_is_reactivated_when_it_is_declared_again() -> None:
    """Rehired: a normal change, with what has changed since."""
    world = World(attributes={"ana": {"title": "Lead"}}).declare("ana").live("ana", status=SUSPENDED)
    plan = world.apply("ana", status=SUSPENDED).plan()
    assert operations(plan) == ["reactivate-account/ana", "update-account/ana"]
    assert plan.changes[0].cause is Cause.EDITED


@pytest.mark.parametrize(
    ("live", "applied", "pending", "cause"),
    [
        ("Intern", {"title": "Intern"}, False, Cause.EDITED),
        ("Boss", {"title": "Engineer"}, False, Cause.DRIFTED),
        ("Boss", {"title": "Intern"}, False, Cause.CONFLICT),
        ("Boss", {"title": "Engineer"}, True, Cause.UNFINISHED),
        ("Boss", {}, False, Cause.NEW),
    ],
)
def test_a_mapped_attribute_is_updated_in_place(
    live: str, applied: dict[str, str], pending: bool, cause: Cause
) -> None:
    """The cause says who moved."""
    world = World(attributes={"ana": {"title": "Engineer"}}).settled("ana", attributes={"title": live, "note": "free"})
    change = only_change(world.apply("ana", attributes=applied, pending=pending).plan())
    assert (change.operation, change.cause) == (Operation.UPDATE_ACCOUNT, cause)
    assert (change.before, change.after) == ({"title": live}, {"title": "Engineer"})


@pytest.mark.parametrize(("declared", "live"), [("", None), ("True", True), (("a", "b"), ("b", "a")), ("7", 7)])
def test_values_that_mean_the_same_are_no_difference(declared: object, live: object) -> None:
    """Nothing and an empty text; a truth value as text; several texts in any order."""
    world = World(attributes={"ana": {"x": declared}}).settled("ana", attributes={"x": live})  # type: ignore[dict-item]
    assert world.plan().changes == ()


def test_an_account_that_was_removed_from_git_is_suspended_not_deleted() -> None:
    """Ours and silent."""
    world = World().settled("ana")
    world.people.clear()
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.SUSPEND_ACCOUNT, Cause.REMOVED)


def test_an_account_that_was_reactivated_behind_our_back_is_suspended_again() -> None:
    """We suspended it, the YAML is still silent, and it is active."""
    change = only_change(World().live("ana").apply("ana", status=SUSPENDED).plan())
    assert (change.operation, change.cause) == (Operation.SUSPEND_ACCOUNT, Cause.DRIFTED)


def test_an_account_that_is_declared_absent_is_suspended_even_if_it_was_never_ours() -> None:
    """An expired block with an empty list was all that it had."""
    world = World(absent_accounts={"ana": AbsentBecause.EXPIRED}, silent={"ana"}).live("ana")
    assert only_change(world.plan()).cause is Cause.EXPIRED


def test_an_unmanaged_account_is_reported_and_left_alone() -> None:
    """Of nobody, and of somebody about whom the YAML is silent here."""
    plan = World(silent={"ana"}).live("ana").live("old-bot").plan()
    assert plan.changes == ()
    assert [finding.item for finding in found(plan, Fact.UNMANAGED)] == [AccountItem("@u-old-bot"), AccountItem("ana")]
    assert plan.counts.unmanaged_accounts == 2


def test_a_stranger_is_suspended_where_everything_is_managed_but_never_the_tool_itself() -> None:
    """The tool's own account is left alone in every mode."""
    world = World(app=App("github", "omar", manage=Manage.EVERYTHING)).live("old-bot").live("robot")
    plan = world.plan(world.model.snapshot(own="u-robot"))
    assert only_change(plan).id == "github/suspend-account/@u-old-bot"
    assert only_change(plan).cause is Cause.STRANGER


def test_an_account_that_is_gone_and_wanted_no_more_is_forgotten() -> None:
    """Applied, silent, seen absent."""
    assert World().apply("ana").plan().adoption.gone == (AccountItem("ana"),)


def test_a_leaver_who_was_never_ours_is_suspended() -> None:
    """They are matched by the app's rule."""
    plan = World().live("ana").leave("ana").plan()
    assert operations(plan) == ["end-sessions/ana", "suspend-account/ana"]
    assert {change.cause for change in plan.changes} == {Cause.LEAVER}


def test_a_leaver_is_out_first_and_the_files_go_before_the_licences_whatever_the_yamls_order() -> None:
    """`to: manager` is who that is, with that person's account."""
    steps = (LeaverStep("remove_licenses"), LeaverStep("transfer_files", {"to": "manager"}), LeaverStep("suspend"))
    world = World(app=App("github", "omar", leaver=steps)).settled("omar").live("ana").leave("ana")
    inputs = world.inputs()
    inputs.declared.leavers = {"ana": replace(inputs.declared.leavers["ana"], manager="omar")}
    from reconciler.plan.app import plan_app  # noqa: PLC0415 - only this test goes around the world

    plan = plan_app(inputs)
    assert operations(plan) == ["suspend-account/ana", "transfer-files/ana", "remove-licenses/ana"]
    assert plan.changes[1].after == {"to": "omar", "to_account": "u-omar"}
    assert isinstance(inputs.declared.leavers["ana"], Leaver)


@pytest.mark.parametrize(
    ("written", "expected"), [(True, ["suspend-account/ana", "transfer-files/ana"]), (False, ["suspend-account/ana"])]
)
def test_a_step_that_no_way_can_do_is_a_ticket_only_where_it_was_written_down(
    written: bool, expected: list[str]
) -> None:
    """A default step is left out."""
    place = Place("apps/github.yaml", 9) if written else Place("", 0)
    steps = (LeaverStep("suspend"), LeaverStep("transfer_files", place=place))
    world = World(app=App("github", "omar", leaver=steps)).live("ana").leave("ana")
    api = WayRead("api", "1.0", can_everything(without=[Operation.TRANSFER_FILES]), world.model.snapshot())
    assert operations(world.plan(ways=[api, WayRead("ticket", "1.0", can_everything(reads={}))])) == expected


def test_an_app_whose_steps_name_no_suspension_suspends_all_the_same() -> None:
    """A leaver never keeps an active account."""
    world = World(app=App("github", "omar", leaver=(LeaverStep("end_sessions"),))).live("ana").leave("ana")
    assert operations(world.plan()) == ["end-sessions/ana", "suspend-account/ana"]


def test_a_step_that_was_intended_and_never_done_is_done_later() -> None:
    """The suspended account does not show that it is missing; the record does."""
    steps = (LeaverStep("suspend"), LeaverStep("transfer_files"))
    world = World(app=App("github", "omar", leaver=steps)).live("ana", status=SUSPENDED).leave("ana")
    world.apply("ana", status=SUSPENDED, unfinished=("transfer files",))
    change = only_change(world.plan())
    assert (change.operation, change.cause) == (Operation.TRANSFER_FILES, Cause.UNFINISHED)
    assert world.plan().adoption.accounts == {}


def test_a_suspended_leaver_is_deleted_once_the_grace_is_over() -> None:
    """Counted from when the suspension was recorded; until then it waits."""
    app = App("github", "omar", delete_after=timedelta(days=30))
    world = World(app=app).live("ana", status=SUSPENDED).leave("ana").apply("ana", status=SUSPENDED, since=MOMENT)
    plan = world.plan()
    assert plan.changes == ()
    assert "to be deleted from 2026-04-09 on" in found(plan, Fact.WAITING)[0].text
    change = only_change(world.apply("ana", status=SUSPENDED, since=LONG_AGO).plan())
    assert (change.operation, change.cause) == (Operation.DELETE_ACCOUNT, Cause.DUE)


def test_the_grace_of_an_account_that_others_suspended_starts_when_we_see_it() -> None:
    """Nothing is deleted at once, however long it was suspended before."""
    app = App("github", "omar", delete_after=timedelta(0))
    plan = World(app=app).live("ana", status=SUSPENDED).leave("ana").plan()
    assert plan.changes == ()
    assert plan.adoption.accounts["ana"].status is SUSPENDED
    assert plan.adoption.accounts["ana"].since == MOMENT


def test_an_account_is_never_deleted_where_nobody_asked_for_it() -> None:
    """Without `delete_after` it stays suspended for ever."""
    world = World().live("ana", status=SUSPENDED).leave("ana").apply("ana", status=SUSPENDED, since=LONG_AGO)
    assert world.plan().changes == ()
