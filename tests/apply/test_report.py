"""The report's exit code and summary, what a machine reads, and the check that comes before."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pretend_app import refuse
from world import APPS, COMPANY, make_world

from reconciler.apply.check import refuse_stale
from reconciler.apply.progress import JsonLines
from reconciler.apply.report import Report
from reconciler.errors import StalePlanError
from reconciler.items import AccountItem, GrantItem
from reconciler.provider.change import Change, Operation, Outcome, Receipt

GRANT = Change("code", Operation.GRANT, GrantItem("ana", "team:x"), "way")
STEP = Change("code", Operation.END_SESSIONS, AccountItem("zoe"), "way")
OTHER = Change("code", Operation.GRANT, GrantItem("bob", "team:x"), "way")


@pytest.mark.parametrize(
    ("first", "second", "refused", "expected"),
    [
        (Outcome.VERIFIED, Outcome.TICKET, (), 0),
        (Outcome.VERIFIED, Outcome.DONE, (), 4),
        (Outcome.VERIFIED, Outcome.FAILED, (), 4),
        (Outcome.VERIFIED, Outcome.UNKNOWN, (), 4),
        (Outcome.VERIFIED, Outcome.NOT_ATTEMPTED, (), 4),
        (Outcome.VERIFIED, Outcome.NOT_ATTEMPTED, (OTHER.id,), 4),
        (Outcome.NOT_ATTEMPTED, Outcome.NOT_ATTEMPTED, (GRANT.id,), 4),
        (Outcome.NOT_ATTEMPTED, Outcome.NOT_ATTEMPTED, (GRANT.id, OTHER.id), 3),
    ],
)
def test_the_exit_code_tells_whole_from_part(
    first: Outcome, second: Outcome, refused: tuple[str, ...], expected: int
) -> None:
    """Nothing that is unsure counts as done, and only a plan that was refused whole counts as refused."""
    report = Report("run", (Receipt(GRANT, first), Receipt(OTHER, second)), frozenset(refused))
    assert report.exit_code == expected


def test_nothing_to_do_is_done_unless_something_went_wrong_beside_it() -> None:
    """A problem or an interruption is never exit 0."""
    assert Report("run").exit_code == 0
    assert Report("run", problems=("code could not be read back",)).exit_code == 4
    assert Report("run", interrupted=True).exit_code == 4


def test_a_step_that_nothing_shows_is_finished_when_it_is_done() -> None:
    """Ended sessions cannot be read back; a failed one still counts."""
    assert Report("run", (Receipt(STEP, Outcome.DONE),)).exit_code == 0
    assert Report("run", (Receipt(STEP, Outcome.FAILED),)).exit_code == 4


def test_the_summary_counts_each_outcome() -> None:
    """In the order of the outcomes, and only those that occur."""
    report = Report("run", (Receipt(GRANT, Outcome.FAILED, requests=2), Receipt(OTHER, Outcome.VERIFIED, requests=1)))
    assert report.summary == "1 done and verified, 1 failed"
    assert report.requests == 3
    assert replace(report, interrupted=True).summary == "1 done and verified, 1 failed, stopped before the end"
    assert Report("run").summary == "nothing to do"


def test_a_machine_reads_one_event_a_line(tmp_path: Path) -> None:
    """What was answered, then what was seen, then the counts; the last word is the report's."""
    world, code = make_world(tmp_path)
    code.faults["code/grant/bob/team:core"] = refuse
    out = io.StringIO()
    report = world.apply(progress=JsonLines(out))
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    assert events[0]["changes"] == len(report.receipts)
    answered = {event["id"]: event["outcome"] for event in events if event["event"] == "change"}
    seen = {event["id"]: event["outcome"] for event in events if event["event"] == "verified"}
    assert answered["code/grant/ana/repo:web"] == "done, not verified"
    assert answered | seen == {receipt.change.id: receipt.outcome.value for receipt in report.receipts}
    assert events[-1]["exit_code"] == 4
    assert events[-1]["outcomes"]["failed"] == 1


def test_a_problem_is_an_event(tmp_path: Path) -> None:
    """An app that cannot be read back is named."""
    world, code = make_world(tmp_path)
    plan = world.plan()
    code.broken = "503"
    out = io.StringIO()
    world.apply(plan, progress=JsonLines(out))
    problems = [json.loads(line) for line in out.getvalue().splitlines() if '"problem"' in line]
    assert {(event["app"], event["detail"]) for event in problems if event["event"] == "problem"} == {
        ("code", "pretend: 503")
    }


def test_a_fresh_plan_that_would_do_the_same_is_accepted(tmp_path: Path) -> None:
    """Another moment of the same day, other requests and other words change nothing."""
    world, _ = make_world(tmp_path)
    reviewed = world.plan()
    world.moment += timedelta(hours=3)
    refuse_stale(reviewed, world.plan())


def test_a_fresh_plan_that_would_do_anything_else_is_refused_with_what_moved(tmp_path: Path) -> None:
    """Changed in the app, changed in the YAML, or changed in the file of the reviewed plan."""
    world, code = make_world(tmp_path)
    reviewed = world.plan()
    code.account("u-bob", "bob")
    with pytest.raises(StalePlanError, match=r"no longer: code/create-account/bob") as refused:
        refuse_stale(reviewed, world.plan())
    assert refused.value.exit_code == 3
    assert "plan again" in refused.value.hint
    world.write(COMPANY.replace("Lead", "Head"), APPS)
    with pytest.raises(StalePlanError, match="the YAML"):
        refuse_stale(reviewed, world.plan())
    forged = replace(world.plan(), apps=reviewed.apps)
    with pytest.raises(StalePlanError):
        refuse_stale(forged, world.plan())
