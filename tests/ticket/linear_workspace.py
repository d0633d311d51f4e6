"""A Linear workspace with one team: the part of the vendor's schema that tickets need, and the state behind it.

Source: the schema that the vendor publishes with its SDK (https://github.com/linear/linear, packages/sdk). A query that
names anything else is refused by the GraphQL library, as the vendor's server refuses it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync
from support.http_server import Reply, Request

_SCHEMA = build_schema("""
scalar DateTime
type Query {
  issues(after: String, before: String, filter: IssueFilter, first: Int, includeArchived: Boolean): IssueConnection!
  issueLabels(after: String, filter: IssueLabelFilter, first: Int): IssueLabelConnection!
  teams(after: String, filter: TeamFilter, first: Int): TeamConnection!
}
type Mutation {
  issueCreate(input: IssueCreateInput!): IssuePayload!
  issueUpdate(id: String!, input: IssueUpdateInput!): IssuePayload!
  commentCreate(input: CommentCreateInput!): CommentPayload!
  issueLabelCreate(input: IssueLabelCreateInput!, replaceTeamLabels: Boolean): IssueLabelPayload!
}
input StringComparator { eq: String in: [String!] }
input IssueIdComparator { eq: ID in: [ID!] }
input TeamFilter { key: StringComparator }
input IssueLabelFilter { name: StringComparator }
input IssueLabelCollectionFilter { some: IssueLabelFilter every: IssueLabelFilter }
input IssueFilter { id: IssueIdComparator labels: IssueLabelCollectionFilter team: TeamFilter }
input IssueCreateInput { id: String teamId: String! title: String description: String labelIds: [String!] }
input IssueUpdateInput { addedLabelIds: [String!] labelIds: [String!] stateId: String title: String }
input CommentCreateInput { id: String issueId: String body: String }
input IssueLabelCreateInput { id: String name: String! color: String teamId: String }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type User { id: ID! name: String! }
type ActorBot { id: ID name: String type: String! }
type WorkflowState { id: ID! name: String! type: String! }
type WorkflowStateConnection { nodes: [WorkflowState!]! pageInfo: PageInfo! }
type Team { id: ID! key: String! states(first: Int, after: String): WorkflowStateConnection! }
type TeamConnection { nodes: [Team!]! pageInfo: PageInfo! }
type IssueLabel { id: ID! name: String! team: Team }
type IssueLabelConnection { nodes: [IssueLabel!]! pageInfo: PageInfo! }
type IssueHistory { id: ID! createdAt: DateTime! actor: User botActor: ActorBot toState: WorkflowState }
type IssueHistoryConnection { nodes: [IssueHistory!]! pageInfo: PageInfo! }
type Issue {
  id: ID! identifier: String! title: String! url: String! description: String createdAt: DateTime! trashed: Boolean
  archivedAt: DateTime completedAt: DateTime canceledAt: DateTime state: WorkflowState!
  labels(first: Int, after: String): IssueLabelConnection!
  history(first: Int, after: String): IssueHistoryConnection!
  comments(first: Int, after: String): CommentConnection!
}
type Comment { id: ID! body: String! }
type CommentConnection { nodes: [Comment!]! pageInfo: PageInfo! }
type IssueConnection { nodes: [Issue!]! pageInfo: PageInfo! }
type IssuePayload { success: Boolean! issue: Issue }
type IssueLabelPayload { success: Boolean! issueLabel: IssueLabel! }
type CommentPayload { success: Boolean! }
""")


def _page(nodes: list[dict[str, Any]], first: int = 50, after: str | None = None) -> dict[str, Any]:
    start = int(after or 0)
    more = start + first < len(nodes)
    return {"nodes": nodes[start : start + first], "pageInfo": {"hasNextPage": more, "endCursor": str(start + first)}}


@dataclass
class Workspace:
    """The workspace: issues as people see them.

    Attributes:
        page: how many comments it gives at once.
        faults: what happens to an answer on its way.
    """

    token: str = ""
    team: str = "IT"
    types: tuple[str, ...] = ("unstarted", "started", "completed", "canceled", "duplicate")
    issues: list[dict[str, Any]] = field(default_factory=list)
    page: int = 50
    labels: list[dict[str, Any]] = field(default_factory=list)
    comments: list[Mapping[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: Callable[[Request, Reply], Reply] = lambda _, reply: reply
    _now: datetime = datetime(2026, 3, 2, 10, tzinfo=UTC)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        if request.headers.get("authorization") != self.token or request.path != "/graphql":
            words = {"message": "Authentication required, not authenticated", "extensions": {"code": "UNAUTHENTICATED"}}
            return Reply(401, {"errors": [words]})
        body = request.json()
        done = graphql_sync(_SCHEMA, body["query"], self, variable_values=body["variables"])
        return self.faults(request, Reply(400 if done.data is None else 200, done.formatted))

    def _state(self, kind: str) -> dict[str, Any]:
        return {"id": f"state-{kind}", "name": kind.title(), "type": kind}

    def teams(self, _info: object, filter: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: A002 - the schema's name
        """Return the team of a key."""
        states = [self._state(kind) for kind in self.types]
        team = {"id": "team-it", "key": self.team, "states": lambda *_args, **_named: _page(states)}
        return _page([team] if filter["key"]["eq"] == self.team else [])

    def issueLabels(self, _info: object, filter: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: A002, N802 - the schema's names
        """Return labels of a name."""
        return _page([label for label in self.labels if label["name"] == filter["name"]["eq"]])

    def issues_(self, filter: Mapping[str, Any]) -> list[dict[str, Any]]:  # noqa: A002 - the schema's name
        """Return the issues that a filter lets through."""
        label = filter.get("labels", {}).get("some", {}).get("name", {}).get("eq")
        return [
            issue
            for issue in self.issues
            if issue["id"] in filter.get("id", {}).get("in", [issue["id"]])
            and (label is None or label in {one["name"] for one in issue["_labels"]})
            and filter.get("team", {}).get("key", {}).get("eq", self.team) == self.team
        ]

    def issueCreate(self, _info: object, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802 - the schema's names
        """Open an issue; an id is taken once."""
        if input["id"] in {issue["id"] for issue in self.issues}:
            raise GraphQLError(f"Entity with id {input['id']} already exists")
        if uuid.UUID(input["id"]).version != 4 or input["teamId"] != "team-it":
            raise GraphQLError("Argument Validation Error")
        return {"success": True, "issue": self.add(**input)}

    def add(self, id: str = "", title: str = "", description: str = "", **more: Any) -> dict[str, Any]:  # noqa: A002 - the schema's name
        """Open an issue."""
        name = f"{self.team}-{len(self.issues) + 1}"
        issue: dict[str, Any] = {"id": id or str(uuid.uuid4()), "identifier": name, "title": title}
        issue |= {"description": description, "url": f"https://linear.app/acme/issue/{name}", "createdAt": self._tick()}
        issue |= {"state": self._state("unstarted"), "_history": [], "_labels": []}
        issue["_labels"] = [label for label in self.labels if label["id"] in more.get("labelIds", ())]
        issue["labels"] = lambda _info, first=50, **_: _page(issue["_labels"], first)
        issue["comments"] = lambda _info, first=50, after=None: _page(self._said(issue), min(first, self.page), after)
        issue["history"] = lambda _info, first=50, **_: _page(issue["_history"], first)
        self.issues.append(issue)
        return issue

    def _said(self, issue: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = [one for one in self.comments if one["issueId"] == issue["id"]]
        return [{"id": str(number), "body": one["body"]} for number, one in enumerate(found)]

    def issueUpdate(self, _info: object, id: str, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802 - the schema's names
        """Change an issue."""
        issue = next((one for one in self.issues if one["id"] == id), None)
        if issue is None:
            raise GraphQLError("Entity not found: Issue")
        issue["_labels"] += [label for label in self.labels if label["id"] in input.get("addedLabelIds", ())]
        if "stateId" in input:
            self.move(issue, input["stateId"].removeprefix("state-"), by="IT Bot")
        return {"success": True, "issue": issue}

    def commentCreate(self, _info: object, input: Mapping[str, Any]) -> dict[str, Any]:  # noqa: A002, N802 - the schema's names
        """Write a comment."""
        self.comments.append(input)
        return {"success": True}

    def issueLabelCreate(self, _info: object, input: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: A002, N802 - the schema's names
        """Make a label."""
        label = {"id": str(uuid.uuid4()), "name": input["name"], "team": {"id": "team-it", "key": self.team}}
        self.labels.append(label)
        return {"success": True, "issueLabel": label}

    def move(self, issue: dict[str, Any], kind: str, by: str = "Lee Wong") -> None:
        """Change an issue's state, as a person does."""
        now = self._tick()
        issue |= {"state": self._state(kind), "completedAt": None, "canceledAt": None}
        issue |= {"completedAt": now} if kind == "completed" else {"canceledAt": now} if kind != "started" else {}
        change = {"id": str(uuid.uuid4()), "createdAt": now, "actor": {"id": by, "name": by}, "toState": issue["state"]}
        issue["_history"].insert(0, change)

    def edit(self, issue: dict[str, Any], by: str = "Sam") -> None:
        """Change something else of an issue."""
        change = {"id": str(uuid.uuid4()), "createdAt": self._tick(), "actor": {"id": by, "name": by}, "toState": None}
        issue["_history"].insert(0, change)

    def _tick(self) -> str:
        self._now += timedelta(minutes=1)
        return self._now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _issues(workspace: Workspace, _info: object, **named: Any) -> dict[str, Any]:
    archived = named.get("includeArchived", False)
    found = [issue for issue in workspace.issues_(named["filter"]) if archived or not issue.get("archivedAt")]
    return _page(found[::-1], named.get("first", 50), named.get("after"))


query = _SCHEMA.query_type
assert query is not None
query.fields["issues"].resolve = _issues
