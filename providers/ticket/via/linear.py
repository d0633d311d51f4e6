"""Tickets as issues of Linear (https://linear.app/developers/graphql).

An issue's id is made of the ticket's key, and Linear takes an id once: a ticket is never opened twice, whoever tries.
"""

import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from providers.ticket.api import ApiTracker, plain_label
from providers.ticket.body import escape
from providers.ticket.config import TicketConfig
from providers.ticket.footer import Found, read_found, write_footer
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from reconciler.errors import ProviderError
from reconciler.provider.answer import Answer
from reconciler.provider.auth import BearerAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Rate, Transport

_MOST_PAGES: Final = 2000
_AT_ONCE: Final = 10
_LONGEST_TITLE: Final = 255
SUPERSEDED: Final = "superseded"
RATES: Final = (Rate(per_minute=25, burst=250),)
"""A leaky bucket of at least 1500 requests an hour (https://linear.app/developers/rate-limiting)."""

_ISSUES: Final = """
query Issues($label: String!, $team: String!, $after: String) {
  issues(first: 50, after: $after, includeArchived: true,
         filter: {labels: {some: {name: {eq: $label}}}, team: {key: {eq: $team}}}) {
    nodes {
      id url createdAt description trashed archivedAt completedAt canceledAt
      state { type }
      labels(first: 20) { nodes { name } }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
_HISTORIES: Final = """
query Histories($ids: [ID!]!) {
  issues(first: 10, includeArchived: true, filter: {id: {in: $ids}}) {
    nodes { id history(first: 50) { nodes { createdAt actor { name } botActor { name } toState { type } } } }
  }
}"""
_COMMENTS: Final = """
query Comments($ids: [ID!]!, $after: String) {
  issues(first: 1, includeArchived: true, filter: {id: {in: $ids}}) {
    nodes { comments(first: 100, after: $after) { nodes { body } pageInfo { hasNextPage endCursor } } }
  }
}"""
_TEAM: Final = """
query Team($team: String!) {
  teams(first: 1, filter: {key: {eq: $team}}) { nodes { id states(first: 50) { nodes { id type } } } }
}"""
_LABELS: Final = """
query Labels($label: String!) {
  issueLabels(first: 50, filter: {name: {eq: $label}}) { nodes { id team { key } } }
}"""
_CREATE: Final = "mutation Create($input: IssueCreateInput!) { issueCreate(input: $input) { issue { url } } }"
_UPDATE: Final = """
mutation Update($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }"""
_COMMENT: Final = "mutation Comment($input: CommentCreateInput!) { commentCreate(input: $input) { success } }"
_LABEL: Final = """
mutation Label($input: IssueLabelCreateInput!) { issueLabelCreate(input: $input) { issueLabel { id } } }"""


class LinearConfig(TicketConfig):
    """Tickets as issues of a team."""

    team: str = Field(
        pattern=r"^[A-Z0-9]+$", description="via linear: the key of the team, which its issues begin with"
    )
    token: Secret = Field(description="via linear: a personal API key that may read, and create issues and comments")
    url: str = Field(default="https://api.linear.app", description="via linear: the API")


class LinearTracker(ApiTracker):
    """Issues with a label of the app; whoever completes one attests it, whoever cancels it rejects it."""

    Config = LinearConfig
    closing: ClassVar[str] = (
        "Complete this issue. What was done, and anything that shows it, belongs into a comment.\n\n"
        "If it cannot or must not be done, say why in a comment, and cancel it."
    )

    def __init__(self, transport: Transport, team: str, app: str) -> None:
        super().__init__(transport, f"issues of {team} in Linear", app)
        self._team = team
        self._label = plain_label(app)
        self._known: Mapping[str, Any] | None = None
        self._labels: dict[str, str] = {}

    @classmethod
    def make(cls, config: LinearConfig, surroundings: Surroundings) -> Self:
        """Make it.

        Raises:
            ProviderError: the URL cannot be used.
        """
        name = f"{surroundings.app} (tickets in Linear)"
        auth = BearerAuth(config.token, surroundings, scheme="")
        return cls(
            Transport(config.url, surroundings, name=name, auth=auth, rates=RATES), config.team, surroundings.app
        )

    async def records(self) -> Sequence[Record]:
        """Return every issue with the app's label, archived and deleted ones too, the oldest first.

        Raises:
            ProviderError: they cannot be listed whole, or one lost what it is known by.
        """
        issues = {str(issue["id"]): issue async for issue in self._issues()}
        closers = await self._closers([issue for issue in issues.values() if _status(issue) is not Status.OPEN])
        ordered = sorted(issues.values(), key=lambda issue: str(issue["createdAt"]))
        found = [_found(issue, closers.get(str(issue["id"]), "")) for issue in ordered]
        hint = f"take the label {self._label!r} from what is no ticket"
        return read_found(found, self._app, self.where, hint=hint)

    async def _issues(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the issues with the label, page by page.

        Raises:
            ProviderError: there are too many.
        """
        after = None
        for _ in range(_MOST_PAGES):
            variables = {"label": self._label, "team": self._team, "after": after}
            page = (await self._query(_ISSUES, variables, f"list {self.where}"))["issues"]
            for issue in page["nodes"]:
                yield issue
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return
        raise ProviderError(f"{self.where}: too many", hint="use a team of its own")

    async def _closers(self, closed: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return who closed issues, by id: who changed the state at that moment, from the newest 50 changes."""
        at = {str(issue["id"]): _closed_at(issue) for issue in closed}
        closers: dict[str, str] = {}
        for start in range(0, len(at), _AT_ONCE):
            ids = list(at)[start : start + _AT_ONCE]
            page = (await self._query(_HISTORIES, {"ids": ids}, f"read {self.where}"))["issues"]
            for issue in page["nodes"]:
                closers[str(issue["id"])] = _closer(issue["history"]["nodes"], at[str(issue["id"])])
        return closers

    async def _query(self, query: str, variables: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """Ask something that writes nothing.

        Raises:
            ProviderError: no answer, or a refusal.
        """
        return _data(await self.ask("graphql", {"query": query, "variables": dict(variables)}, doing), doing)

    async def _mutate(self, query: str, variables: Mapping[str, Any], doing: str) -> dict[str, Any]:
        """Change something.

        Raises:
            ProviderError: no answer, or a refusal.
        """
        return _data(await self.send("POST", "graphql", {"query": query, "variables": dict(variables)}, doing), doing)

    async def create(self, letter: Letter) -> str | None:
        """Open an issue, with the label by which it is found again, and the id that there is once.

        Raises:
            ProviderError: it was not opened, or it is not known.
        """
        footer = f"```\n{write_footer(letter.record)}\n```\n"  # HTML comments do not outlive Linear's editor
        issue = {
            "id": _id(self._team, letter.record.key),
            "teamId": (await self._find_team())["id"],
            "title": letter.title[:_LONGEST_TITLE],
            "description": f"{letter.body}\n{footer}",
            "labelIds": [await self._make_label(self._label)],
        }
        made = await self._mutate(_CREATE, {"input": issue}, f"open a ticket in {self.where}")
        return str(made["issueCreate"]["issue"]["url"])

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a comment holds the mark.

        Raises:
            ProviderError: the comments cannot be listed whole.
        """
        after, doing = None, f"read the comments of {record.address}"
        for _ in range(_MOST_PAGES):
            asked = {"ids": [_id(self._team, record.key)], "after": after}
            issues = (await self._query(_COMMENTS, asked, doing))["issues"]["nodes"]
            if not issues:
                raise ProviderError(f"{doing}: it is gone", hint="somebody removed the issue")
            page = issues[0]["comments"]
            if any(mark in str(one["body"]) for one in page["nodes"]):
                return True
            if not page["pageInfo"]["hasNextPage"]:
                return False
            after = page["pageInfo"]["endCursor"]
        raise ProviderError(f"{record.address} has too many comments")

    async def note(self, record: Record, remark: Remark) -> None:
        """Write a comment.

        Raises:
            ProviderError: it was not written, or it is not known.
        """
        body = f"{escape(remark.text)}\n\n```\n{remark.mark}\n```\n"
        comment = {"issueId": _id(self._team, record.key), "body": body}
        await self._mutate(_COMMENT, {"input": comment}, f"comment on {record.address}")

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Cancel an issue, with a label and a comment that say why.

        Raises:
            ProviderError: it is gone, or the team has no state that cancels.
        """
        doing, id_ = f"close {record.address}", _id(self._team, record.key)
        states = (await self._find_team())["states"]["nodes"]
        canceled = next((str(state["id"]) for state in states if state["type"] == "canceled"), None)
        if canceled is None:
            raise ProviderError(f"{doing}: the team {self._team} has no state of the type canceled", hint="add one")
        label = await self._make_label(status.value)
        body = f"Closed: {escape(reason)}. Please do not do this any more."
        await self._mutate(_COMMENT, {"input": {"issueId": id_, "body": body}}, doing)
        change = {"stateId": canceled, "addedLabelIds": [label]}
        await self._mutate(_UPDATE, {"id": id_, "input": change}, doing)

    async def _find_team(self) -> Mapping[str, Any]:
        """Return the team's id and states.

        Raises:
            ProviderError: there is none of that key, or the token does not see it.
        """
        if self._known is None:
            found = (await self._query(_TEAM, {"team": self._team}, f"look up the team {self._team}"))["teams"]["nodes"]
            if not found:
                raise ProviderError(
                    f"{self._app}: Linear has no team {self._team}", hint="or the token does not see it"
                )
            self._known = found[0]
        return self._known

    async def _make_label(self, name: str) -> str:
        """Return the id of a label of the team or of all teams, making one if there is none."""
        if name not in self._labels:
            doing = f"make the label {name!r} in {self.where}"
            found = (await self._query(_LABELS, {"label": name}, doing))["issueLabels"]["nodes"]
            ids = [str(one["id"]) for one in found if (one["team"] or {"key": self._team})["key"] == self._team]
            if not ids:
                label = {"name": name, "teamId": (await self._find_team())["id"]}
                made = await self._mutate(_LABEL, {"input": label}, doing)
                ids = [str(made["issueLabelCreate"]["issueLabel"]["id"])]
            self._labels[name] = ids[0]
        return self._labels[name]


def _id(team: str, key: str) -> str:
    """Return the id of a ticket's issue: a UUID of version 4, as Linear wants it, that is always the same."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"{team} {key}".encode()).digest()[:16], version=4))


def _data(answer: Answer, doing: str) -> dict[str, Any]:
    """Return what a query gave; errors come with 200 too.

    Raises:
        ProviderError: Linear's own words.
    """
    document = answer.decode(dict[str, Any])
    if document.get("errors"):
        raise ProviderError(f"{doing}: {answer.words()}")
    data: dict[str, Any] = document["data"]
    return data


def _found(issue: Mapping[str, Any], by: str) -> Found:
    text, status = str(issue.get("description") or ""), _status(issue)
    if status is Status.OPEN:
        return Found(issue["url"], text, status)
    return Found(issue["url"], text, status, _closed_at(issue), by or "somebody (its latest changes do not say who)")


def _status(issue: Mapping[str, Any]) -> Status:
    """Return what an issue's state means; one that was deleted will not be done."""
    if issue["state"]["type"] == "completed" and not issue.get("trashed"):
        return Status.DONE
    if issue["state"]["type"] not in {"completed", "canceled", "duplicate"} and not issue.get("trashed"):
        return Status.OPEN
    return Status.SUPERSEDED if SUPERSEDED in _names(issue) else Status.REJECTED


def _names(issue: Mapping[str, Any]) -> set[str]:
    return {str(label["name"]) for label in issue["labels"]["nodes"]}


def _closed_at(issue: Mapping[str, Any]) -> str:
    field = "completedAt" if issue["state"]["type"] == "completed" else "canceledAt"
    return str(issue.get(field) or issue.get("archivedAt") or issue["createdAt"])


def _closer(history: Sequence[Mapping[str, Any]], closed: str) -> str:
    """Return who changed the state nearest to a moment; empty where the changes do not say it."""
    moves = [change for change in history if change.get("toState")]
    if not moves:
        return ""
    moment = datetime.fromisoformat(closed)
    best = min(moves, key=lambda change: abs(datetime.fromisoformat(change["createdAt"]) - moment))
    actor = best.get("actor") or best.get("botActor") or {}
    return str(actor.get("name") or "")


Config = LinearConfig
Tracker = LinearTracker
