"""What a forge tells, as plain values: comments, issues, pull requests, reviews, statuses, runs and protections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What a commit status says."""

    ERROR = "error"
    FAILURE = "failure"
    PENDING = "pending"
    SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    author: str
    body: str
    url: str


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue that is no pull request.

    Attributes:
        author: the login of whoever opened it.
        open: whether it is not closed.
    """

    number: int
    author: str
    title: str
    body: str
    open: bool
    url: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request.

    Attributes:
        author: the login of whoever opened it.
        head, base: the names of its branches; `head_sha` is the commit that was last pushed to it, hex.
        head_repository: `OWNER/NAME` that its branch is in; another one than ours for a fork, empty if that is gone.
        merged: whether it was merged, as `merge_sha`; that is also told of what is not merged yet.
    """

    number: int
    author: str
    title: str
    url: str
    head: str
    head_sha: str
    head_repository: str
    base: str
    open: bool
    merged: bool
    merge_sha: str
    merged_by: str = ""


class Opinion(StrEnum):
    """What a review says."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Review:
    """One review of a pull request.

    Attributes:
        reviewer: a login.
        commit: the commit that was looked at (hex); empty if the forge does not know any more.
        association: what the reviewer is to the repository: OWNER, MEMBER, COLLABORATOR, …
    """

    reviewer: str
    opinion: Opinion
    commit: str
    submitted_at: datetime
    association: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """One commit status."""

    context: str
    state: State
    description: str
    author: str


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow.

    Attributes:
        path: of its file in the repository, without a ref.
        event: what started it: `pull_request`, `push`, `schedule`, …
        head_branch, head_sha: of what it ran.
        head_repository: `OWNER/NAME` that this is in.
        conclusion: `success`, `failure`, …; empty while it runs.
    """

    id: int
    path: str
    event: str
    head_branch: str
    head_sha: str
    head_repository: str
    conclusion: str
    created_at: datetime
    updated_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a run kept; only its name and when it was made: nobody can change either afterwards."""

    name: str
    created_at: datetime
    expired: bool


@dataclass(frozen=True, slots=True)
class BranchRule:
    """What holds for a branch, from one active rule: its type (`pull_request`, `deletion`, …) and its parameters."""

    type: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Environment:
    """Where credentials are kept, and from where they can be reached.

    Attributes:
        any_branch: whether every branch and tag may use it.
        protected_branches: whether every protected branch may, and no other.
        patterns: (branch or tag, name or pattern) of those that may, where they are listed.
        reviewers: whether somebody must agree to each use.
    """

    name: str
    any_branch: bool
    protected_branches: bool
    patterns: tuple[tuple[str, str], ...] = ()
    reviewers: bool = False
