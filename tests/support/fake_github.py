"""A stateful GitHub on loopback, for one repository: what its REST reference says of the endpoints that we use.

Every request is checked: the token and its permissions (401, 403 with the permission that is wanted), the
reference's own schemas where they are installed, and the limits that these do not tell (422). Lists are paged, with
`Link`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode

from support import github_reference
from support.http_server import Reply, Request, http_server

READER = {"metadata": "read", "contents": "read", "actions": "read", "issues": "read", "pull_requests": "read"}
WRITER = {**READER, "issues": "write", "pull_requests": "write", "statuses": "write"}
ACTIONS = "github-actions[bot]"
_LISTS = ("workflow_runs", "artifacts", "branch_policies", "secrets")
_LONGEST_BODY = 65_536
_LONGEST_STATUS = 140
_LEVELS = ("read", "write", "admin")

Answer = tuple[int, Any]
Rights = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Token:
    """Who a token is, and what it may: permission → `read`, `write` or `admin`. An app's token is no user."""

    login: str
    rights: Rights
    user: bool = False


class _RefusedError(Exception):
    def __init__(self, status: int, message: str, *errors: Any) -> None:
        super().__init__(message)
        self.reply = Reply(
            status, {"message": message, "documentation_url": "x"} | ({"errors": errors} if errors else {})
        )


@dataclass
class FakeGitHub:
    """One repository.

    Attributes:
        tokens: by their text.
        collaborators: who can be asked for a review.
        protected: branches that are protected; `approvals` is what their rule asks for.
        environments: as the API answers them; `branch_policies` beside their name, as (type, name).
        environment_secrets, secrets, organization_secrets: names of those that one environment or every branch has.
        classic: whether branches are protected by classic protection and not by rules.
        strict: whether the rule also asks for what a rule should.
        largest_page: entries in a page at most.
        moment: the time of what happens next; each event takes a second.
        violations: requests that the vendor's reference does not allow.
    """

    repository: str = "acme/access"
    default_branch: str = "main"
    tokens: dict[str, Token] = field(default_factory=dict)
    collaborators: set[str] = field(default_factory=set)
    protected: set[str] = field(default_factory=lambda: {"main"})
    approvals: int = 1
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    branch_policies: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    environment_secrets: dict[str, list[str]] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    organization_secrets: list[str] = field(default_factory=list)
    classic: bool = False
    strict: bool = True
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    commits: dict[str, list[int]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    asked: dict[int, list[str]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    suites: list[dict[str, Any]] = field(default_factory=list)
    largest_page: int = 100
    moment: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    head_of: Callable[[str], str] = lambda _: "0" * 40
    messages_of: Callable[[int], list[str]] = lambda _: []
    activity: list[dict[str, Any]] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    # What people and the runner do: no requests, just what the site would let them do.

    def now(self) -> str:
        """Return the instant of an event, and let a second pass."""
        self.moment += timedelta(seconds=1)
        return self.moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def open_pull(self, head: str, *, author: str, base: str = "", title: str = "A change", fork: str = "") -> int:
        """Open a pull request of a branch, as a person; return its number."""
        return self._open_pull(author, {"head": head, "base": base or self.default_branch, "title": title}, fork)

    def push(self, number: int, sha: str) -> None:
        """Tell that a pull request has another head."""
        self.pulls[number]["head"]["sha"] = sha

    def pushed(self, branch: str, login: str, kind: str = "push") -> None:
        """Tell that somebody pushed to a branch."""
        ref = f"refs/heads/{branch}"
        self.activity.append({"ref": ref, "actor": _user(login), "activity_type": kind, "timestamp": self.now()})

    def review(self, number: int, reviewer: str, state: str = "APPROVED", commit: str = "") -> None:
        """Review a pull request, as a person."""
        pull = self.pulls[number]
        said = {"id": next(self._ids), "user": _user(reviewer), "state": state, "body": "", "submitted_at": self.now()}
        said |= {"commit_id": commit or pull["head"]["sha"], "author_association": "MEMBER"}
        self.reviews.setdefault(number, []).append(said)

    def merged(self, number: int, sha: str, *, by: str, commits: Sequence[str] = ()) -> None:
        """Tell that a pull request was merged as a commit (and others before it)."""
        now = self.now()
        pull = self.pulls[number]
        pull |= {"state": "closed", "merged_at": now, "closed_at": now, "merge_commit_sha": sha, "merged_by": _user(by)}
        self.issues[number]["state"] = "closed"
        for commit in (*commits, sha):
            self.commits.setdefault(commit, []).append(number)

    def run(self, path: str, *, event: str, branch: str, sha: str, **more: Any) -> int:
        """Tell of a run of a workflow; return its id."""
        now = self.now()
        run = {"id": next(self._ids), "path": path, "event": event, "head_branch": branch, "head_sha": sha}
        run |= {"conclusion": "success", "status": "completed", "created_at": now, "updated_at": now, "html_url": "x"}
        run |= {"head_repository": {"full_name": self.repository}, "pull_requests": [], **more}
        self.runs.insert(0, run)
        return int(run["id"])

    def keep(self, run: int, name: str) -> None:
        """Keep an artifact of a run."""
        self.artifacts.setdefault(run, []).append({"name": name, "created_at": self.now(), "expired": False})

    # What is asked over HTTP.

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        try:
            return self._answer(request)
        except _RefusedError as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        token = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            raise _RefusedError(401, "Bad credentials")
        body = json.loads(request.body) if request.body else None
        if not github_reference.missing():
            found = github_reference.violations(request.method, request.path, request.query, body)
            self.violations += [f"{request.method} {request.path}: {one}" for one in found]
        for method, pattern, right, does in _ROUTES:
            match = re.fullmatch(pattern, request.path.removeprefix(f"/repos/{self.repository}"))
            if match and method == request.method:
                _check_right(token, right)
                given = [int(part) if part.isdigit() and len(part) < 20 else unquote(part) for part in match.groups()]
                status, answer = does(self, token, request, body, *given)
                return self._page(request, status, answer)
        raise _RefusedError(404, "Not Found")

    def _page(self, request: Request, status: int, answer: Any) -> Reply:
        key = next((key for key in _LISTS if key in (answer or ())), "")
        entries = answer[key] if key and isinstance(answer, dict) else answer
        if not isinstance(entries, list):
            return Reply(status, answer)
        size = min(int(request.query.get("per_page", ["30"])[0]), self.largest_page)
        page = int(request.query.get("page", ["1"])[0])
        part = entries[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(entries):
            query = {name: values[-1] for name, values in request.query.items()} | {"page": page + 1}
            headers["Link"] = f'<{self.url}{request.path}?{urlencode(query)}>; rel="next", <{self.url}/x>; rel="last"'
        return Reply(status, {**answer, key: part} if key else part, headers)

    def user(self, token: Token, _request: Request, _body: Any) -> Answer:
        """Tell who it is; only people can ask."""
        if not token.user:
            raise _RefusedError(403, "Resource not accessible by integration")
        return 200, _user(token.login)

    def repository_(self, *_: Any) -> Answer:
        """Tell of the repository."""
        return 200, {"full_name": self.repository, "default_branch": self.default_branch}

    def list_comments(self, _token: Token, _request: Request, _body: Any, number: int) -> Answer:
        """List comments, the oldest first."""
        self._issue(number)
        return 200, [one for _, one in sorted(self.comments.items()) if one["issue"] == number]

    def add_comment(self, token: Token, _request: Request, body: Any, number: int) -> Answer:
        """Add a comment."""
        self._issue(number)
        one = {"id": next(self._ids), "issue": number, "user": _user(token.login), "body": _text(body, "IssueComment")}
        one |= {"html_url": f"https://github.example/{self.repository}/issues/{number}#issuecomment-{one['id']}"}
        self.comments[int(one["id"])] = one
        return 201, one

    def edit_comment(self, _token: Token, _request: Request, body: Any, comment: int) -> Answer:
        """Edit a comment: anybody's, as everybody with write access may."""
        if comment not in self.comments:
            raise _RefusedError(404, "Not Found")
        self.comments[comment]["body"] = _text(body, "IssueComment")
        return 200, self.comments[comment]

    def list_issues(self, _token: Token, request: Request, _body: Any) -> Answer:
        """List issues and pull requests, the newest first."""
        state = request.query.get("state", ["open"])[0]
        labels = {label for text in request.query.get("labels", []) for label in text.split(",")}
        found = [one for _, one in sorted(self.issues.items(), reverse=True)]
        return 200, [
            one
            for one in found
            if state in ("all", one["state"]) and labels <= {label["name"] for label in one["labels"]}
        ]

    def open_issue(self, token: Token, _request: Request, body: Any) -> Answer:
        """Open an issue."""
        if not isinstance(body, dict) or not body.get("title"):
            raise _RefusedError(
                422, "Validation Failed", {"resource": "Issue", "field": "title", "code": "missing_field"}
            )
        if len(body["title"]) > 256:
            raise _RefusedError(422, "Validation Failed", {"message": "title is too long (maximum is 256 characters)"})
        number = self._number()
        one = {"number": number, "user": _user(token.login), "title": body["title"], "state": "open"}
        one |= {"body": _text(body, "Issue"), "labels": [{"name": label} for label in body.get("labels", ())]}
        one |= {"html_url": f"https://github.example/{self.repository}/issues/{number}", "state_reason": None}
        self.issues[number] = one
        return 201, one

    def edit_issue(self, _token: Token, _request: Request, body: Any, number: int) -> Answer:
        """Edit an issue, close it, or open it again."""
        one = self._issue(number)
        if "body" in body:
            one["body"] = _text(body, "Issue")
        one |= {key: body[key] for key in ("title", "state", "state_reason") if key in body}
        return 200, one

    def list_pulls(self, _token: Token, request: Request, _body: Any) -> Answer:
        """List pull requests, the newest first."""
        state, head = request.query.get("state", ["open"])[0], request.query.get("head", [""])[0]
        found = [self._pull(number) for number in sorted(self.pulls, reverse=True)]
        return 200, [
            one
            for one in found
            if state in ("all", one["state"]) and head in ("", f"{self.repository.split('/')[0]}:{one['head']['ref']}")
        ]

    def open_pull_(self, token: Token, _request: Request, body: Any) -> Answer:
        """Open a pull request."""
        if "title" not in body and "issue" not in body:
            raise _RefusedError(422, "Validation Failed", {"resource": "PullRequest", "field": "title"})
        return 201, self._pull(self._open_pull(token.login, body))

    def get_pull(self, _token: Token, _request: Request, _body: Any, number: int) -> Answer:
        """Tell of one pull request."""
        return 200, self._pull(number)

    def edit_pull(self, _token: Token, _request: Request, body: Any, number: int) -> Answer:
        """Edit a pull request."""
        self._pull(number)
        self.pulls[number] |= {key: body[key] for key in ("title", "body", "state") if key in body}
        return 200, self._pull(number)

    def list_reviews(self, _token: Token, _request: Request, _body: Any, number: int) -> Answer:
        """List reviews, the oldest first."""
        self._pull(number)
        return 200, self.reviews.get(number, [])

    def list_files(self, _token: Token, _request: Request, _body: Any, number: int) -> Answer:
        """List the files of a pull request."""
        self._pull(number)
        return 200, self.files.get(number, [])

    def ask_reviewers(self, _token: Token, _request: Request, body: Any, number: int) -> Answer:
        """Ask for reviews."""
        pull = self._pull(number)
        for login in body.get("reviewers", ()):
            if login == pull["user"]["login"]:
                raise _RefusedError(422, "Review cannot be requested from pull request author.")
            if login not in self.collaborators:
                raise _RefusedError(422, "Reviews may only be requested from collaborators.")
            self.asked.setdefault(number, []).append(login)
        return 201, pull

    def list_commits(self, _token: Token, _request: Request, _body: Any, number: int) -> Answer:
        """List the commits of a pull request, the oldest first."""
        self._pull(number)
        return 200, [{"sha": "0" * 40, "commit": {"message": one}} for one in self.messages_of(number)]

    def list_activity(self, _token: Token, request: Request, _body: Any) -> Answer:
        """List who pushed what, the newest first."""
        ref = request.query.get("ref", [""])[0]
        return 200, [one for one in reversed(self.activity) if ref in ("", one["ref"])]

    def pulls_of(self, _token: Token, _request: Request, _body: Any, sha: str) -> Answer:
        """List the pull requests of a commit."""
        return 200, [self._pull(number) for number in self.commits.get(str(sha), [])]

    def set_status(self, token: Token, _request: Request, body: Any, sha: str) -> Answer:
        """Set a commit status."""
        if body.get("state") not in {"error", "failure", "pending", "success"}:
            raise _RefusedError(422, "Validation Failed", {"resource": "Status", "code": "custom", "field": "state"})
        if len(body.get("description") or "") > _LONGEST_STATUS:
            raise _RefusedError(422, "Validation Failed", "description is too long (maximum is 140 characters)")
        one = {"context": "default", "description": None, "target_url": None, **body, "creator": _user(token.login)}
        self.statuses.setdefault(str(sha), []).insert(0, one)
        return 201, one

    def list_statuses(self, _token: Token, _request: Request, _body: Any, sha: str) -> Answer:
        """List statuses, the newest first."""
        return 200, self.statuses.get(str(sha), [])

    def list_runs(self, _token: Token, request: Request, _body: Any, workflow: str = "") -> Answer:
        """List runs, the newest first."""
        wanted = {key: request.query[key][0] for key in ("head_sha", "event") if key in request.query}
        found = [run for run in self.runs if all(run[key] == value for key, value in wanted.items())]
        found = [run for run in found if run["path"].split("@")[0].endswith(str(workflow))]
        return 200, {"total_count": len(found), "workflow_runs": found}

    def list_artifacts(self, _token: Token, _request: Request, _body: Any, run: int) -> Answer:
        """List what a run kept."""
        found = self.artifacts.get(run, [])
        return 200, {"total_count": len(found), "artifacts": found}

    def list_branches(self, _token: Token, request: Request, _body: Any) -> Answer:
        """List branches; only the protected ones are known here."""
        assert request.query.get("protected") == ["true"]
        return 200, [{"name": name, "protected": True, "commit": {}} for name in sorted(self.protected)]

    def get_branch(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """Tell of a branch."""
        return 200, {"name": name, "protected": name in self.protected, "commit": {"sha": self.head_of(str(name))}}

    def get_rules(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """List the rules of a branch."""
        if name not in self.protected or self.classic:
            return 200, []
        parameters = {"required_approving_review_count": self.approvals, "dismiss_stale_reviews_on_push": self.strict}
        rules: list[dict[str, Any]] = [{"type": "deletion"}]
        if self.strict:
            checks = {"required_status_checks": [{"context": "access/plan"}]}
            rules += [{"type": "non_fast_forward"}, {"type": "required_status_checks", "parameters": checks}]
            parameters["require_last_push_approval"] = True
        return 200, [*rules, {"type": "pull_request", "parameters": parameters}]

    def get_protection(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """Tell of the classic protection of a branch."""
        if name not in self.protected or not self.classic:
            raise _RefusedError(404, "Branch not protected")
        return 200, {"required_pull_request_reviews": {"required_approving_review_count": self.approvals}}

    def list_secrets(self, _token: Token, request: Request, _body: Any) -> Answer:
        """List the secrets of the repository, or those of its organization."""
        names = self.organization_secrets if request.path.endswith("organization-secrets") else self.secrets
        return 200, {"total_count": len(names), "secrets": [{"name": name} for name in names]}

    def list_environment_secrets(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """List the secrets of an environment."""
        if name not in self.environments:
            raise _RefusedError(404, "Not Found")
        names = self.environment_secrets.get(str(name), [])
        return 200, {"total_count": len(names), "secrets": [{"name": one} for one in names]}

    def get_environment(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """Tell of an environment."""
        if name not in self.environments:
            raise _RefusedError(404, "Not Found")
        return 200, {"name": name, "protection_rules": [], **self.environments[str(name)]}

    def get_policies(self, _token: Token, _request: Request, _body: Any, name: str) -> Answer:
        """List the branches that may use an environment."""
        found = [{"id": 1, "name": pattern, "type": kind} for kind, pattern in self.branch_policies.get(str(name), [])]
        return 200, {"total_count": len(found), "branch_policies": found}

    def list_suites(self, *_: Any) -> Answer:
        """List evaluations of rules."""
        return 200, self.suites

    def _number(self) -> int:
        return max(self.issues, default=0) + 1

    def _issue(self, number: int) -> dict[str, Any]:
        if number not in self.issues:
            raise _RefusedError(404, "Not Found")
        return self.issues[number]

    def _pull(self, number: int) -> dict[str, Any]:
        if number not in self.pulls:
            raise _RefusedError(404, "Not Found")
        pull = self.pulls[number]
        if pull["state"] == "open" and not pull["fork"]:
            pull["head"]["sha"] = self.head_of(pull["head"]["ref"]) or pull["head"]["sha"]
        return pull

    def _open_pull(self, author: str, body: Mapping[str, Any], fork: str = "") -> int:
        head = body["head"].split(":")[-1]
        same = [one for one in self.pulls.values() if one["state"] == "open" and not one["fork"] and not fork]
        if any((one["head"]["ref"], one["base"]["ref"]) == (head, body["base"]) for one in same):
            message = f"A pull request already exists for {self.repository.split('/')[0]}:{head}."
            raise _RefusedError(422, "Validation Failed", {"resource": "PullRequest", "message": message})
        if not fork and not self.head_of(head):
            raise _RefusedError(422, "Validation Failed", {"resource": "PullRequest", "field": "head"})
        number = self._number()
        url = f"https://github.example/{self.repository}/pull/{number}"
        shared = {"number": number, "title": body["title"], "state": "open", "user": _user(author), "html_url": url}
        ends = {
            "head": {"ref": head, "sha": self.head_of(head), "repo": {"full_name": fork or self.repository}},
            "base": {"ref": body["base"], "sha": self.head_of(body["base"]), "repo": {"full_name": self.repository}},
        }
        merge = {"merged_at": None, "merge_commit_sha": None, "merged_by": None, "fork": bool(fork)}
        self.pulls[number] = {**shared, "body": _text(body, "PullRequest"), **ends, **merge}
        self.issues[number] = {**shared, "body": "", "labels": [], "pull_request": {"url": url}}
        return number


def _user(login: str) -> dict[str, Any]:
    return {"login": login, "type": "Bot" if login.endswith("[bot]") else "User", "id": abs(hash(login)) % 10**8}


def _text(body: Any, resource: str) -> str:
    if not isinstance(body, dict) or (resource == "IssueComment" and not body.get("body")):
        raise _RefusedError(422, "Validation Failed", {"resource": resource, "field": "body", "code": "missing_field"})
    text = body.get("body") or ""
    if len(text) > _LONGEST_BODY:
        message = "Body is too long (maximum is 65536 characters)"
        raise _RefusedError(422, "Validation Failed", {"resource": resource, "field": "body", "message": message})
    return str(text)


def _check_right(token: Token, right: str) -> None:
    """Refuse a token without one of the rights (`issues=write|pull_requests=write`), as GitHub does."""
    for one in right.split("|") if right else ["metadata=read"]:
        name, _, level = one.partition("=")
        if token.rights.get(name, "") in _LEVELS[_LEVELS.index(level) :]:
            return
    refused = _RefusedError(403, "Resource not accessible by integration")
    headers = {"X-Accepted-GitHub-Permissions": right.replace("|", "; ")}
    refused.reply = Reply(403, refused.reply.body, headers)
    raise refused


_TALK = "issues=write|pull_requests=write"
_HEAR = "issues=read|pull_requests=read"
_ROUTES: tuple[tuple[str, str, str, Callable[..., Answer]], ...] = (
    ("GET", "/user", "", FakeGitHub.user),
    ("GET", "", "", FakeGitHub.repository_),
    ("GET", r"/issues/(\d+)/comments", _HEAR, FakeGitHub.list_comments),
    ("POST", r"/issues/(\d+)/comments", _TALK, FakeGitHub.add_comment),
    ("PATCH", r"/issues/comments/(\d+)", _TALK, FakeGitHub.edit_comment),
    ("GET", "/issues", "issues=read", FakeGitHub.list_issues),
    ("POST", "/issues", "issues=write", FakeGitHub.open_issue),
    ("PATCH", r"/issues/(\d+)", "issues=write", FakeGitHub.edit_issue),
    ("GET", "/pulls", "pull_requests=read", FakeGitHub.list_pulls),
    ("POST", "/pulls", "pull_requests=write", FakeGitHub.open_pull_),
    ("GET", r"/pulls/(\d+)", "pull_requests=read", FakeGitHub.get_pull),
    ("PATCH", r"/pulls/(\d+)", "pull_requests=write", FakeGitHub.edit_pull),
    ("GET", r"/pulls/(\d+)/reviews", "pull_requests=read", FakeGitHub.list_reviews),
    ("GET", r"/pulls/(\d+)/commits", "pull_requests=read", FakeGitHub.list_commits),
    ("GET", "/activity", "contents=read", FakeGitHub.list_activity),
    ("GET", r"/pulls/(\d+)/files", "pull_requests=read", FakeGitHub.list_files),
    ("POST", r"/pulls/(\d+)/requested_reviewers", "pull_requests=write", FakeGitHub.ask_reviewers),
    ("GET", r"/commits/([0-9a-f]{40})/pulls", "pull_requests=read|contents=read", FakeGitHub.pulls_of),
    ("POST", r"/statuses/([0-9a-f]{40})", "statuses=write", FakeGitHub.set_status),
    ("GET", r"/commits/([0-9a-f]{40})/statuses", "statuses=read", FakeGitHub.list_statuses),
    ("GET", "/actions/runs", "actions=read", FakeGitHub.list_runs),
    ("GET", r"/actions/workflows/([^/]+)/runs", "actions=read", FakeGitHub.list_runs),
    ("GET", r"/actions/runs/(\d+)/artifacts", "actions=read", FakeGitHub.list_artifacts),
    ("GET", "/branches", "contents=read", FakeGitHub.list_branches),
    ("GET", r"/branches/([^/]+)", "contents=read", FakeGitHub.get_branch),
    ("GET", r"/rules/branches/([^/]+)", "metadata=read", FakeGitHub.get_rules),
    ("GET", r"/environments/([^/]+)", "actions=read", FakeGitHub.get_environment),
    ("GET", r"/environments/([^/]+)/deployment-branch-policies", "actions=read", FakeGitHub.get_policies),
    ("GET", r"/environments/([^/]+)/secrets", "environments=read", FakeGitHub.list_environment_secrets),
    ("GET", r"/actions/(?:organization-)?secrets", "secrets=read", FakeGitHub.list_secrets),
    ("GET", r"/branches/([^/]+)/protection", "administration=read", FakeGitHub.get_protection),
    ("GET", "/rulesets/rule-suites", "administration=read", FakeGitHub.list_suites),
)


@contextmanager
def running(github: FakeGitHub) -> Iterator[FakeGitHub]:
    """Serve a fake on a loopback port from a thread, so that commands in other processes can ask it."""
    ready, ended = threading.Event(), threading.Event()

    async def serve() -> None:
        async with http_server(github) as server:
            github.url = server.url
            ready.set()
            while not ended.is_set():  # noqa: ASYNC110 - the event is a thread's
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10), "the fake did not start"
    try:
        yield github
    finally:
        ended.set()
        thread.join(10)
