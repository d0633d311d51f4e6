"""What somebody with write access, or with a fork, would try: tried here, with the workflows as they are written."""

from __future__ import annotations

import asyncio
import base64
import json
import re

import httpx
import pytest
from life import KIM, Life
from support.actions_runner import RefusedJobError
from support.http_server import Reply, Request, http_server

from reconciler.ci.judging import RECORD

pytestmark = pytest.mark.slow


def propose_kim(life: Life, *, branch: str = "kim", text: str = KIM) -> int:
    """Open a pull request in which Kim joins."""
    life.begin(branch)
    life.write(more=text)
    life.push(branch, "Kim joins")
    return life.propose(branch)


def assert_not_applied(life: Life, number: int, *words: str) -> None:
    """Merging does nothing in the app, and the pull request is told why."""
    merged = life.merge(number)
    assert merged.code == 3, merged.log
    assert "kim@acme.example" not in life.users()
    told = life.comment(number, "apply")
    assert "Merged, and not applied" in told
    for word in words:
        assert word in told


def test_a_plan_that_nobody_approved_is_not_applied(life: Life) -> None:
    """Though it was merged, past whatever protects the branch."""
    number = propose_kim(life)
    life.plan(number)
    assert_not_applied(life, number, "0 of 1 approvals")


def test_what_is_pushed_after_the_approval_is_not_applied(life: Life) -> None:
    """The last commit is neither approved nor planned."""
    number = propose_kim(life)
    life.plan(number)
    life.github.review(number, "lee")
    life.replace("more.yaml", "Kim Lee", "Kim Evil")
    life.push("kim", "Better now")
    life.refresh(number)
    assert_not_applied(life, number, "no plan of its last commit was kept", "0 of 1 approvals")


def test_an_app_that_changed_between_review_and_merge_stops_the_apply(life: Life) -> None:
    """What would be done now is not what was reviewed: the comment tells the difference."""
    number = propose_kim(life)
    life.plan(number)
    life.github.review(number, "lee")
    user = {"userName": "kim@acme.example", "active": True, "emails": [{"value": "kim@acme.example", "primary": True}]}
    schema = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
    made = httpx.post(f"{life.chat.url}/Users", headers=life.chat.headers, content=json.dumps({**user, **schema}))
    assert made.status_code == 201
    merged = life.merge(number)
    assert merged.code == 3, merged.log
    told = life.comment(number, "apply")
    assert "the plan that was reviewed is" in told
    assert "no longer: `chat/create-account/kim`" in told


def test_a_digest_in_a_comment_or_a_status_is_not_believed(life: Life) -> None:
    """Whoever can push can write both, as the workflow's own identity; only what the right run kept counts."""
    number = propose_kim(life)
    planned = life.plan(number)
    digest = planned.outputs["plan"]["digest"]
    assert life.github.artifacts.pop(planned.run)[0]["name"] == f"{RECORD}{digest}"
    head = life.head("kim")
    other = life.github.run(".github/workflows/evil.yml", event="push", branch="kim", sha=head)
    life.github.keep(other, f"{RECORD}{digest}")
    elsewhere = life.github.run(".github/workflows/access-plan.yml", event="workflow_dispatch", branch="kim", sha=head)
    life.github.keep(elsewhere, f"{RECORD}{digest}")
    fork = {"head_repository": {"full_name": "mallory/access"}}
    forked = life.github.run(".github/workflows/access-plan.yml", event="pull_request", branch="kim", sha=head, **fork)
    life.github.keep(forked, f"{RECORD}{digest}")
    life.github.review(number, "lee")
    assert_not_applied(life, number, "no plan of its last commit was kept")


def test_a_pull_request_that_brings_its_own_workflow_is_not_applied(life: Life) -> None:
    """Its plan was made by what it brought."""
    number = propose_kim(life)
    life.replace(".github/workflows/access-plan.yml", "timeout-minutes: 30", "timeout-minutes: 31")
    life.push("kim")
    life.plan(number)
    life.github.review(number, "lee")
    assert_not_applied(life, number, "it changes .github/")


def test_a_branch_that_was_proposed_elsewhere_too_is_not_applied(life: Life) -> None:
    """Into a base of somebody's own, whose workflow makes any plan that is wanted, under the same name."""
    number = propose_kim(life)
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/mine")
    life.propose("kim", base="mine")
    life.plan(number)
    life.github.review(number, "lee")
    assert_not_applied(life, number, "was also proposed for another base (#2)")


def test_a_push_past_every_pull_request_is_not_applied(life: Life) -> None:
    """Nobody reviewed it."""
    life.begin("direct")
    life.write(more=KIM)
    before, after = life.head("main"), life.push("main", "Straight to main")
    done = life.pushed(before, after)
    assert done.code == 3
    assert "came by no pull request" in done.summary
    assert "kim@acme.example" not in life.users()


REACHABLE = {
    "every branch": ({"deployment_branch_policy": None}, "every branch can use the environment"),
    "other branches": ({"branches": [("branch", "main"), ("branch", "release/*")]}, "branch release/*"),
    "tags": ({"branches": [("branch", "main"), ("tag", "main")]}, "tag main"),
    "no environment": ({"gone": True}, "there is no environment"),
    "secret of the repository": ({"secrets": ["CHAT_TOKEN"]}, "every branch can use the secret CHAT_TOKEN of the rep"),
    "secret of the organization": ({"organization_secrets": ["CHAT_TOKEN"]}, "CHAT_TOKEN of the organization"),
    "all tokens in one": ({"secrets": ["ACCESS_TOKENS"]}, "every branch can use the secret ACCESS_TOKENS"),
    "no review": ({"unprotected": True}, "may push to main without a review"),
}


@pytest.mark.parametrize("way", REACHABLE)
def test_credentials_that_a_pull_request_can_reach_are_not_used(life: Life, way: str) -> None:
    """Neither by an apply nor by the scheduled run; each way to them is named."""
    change, words = REACHABLE[way]
    github = life.github
    if "branches" in change:
        github.branch_policies["access"] = change["branches"]
    elif "gone" in change:
        del github.environments["access"]
    elif {"secrets", "organization_secrets"} & change.keys():
        life.runner.app_rights = {"secrets": "read"}
        for name, secrets in change.items():
            setattr(github, name, secrets)
    elif "unprotected" in change:
        github.protected.clear()
    else:
        github.environments["access"] = change
    done = life.night()
    assert done.code == 3, done.log
    assert words in done.log


def test_what_may_not_be_looked_at_is_told_and_not_taken_for_good(life: Life) -> None:
    """A job's own token may not list secrets: the page of the run says so, and which permission would do."""
    life.github.secrets = ["CHAT_TOKEN"]
    done = life.night()
    assert done.code == 0, done.log
    assert "which secrets every branch can use: the token needs the permission secrets=read" in done.summary
    life.github.classic = True
    assert "how many approvals main asks for" in life.night().summary


def test_the_jobs_that_write_cannot_be_started_from_a_branch(life: Life) -> None:
    """The environment is for the default branch; GitHub keeps the secrets, and the command refuses as well."""
    sha = life.head("main")
    for ref in ("refs/heads/evil", "refs/pull/1/merge"):
        with pytest.raises(RefusedJobError):
            life.run_job("access-apply.yml", "apply", event="push", ref=ref, sha=sha)
    life.github.branch_policies["access"].append(("branch", "evil"))
    life.git("push", "--quiet", "origin", "HEAD:refs/heads/evil")
    done = life.run_job("access-drift.yml", "drift", event="workflow_dispatch", ref="refs/heads/evil", sha=sha)
    assert done.code == 1
    assert "only main is applied" in done.log


def test_a_fork_gets_a_check_of_its_yaml_and_nothing_else(life: Life) -> None:
    """No app is asked, nothing is written; the page of the run says so."""
    life.begin("forked")
    life.write(more=KIM)
    life.push("forked")
    number = life.github.open_pull("forked", author="mallory", fork="mallory/access")
    life.github.pulls[number]["head"]["sha"] = life.head("forked")
    asked = len(life.github.requests)
    done = life.plan(number)
    assert done.code == 0, done.log
    assert "comes from a fork" in done.summary
    assert len(life.github.requests) == asked
    life.replace("more.yaml", "name:", "nam:")
    life.push("forked")
    done = life.plan(number)
    assert done.code == 1
    assert next(where for _, where, _ in done.annotations()).startswith("file=more.yaml,line=2")


HOSTILE = [
    "$(touch pwned) `touch pwned`; touch pwned",
    "x\n::error file=a::pwned\n::set-output name=digest::b\n##[error]pwned\n::add-mask::y",
    "</details><img src=x onerror=alert(1)><script>alert(2)</script> @acme/everybody #1",
    "```\n| a | b |\n# Approved\n<!-- reconciler:plan -->\n-->",
    "\x1b[2J\x1b]0;pwned\x07\u202egnp.exe",
]


@pytest.mark.parametrize("name", HOSTILE, ids=["shell", "commands", "html", "markdown", "terminal"])
def test_names_are_only_names_everywhere(life: Life, name: str) -> None:
    """In comments, logs, workflow commands, summaries, statuses, the shell; also as the name of a branch."""
    branch = "feature/$(touch${IFS}pwned)`id`;'\"&&x"
    life.begin(branch)
    life.write(
        more=f"people:\n  kim: {{name: {json.dumps(name)}, email: kim@acme.example, title: {json.dumps(name)}}}\n"
    )
    life.replace("apps/chat.yaml", '"{{ person.name }}"', '"{{ person.name }}", title: "{{ person.title }}"')
    life.push(branch, f"Kim joins {name!r}\n\n::error::pwned")
    number = life.propose(branch)
    life.github.pulls[number]["title"] = name
    planned = life.plan(number)
    life.github.review(number, "lee")
    applied = life.merge(number)
    for done in (planned, applied):
        for kind, values, text in done.commands:
            assert kind in {"error", "warning"}
            assert "file=a:" not in values
            assert not text.startswith("pwned")
    for body in (life.comment(number, "plan"), life.comment(number, "apply"), planned.summary, applied.summary):
        bare = re.sub(r"(`+)[^`](?:.|\n)*?\1|<code>.*?</code>", "", body)
        assert "<script" not in bare
        assert "<img" not in bare
        assert "@acme/everybody" not in bare
        assert not re.search(r"(?m)^# Approved", bare)
        assert "\x1b" not in body
        assert "\u202e" not in body
    assert not list(life.remote.parent.rglob("pwned*"))


def test_a_token_never_goes_where_the_base_did_not_send_it(life: Life) -> None:
    """A pull request that moves an app to another host is planned without asking that host anything."""
    heard: list[Request] = []

    def listen(request: Request) -> Reply:
        heard.append(request)
        return Reply(200, {"Resources": [], "totalResults": 0})

    async def attack() -> None:
        async with http_server(listen) as evil:
            life.begin("moved")
            life.replace("apps/chat.yaml", life.chat.url, f"{evil.url}/v2")
            life.push("moved", "A new address")
            number = life.propose("moved")
            planned = await asyncio.to_thread(life.plan, number)
            assert life.chat.token not in planned.log + planned.summary
            life.replace("reconciler.yaml", "files: []", "files: []\nforge: {github: {url: " + evil.url + "}}")
            life.push("moved")
            await asyncio.to_thread(life.plan, number)

    asyncio.run(attack())
    assert heard == []


def test_a_pull_request_cannot_lift_a_guard_for_itself(life: Life) -> None:
    """Protection and limits are those of the base and of the head together."""
    life.begin("guarded")
    life.replace("policies.yaml", "people: []", "people: [lee]")
    life.push("guarded")
    number = life.propose("guarded")
    life.plan(number)
    life.github.review(number, "lee")
    life.merge(number)
    life.begin("purge")
    life.replace("policies.yaml", "people: [lee]", "people: []")
    life.replace("apps/chat.yaml", "to: {everyone: true}", "to: {people: [ana]}")
    life.push("purge")
    number = life.propose("purge")
    planned = life.plan(number)
    assert planned.code == 3, planned.log
    assert "lee is protected" in planned.summary
    life.github.review(number, "lee")
    life.merge(number)
    assert life.users()["lee@acme.example"]["active"] is True


@pytest.mark.parametrize("how", ["older", "gone"])
def test_a_rewritten_state_stops_what_it_would_have_allowed(life: Life, how: str) -> None:
    """Forced back to what it was, or to nothing: no ordinary change until somebody names the head that is right."""
    branch = "refs/heads/reconciler/state"
    before = life.git("rev-parse", branch, at=life.remote)
    life.begin("more")
    life.replace("people.yaml", "name: Lee Wong", "name: Lee Wang")
    life.push("more")
    first = life.propose("more")
    life.plan(first)
    life.github.review(first, "lee")
    assert life.merge(first).code == 0
    number = propose_kim(life)
    life.plan(number)
    life.github.review(number, "lee")
    forced = ["update-ref", branch, before] if how == "older" else ["update-ref", "-d", branch]
    life.git(*forced, at=life.remote)
    merged = life.merge(number)
    assert merged.code == 3, merged.log
    assert "the state is not the one that the last run left" in life.comment(number, "apply")
    assert "kim@acme.example" not in life.users()
    assert life.night().code == 3
    assert "kim@acme.example" not in life.users()


def test_no_token_is_in_a_log_a_comment_or_a_page(life: Life) -> None:
    """Neither as it is nor in base64, also where the app repeats it in an error."""
    number = propose_kim(life)
    life.replace("apps/chat.yaml", life.chat.url, f"{life.chat.url}/nothing/here")
    life.push("kim")
    done = [life.plan(number)]
    life.github.review(number, "lee")
    done += [life.merge(number), life.night()]
    token = life.chat.token
    everything = "".join(one.log + one.summary for one in done) + json.dumps(life.github.comments, default=str)
    for form in (token, base64.b64encode(token.encode()).decode()):
        assert form not in everything
