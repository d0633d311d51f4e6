"""A Jira Cloud site with one project, as the vendor's reference describes it: paths, fields, paging, errors, lag.

Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (issue search, issues, issue comments), and
https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/ for what the search knows and when.
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from support.http_server import Reply, Request

_SEARCH: Final = {"expand", "fields", "fieldsByKeys", "jql", "maxResults", "nextPageToken", "properties"} | {
    "reconcileIssues"
}
_BULK: Final = {"expand", "fields", "fieldsByKeys", "issueIdsOrKeys", "properties"}
_DETAILS: Final = {"fields", "historyMetadata", "properties", "transition", "update"}
_SCREEN: Final = {"project", "issuetype", "summary", "description", "labels"}
_JQL: Final = re.compile(r'project = "(\w+)"(?: AND labels = "([\w.-]+)")? ORDER BY (created ASC|key DESC)')
_INLINE: Final = {"text", "hardBreak"}
_IN_LISTS: Final = {"paragraph", "bulletList", "orderedList", "codeBlock"}
_INSIDE: Final[Mapping[str, set[str]]] = {
    "doc": _IN_LISTS | {"heading", "blockquote", "rule"},
    "paragraph": _INLINE,
    "heading": _INLINE,
    "codeBlock": {"text"},
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "listItem": _IN_LISTS,
    "blockquote": _IN_LISTS,
}
STATUSES: Final = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Won't Do": "done"}


@dataclass
class JiraSite:
    """The site: issues as people see them, and what its search knows of them.

    Attributes:
        lag: while it is set, the search learns nothing new.
        page: how many issues the search gives at once.
        statuses: the workflow: each status can be reached from each other.
        faults: what happens to an answer on its way.
    """

    project: str = "IT"
    email: str = "bot@acme.example"
    token: str = ""
    lag: bool = False
    page: int = 5000
    statuses: dict[str, str] = field(default_factory=lambda: dict(STATUSES))
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    faults: Callable[[Request, Reply], Reply] = lambda _, reply: reply
    _index: list[dict[str, Any]] = field(default_factory=list)
    _count: int = 0
    _now: datetime = datetime(2026, 3, 2, 10, tzinfo=UTC)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        return self.faults(request, self._answer(request))

    def _answer(self, request: Request) -> Reply:
        pair = base64.b64encode(f"{self.email}:{self.token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            return Reply(401, {"errorMessages": ["You do not have the permission to see the specified issue."]})
        body = request.json() if request.body else {}
        path = request.path.removeprefix("/rest/api/3/")
        posts = {"search/jql": self._search, "issue/bulkfetch": self._fetch, "issue": self._create}
        if path == "search":
            return _refuse(410, "The requested API has been removed. Use the /rest/api/3/search/jql API.")
        if request.method == "POST" and path in posts:
            return posts[path](body)
        key, _, rest = path.removeprefix("issue/").partition("/")
        if key in self.issues:
            asked = {name: values[0] for name, values in request.query.items()}
            return self._one(request.method, self.issues[key], rest, body, asked)
        return _refuse(404, "Issue does not exist or you do not have permission to see it.")

    def _search(self, body: dict[str, Any]) -> Reply:
        asked = _JQL.fullmatch(str(body.get("jql")))
        if set(body) - _SEARCH or not 1 <= body.get("maxResults", 50) <= 5000:
            return _refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        if asked is None or asked[1] != self.project:
            return _refuse(400, "Error in the JQL Query: the value does not exist for the field 'project'.")
        found = [one for one in self._index if asked[2] is None or asked[2] in one["fields"]["labels"]]
        found = sorted(found, key=lambda one: int(one["id"]), reverse=asked[3] == "key DESC")
        start = int(body.get("nextPageToken", "page-0").removeprefix("page-"))
        end = start + min(self.page, body.get("maxResults", 50))
        issues = [_shown(one, body.get("fields", ["id"])) for one in found[start:end]]
        more = {"nextPageToken": f"page-{end}"} if end < len(found) else {}
        return Reply(200, {"issues": issues, "isLast": not more, **more})

    def _fetch(self, body: dict[str, Any]) -> Reply:
        if set(body) - _BULK or not isinstance(body.get("issueIdsOrKeys"), list) or len(body["issueIdsOrKeys"]) > 100:
            return _refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        wanted = {str(name).upper() for name in body["issueIdsOrKeys"]}
        found = [one for one in self.issues.values() if wanted & {one["id"], one["key"]}]
        shown = [_shown(one, body.get("fields", []), "changelog" in body.get("expand", [])) for one in found]
        return Reply(200, {"issues": shown, "issueErrors": []})

    def _create(self, body: dict[str, Any]) -> Reply:
        fields = body.get("fields", {})
        faults = {
            name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            for name in (set(body) - _DETAILS) | (set(fields) - _SCREEN)
        }
        if fields.get("project") != {"key": self.project}:
            faults["project"] = "Specify a valid project ID or key"
        if fields.get("issuetype") != {"name": "Task"}:
            faults["issuetype"] = "Specify a valid issue type"
        summary = str(fields.get("summary", ""))
        if not summary or "\n" in summary or len(summary) > 255:
            faults["summary"] = "The summary is invalid because it contains newline characters or is too long."
        if any(" " in label for label in fields.get("labels", ())):
            faults["labels"] = "The label contains spaces which is invalid."
        if wrong := invalid(fields.get("description")):
            faults["description"] = wrong
        if faults:
            return Reply(400, {"errorMessages": [], "errors": faults})
        return self._make(fields)

    def _make(self, fields: dict[str, Any]) -> Reply:
        self._count += 1
        issue = {"id": str(10000 + self._count), "key": f"{self.project}-{self._count}", "histories": []}
        issue["fields"] = {**fields, "resolution": None, "status": self._status("To Do"), "comments": []}
        issue["fields"] |= {"updated": self._tick(), "statuscategorychangedate": self._tick()}
        self.issues[str(issue["key"])] = issue
        self.reindex()
        return Reply(201, {"id": issue["id"], "key": issue["key"], "self": f"/rest/api/3/issue/{issue['id']}"})

    def _one(  # noqa: PLR0911 - one for each request
        self, method: str, issue: dict[str, Any], what: str, body: dict[str, Any], query: Mapping[str, str]
    ) -> Reply:
        match (method, what):
            case ("GET", "transitions"):
                return Reply(200, {"expand": "transitions", "transitions": self._transitions()})
            case ("POST", "transitions"):
                names = dict(enumerate(self.statuses, start=1))
                name = names.get(int(body["transition"]["id"]), "")
                if not name:
                    return _refuse(400, "It seems that you have tried to perform an illegal workflow operation.")
                return self._moved(issue, name, body.get("fields", {}).get("resolution", {}).get("name", ""))
            case ("GET", "comment"):
                listed = [{"id": str(n), "body": one} for n, one in enumerate(issue["fields"]["comments"])]
                start, size = int(query.get("startAt", 0)), min(int(query.get("maxResults", 50)), self.page)
                found = listed[start : start + size]
                return Reply(200, {"startAt": start, "maxResults": size, "total": len(listed), "comments": found})
            case ("POST", "comment") if not invalid(body.get("body")):
                issue["fields"]["comments"].append(body["body"])
                return Reply(201, {"id": "1", "body": body["body"]})
            case ("PUT", "") if set(body) <= _DETAILS:
                added = [one["add"] for one in body["update"]["labels"]]
                issue["fields"]["labels"] = list(dict.fromkeys([*issue["fields"]["labels"], *added]))
                self.reindex()
                return Reply(204)
        return _refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")

    def _transitions(self) -> list[dict[str, Any]]:
        choice = {"resolution": {"required": True, "allowedValues": [{"name": "Done"}, {"name": "Won't Do"}]}}
        return [
            {"id": str(number), "name": name, "to": self._status(name), "fields": choice if name == "Done" else {}}
            for number, name in enumerate(self.statuses, start=1)
        ]

    def _moved(self, issue: dict[str, Any], name: str, resolution: str) -> Reply:
        self.move(issue["key"], name, resolution or name, by="IT Bot")
        return Reply(204)

    def _status(self, name: str) -> dict[str, Any]:
        return {"name": name, "statusCategory": {"key": self.statuses[name], "name": name}}

    def _tick(self) -> str:
        self._now += timedelta(minutes=1)
        return self._now.isoformat(timespec="milliseconds").replace("+00:00", "+0000")

    def move(self, key: str, name: str, resolution: str = "", by: str = "Lee Wong") -> None:
        """Move an issue, as a person does on the board."""
        fields, now = self.issues[key]["fields"], self._tick()
        changed = fields["status"]["statusCategory"]["key"] != self.statuses[name]
        item = {"field": "status", "fieldId": "status", "toString": name}
        self.issues[key]["histories"].insert(0, {"author": {"displayName": by}, "created": now, "items": [item]})
        fields["status"], fields["updated"] = self._status(name), now
        fields["resolution"] = {"name": resolution or name} if self.statuses[name] == "done" else None
        if changed:
            fields["statuscategorychangedate"] = now
        self.reindex()

    def edit(self, key: str, by: str = "Sam", **fields: Any) -> None:
        """Change fields of an issue, as a person does."""
        item = {"field": next(iter(fields)), "fieldId": next(iter(fields))}
        history = {"author": {"displayName": by}, "created": self._tick(), "items": [item]}
        self.issues[key]["histories"].insert(0, history)
        self.issues[key]["fields"] |= {**fields, "updated": history["created"]}
        self.reindex()

    def add(self, **fields: Any) -> str:
        """Open an issue as a person, and return its key."""
        empty = {"type": "doc", "version": 1, "content": []}
        self._make({"summary": "printer", "description": empty, "labels": [], **fields})
        return f"{self.project}-{self._count}"

    def reindex(self) -> None:
        """Let the search learn everything, unless it lags."""
        if not self.lag:
            self._index = copy.deepcopy(list(self.issues.values()))


def invalid(node: Any, inside: str = "") -> str:
    """Say why something is no document of the Atlassian format; empty where it is one."""
    kind = node.get("type", "") if isinstance(node, dict) else ""
    if not inside and (kind != "doc" or node.get("version") != 1):
        return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    if inside and kind not in _INSIDE.get(inside, set()):
        return f"INVALID_INPUT: {kind} in {inside}"
    if kind == "text" and not node.get("text"):
        return "INVALID_INPUT: empty text"
    if kind in {"bulletList", "orderedList", "listItem", "blockquote"} and not node.get("content"):
        return f"INVALID_INPUT: empty {kind}"
    return next(filter(None, (invalid(one, kind) for one in node.get("content", ()))), "")


def _shown(issue: Mapping[str, Any], names: list[str], changes: bool = False) -> dict[str, Any]:
    if names == ["id"]:
        return {"id": issue["id"]}
    fields = {name: copy.deepcopy(value) for name, value in issue["fields"].items() if name in names}
    shown = {"id": issue["id"], "key": issue["key"], "self": "", "fields": fields}
    return shown | ({"changelog": {"histories": copy.deepcopy(issue["histories"][:40])}} if changes else {})


def _refuse(status: int, words: str) -> Reply:
    return Reply(status, {"errorMessages": [words], "errors": {}})
