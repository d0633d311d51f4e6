"""Which plan was reviewed, by whom, and what is not believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.ci.judging import Case, Record, audit_review, judge, parse_record
from reconciler.forge.values import Opinion, PullRequest, Review

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEAD, OLD = "b" * 40, "9" * 40
PLAN, OTHER = "1" * 64, "2" * 64
PULL = PullRequest(
    number=7,
    author="ana",
    title="Kim joins",
    url="https://github.example/acme/access/pull/7",
    head="kim",
    head_sha=HEAD,
    head_repository="acme/access",
    base="main",
    open=False,
    merged=True,
    merge_sha="c" * 40,
)


def said(name: str, minutes: int, opinion: Opinion = Opinion.APPROVED, commit: str = HEAD) -> Review:
    """Return a review so many minutes after noon."""
    return Review(name, opinion, commit, NOON + timedelta(minutes=minutes))


def kept(digest: str, minutes: int) -> Record:
    """Return a plan that was kept so many minutes after noon."""
    return Record(digest, NOON + timedelta(minutes=minutes))


SOUND = Case(pull=PULL, reviews=(said("lee", 5),), records=(kept(PLAN, 0),), files=("people.yaml",))


def test_what_was_planned_then_approved_and_is_the_same_may_be_applied() -> None:
    """With who approved it, for the trail."""
    judgement = judge(SOUND, PLAN, approvals_needed=1)
    assert (judgement.allowed, judgement.approvers) == (True, ("lee",))
    review = audit_review(SOUND, judgement)
    assert (review.approvers, review.commit, review.bypassed) == (("lee",), HEAD, False)


REFUSED = {
    "another plan": (SOUND, OTHER, "the plan that was reviewed is 111111111111"),
    "no plan": (replace(SOUND, records=()), PLAN, "no plan of its last commit was kept"),
    "nobody approved": (replace(SOUND, reviews=()), PLAN, "0 of 1 approvals"),
    "the author approved": (replace(SOUND, reviews=(said("Ana", 5),)), PLAN, "0 of 1 approvals"),
    "an older commit": (replace(SOUND, reviews=(said("lee", 5, commit=OLD),)), PLAN, "0 of 1 approvals"),
    "before the plan": (replace(SOUND, reviews=(said("lee", -5),)), PLAN, "lee approved before it was made"),
    "taken back": (replace(SOUND, reviews=(said("lee", 5), said("lee", 6, Opinion.DISMISSED))), PLAN, "0 of 1"),
    "planned again since": (replace(SOUND, records=(kept(OTHER, 0), kept(PLAN, 9))), PLAN, "or another one"),
    "went back to an older plan": (replace(SOUND, records=(kept(PLAN, 0), kept(OTHER, 9))), PLAN, "reviewed is 2222"),
    "its own workflow": (replace(SOUND, files=(".github/workflows/x.yml",)), PLAN, "it changes .github/"),
    "its own workflow, in capitals": (replace(SOUND, files=(".GitHub/workflows/x.yml",)), PLAN, "it changes .github/"),
    "too many files": (replace(SOUND, files=("a",) * 3_000), PLAN, "3,000 files"),
    "asked for by its reviewer": (replace(SOUND, asked=("Lee",)), PLAN, "approval of lee does not count: lee asked"),
    "another base": (replace(SOUND, elsewhere=(9,)), PLAN, "proposed for another base (#9)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_with_the_reason(case: str) -> None:
    """Each on its own is enough."""
    facts, digest, words = REFUSED[case]
    judgement = judge(facts, digest, approvals_needed=1)
    assert not judgement.allowed
    assert any(words in refusal for refusal in judgement.refusals), judgement.refusals


def test_who_gains_by_it_does_not_review_it() -> None:
    """Another approval beside theirs is enough; the trail names only whom it counts of."""
    both = replace(SOUND, reviews=(said("Lee", 5), said("kim", 6)))
    gains = {"lee": "gains chat/group:design by it"}
    judgement = judge(SOUND, PLAN, approvals_needed=1, dependent=gains)
    assert "the approval of lee does not count: lee gains chat/group:design by it" in judgement.refusals
    assert judgement.approvers == ()
    judgement = judge(both, PLAN, approvals_needed=1, dependent=gains)
    assert (judgement.allowed, judgement.approvers) == (True, ("kim",))


def test_a_remark_after_an_approval_takes_nothing_back() -> None:
    """A wish for changes does."""
    remark = replace(SOUND, reviews=(said("lee", 5), said("lee", 6, Opinion.COMMENTED)))
    assert judge(remark, PLAN, approvals_needed=1).allowed
    wish = replace(SOUND, reviews=(said("lee", 5), said("lee", 6, Opinion.CHANGES_REQUESTED)))
    assert not judge(wish, PLAN, approvals_needed=1).allowed


def test_a_company_of_one_may_ask_for_no_approval_and_the_trail_says_so() -> None:
    """The plan must be the one that was shown all the same."""
    alone = replace(SOUND, reviews=())
    judgement = judge(alone, PLAN, approvals_needed=0)
    assert judgement.allowed
    assert audit_review(alone, judgement).bypassed
    assert not judge(alone, OTHER, approvals_needed=0).allowed


@pytest.mark.parametrize("name", ["access-plan-", f"access-plan-{'g' * 64}", f"x-access-plan-{PLAN}", f"{PLAN}"])
def test_only_our_own_names_are_records(name: str) -> None:
    """Anything else that a run kept is none."""
    assert parse_record(name) == ""
    assert parse_record(f"access-plan-{PLAN}") == PLAN
