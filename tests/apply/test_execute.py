"""A plan is made true, and what is told about it is true."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pretend_app import (
    SECRET,
    BatchingApp,
    Fault,
    PretendApp,
    RereadingApp,
    answer_and_do_nothing,
    contents,
    explode,
    lose_both,
    lose_the_answer,
    lose_the_request,
    refuse,
    refuse_by_error,
)
from world import APPS, COMPANY, NOW, World, block, details, edit, make_world, outcomes

from reconciler.apply.progress import Silence
from reconciler.errors import LockError, PlanError
from reconciler.plan.order import in_order
from reconciler.plan.plan import Plan, Verdict
from reconciler.provider.change import Cause, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.contract import Adoption
from reconciler.state.sqlite import SqliteStore

EVERYTHING: Mapping[str, object] = {
    "accounts": {
        "ana": ("active", {"title": "Engineer"}),
        "bob": ("active", {"title": "Designer"}),
        "omar": ("active", {"title": "Lead"}),
        "zoe": ("suspended", {}),
    },
    "entitlements": {"team:core": {"description": "Core"}, "repo:web": {}},
    "grants": {
        ("ana", "team:core"): None,
        ("bob", "team:core"): None,
        ("omar", "team:core"): None,
        ("ana", "repo:web"): "write",
        ("team:core", "repo:web"): "read",
    },
}


def is_empty(plan: Plan) -> bool:
    """Say whether nothing remains to be done, taken on or forgotten."""
    return not list(plan.changes()) and all(app.adoption == Adoption() for app in plan.apps)


def test_a_first_apply_makes_everything_true_and_the_next_plan_is_empty(tmp_path: Path) -> None:
    """Accounts, entitlements, grants with levels, a team on a repository, a leaver: all seen, and nothing remains."""
    world, code = make_world(tmp_path)
    report = world.apply()
    assert report.exit_code == 0
    assert contents(code) == EVERYTHING
    assert is_empty(world.plan())
    requests = len(code.performed)
    assert world.apply().receipts == ()
    assert len(code.performed) == requests


def test_remote_ids_of_what_was_just_created_are_filled_in(tmp_path: Path) -> None:
    """The plan cannot know them; the app is asked with them."""
    world, code = make_world(tmp_path)
    plan = world.plan()
    grants = {change.id: change for change in plan.changes() if change.operation == "grant"}
    assert not grants["code/grant/ana/repo:web"].account_id
    world.apply(plan)
    asked = {change.id: change for change in code.performed}
    assert asked["code/grant/ana/repo:web"].account_id == "u-ana"
    assert asked["code/grant/ana/repo:web"].entitlement_id == "e-repo:web"
    on_team = asked["code/grant/team:core/repo:web"]
    assert (on_team.account_id, on_team.holder_entitlement_id) == ("", "e-team:core")


def test_movers_and_removals_end_in_an_empty_plan(tmp_path: Path) -> None:
    """Levels, attributes and names change in place, what left the YAML is revoked and suspended."""
    world, code = make_world(tmp_path)
    world.apply()
    company = COMPANY.replace("title: Engineer", "title: Principal").replace("[ana, bob, omar]", "[ana, omar]")
    company = company.replace("repo:web: write", "repo:web: admin").replace("team:core", "team:kernel")
    apps = APPS.replace('"team:core": {', '"team:kernel": {formerly: ["team:core"], ')
    world.write(company, apps)
    report = world.apply()
    assert {receipt.outcome for receipt in report.receipts} == {Outcome.VERIFIED}
    assert {receipt.change.operation.value for receipt in report.receipts} == {
        "rename entitlement",
        "set level",
        "suspend account",
        "update account",
        "revoke",
    }
    assert contents(code)["accounts"]["bob"][0] == "suspended"
    assert contents(code)["accounts"]["ana"] == ("active", {"title": "Principal"})
    assert contents(code)["grants"] == {
        ("ana", "team:kernel"): None,
        ("omar", "team:kernel"): None,
        ("ana", "repo:web"): "admin",
        ("team:kernel", "repo:web"): "read",
    }
    assert is_empty(world.plan())


def test_an_account_is_deleted_after_its_grace_and_forgotten(tmp_path: Path) -> None:
    """Suspended first; the state counts the days; seen absent, it is dropped."""
    world, code = make_world(tmp_path)
    world.write(COMPANY, APPS + "    delete_after: 30d\n")
    assert world.apply().exit_code == 0
    world.moment = NOW.replace(month=4)
    report = world.apply()
    assert outcomes(report) == {"code/delete-account/zoe": Outcome.VERIFIED}
    assert "u-zoe" not in code.accounts
    assert "zoe" not in world.applied("code")[0].accounts
    assert is_empty(world.plan())


def test_the_state_knows_what_was_applied_with_pins_and_usernames_as_the_app_shows_them(tmp_path: Path) -> None:
    """The app chose other usernames than were proposed; that is no rename later."""
    world, _ = make_world(tmp_path)
    world.apply()
    applied, grants = world.applied("code")
    ana = applied.accounts["ana"]
    assert (ana.remote_id, ana.username, ana.pending, ana.attributes) == ("u-ana", "ana", False, {"title": "Engineer"})
    assert applied.accounts["zoe"].status is AccountStatus.SUSPENDED
    assert applied.entitlements["team:core"].remote_id == "e-team:core"
    assert applied.entitlements["team:core"].created
    assert grants["ana", "repo:web"] == "write"
    assert not applied.pending
    assert applied.counts["accounts"] == 4
    assert applied.counts["grants:team"] == 3


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        (refuse, Outcome.FAILED, "409 seat limit reached"),
        (refuse_by_error, Outcome.FAILED, "403 forbidden"),
        (lose_the_request, Outcome.FAILED, "connection refused"),
        (answer_and_do_nothing, Outcome.DONE, "the app answered ok, but shows it is not there"),
        (lose_the_answer, Outcome.VERIFIED, "no clear answer came, but the app shows it"),
        (lose_both, Outcome.UNKNOWN, "timed out; the app shows it is not there"),
        (explode, Outcome.UNKNOWN, "the provider raised ValueError"),
    ],
)
def test_each_fault_ends_in_the_outcome_that_is_true(
    tmp_path: Path, fault: Fault, outcome: Outcome, words: str
) -> None:
    """Told with the app's words; exit 4 unless it was seen; everything else is done; a later apply finishes it."""
    world, code = make_world(tmp_path)
    code.faults["code/grant/bob/team:core"] = fault
    report = world.apply()
    others = {name: found for name, found in outcomes(report).items() if name != "code/grant/bob/team:core"}
    assert outcomes(report)["code/grant/bob/team:core"] is outcome
    assert words in details(report)["code/grant/bob/team:core"]
    assert set(others.values()) <= {Outcome.VERIFIED, Outcome.DONE}
    assert report.exit_code == (0 if outcome is Outcome.VERIFIED else 4)
    code.faults.clear()
    assert world.apply().exit_code == 0
    assert contents(code) == EVERYTHING
    assert is_empty(world.plan())


@pytest.mark.parametrize(("fault", "cause"), [(answer_and_do_nothing, Cause.UNFINISHED), (refuse, Cause.NEW)])
def test_what_was_not_done_is_never_called_drift(tmp_path: Path, fault: Fault, cause: Cause) -> None:
    """An intent that never landed is not yet applied; a refusal is as if it had never been tried."""
    world, code = make_world(tmp_path)
    for name in ("code/grant/bob/team:core", "code/create-account/ana", "code/suspend-account/zoe"):
        code.faults[name] = fault
    assert world.apply().exit_code == 4
    causes = {change.id: change.cause for change in world.plan().changes()}
    assert causes["code/grant/bob/team:core"] is cause
    assert causes["code/create-account/ana"] is cause
    assert causes["code/suspend-account/zoe"] is Cause.LEAVER


def test_a_failed_creation_stops_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    """Grants of the account and of the entitlement say because of what; others go on."""
    world, code = make_world(tmp_path)
    code.faults["code/create-account/ana"] = refuse
    code.faults["code/create-entitlement/repo:web"] = lose_both
    report = world.apply()
    found, words = outcomes(report), details(report)
    assert found["code/grant/ana/team:core"] is Outcome.NOT_ATTEMPTED
    assert words["code/grant/ana/team:core"] == "because create account ana failed"
    assert words["code/grant/team:core/repo:web"] == "because create entitlement repo:web ended unknown"
    assert found["code/grant/bob/team:core"] is Outcome.VERIFIED
    assert "code/grant/ana/team:core" not in {change.id for change in code.performed}
    assert report.exit_code == 4
    assert ("ana", "team:core") not in world.applied("code")[1]


def test_a_leaver_is_suspended_even_if_the_sessions_could_not_be_ended(tmp_path: Path) -> None:
    """A failed step stops none of the later ones, and is remembered as unfinished."""
    world, code = make_world(tmp_path)
    code.faults["code/end-sessions/zoe"] = refuse
    code.faults["code/transfer-files/zoe"] = explode
    report = world.apply()
    found = outcomes(report)
    assert found["code/end-sessions/zoe"] is Outcome.FAILED
    assert found["code/suspend-account/zoe"] is Outcome.VERIFIED
    assert found["code/transfer-files/zoe"] is Outcome.UNKNOWN
    assert report.exit_code == 4
    unfinished = {"end sessions", "transfer files", "remove licenses"}
    assert set(world.applied("code")[0].accounts["zoe"].unfinished) == unfinished
    code.faults.clear()
    code.steps.clear()
    assert world.apply().exit_code == 0
    assert code.steps == ["end sessions", "transfer files", "remove licenses"]
    assert is_empty(world.plan())


LICENCES_FIRST = """
apps:
  code:
    owner: omar
    entitlements: {"team:core": {}, "repo:web": {}}
    leaver: [remove_licenses, {transfer_files: {to: manager}}, suspend, end_sessions]
    delete_after: 1d
"""


def with_licence(folder: Path) -> tuple[World, PretendApp]:
    """Return a company whose YAML would take the licences first, and whose leaver has one of a kind too."""
    world, code = make_world(folder, PretendApp(kinds=("team", "repo", "license")))
    world.write(COMPANY, LICENCES_FIRST)
    code.entitlement("license:pro")
    code.grant("u-zoe", "license:pro")
    return world, code


def test_files_are_handed_over_before_licences_go_whatever_the_order_of_the_yaml(tmp_path: Path) -> None:
    """One after the other, though the app takes several changes at once; suspended before all of it."""
    world, code = with_licence(tmp_path)
    world.apply()
    about_zoe = [event for event in code.events if "/zoe" in event]
    assert about_zoe == [
        f"{word} code/{what}"
        for what in (
            "suspend-account/zoe", "end-sessions/zoe", "transfer-files/zoe", "remove-licenses/zoe",
            "revoke/zoe/license:pro",
        )
        for word in ("begin", "end")
    ]  # fmt: skip


def test_no_licence_goes_and_nothing_is_deleted_before_the_files_are_handed_over(tmp_path: Path) -> None:
    """A failed transfer holds back what would lose the files, until a later run has done it."""
    world, code = with_licence(tmp_path)
    code.faults["code/transfer-files/zoe"] = refuse
    report = world.apply()
    for held in ("remove-licenses/zoe", "revoke/zoe/license:pro"):
        assert outcomes(report)[f"code/{held}"] is Outcome.NOT_ATTEMPTED
        assert details(report)[f"code/{held}"] == "because transfer files zoe failed"
    assert outcomes(report)["code/suspend-account/zoe"] is Outcome.VERIFIED
    world.moment += timedelta(days=2)
    assert outcomes(world.apply())["code/delete-account/zoe"] is Outcome.NOT_ATTEMPTED
    assert "u-zoe" in code.accounts
    code.faults.clear()
    assert world.apply().exit_code == 0
    assert code.steps == ["end sessions", "transfer files", "remove licenses"]
    assert "u-zoe" not in code.accounts


def test_changes_are_made_in_the_plans_order(tmp_path: Path) -> None:
    """Nothing of a later stage begins before everything of an earlier one has ended."""
    world, code = make_world(tmp_path)
    plan = world.plan()
    world.apply(plan)
    order = [change.id for change in in_order(plan.changes())]
    begun = [event.removeprefix("begin ") for event in code.events if event.startswith("begin")]
    assert sorted(begun) == sorted(order)
    assert begun[:4] == [
        f"code/{step}/zoe" for step in ("end-sessions", "suspend-account", "transfer-files", "remove-licenses")
    ]
    last_creation = max(code.events.index(f"end {name}") for name in order if "create" in name)
    first_grant = min(code.events.index(f"begin {name}") for name in order if "/grant/" in name)
    assert last_creation < first_grant


def test_changes_run_side_by_side_but_never_more_than_the_app_allows(tmp_path: Path) -> None:
    """The bound is reached and not exceeded."""
    world, code = make_world(tmp_path, PretendApp(concurrency=2))
    world.apply()
    assert code.busiest == 2


def test_members_of_one_entitlement_go_together_where_the_app_takes_them_so(tmp_path: Path) -> None:
    """One batch for three grants of one team; each has its receipt and its intent."""
    world, code = make_world(tmp_path, BatchingApp())
    assert world.apply().exit_code == 0
    assert contents(code) == EVERYTHING
    assert isinstance(code, BatchingApp)
    assert [sorted(change.holder for change in batch) for batch in code.batches if batch[0].kind == "team"] == [
        ["ana", "bob", "omar"]
    ]
    assert is_empty(world.plan())


def test_a_batch_without_a_receipt_for_each_change_is_unknown_until_it_is_seen(tmp_path: Path) -> None:
    """Nobody guesses which receipt belongs to which change."""
    world, code = make_world(tmp_path, BatchingApp())
    assert isinstance(code, BatchingApp)
    code.forgets_receipts = True
    code.faults["code/grant/bob/team:core"] = answer_and_do_nothing
    report = world.apply()
    assert outcomes(report)["code/grant/ana/team:core"] is Outcome.VERIFIED
    assert outcomes(report)["code/grant/bob/team:core"] is Outcome.UNKNOWN
    assert "3 changes with 2 receipts" in details(report)["code/grant/bob/team:core"]


def test_an_intent_is_on_disk_before_its_request(tmp_path: Path) -> None:
    """Another process that reads the state in that moment sees it."""
    world, code = make_world(tmp_path)
    missing = []

    def look(event: str) -> None:
        if event == "request":
            with SqliteStore(tmp_path / ".reconciler" / "state.db", read_only=True) as state:
                recorded = {entry.change_id for entry in state.journal()}
            missing.extend({code.performed[-1].id} - recorded)

    code.hook = look
    world.apply()
    assert len(code.performed) == 14
    assert missing == []


def test_the_journal_and_the_log_hold_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a provider's own exception says is logged without what looks like a secret, and is told nowhere."""
    world, code = make_world(tmp_path)
    code.faults["code/grant/bob/team:core"] = explode
    with caplog.at_level(logging.DEBUG):
        report = world.apply()
    assert "cannot parse answer" in caplog.text
    assert "code/grant/bob/team:core" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in str(report)
    assert "cannot parse" not in details(report)["code/grant/bob/team:core"]
    for file in (tmp_path / ".reconciler").iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_one_app_that_fails_does_not_stop_another(tmp_path: Path) -> None:
    """Whatever a provider does, the other app is finished and verified."""
    code, chat = PretendApp(), PretendApp()
    world = World(tmp_path, {"code": {"pretend": code}, "chat": {"pretend": chat}})
    people = "people: {ana: {name: Ana, email: ana@acme.example}, omar: {name: Omar, email: omar@acme.example}}\n"
    grants = "grants: [{to: {people: [ana]}, grants: {code: [], chat: []}}]\n"
    world.write(people + grants, "apps: {code: {owner: omar}, chat: {owner: omar}}\n")
    plan = world.plan()
    code.faults["code/create-account/ana"] = explode
    code.broken = "the app is down"
    report = world.apply(plan)
    assert outcomes(report)["chat/create-account/ana"] is Outcome.VERIFIED
    assert outcomes(report)["code/create-account/ana"] is Outcome.UNKNOWN
    assert report.problems == ("code could not be read back: pretend: the app is down",)


def test_two_things_that_may_never_be_held_together_are_swapped_across_apps(tmp_path: Path) -> None:
    """The grant waits for the other app's revoke, and is not attempted if that failed."""
    for fault, expected in ((None, Outcome.VERIFIED), (refuse, Outcome.NOT_ATTEMPTED)):
        folder = tmp_path / expected.name
        folder.mkdir()
        pay, buy = PretendApp(), PretendApp()
        for app, key in ((pay, "team:approve"), (buy, "team:create")):
            app.account("u-ana", "ana")
            app.entitlement(key)
        world = World(folder, {"pay": {"pretend": pay}, "buy": {"pretend": buy}})
        people = "people: {ana: {name: Ana, email: ana@acme.example}, omar: {name: Omar, email: omar@acme.example}}\n"
        grants = "grants: [{to: {people: [ana]}, grants: {pay: [%s], buy: [%s]}}]\n"
        apps = "apps: {pay: {owner: omar}, buy: {owner: omar}}\n"
        rule = "policies: {never_together: {pay-yourself: [pay/team:approve, buy/team:create]}, limits: "
        limits = "{leavers: 100 or 100%, removals_per_app: 100 or 100%, minimum_admins: 0}}\n"
        (folder / "policies.yaml").write_text(rule + limits, encoding="utf-8")
        world.write(people + grants % ("team:approve", ""), apps)
        assert world.apply().exit_code == 0
        world.write(people + grants % ("", "team:create"), apps)
        if fault:
            pay.faults["pay/revoke/ana/team:approve"] = fault
        pay.hook = lambda event, app=buy: None if event != "effect" else app.events.append("revoked elsewhere")  # type: ignore[misc]
        report = world.apply()
        assert outcomes(report)["buy/grant/ana/team:create"] is expected
        if fault:
            assert details(report)["buy/grant/ana/team:create"] == "because revoke ana team:approve failed"
        else:
            assert buy.events[-3:] == [
                "revoked elsewhere",
                "begin buy/grant/ana/team:create",
                "end buy/grant/ana/team:create",
            ]


def test_what_is_refused_as_a_whole_is_not_touched_at_all(tmp_path: Path) -> None:
    """Neither its changes nor its adoption; the exit code is that of a refusal."""
    world, code = make_world(tmp_path)
    code.account("u-ana", "ana")
    plan = world.plan()
    refused = replace(plan, verdicts=(Verdict("leavers", "", refused=True, text="9 of 5 leavers"),))
    report = world.apply(refused)
    assert set(outcomes(report).values()) == {Outcome.NOT_ATTEMPTED}
    assert set(details(report).values()) == {"refused by leavers: 9 of 5 leavers"}
    assert report.exit_code == 3
    assert code.performed == []
    assert not world.applied("code")[0].known


def test_in_a_refused_app_only_leavers_go(tmp_path: Path) -> None:
    """They have a limit of their own: that others' removals are too many keeps no leaver inside."""
    world, code = make_world(tmp_path)
    code.account("u-ana", "ana")
    plan = world.plan()
    refused = replace(plan, verdicts=(Verdict("removals_per_app", "code", refused=True, text="9 of 5 removals"),))
    report = world.apply(refused)
    ended = {receipt.change.cause is Cause.LEAVER: set[Outcome]() for receipt in report.receipts}
    for receipt in report.receipts:
        ended[receipt.change.cause is Cause.LEAVER].add(receipt.outcome)
    assert ended == {True: {Outcome.VERIFIED, Outcome.DONE}, False: {Outcome.NOT_ATTEMPTED}}
    assert report.exit_code == 4
    assert not [change for change in plan.changes() if change.cause is not Cause.LEAVER and change.id in code.performed]


def test_a_blocked_change_is_told_and_never_attempted(tmp_path: Path) -> None:
    """With its reason; what needs it is not attempted either, and the rest is done."""
    world, code = make_world(tmp_path)
    report = world.apply(block(world.plan(), "code/create-account/bob", "protected"))
    assert details(report)["code/create-account/bob"] == "protected"
    assert details(report)["code/grant/bob/team:core"] == "because create account bob was not attempted"
    assert outcomes(report)["code/grant/ana/team:core"] is Outcome.VERIFIED
    assert report.exit_code == 4
    assert "u-bob" not in code.accounts


def test_a_plan_of_the_future_is_refused(tmp_path: Path) -> None:
    """Before anything is recorded."""
    world, code = make_world(tmp_path)
    with pytest.raises(PlanError, match="future"):
        world.apply(replace(world.plan(), future=True))
    assert code.performed == []
    with world.open_state() as state:
        assert state.runs() == []


def test_a_way_that_nobody_opened_is_said(tmp_path: Path) -> None:
    """A change by that way is not attempted; it is not silently dropped."""
    world, _ = make_world(tmp_path)
    plan = edit(world.plan(), lambda app: replace(app, changes=tuple(replace(c, way="api") for c in app.changes)))
    report = world.apply(plan)
    assert set(details(report).values()) == {"because code was not opened by way of api"}
    assert report.exit_code == 4


def test_an_app_that_cannot_be_read_back_is_not_called_verified(tmp_path: Path) -> None:
    """Whole, or one collection of it; the next plan takes on what was really done."""
    world, code = make_world(tmp_path)
    plan = world.plan()
    code.broken = "503 try later"
    report = world.apply(plan)
    assert set(outcomes(report).values()) == {Outcome.DONE}
    assert details(report)["code/grant/ana/repo:web"] == "not read back: pretend: 503 try later"
    assert report.exit_code == 4
    code.broken = ""
    again = world.plan()
    assert list(again.changes()) == []
    assert world.apply(again).exit_code == 0
    assert is_empty(world.plan())


def test_an_incomplete_collection_proves_no_absence(tmp_path: Path) -> None:
    """A revoke is seen only where the list is whole; a grant that is in the list is seen anyway."""
    world, code = make_world(tmp_path)
    world.apply()
    world.write(COMPANY.replace("[ana, bob, omar]", "[ana, omar]").replace("[ana]", "[ana, omar]"), APPS)
    plan = world.plan()
    code.unreadable["grants:team"] = code.unreadable["grants:repo"] = "page 2 of 3 failed"
    report = world.apply(plan)
    assert outcomes(report)["code/revoke/bob/team:core"] is Outcome.DONE
    assert "page 2 of 3 failed" in details(report)["code/revoke/bob/team:core"]
    assert outcomes(report)["code/grant/omar/repo:web"] is Outcome.VERIFIED
    assert outcomes(report)["code/suspend-account/bob"] is Outcome.VERIFIED
    applied, grants = world.applied("code")
    assert ("bob", "team:core") in grants
    assert len(applied.pending) == 1


def test_accounts_alone_are_read_back_singly_where_the_app_can(tmp_path: Path) -> None:
    """A leaver needs no list of ten thousand accounts."""
    world, code = make_world(tmp_path, RereadingApp())
    assert isinstance(code, RereadingApp)
    world.write(COMPANY.partition("grants:")[0], "apps: {code: {owner: omar}}\n")
    plan = world.plan()
    code.reads = 0
    report = world.apply(plan)
    assert outcomes(report)["code/suspend-account/zoe"] is Outcome.VERIFIED
    assert (code.reads, code.reread_ids) == (0, ["u-zoe"])
    assert "accounts" not in world.applied("code")[0].counts or is_empty(world.plan())


def test_adopting_alone_is_an_apply_that_changes_nothing(tmp_path: Path) -> None:
    """What is declared and live becomes ours, with exit 0 and without a request that writes."""
    world, code = make_world(tmp_path)
    code.account("u-ana", "ana", title="Engineer")
    code.entitlement("team:core")
    code.grant("u-ana", "team:core")
    people = "people: {ana: {name: Ana, email: ana@acme.example, title: Engineer}}\n"
    world.write(
        people + "grants: [{to: {people: [ana]}, grants: {code: ['team:core']}}]\n", "apps: {code: {owner: ana}}\n"
    )
    report = world.apply()
    assert (report.receipts, report.exit_code, report.adopted) == ((), 0, 3)
    assert code.performed == []
    assert world.applied("code")[1] == {("ana", "team:core"): None}
    assert is_empty(world.plan())


def test_a_stopped_apply_finishes_what_is_in_flight_and_says_so(tmp_path: Path) -> None:
    """Ctrl-C: recorded is what was answered, the rest was not attempted, and the next apply does it."""
    world, code = make_world(tmp_path, PretendApp(concurrency=1))
    plan = world.plan()

    def interrupt(event: str) -> None:
        if event == "request" and code.performed[-1].id == "code/create-account/ana":
            import os  # noqa: PLC0415 - only here
            import signal  # noqa: PLC0415 - only here

            os.kill(os.getpid(), signal.SIGINT)

    code.hook = interrupt
    report = world.apply(plan)
    assert report.interrupted
    assert report.exit_code == 4
    found = outcomes(report)
    assert found["code/create-account/ana"] is Outcome.DONE
    assert found["code/create-account/bob"] is Outcome.NOT_ATTEMPTED
    assert details(report)["code/create-account/bob"] == "because the apply was stopped"
    assert "code/create-account/bob" not in {change.id for change in code.performed}
    with world.open_state() as state:
        assert state.unsettled() == []
        assert "stopped" in state.runs()[-1].summary
    code.hook = lambda _: None
    assert world.apply().exit_code == 0
    assert contents(code) == EVERYTHING


def test_stopping_twice_gives_up_and_the_next_apply_looks_it_up(tmp_path: Path) -> None:
    """What is left open is not forgotten: it is judged by what the app shows."""
    world, code = make_world(tmp_path, PretendApp(concurrency=1))
    plan = world.plan()

    async def give_up() -> None:
        begun = asyncio.Event()
        code.hook = lambda _: begun.set() if "create-account" in code.performed[-1].id else None
        with world.open_state() as state:
            task = asyncio.ensure_future(_execute(world, plan, state))
            await begun.wait()
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(give_up())
    with world.open_state() as state:
        assert state.unsettled()
    assert world.apply().exit_code == 0
    with world.open_state() as state:
        assert state.unsettled() == []
    assert contents(code) == EVERYTHING
    assert is_empty(world.plan())


async def _execute(world: World, plan: Plan, state: SqliteStore) -> None:
    from reconciler.apply.execute import execute  # noqa: PLC0415 - the one direct use
    from reconciler.state.contract import Run  # noqa: PLC0415 - the one direct use

    run = Run("direct", plan.digest, "ana", "laptop", NOW)
    providers = {("code", "pretend"): world.apps["code"]["pretend"]}
    await execute(plan, providers, state, run, progress=Silence(), clock=lambda: NOW)


def test_a_run_whose_lock_was_broken_begins_nothing_more(tmp_path: Path) -> None:
    """Somebody took the lock in the middle: no further request, and an error in place of a report."""
    world, code = make_world(tmp_path, PretendApp(concurrency=1))

    def take_over(event: str) -> None:
        if event == "request" and len(code.performed) == 1:
            with SqliteStore(tmp_path / ".reconciler" / "state.db") as other:
                other.break_lock()
                other.lock("bob@ci", "apply", NOW)
                other.unlock()

    code.hook = take_over
    with pytest.raises(LockError, match="broken"):
        world.apply()
    # How many were begun already depends on how fast they are: the lock is asked about every few milliseconds.
    assert 1 <= len(code.performed) <= 4
    code.hook = lambda _: None
    assert world.apply().exit_code == 0
    assert contents(code) == EVERYTHING


def test_what_is_in_flight_when_the_lock_breaks_is_not_cut_off(tmp_path: Path) -> None:
    """It might land after the next apply has looked it up; in the other apps neither."""
    code, chat = PretendApp(), PretendApp()
    world = World(tmp_path, {"code": {"pretend": code}, "chat": {"pretend": chat}})
    people = "people: {ana: {name: Ana, email: ana@acme.example}, omar: {name: Omar, email: omar@acme.example}}\n"
    grants = "grants: [{to: {people: [ana, omar]}, grants: {code: [], chat: []}}]\n"
    world.write(people + grants, "apps: {code: {owner: omar}, chat: {owner: omar}}\n")
    plan = world.plan()
    chat.pause = 0.2

    def take_over(_: str) -> None:
        with SqliteStore(tmp_path / ".reconciler" / "state.db") as other:
            other.break_lock()

    code.hook = take_over
    with pytest.raises(LockError, match="broken"):
        world.apply(plan)
    assert chat.performed
    assert len(chat.accounts) == len(chat.performed)
    assert len(code.accounts) == len(code.performed)


class Watching(Silence):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def receipt(self, receipt: Receipt) -> None:
        """Keep it."""
        self.told.append(receipt.change.id)


def test_every_change_is_told_once_as_it_ends(tmp_path: Path) -> None:
    """Those that were not attempted too."""
    world, _ = make_world(tmp_path)
    plan = block(world.plan(), "code/create-account/bob", "protected")
    watching = Watching()
    world.apply(plan, progress=watching)
    assert sorted(watching.told) == sorted(change.id for change in plan.changes())
