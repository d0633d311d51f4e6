"""What a merge was refused stays undone, however often the scheduled run comes by, until somebody answers for it."""

from __future__ import annotations

import json

import pytest
from life import KIM, Life

pytestmark = pytest.mark.slow

SAM = "people:\n  sam: {name: Sam Oh, email: sam@acme.example}\n"


def propose(life: Life, branch: str, **files: str) -> int:
    """Open a pull request with files."""
    life.begin(branch)
    life.write(**files)
    life.push(branch)
    return life.propose(branch)


def propose_edit(life: Life, branch: str, file: str, old: str, new: str) -> int:
    """Open a pull request that changes a piece of a file."""
    life.begin(branch)
    life.replace(file, old, new)
    life.push(branch)
    return life.propose(branch)


def merge_unreviewed(life: Life, number: int) -> str:
    """Merge a pull request that nobody approved, and return what it was told."""
    life.plan(number)
    merged = life.merge(number)
    assert merged.code == 3, merged.log
    return life.comment(number, "apply")


def merge_reviewed(life: Life, number: int) -> None:
    """Merge a pull request as it should be."""
    planned = life.plan(number)
    assert planned.code == 0, planned.log
    life.github.review(number, "lee")
    merged = life.merge(number)
    assert merged.code == 0, merged.log


def held(life: Life) -> list[str]:
    """Return the names of what is held, as a clone of the default branch tells it."""
    life.begin("looking")
    done = life.command("state", "list", "--json")
    assert done.returncode == 0, done.stderr
    return [one["merge"] for one in json.loads(done.stdout)["held"]]


def is_active(life: Life, name: str) -> bool:
    """Say whether somebody has an account that works."""
    user = life.users().get(f"{name}@acme.example")
    return user is not None and user["active"]


def test_the_night_does_not_apply_what_a_merge_was_refused(life: Life) -> None:
    """Nobody approved it, so nobody gets it at night either; a release by somebody named lets it go."""
    number = propose(life, "kim", more=KIM)
    told = merge_unreviewed(life, number)
    assert "What it changed is **held**" in told
    night = life.night()
    assert night.code == 0, night.log
    assert "kim@acme.example" not in life.users()
    assert "refused at merge of #1: 0 of 1 approvals" in night.summary
    assert held(life) == ["#1"]
    shown = life.command("plan")
    assert "held: refused at merge of #1" in shown.stdout
    assert "held: refused at merge of #1" in life.command("drift").stdout
    done = life.command("apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert "kim@acme.example" not in life.users()
    released = life.command("state", "release", "#1", "--yes", "--reason", "Lee looked at it after the merge")
    assert released.returncode == 0, released.stderr
    assert '"state release"' in life.command("audit", "show", "--json").stdout
    assert life.night().code == 0
    assert is_active(life, "kim")
    assert held(life) == []


def test_others_go_on_while_something_is_held(life: Life) -> None:
    """A later pull request that was reviewed is applied, and what it makes due comes at night."""
    merge_unreviewed(life, propose(life, "kim", more=KIM))
    merge_reviewed(life, propose(life, "sam", sam=SAM))
    assert is_active(life, "sam")
    assert life.night().code == 0
    assert "kim@acme.example" not in life.users()
    assert held(life) == ["#1"]


def test_what_is_reviewed_anew_is_done(life: Life) -> None:
    """Taken back, and asked for again by pull requests that somebody approved."""
    merge_unreviewed(life, propose(life, "kim", more=KIM))
    merge_reviewed(life, propose(life, "back", more="people: {}\n"))
    merge_reviewed(life, propose(life, "again", more=KIM))
    assert is_active(life, "kim")
    night = life.night()
    assert night.code == 0, night.log
    assert is_active(life, "kim")


def test_a_merge_whose_run_crashed_is_not_done_at_night(life: Life) -> None:
    """Nothing was recorded of it; the next merge notices, and who has left goes all the same."""
    merge_reviewed(life, propose(life, "sam", sam=SAM))
    life.begin("crashed")
    life.write(more=KIM)
    life.replace("people.yaml", "department: IT", "department: IT, last_day: 2020-01-31")
    crashed = life.push("main", "Kim joins, Lee has left")
    night = life.night()
    assert night.code == 0, night.log
    assert "no run has judged it" in night.summary
    assert "kim@acme.example" not in life.users()
    assert not is_active(life, "lee")
    merge_reviewed(life, propose(life, "more", other=SAM.replace("sam", "pat")))
    assert is_active(life, "pat")
    assert held(life) == [crashed[:12]]
    assert life.night().code == 0
    assert "kim@acme.example" not in life.users()


def test_what_has_no_effect_yet_is_judged_as_well(life: Life) -> None:
    """Or a date would do what nobody approved."""
    number = propose(life, "kim", more=KIM.replace("}", ", start: 2999-01-01}"))
    assert "0 of 1 approvals" in merge_unreviewed(life, number)
    assert held(life) == ["#1"]


def test_a_remark_in_the_yaml_needs_nobody(life: Life) -> None:
    """What can never change anybody's access is not held, whoever merged it."""
    number = propose_edit(life, "remark", "people.yaml", "people:", "# Everybody\npeople:")
    life.plan(number)
    merged = life.merge(number)
    assert merged.code == 0, merged.log
    assert held(life) == []


def test_a_removal_that_was_refused_is_not_made_at_night(life: Life) -> None:
    """Taking access away needs a review as much as giving it."""
    number = propose_edit(life, "less", "apps/chat.yaml", "to: {everyone: true}", "to: {people: [ana]}")
    merge_unreviewed(life, number)
    assert life.night().code == 0
    assert is_active(life, "lee")


def test_nobody_stays_because_a_refused_merge_says_so(life: Life) -> None:
    """A last day that somebody merged away without a review still comes."""
    life.begin("leaves")
    life.replace("people.yaml", "department: IT", "department: IT, last_day: 2020-01-31")
    life.push("main", "Lee has left")
    number = propose_edit(life, "stays", "people.yaml", ", last_day: 2020-01-31", "")
    merge_unreviewed(life, number)
    night = life.night()
    assert night.code == 0, night.log
    assert not is_active(life, "lee")


def test_an_old_run_that_is_started_again_brings_nothing_back(life: Life) -> None:
    """Its approvals are genuine, and what it gave was taken away since."""
    before = life.head("main")
    merge_reviewed(life, propose(life, "kim", more=KIM))
    first = life.head("main")
    merge_reviewed(life, propose(life, "back", more="people: {}\n"))
    assert not is_active(life, "kim")
    again = life.pushed(before, first)
    assert again.code == 3, again.log
    assert "a newer push" in again.log
    assert not is_active(life, "kim")


def test_a_refused_route_gets_no_secret(life: Life) -> None:
    """The app is asked where it was before: who leaves is found there."""
    file = life.desk / "apps" / "chat.yaml"
    number = propose_edit(life, "route", "apps/chat.yaml", life.chat.url, "http://127.0.0.1:9/scim/v2")
    merge_unreviewed(life, number)
    assert "127.0.0.1:9" in file.read_text(encoding="utf-8")
    life.begin("leaves")
    life.replace("people.yaml", "department: IT", "department: IT, last_day: 2020-01-31")
    life.push("main", "Lee has left")
    night = life.night()
    assert night.code == 0, night.log
    assert not is_active(life, "lee")
