"""The whole life of a change, from an empty repository on: the workflows are run as `init` writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from life import CHAT, KIM, PEOPLE, PIN, Life
from ticket.ticket_apps import make, open_one

from reconciler.provider.change import Operation

pytestmark = pytest.mark.slow


def propose_kim(life: Life, *, name: str = "kim") -> int:
    """Open a pull request in which Kim joins."""
    life.begin(name)
    life.write(more=KIM)
    life.push(name, "Kim joins")
    return life.propose(name)


def test_the_first_merge_of_an_empty_repository_is_applied(empty: Life) -> None:
    """A new app's route is trusted once it is merged: its accounts come with the next scheduled run."""
    assert empty.command("init", "--actions", PIN).returncode == 0
    empty.replace("reconciler.yaml", "env: []", "env: [CHAT_TOKEN]")
    empty.push("main", "Begin")
    empty.begin("people")
    empty.write(people=PEOPLE, apps__chat=CHAT.format(url=empty.chat.url))
    empty.push("people", "Two people and one app")
    number = empty.propose("people")
    planned = empty.plan(number)
    assert planned.code == 0, planned.log
    empty.github.review(number, "lee")
    merged = empty.merge(number)
    assert merged.code == 0, merged.log
    assert "Merged: no access had to be changed" in empty.comment(number, "apply")
    assert empty.users() == {}
    empty.begin("workflows")
    done = empty.command("init", "--actions", PIN)
    assert ".github/workflows/access-drift.yml: updated" in done.stdout, done.stderr
    empty.push("workflows", "Hand over the token of the app")
    merged = empty.merge(empty.propose("workflows"))
    assert merged.code == 0, merged.log
    assert empty.night().code == 0
    assert sorted(empty.users()) == ["ana@acme.example", "lee@acme.example"]
    assert empty.open_issues() == []


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_change_lives_from_its_pull_request_to_the_app(life: Life, how: str) -> None:
    """Planned for its reviewers, approved, merged, applied as reviewed, told; and again there is nothing to do."""
    number = propose_kim(life)
    planned = life.plan(number)
    assert planned.code == 0, planned.log
    told = life.comment(number, "plan")
    assert "1 to add" in told
    assert "kim@acme.example" in told
    assert "kim@acme.example" in planned.summary
    (status,) = life.github.statuses[life.head("kim")]
    assert (status["context"], status["state"]) == ("access/plan", "success")
    life.github.review(number, "lee")
    applied = life.merge(number, how)
    assert applied.code == 0, applied.log
    assert "kim@acme.example" in life.users()
    assert "Applied: 1 done and verified" in life.comment(number, "apply")
    assert "approved by `lee`" in life.comment(number, "apply")
    trail = life.command("audit", "show", "--json").stdout
    assert '"approvers": ["lee"]' in trail or '"approvers":["lee"]' in trail
    assert life.night().code == 0
    assert life.open_issues() == []


def test_drift_becomes_one_issue_and_is_closed_when_it_is_gone(life: Life) -> None:
    """Opened once, left alone while it is the same, updated, closed; opened anew the next time."""
    life.change_user("lee@acme.example", {"displayName": "Somebody Else"})
    for _ in range(2):
        assert life.night().code == 0
        (issue,) = life.open_issues()
    assert issue["title"] == "Drift in chat"
    assert "`displayName: Somebody Else → Lee Wong`" in issue["body"]
    asked = [one for one in life.github.requests if one.method == "PATCH" and "/issues/" in one.path]
    assert asked == []
    life.change_user("ana@acme.example", {"displayName": "Somebody Else"})
    assert life.night().code == 0
    (issue,) = life.open_issues()
    assert "`ana`" in issue["body"]
    for name, shown in (("ana", "Ana Ruiz"), ("lee", "Lee Wong")):
        life.change_user(f"{name}@acme.example", {"displayName": shown})
    assert life.night().code == 0
    assert life.open_issues() == []
    assert issue["state_reason"] == "completed"


def test_what_falls_due_is_applied_at_night(life: Life) -> None:
    """A last day that was merged long ago needs nobody any more; drift of others is left to people."""
    number = propose_kim(life)
    life.replace("more.yaml", "example}", "example, type: contractor, last_day: 2020-01-31}")
    life.push("kim")
    life.plan(number)
    life.github.review(number, "lee")
    assert life.merge(number).code == 0
    assert "kim@acme.example" not in life.users()
    life.change_user("lee@acme.example", {"displayName": "Somebody Else"})
    life.begin("soon")
    life.replace("people.yaml", "department: IT", "department: IT, last_day: 2020-01-31")
    life.git("commit", "--all", "--quiet", "--message", "Lee has left")
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    done = life.night()
    assert done.code == 0, done.log
    assert life.users()["lee@acme.example"]["active"] is False


def test_who_is_asked_for_something_is_reminded_at_night(life: Life) -> None:
    """The summary says of what; what the run could not keep in its checkout the state remembers."""
    life.begin("asked")
    file = open_one(life.desk, make(Operation.GRANT, "ana", "channel:eng", app="chat"))
    life.git("add", "tickets")
    life.git("commit", "--quiet", "--message", "Ask for a channel")
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    assert f"told: `tickets/{file.name}`: This was due on 2026-03-04" in life.night().summary
    assert "told: " not in life.night().summary


def test_the_alarm_goes_off_when_no_night_succeeds(life: Life) -> None:
    """One issue, closed by the next success."""
    silent = life.night("fresh")
    assert silent.code == 1
    assert "there was no success yet" in silent.log
    assert life.night("fresh").code == 1
    (issue,) = life.open_issues()
    assert issue["title"] == "The scheduled run of access is overdue"
    life.github.moment = datetime.now(UTC)
    assert life.night().code == 0
    assert life.night("fresh").code == 0
    assert life.open_issues() == []


def test_yaml_that_is_wrong_is_told_beside_its_lines(life: Life) -> None:
    """As annotations, in the comment and as a failed status; no app is asked."""
    life.begin("wrong")
    life.replace("people.yaml", "department: IT", "departmnt: IT")
    life.push("wrong")
    number = life.propose("wrong")
    done = life.plan(number)
    assert done.code == 1
    ((kind, where, text),) = done.annotations()
    assert (kind, where.split(",")[:2]) == ("error", ["file=people.yaml", "line=3"])
    assert "departmnt" in text
    assert "departmnt" in life.comment(number, "plan")
    assert life.github.statuses[life.head("wrong")][0]["state"] == "failure"


def test_a_plan_that_guards_refuse_fails_its_check(life: Life) -> None:
    """The comment and the commit's status say so; what is refused is not done after the merge either."""
    life.begin("purge")
    life.replace("apps/chat.yaml", "to: {everyone: true}", "to: {people: [ana]}")
    life.replace("policies.yaml", "people: []", "people: [lee]")
    life.push("purge")
    number = life.propose("purge")
    done = life.plan(number)
    assert done.code == 3, done.log
    assert any("protected" in text for _, _, text in done.annotations())
    assert life.github.statuses[life.head("purge")][0]["state"] == "failure"
    life.github.review(number, "lee")
    life.merge(number)
    assert life.users()["lee@acme.example"]["active"] is True


def test_the_comment_is_one_however_often_a_plan_is_made(life: Life) -> None:
    """Updated in place; the digest is kept each time."""
    number = propose_kim(life)
    for _ in range(2):
        assert life.plan(number).code == 0
    life.replace("more.yaml", "kim@acme", "park@acme")
    life.push("kim")
    assert life.plan(number).code == 0
    assert "park@acme.example" in life.comment(number, "plan")
    assert len(life.github.comments) == 1


def ask_by_form(life: Life, who: str, what: str, why: str, *, by: str = "kim") -> int:
    """Fill in the form for access, as somebody; let its workflow run; return the issue's number."""
    body = f"### Who\n\n{who}\n\n### What\n\n{what}\n\n### Until\n\n_No response_\n\n### Why\n\n{why}"
    issue = {"number": 40 + len(life.github.issues), "user": {"login": by}, "body": body, "title": "Access"}
    life.github.issues[issue["number"]] = {**issue, "state": "open", "labels": [{"name": "access-request"}]}
    sha = life.head("main")
    life.run_job("access-request.yml", "request", event="issues", ref="refs/heads/main", sha=sha, issue=issue)
    return issue["number"]


def test_a_form_becomes_a_pull_request_with_the_owner_as_reviewer(life: Life) -> None:
    """For people who never open an editor; what cannot be is answered, and what looks like a command is a reason."""
    life.begin("group")
    life.replace("apps/chat.yaml", "    accounts:", "    entitlements: {group:design: {}}\n    accounts:")
    life.push("main", "A group")
    number = ask_by_form(life, "ana", "chat/group:design", "New brand\n\n### Who\n\n$(touch pwned) @acme/all")
    (answer,) = [one["body"] for one in life.github.comments.values() if one["issue"] == number]
    assert "It is asked for: https://github.example/acme/access/pull/" in answer
    (pull,) = life.github.pulls.values()
    assert life.github.asked[pull["number"]] == ["lee"]
    changed = life.git("diff", f"main...{pull['head']['ref']}", at=life.remote)
    assert "+" in changed
    assert "group:design" in changed
    number = ask_by_form(life, "nobody", "chat/group:design", "Because")
    (answer,) = [one["body"] for one in life.github.comments.values() if one["issue"] == number]
    assert "It could not be asked for" in answer
    assert len(life.github.pulls) == 1
