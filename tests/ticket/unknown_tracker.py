"""A tracker that this project has no module for: nested JSON, offsets, custom fields, numbers for moments and ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.http_server import Reply, Request

TOKEN = "a-token-of-a-test"
STATES = {1: "New", 2: "Closed", 3: "Declined", 4: "Withdrawn"}
CONFIG: dict[str, Any] = {
    "via": "http",
    "token": {"env": "TICKET_TOKEN"},
    "header": "X-Api-Key",
    "scheme": "",
    "format": "text",
    "address": "https://it.acme.example/issues/{{ id }}",
    "create": {
        "path": "issues.json",
        "body": {
            "issue": {
                "project_id": 3,
                "subject": "{{ title }}",
                "description": "{{ text }}",
                "due_date": "{{ due }}",
                "custom_fields": [{"id": 5, "value": "{{ label }}"}, {"id": 6, "value": "{{ owner_email }}"}],
            }
        },
        "id": "issue.id",
    },
    "list": {
        "path": "issues.json",
        "query": {"cf_5": "{{ label }}", "status_id": "*", "offset": "{{ offset }}", "limit": "2"},
        "items": "issues",
        "total": "total_count",
    },
    "fields": {"text": "description", "status": "status.name", "closed_at": "closed_on", "closed_by": "closed_by.name"},
    "close": {"method": "PUT", "path": "issues/{{ id }}.json", "body": {"issue": {"status_id": 4}}},
    "comment": {"method": "PUT", "path": "issues/{{ id }}.json", "body": {"issue": {"notes": "{{ text }}"}}},
    "comments": {
        "path": "issues/{{ id }}.json",
        "query": {"include": "journals"},
        "items": "issue.journals",
        "text": "notes",
    },
    "done": ["Closed"],
    "rejected": ["declined"],
    "superseded": ["Withdrawn"],
}


@dataclass
class UnknownTracker:
    """The tracker: issues as people see them.

    Attributes:
        faults: what happens to an answer on its way.
    """

    issues: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: Callable[[Request, Reply], Reply] = lambda _, reply: reply

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        if request.headers.get("x-api-key") != TOKEN:
            return Reply(401, {"errors": ["who are you?"]})
        return self.faults(request, self._answer(request))

    def _answer(self, request: Request) -> Reply:
        path = request.path.removeprefix("/tracker/")
        if path == "issues.json":
            return self._make(request.json()["issue"]) if request.method == "POST" else self._list(request)
        number = int(path.removeprefix("issues/").removesuffix(".json"))
        issue = self.issues[number - 1]
        if request.method == "GET":
            return Reply(200, {"issue": issue})
        change = request.json()["issue"]
        if "notes" in change:
            issue["journals"].append({"id": len(issue["journals"]), "notes": change["notes"]})
        if "status_id" in change:
            self.move(number, change["status_id"], "a bot")
        return Reply(204)

    def _make(self, fields: dict[str, Any]) -> Reply:
        custom = {one["id"]: one["value"] for one in fields["custom_fields"]}
        issue = {**fields, "id": len(self.issues) + 1, "custom": custom, "journals": [], "closed_on": None}
        self.issues.append(issue | {"status": {"id": 1, "name": "New"}})
        return Reply(201, {"issue": {"id": issue["id"]}})

    def _list(self, request: Request) -> Reply:
        asked = {name: values[0] for name, values in request.query.items()}
        ours = [one for one in self.issues if one["custom"][5] == asked["cf_5"]]
        start = int(asked["offset"])
        newest_first = ours[::-1][start : start + int(asked["limit"])]
        return Reply(200, {"issues": newest_first, "total_count": len(ours), "offset": start})

    def move(self, number: int, state: int, by: str) -> None:
        """Give an issue another status."""
        closed = {"closed_on": 1772400000 + number, "closed_by": {"name": by}} if state != 1 else {"closed_on": None}
        self.issues[number - 1] |= {"status": {"id": state, "name": STATES[state]}, **closed}
