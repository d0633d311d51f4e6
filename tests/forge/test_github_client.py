"""What is asked of GitHub: comments and issues found again, pull requests, reviews, statuses, protections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import github_reference
from support.fake_github import ACTIONS, READER, WRITER, FakeGitHub, Token

from reconciler.errors import AnswerError, ConfigurationError, ReadOnlyError, ReconcilerError
from reconciler.forge.github import GitHub, open_forge
from reconciler.forge.issues import LONGEST_BODY, marker
from reconciler.forge.pulls import approvals, latest_reviews
from reconciler.forge.values import Environment, Opinion, State
from reconciler.model.company import Settings

Ask = Callable[[Callable[[GitHub], Any]], Any]


def test_a_comment_is_written_once_and_then_updated(github: FakeGitHub, ask: Ask) -> None:
    """However often the plan runs, there is one comment; nothing is sent while it says the same."""
    number = github.open_pull("ana", author="ana")
    for body in ("first", "second", "second"):
        ask(lambda forge, body=body: forge.issues.put_comment(number, "plan", body))
    assert [one["body"] for one in github.comments.values()] == ["<!-- reconciler:plan -->\nsecond"]
    assert [r.method for r in github.requests if r.method != "GET"] == ["POST", "PATCH"]


def test_a_comment_with_our_marker_by_somebody_else_is_not_ours(github: FakeGitHub, ask: Ask) -> None:
    """Whoever puts the marker first would own, and could edit, what we say."""
    number = github.open_pull("ana", author="ana")
    github.tokens["theirs"] = Token("mallory", WRITER, user=True)
    theirs = {"id": 7, "issue": number, "user": {"login": "mallory"}, "body": f"{marker('plan')}\nall fine"}
    github.comments[7] = theirs
    ask(lambda forge: forge.issues.put_comment(number, "plan", "the plan"))
    assert github.comments[7]["body"].endswith("all fine")
    assert [one["user"]["login"] for one in github.comments.values()] == ["mallory", ACTIONS]


def test_a_comment_behind_many_pages_is_found(github: FakeGitHub, ask: Ask) -> None:
    """Lists are followed to their end."""
    github.largest_page = 2
    number = github.open_pull("ana", author="ana")
    for text in range(7):
        ask(lambda forge, text=text: forge.issues.comment(number, f"remark {text}"))
    ask(lambda forge: forge.issues.put_comment(number, "plan", "one"))
    ask(lambda forge: forge.issues.put_comment(number, "plan", "two"))
    assert sum(one["body"].startswith(marker("plan")) for one in github.comments.values()) == 1


def test_a_comment_that_is_too_long_is_refused_before_it_is_sent(github: FakeGitHub, ask: Ask) -> None:
    """65,536 characters, the marker included; the fake refuses one more, as GitHub does."""
    number = github.open_pull("ana", author="ana")
    room = LONGEST_BODY - len(marker("plan")) - 1
    ask(lambda forge: forge.issues.put_comment(number, "plan", "x" * room))
    with pytest.raises(ConfigurationError, match="65,537 characters"):
        ask(lambda forge: forge.issues.put_comment(number, "plan", "x" * (room + 1)))


@pytest.mark.parametrize("name", ["a --> b", "-->", "a--b", "", "é", "A"])
def test_a_marker_cannot_be_left(name: str) -> None:
    """It goes into an HTML comment."""
    with pytest.raises(ConfigurationError, match="cannot be a marker"):
        marker(name)


def test_an_issue_is_opened_updated_closed_and_opened_again(github: FakeGitHub, ask: Ask) -> None:
    """One issue for a purpose, through all of its life."""

    async def live(forge: GitHub) -> list[str]:
        first = await forge.issues.open("drift/slack", "Drift in slack", "two items", ["access-drift"])
        await forge.issues.update(first, "drift/slack", title="Drift in slack", body="two items")
        second = await forge.issues.update(first, "drift/slack", title="Drift in slack", body="one item")
        closed = await forge.issues.close(second)
        again = await forge.issues.find("drift/slack", "access-drift", closed=True)
        assert await forge.issues.find("drift/slack", "access-drift") == []
        assert await forge.issues.find("drift/other", "access-drift", closed=True) == []
        opened = await forge.issues.update(again[0], "drift/slack", title="Drift in slack", body="back")
        return [str(closed.open), str(opened.open), opened.body]

    assert ask(live) == ["False", "True", f"{marker('drift/slack')}\nback"]
    assert len(github.issues) == 1


def test_pull_requests_are_no_issues(github: FakeGitHub, ask: Ask) -> None:
    """GitHub lists them as such."""
    number = github.open_pull("ana", author=ACTIONS)
    github.issues[number]["labels"] = [{"name": "access-drift"}]
    assert ask(lambda forge: forge.issues.labelled("access-drift")) == []


def test_a_pull_request_is_opened_once_and_the_owner_is_asked(github: FakeGitHub, ask: Ask) -> None:
    """Who cannot be asked is told, and keeps nobody else from being asked."""

    async def open_twice(forge: GitHub) -> Any:
        first = await forge.pulls.open(title="Access for ana", head="ana", base="main", body="because")
        second = await forge.pulls.open(title="Access for ana", head="ana", base="main", body="because")
        refused = await forge.pulls.request_reviewers(first.number, ["stranger", "lee"])
        return first.number == second.number, refused, first.head_sha

    assert ask(open_twice) == (True, ("stranger",), "b" * 40)
    assert github.asked == {1: ["lee"]}


def test_the_pull_request_of_a_commit_is_found(github: FakeGitHub, ask: Ask) -> None:
    """Merged, by whom, as which commit."""
    number = github.open_pull("ana", author="ana")
    github.merged(number, "c" * 40, by="lee")
    (pull,) = ask(lambda forge: forge.pulls.of_commit("c" * 40))
    assert (pull.number, pull.merged, pull.merge_sha, pull.merged_by) == (number, True, "c" * 40, "lee")
    assert ask(lambda forge: forge.pulls.of_commit("d" * 40)) == []


def test_only_the_last_word_of_each_reviewer_counts(github: FakeGitHub, ask: Ask) -> None:
    """Of the commit that was merged; not the author's, not a dismissed one, not one that was taken back."""
    number = github.open_pull("ana", author="ana")
    github.review(number, "lee", commit="9" * 40)
    github.review(number, "lee")
    github.review(number, "lee", "COMMENTED")
    github.review(number, "kim")
    github.review(number, "kim", "CHANGES_REQUESTED")
    github.review(number, "pat")
    github.review(number, "pat", "DISMISSED")
    github.review(number, "ana")
    github.review(number, "zoe", commit="9" * 40)
    reviews = ask(lambda forge: forge.pulls.reviews(number))
    assert latest_reviews(reviews)["kim"].opinion is Opinion.CHANGES_REQUESTED
    assert [one.reviewer for one in approvals(reviews, commit="b" * 40, author="Ana")] == ["lee"]


def test_the_files_of_a_pull_request_have_their_former_names_too(github: FakeGitHub, ask: Ask) -> None:
    """A workflow that is moved away was touched."""
    number = github.open_pull("ana", author="ana")
    moved = {"filename": "docs/a.yml", "previous_filename": ".github/workflows/a.yml", "status": "renamed"}
    github.files[number] = [{"filename": "people.yaml", "status": "modified"}, moved]
    found = ask(lambda forge: forge.pulls.files(number))
    assert found == ["people.yaml", "docs/a.yml", ".github/workflows/a.yml"]


def test_a_status_says_what_fits(github: FakeGitHub, ask: Ask) -> None:
    """140 characters; the newest of each context is read back."""
    reader = {**WRITER, "statuses": "write"}
    github.tokens["planted-forge-token"] = Token(ACTIONS, reader)
    for state in (State.PENDING, State.FAILURE):
        ask(lambda forge, state=state: forge.checks.set_status("b" * 40, "access", state, "x" * 200))
    (status,) = ask(lambda forge: forge.checks.statuses("b" * 40))
    assert (status.state, len(status.description), status.author) == (State.FAILURE, 140, ACTIONS)


def test_runs_are_found_with_what_they_kept(github: FakeGitHub, ask: Ask) -> None:
    """By commit, event and workflow; a path is told without its ref."""
    run = github.run(".github/workflows/access.yml@main", event="pull_request", branch="ana", sha="b" * 40)
    github.run(".github/workflows/other.yml", event="push", branch="ana", sha="b" * 40)
    github.keep(run, "access-plan-1")
    (found,) = ask(lambda forge: forge.checks.runs(commit="b" * 40, event="pull_request"))
    assert (found.id, found.path, found.head_repository) == (run, ".github/workflows/access.yml", "acme/access")
    assert [one.name for one in ask(lambda forge: forge.checks.artifacts(run))] == ["access-plan-1"]
    assert len(ask(lambda forge: forge.checks.runs(workflow="other.yml", most=5))) == 1


def test_environments_tell_who_may_use_them(github: FakeGitHub, ask: Ask) -> None:
    """Every branch, the protected ones, or those that are named."""
    github.environments = {
        "open": {"deployment_branch_policy": None},
        "protected": {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}},
        "named": {
            "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
            "protection_rules": [{"type": "required_reviewers"}],
        },
    }
    github.branch_policies = {"named": [("branch", "main"), ("tag", "v*")]}
    found = [ask(lambda forge, name=name: forge.protection.environment(name)) for name in github.environments]
    assert found == [
        Environment("open", any_branch=True, protected_branches=False),
        Environment("protected", any_branch=False, protected_branches=True),
        Environment(
            "named",
            any_branch=False,
            protected_branches=False,
            patterns=(("branch", "main"), ("tag", "v*")),
            reviewers=True,
        ),
    ]
    assert ask(lambda forge: forge.protection.environment("none")) is None


def test_what_a_branch_asks_for_is_told(ask: Ask) -> None:
    """By its rules; nothing where it is not protected."""
    assert ask(lambda forge: forge.protection.required_approvals("main")) == 1
    assert ask(lambda forge: forge.protection.required_approvals("ana")) == 0
    assert ask(lambda forge: forge.protection.protected_branches()) == ["main"]


def test_a_bypass_is_told_only_to_who_may_know(github: FakeGitHub, ask: Ask) -> None:
    """A workflow's own token may not: unknown is not no."""
    github.suites = [{"after_sha": "c" * 40, "result": "bypass"}, {"after_sha": "d" * 40, "result": "pass"}]
    assert ask(lambda forge: forge.protection.was_bypassed("main", "c" * 40)) is None
    github.tokens["planted-forge-token"] = Token(ACTIONS, {**WRITER, "administration": "read"})
    told = [ask(lambda forge, one=one: forge.protection.was_bypassed("main", one * 40)) for one in "cde"]
    assert told == [True, False, None]


def test_a_refusal_names_the_permission_and_no_token(github: FakeGitHub, ask: Ask) -> None:
    """In the forge's own words."""
    number = github.open_pull("ana", author="ana")
    github.tokens["planted-forge-token"] = Token(ACTIONS, READER)
    with pytest.raises(AnswerError, match="Resource not accessible by integration") as caught:
        ask(lambda forge: forge.issues.put_comment(number, "plan", "text"))
    assert caught.value.hint == "the token needs the permission issues=write; pull_requests=write"
    github.tokens.clear()
    with pytest.raises(AnswerError, match="Bad credentials") as caught:
        ask(lambda forge: forge.pulls.get(number))
    assert "planted-forge-token" not in str(caught.value)


def test_a_token_of_a_person_writes_as_that_person(github: FakeGitHub, ask: Ask) -> None:
    """Found by asking."""
    github.tokens["planted-forge-token"] = Token("kim", WRITER, user=True)
    number = github.open_pull("ana", author="ana")
    for text in ("one", "two"):
        ask(lambda forge, text=text: forge.issues.put_comment(number, "plan", text))
    assert [one["user"]["login"] for one in github.comments.values()] == ["kim"]


def test_a_forge_that_only_reads_writes_nothing(github: FakeGitHub, tmp_path: Path) -> None:
    """Planning cannot comment by accident."""
    number = github.open_pull("ana", author="ana")

    async def talk() -> None:
        async with open_forge(Settings(tmp_path), read_only=True) as forge:
            assert (await forge.pulls.get(number)).head == "ana"
            await forge.issues.comment(number, "text")

    with pytest.raises(ReadOnlyError):
        asyncio.run(talk())
    assert github.comments == {}


def test_on_a_runner_the_yaml_cannot_lead_the_token_elsewhere(github: FakeGitHub, tmp_path: Path) -> None:
    """A pull request that edits `forge` in reconciler.yaml changes nothing there."""
    said = {"repository": "mallory/access", "url": "http://127.0.0.1:9", "token": {"env": "OTHER"}}
    number = github.open_pull("ana", author="ana")

    async def talk() -> int:
        async with open_forge(Settings(tmp_path, forge={"github": said})) as forge:
            assert forge.repository == "acme/access"
            return (await forge.pulls.get(number)).number

    assert asyncio.run(talk()) == number


def test_elsewhere_the_yaml_says_where_the_forge_is(github: FakeGitHub, tmp_path: Path) -> None:
    """And by which token; a name that is no repository is an error."""
    said = {"repository": "acme/access", "url": github.url, "token": {"env": "GITHUB_TOKEN"}, "login": ACTIONS}
    forge = open_forge(Settings(tmp_path, forge={"github": said}), environ={})
    assert (forge.repository, forge.requests) == ("acme/access", 0)
    with pytest.raises(ConfigurationError, match="nothing says which repository"):
        open_forge(Settings(tmp_path), environ={})
    for name in ("acme", "acme/../x", "acme/..", "a b/c", "acme/x/y"):
        with pytest.raises(ConfigurationError, match="is no repository"):
            open_forge(Settings(tmp_path, forge={"github": {"repository": name}}), environ={})


def test_a_commit_that_is_none_never_becomes_a_path(ask: Ask) -> None:
    """Names are checked or encoded before they go into one."""
    for talk in (
        lambda forge: forge.pulls.of_commit("../../user"),
        lambda forge: forge.checks.set_status("main", "access", State.SUCCESS, ""),
        lambda forge: forge.protection.environment(".."),
    ):
        with pytest.raises(ReconcilerError):
            ask(talk)


def test_a_branch_name_is_one_part_of_a_path(github: FakeGitHub, ask: Ask) -> None:
    """`feature/x` is no folder."""
    ask(lambda forge: forge.protection.rules("feature/x?per_page=1"))
    assert github.requests[-1].path == "/repos/acme/access/rules/branches/feature%2Fx%3Fper_page%3D1"


@pytest.mark.skipif(bool(github_reference.missing()), reason=github_reference.missing() or "-")
def test_the_vendors_reference_finds_what_is_wrong() -> None:
    """Or the checks above prove nothing."""
    check = github_reference.violations
    base = "/repos/acme/access"
    assert check("POST", f"{base}/issues/7/comments", {}, {"body": "x"}) == []
    assert check("POST", f"{base}/issues/7/comments", {}, {}) == ["body: 'body' is a required property"]
    assert check("POST", f"{base}/issues/x/comments", {}, {"body": "x"}) != []
    assert check("GET", f"{base}/pulls", {"state": ["merged"]}, None) != []
    assert check("GET", f"{base}/pulls", {"labels": ["x"]}, None) == ["unknown query parameter labels"]
    assert check("POST", f"{base}/statuses/{'a' * 40}", {}, {"state": "fine", "text": "x"})[0] == "unknown field text"
    assert check("PUT", f"{base}/nothing", {}, None) == [f"the reference has no PUT {base}/nothing"]
