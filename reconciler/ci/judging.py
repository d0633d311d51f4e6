"""Whether a merged pull request may be applied: who approved which commit, after seeing which plan.

What is believed, and why:

- *Which plan was reviewed*: the name of what the plan's workflow run kept (an artifact). Comments, commit statuses and
  check runs can be written by anybody who can push a branch with a workflow of their own; what a run kept is bound to
  that run by GitHub, and nobody can rename or replace it afterwards. The run must be of the workflow file that the
  default branch has: of the same path, started by `pull_request`, for exactly the commit that was merged, from this
  repository, and the pull request must not touch `.github/`. A pull request of the same branch into another base would
  run with that base's workflow under the same name, so there must be none.
- *Who approved it*: reviews, as the API tells them. Each reviewer's last word counts, for exactly the merged commit,
  after the plan was kept, by anybody but the author, those who had it opened by a program, and those who gain by it.

All of it is pure: gathered by `gather`, judged here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler.audit.approval import Review as AuditReview
from reconciler.forge.pulls import approvals
from reconciler.forge.values import PullRequest, Review

RECORD: Final = "access-plan-"
_NOBODY: Final[Mapping[str, str]] = {}
_RECORD: Final = re.compile(rf"{RECORD}([0-9a-f]{{64}})")
_MOST_FILES: Final = 3_000
"""So many files of a pull request are listed at most; of one that touches more nobody knows the rest."""


@dataclass(frozen=True, slots=True)
class Record:
    """One plan that was made for a pull request, and kept where nobody can edit it."""

    digest: str
    at: datetime
    url: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of a merged pull request.

    Attributes:
        files: paths that it touches.
        records: plans of its last commit, the oldest first.
        elsewhere: numbers of pull requests of the same branch into other bases.
        asked: logins of those who asked for it, where a program opened it, or who pushed to it then.
    """

    pull: PullRequest
    reviews: tuple[Review, ...] = ()
    records: tuple[Record, ...] = ()
    files: tuple[str, ...] = ()
    elsewhere: tuple[int, ...] = ()
    asked: tuple[str, ...] = ()
    bypassed: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a plan is the one that was reviewed.

    Attributes:
        refusals: why it may not be applied, a sentence each; empty if it may.
        approvers: whose approval counts.
        reviewed: the digests that were kept and approved, the newest last.
    """

    refusals: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    reviewed: tuple[str, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        """Whether it may be applied."""
        return not self.refusals


def parse_record(name: str) -> str:
    """Return the digest in the name of what a run kept, empty if it is not one of ours."""
    found = _RECORD.fullmatch(name)
    return found[1] if found else ""


def judge(case: Case, digest: str, *, approvals_needed: int, dependent: Mapping[str, str] = _NOBODY) -> Judgement:
    """Judge whether what would be done now is what was reviewed.

    Args:
        case: the pull request.
        digest: of the plan that would be applied now.
        approvals_needed: how many people must have approved that plan.
        dependent: login (without case) → why an approval by it is no independent review.
    """
    dependent = {**dependent, **{login.casefold(): "asked for it" for login in case.asked}}
    refusals = list(_distrust(case))
    said = approvals(case.reviews, commit=case.pull.head_sha, author=case.pull.author)
    seen = {review.reviewer: _seen_by(review, case.records) for review in said}
    reviewed = tuple(dict.fromkeys(record.digest for record in case.records))
    agreed = [name for name, record in sorted(seen.items()) if record and record.digest == digest]
    approvers = tuple(name for name in agreed if name.casefold() not in dependent)
    if not case.records:
        refusals.append("no plan of its last commit was kept by the workflow that makes plans")
    elif case.records[-1].digest != digest:
        last = case.records[-1].digest[:12]
        refusals.append(f"the plan that was reviewed is {last}, and what would be done now is {digest[:12]}")
    if len(approvers) < approvals_needed:
        refusals.append(_too_few(case, sorted(seen.keys() - set(agreed)), len(approvers), approvals_needed))
        refusals += [
            f"the approval of {name} does not count: {name} {why}"
            for name in agreed
            if (why := dependent.get(name.casefold()))
        ]
    return Judgement(tuple(refusals), approvers, reviewed)


def _distrust(case: Case) -> list[str]:
    """Say why what was kept may have been made by a workflow that the pull request brought along."""
    found = []
    if len(case.files) >= _MOST_FILES:
        found.append(f"it touches {_MOST_FILES:,} files or more, of which the forge does not list all")
    if any(path.split("/")[0].casefold() == ".github" for path in case.files):
        found.append("it changes .github/, where its own plan was made: change workflows and access apart")
    if case.elsewhere:
        others = ", ".join(f"#{number}" for number in case.elsewhere)
        found.append(f"its branch was also proposed for another base ({others}), whose workflow nobody here reviewed")
    return found


def _seen_by(review: Review, records: Sequence[Record]) -> Record | None:
    """Return the newest plan that was there when somebody approved."""
    return next((record for record in reversed(records) if record.at <= review.submitted_at), None)


def _too_few(case: Case, others: Sequence[str], found: int, needed: int) -> str:
    """Say who approved what else."""
    told = f"{found} of {needed} approvals of this plan, at commit {case.pull.head_sha[:12]}"
    return told + (f"; {', '.join(others)} approved before it was made, or another one" if others else "")


def audit_review(case: Case, judgement: Judgement) -> AuditReview:
    """Return who approved, for the audit trail; somebody must have, or it counts as bypassed."""
    bypassed = bool(case.bypassed) or not judgement.approvers
    return AuditReview(judgement.approvers, case.pull.head_sha, case.pull.url or f"#{case.pull.number}", bypassed)
