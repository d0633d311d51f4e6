"""Ctrl-C while the real command applies: what is in flight is finished and recorded; pressed again, it gives up."""

import random
import re

from battle import recover
from campaign import run
from kills import interrupt_cells
from scene import Theatre

from reconciler.cli.exits import Exit

SEED = 5
HOOK = """\
#!/bin/sh
count=$(($(cat ../pushes 2>/dev/null || echo 0) + 1))
echo $count >../pushes
if [ $count = 20 ]; then touch ../pressed; kill -INT 0; fi
"""
"""Runs in the remote when a push updates the branch, in the process group of whoever pushes."""


def test_a_ctrl_c_at_a_sample_of_moments_loses_nothing(public_stage: Theatre) -> None:
    """Once or twice, while reading, while changing and while the state is written."""
    cells = random.Random(SEED).sample(interrupt_cells(public_stage), 8)
    outcomes = list(run(public_stage, cells))
    assert {outcome.cell.fault for outcome in outcomes} == {"Ctrl-C", "Ctrl-C twice"}
    assert [(str(outcome.cell), outcome.lost) for outcome in outcomes if outcome.lost] == []


def test_what_is_in_flight_is_finished_and_recorded_and_the_rest_is_told(public_stage: Theatre) -> None:
    """Every change of the plan is in the report, none of it is open, and the next apply does what is left."""
    company = public_stage.company()
    ended = company.apply("--json", count=str(company.folder / ".moments"), interrupt=["before PATCH", 4, 1])
    assert ended.code == Exit.PARTIAL, ended
    assert company.unsettled() == 0
    assert '"event": "stopping"' in ended.out
    told = set(re.findall(r'"event": "change", "id": "([^"]+)"', ended.out))
    assert told == public_stage.changes
    assert "because the apply was stopped" in ended.out
    store = company.hub.users()
    made = {user["userName"].partition("@")[0] for user in store}
    reported = set(re.findall(r'"id": "hub/create-account/(\w+)"[^}]*"outcome": "done[^"]*"', ended.out))
    assert reported == made & {"ida", "jon", "kim", "lou", "mia"}
    assert recover(public_stage.wanted, company) == []


def test_a_person_is_told_what_the_first_and_the_second_ctrl_c_do(public_stage: Theatre) -> None:
    """The first stops, the second gives up: exit code 130, and the next apply looks up what was in flight."""
    company = public_stage.company()
    once = company.apply(count=str(company.folder / ".moments"), interrupt=["before PATCH", 4, 1])
    assert once.code == Exit.PARTIAL
    assert "stopping: what is in flight is finished and recorded; Ctrl-C again gives up at once" in once.err
    assert "Applied in part" in once.out
    assert "run apply again to finish" in once.out
    company = public_stage.company()
    twice = company.apply(count=str(company.folder / ".moments"), interrupt=["before PATCH", 4, 2])
    assert twice.code == Exit.INTERRUPTED
    assert "given up: what was in flight may have been done; the next apply looks it up" in twice.err
    assert "Traceback" not in twice.err
    assert company.unsettled()
    assert recover(public_stage.wanted, company) == []


def test_before_anything_is_changed_a_ctrl_c_just_ends_it(public_stage: Theatre) -> None:
    """While the apps are read."""
    company = public_stage.company()
    before = company.contents()
    ended = company.apply(count=str(company.folder / ".moments"), interrupt=["before GET", 2, 1])
    assert ended.code == Exit.INTERRUPTED
    assert company.contents() == before


def test_a_second_ctrl_c_while_the_state_is_read_is_told_as_one(public_stage: Theatre) -> None:
    """A transaction that it left open is given up, and is no error of the state."""
    company = public_stage.company()
    ended = company.apply(count=str(company.folder / ".moments"), interrupt=["after COMMIT", 4, 2])
    assert ended.code == Exit.INTERRUPTED, ended
    assert "transaction" not in ended.err
    assert recover(public_stage.wanted, company) == []


def test_git_is_not_hurt_by_a_ctrl_c_that_reaches_it_in_the_middle_of_a_push(git_stage: Theatre) -> None:
    """A terminal sends it to every process in the foreground; the push ends, and then the apply stops."""
    company = git_stage.company()
    hook = company.write(".remote.git/hooks/update", HOOK)
    hook.chmod(0o755)
    ended = company.apply()
    hook.unlink()
    assert (company.folder / "pressed").exists()
    assert ended.code == Exit.PARTIAL, ended
    assert company.unsettled() == 0
    assert recover(git_stage.wanted, company) == []
