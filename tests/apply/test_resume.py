"""What an interrupted apply left open is looked up before anything else."""

from pathlib import Path

from pretend_app import PretendApp, TicketDesk
from world import APPS, COMPANY, NOW, World, make_world

from reconciler.items import AccountItem, GrantItem, Names
from reconciler.plan.plan import Plan
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.state.contract import Run
from reconciler.state.sqlite import SqliteStore


def leave_open(world: World, plan: Plan, *ids: str) -> None:
    """Record intents as a run does that is killed right after."""
    with world.open_state() as state:
        state.begin(Run("killed", plan.digest, "ana", "laptop", NOW))
        state.intend("killed", [change for change in plan.changes() if change.id in ids], NOW)


def concluded(world: World) -> dict[str, tuple[str, str]]:
    """Return change's id → outcome and words, of the killed run."""
    with world.open_state() as state:
        return {entry.change_id: (entry.outcome, entry.detail) for entry in state.journal(run="killed")}


def test_what_had_landed_is_seen_and_what_had_not_is_undone_and_done_again(tmp_path: Path) -> None:
    """One account exists and one does not; both entries get their end, and the apply makes the rest."""
    world, code = make_world(tmp_path)
    leave_open(world, world.plan(), "code/create-account/ana", "code/create-account/bob", "code/suspend-account/zoe")
    code.account("u-ana", "ana", title="Engineer")
    report = world.apply()
    found = concluded(world)
    assert found["code/create-account/ana"] == (Outcome.VERIFIED, "the run was interrupted; a later one saw it done")
    outcome, words = found["code/create-account/bob"]
    assert outcome == Outcome.FAILED
    assert words == "the run was interrupted before it was done: the app shows no such account"
    assert found["code/suspend-account/zoe"][0] == Outcome.FAILED
    assert report.exit_code == 0
    assert code.accounts["u-zoe"]["status"] == "suspended"


def test_a_grant_of_an_account_that_the_same_run_made_is_looked_up(tmp_path: Path) -> None:
    """Its intent was recorded before the account had an id: the state knows whose it is by now."""
    world, code = make_world(tmp_path)
    code.entitlement("team:core", description="Core")
    wanted = {change.id for change in world.plan().changes()}
    grants = {"code/grant/ana/team:core", "code/grant/bob/team:core"}
    assert grants <= wanted
    leave_open(world, world.plan(), "code/create-account/ana", "code/create-account/bob", *grants)
    with world.open_state() as state:
        number = next(entry for entry in state.unsettled() if entry.change_id == "code/create-account/ana")
        made = Receipt(number.change, Outcome.DONE, remote_id="u-ana")
        state.settle("killed", [(number.number, made)], NOW)
    code.account("u-ana", "ana", title="Engineer")
    code.grant("u-ana", "team:core")
    assert world.apply().exit_code == 0
    found = {id_: outcome for id_, (outcome, _) in concluded(world).items()}
    assert found["code/grant/ana/team:core"] == Outcome.VERIFIED
    assert found["code/grant/bob/team:core"] == Outcome.FAILED


def test_an_intent_that_did_not_land_is_dropped_even_if_nobody_wants_it_any_more(tmp_path: Path) -> None:
    """The YAML moved on; the pending item goes with the lookup, and nothing is claimed as ours."""
    world, _ = make_world(tmp_path)
    leave_open(world, world.plan(), "code/create-account/bob")
    assert world.applied("code")[0].accounts["bob"].pending
    world.write(COMPANY.replace("[ana, bob, omar]", "[ana, omar]"), APPS)
    assert world.apply().exit_code == 0
    assert "bob" not in world.applied("code")[0].accounts


def test_what_nobody_can_tell_is_reported_and_stays_unknown(tmp_path: Path) -> None:
    """The accounts cannot be read: a creation is not repeated blindly, and somebody is told."""
    world, code = make_world(tmp_path)
    leave_open(world, world.plan(), "code/create-account/bob", "code/suspend-account/zoe")
    code.unreadable["accounts"] = "page 2 failed"
    report = world.apply()
    found = concluded(world)
    assert found["code/create-account/bob"][0] == Outcome.UNKNOWN
    assert found["code/suspend-account/zoe"][0] == Outcome.FAILED
    told = "create account bob may or may not have been done: the run was interrupted; accounts could not be read whole"
    assert [problem for problem in report.problems if "may or may not" in problem] == [f"code: {told}: page 2 failed"]
    assert report.exit_code == 4
    assert world.applied("code")[0].accounts["bob"].pending


def test_a_ticket_that_was_opened_is_found_again(tmp_path: Path) -> None:
    """By the id of its change; where none is open, nothing was done."""
    code, desk = PretendApp(), TicketDesk()
    world = World(tmp_path, {"code": {"pretend": code, "ticket": desk}})
    world.write("people: {ana: {name: Ana, email: a@acme.example}}\n", "apps: {code: {owner: ana}}\n")
    opened = Change("code", Operation.GRANT, GrantItem("ana", "team:x"), "ticket")
    missing = Change("code", Operation.CREATE_ACCOUNT, AccountItem("ana"), "ticket")
    with world.open_state() as state:
        state.begin(Run("killed", "", "ana", "laptop", NOW))
        state.intend("killed", [opened, missing], NOW)
    desk.opened[opened.id] = desk._ticket(opened.id)
    assert world.apply().exit_code == 0
    assert concluded(world) == {
        opened.id: (Outcome.TICKET, "tickets/1.md"),
        missing.id: (Outcome.NOT_ATTEMPTED, "the run was interrupted, and no ticket is open"),
    }
    with SqliteStore(tmp_path / ".reconciler" / "state.db", read_only=True) as state:
        assert not state.load("code", Names()).grants


def test_tickets_that_cannot_be_read_leave_the_question_open(tmp_path: Path) -> None:
    """Not found is not the same as not read."""
    code, desk = PretendApp(), TicketDesk()
    world = World(tmp_path, {"code": {"pretend": code, "ticket": desk}})
    world.write("people: {ana: {name: Ana, email: a@acme.example}}\n", "apps: {code: {owner: ana}}\n")
    intended = Change("code", Operation.CREATE_ACCOUNT, AccountItem("ana"), "ticket")
    plan = world.plan()
    with world.open_state() as state:
        state.begin(Run("killed", "", "ana", "laptop", NOW))
        state.intend("killed", [intended], NOW)
    desk.broken = "the tracker is down"
    report = world.apply(plan)
    told, doubt = report.problems
    assert told == "code: the tickets could not be read: the tracker is down"
    assert doubt.startswith("code: create account ana may or may not have been done")
    assert concluded(world)[intended.id][0] == Outcome.UNKNOWN
