"""A sample of the kills of the campaign, on each back end; `tests/campaign/run.py kill` tries every moment."""

import itertools
import time

import pytest
from battle import Cell, Outcome, recover
from campaign import run
from kills import kill_cells, sample
from moments import sort_of
from scene import Company, Theatre
from trail import judge_trail

from reconciler.audit.kinds import Kind
from reconciler.cli.exits import Exit

SEED = 11
OF_STATE = {"git": "git push", "postgres": "server's COMMIT"}


def assert_nothing_lost(outcomes: list[Outcome]) -> None:
    """Nothing was lost in any cell, and most were struck.

    How many transactions a run has depends on how long its requests take: a busy machine may not reach the last ones.
    """
    assert sum(outcome.struck for outcome in outcomes) >= len(outcomes) * 3 // 4
    assert [(str(outcome.cell), outcome.lost) for outcome in outcomes if outcome.lost] == []


def test_the_apply_is_large_enough_to_be_killed_anywhere(public_stage: Theatre) -> None:
    """At least forty changes over three apps, and state, requests, files and tickets among its moments."""
    assert len(public_stage.changes) >= 40
    assert {change.partition("/")[0] for change in public_stage.changes} == {"hub", "wiki", "desk"}
    sorts = {sort_of(moment) for moment in public_stage.moments}
    events = ("COMMIT", "GET", "POST", "PATCH", "os.replace", "os.link", "os.fsync")
    assert sorts >= {f"{when} {event}" for when, event in itertools.product(("before", "after"), events)}
    requests = [moment for moment in public_stage.moments if moment.startswith("before P")]
    assert len(requests) >= 20


def test_every_moment_has_its_cell(public_stage: Theatre) -> None:
    """No state write, file or request is left out, and none is tried twice."""
    cells = kill_cells(public_stage)
    assert len({str(cell) for cell in cells}) == len(cells) == len(public_stage.moments)


def test_killed_at_a_sample_of_moments_nothing_is_lost(public_stage: Theatre) -> None:
    """One of each sort at least, wherever the seed puts it."""
    cells = sample(kill_cells(public_stage), 10, SEED)
    outcomes = list(run(public_stage, cells))
    assert {cell.operation for cell in cells} == {sort_of(moment) for moment in public_stage.moments}
    assert all(outcome.code == -9 for outcome in outcomes if outcome.struck)
    assert_nothing_lost(outcomes)


@pytest.mark.parametrize("state", ["git", "postgres"])
def test_killed_around_a_write_of_a_shared_state_nothing_is_lost(state: str, request: pytest.FixtureRequest) -> None:
    """Before and after one that is in the middle of the run."""
    stage: Theatre = request.getfixturevalue(f"{state}_stage")
    cells = [cell for cell in kill_cells(stage) if cell.operation.endswith(OF_STATE[state])]
    outcomes = list(run(stage, sample(cells, 2, SEED)))
    assert len(outcomes) == 2
    assert_nothing_lost(outcomes)


def test_the_same_seed_chooses_the_same_moments(public_stage: Theatre) -> None:
    """So that a loss can be looked into."""
    cells = kill_cells(public_stage)
    assert sample(cells, 40, 1) == sample(cells, 40, 1) != sample(cells, 40, 2)


def test_the_campaign_notices_a_trail_that_does_not_tell(public_stage: Theatre) -> None:
    """Of a change that nobody recorded, and of one that was asked and never concluded."""
    company = public_stage.company()
    assert company.apply().code == Exit.DONE
    assert list(judge_trail(public_stage.changes, company)) == []
    assert any("nothing" in line for line in judge_trail({"hub/grant/ana/group:never"}, company))
    cell = Cell("all", "SIGKILL", "after PATCH", 4, wounds={})
    killed = public_stage.company()
    killed.apply(count=str(killed.folder / ".moments"), kill=[cell.operation, cell.moment])
    assert any("what came of" in line for line in judge_trail(public_stage.changes, killed))


def test_the_trail_tells_that_a_run_was_killed_and_what_became_of_it(public_stage: Theatre) -> None:
    """Its changes were asked; the next run says which of them it found done, and which never landed."""
    for moment in ("before PATCH", "after PATCH"):
        assert_the_killed_run_is_told(public_stage, [moment, 8])


def assert_the_killed_run_is_told(public_stage: Theatre, moment: list[object]) -> None:
    """Kill a run, recover, and look for it in the trail."""
    company = public_stage.company()
    company.apply(count=str(company.folder / ".moments"), kill=moment)
    assert company.unsettled()
    assert recover(public_stage.wanted, company) == []
    with company.state() as state:
        entries = list(state.audit())
    started, ended = ([e.body["run"] for e in entries if e.kind == kind] for kind in (Kind.STARTED, Kind.ENDED))
    (killed,) = set(started) - set(ended)
    settled = [entry.body for entry in entries if entry.kind == Kind.SETTLED]
    assert {body["run"] for body in settled} == {killed}
    assert {body["outcome"] for body in settled} <= {"done and verified", "failed", "ticket open"}
    shown = company.run("audit", "show", "--run", killed)
    assert "interruption settled" in shown.out
    assert company.run("audit", "verify").code == Exit.DONE


def test_what_nobody_can_know_is_told_as_unknown_and_not_tried_again(company: Company) -> None:
    """Killed after accounts were made, and then the app's accounts cannot be read: nobody makes them twice."""
    company.server.habits.unique = ()
    company.apply(count=str(company.folder / ".moments"), kill=["after POST", 4])
    made = {user["userName"] for user in company.hub.users()}
    asked = -1
    while asked != len(company.server.log):  # what was in flight when it was killed may still arrive
        asked = len(company.server.log)
        time.sleep(0.2)
    company.server.habits.forbid = {"/Users"}
    ended = company.apply()
    assert ended.code in (Exit.PARTIAL, Exit.UNREAD), ended
    assert "may or may not have been done" in ended.out
    assert [request.line for request in company.server.log[asked:] if request.line == "POST /Users"] == []
    with company.state() as state:
        settled = {e.body["change"]: e.body["outcome"] for e in state.audit() if e.kind == Kind.SETTLED}
    assert {settled[f"hub/create-account/{name}"] for name in ("ida", "jon", "kim", "lou", "mia")} == {"unknown"}
    company.heal()
    assert company.apply().code == Exit.DONE
    names = [user["userName"] for user in company.hub.users()]
    assert len(names) == len(set(names))
    assert made <= set(names)
    assert company.plan("--detailed-exitcode").code == Exit.DONE
