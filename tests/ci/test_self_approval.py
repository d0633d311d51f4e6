"""Nobody approves what they gain themselves, nor what a program proposed for them."""

from __future__ import annotations

import pytest
from life import Life
from test_life import ask_by_form

pytestmark = pytest.mark.slow


@pytest.fixture
def grouped(life: Life) -> Life:
    """A company whose app has a group, and a third person who may review."""
    life.begin("group")
    life.replace("apps/chat.yaml", "    accounts:", "    entitlements: {group:design: {}}\n    accounts:")
    life.write(sam="people:\n  sam: {name: Sam Oh, email: sam@acme.example, usernames: {github: sam}}\n")
    life.push("main", "A group, and Sam")
    assert life.command("apply", "--yes").returncode == 0
    return life


def propose_design(life: Life, who: str, *, more: str = "") -> int:
    """Open a pull request that gives somebody the group, and plan it."""
    life.begin("design")
    life.write(design=f"grants:\n  - {{to: {who}, grants: {{chat: [group:design]}}}}\n{more}")
    life.push("design")
    number = life.propose("design")
    assert life.plan(number).code == 0
    return number


def test_who_gains_by_it_does_not_review_it(grouped: Life) -> None:
    """The plan says so ahead; the merge is refused and held, and another approval would have been enough."""
    number = propose_design(grouped, "{people: [lee]}")
    assert "an approval by `lee` does not count" in grouped.comment(number, "plan")
    grouped.github.review(number, "lee")
    merged = grouped.merge(number)
    assert merged.code == 3, merged.log
    told = grouped.comment(number, "apply")
    assert "the approval of lee does not count: lee gains chat/group:design by it" in told
    assert "**held**" in told


def test_another_reviewer_is_enough(grouped: Life) -> None:
    """The trail names only them."""
    number = propose_design(grouped, "{people: [lee]}")
    grouped.github.review(number, "lee")
    grouped.github.review(number, "sam")
    merged = grouped.merge(number)
    assert merged.code == 0, merged.log
    assert "approved by `sam`" in grouped.comment(number, "apply")


def test_whoever_nobody_knows_does_not_review_access(grouped: Life) -> None:
    """Nobody could tell what they gain; nor does it help that the pull request itself says who they are."""
    more = "people:\n  pat: {name: Pat Ng, email: pat@acme.example, usernames: {github: mallory}}\n"
    number = propose_design(grouped, "{people: [ana]}", more=more)
    grouped.github.review(number, "mallory")
    assert grouped.merge(number).code == 3
    assert "mallory is nobody in the YAML of the base" in grouped.comment(number, "apply")


def loosen(life: Life) -> None:
    """Let approvals count of those who gain what is not privileged, in the files at the desk."""
    text = (life.desk / "policies.yaml").read_text(encoding="utf-8")
    life.write(policies=f"{text}  self_approval: unprivileged\n")


def test_a_company_may_let_ordinary_access_be_approved_by_those_who_gain_it(grouped: Life) -> None:
    """By a policy that is merged already."""
    grouped.begin("policy")
    loosen(grouped)
    grouped.push("main", "Trust each other")
    number = propose_design(grouped, "{people: [lee]}")
    grouped.github.review(number, "lee")
    merged = grouped.merge(number)
    assert merged.code == 0, merged.log


def test_a_pull_request_does_not_loosen_the_policy_that_judges_it(grouped: Life) -> None:
    """That of the base counts."""
    loosen(grouped)
    number = propose_design(grouped, "{people: [lee]}")
    assert "policies.yaml" in {one["filename"] for one in grouped.github.files[number]}
    grouped.github.review(number, "lee")
    assert grouped.merge(number).code == 3


def test_who_asked_by_the_form_does_not_approve_it(grouped: Life) -> None:
    """The program that opened it is its author, and its commit says for whom."""
    ask_by_form(grouped, "ana", "chat/group:design", "New brand", by="sam")
    ((number, pull),) = grouped.github.pulls.items()
    assert pull["user"]["login"] == "github-actions[bot]"
    assert grouped.plan(number).code == 0
    grouped.github.review(number, "sam")
    assert grouped.merge(number).code == 3
    assert "the approval of sam does not count: sam asked for it" in grouped.comment(number, "apply")


def test_who_pushed_to_the_branch_of_a_program_does_not_approve_it(grouped: Life) -> None:
    """Or they would write what they like under its name."""
    ask_by_form(grouped, "ana", "chat/group:design", "New brand", by="sam")
    ((number, pull),) = grouped.github.pulls.items()
    grouped.github.pushed(pull["head"]["ref"], "lee", "force_push")
    assert grouped.plan(number).code == 0
    grouped.github.review(number, "lee")
    assert grouped.merge(number).code == 3
    assert "the approval of lee does not count: lee asked for it" in grouped.comment(number, "apply")
