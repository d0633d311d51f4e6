"""Trackers of vendors that have no module here, in the shapes of their references: Azure Boards, Zendesk, Trello.

Sources: https://learn.microsoft.com/rest/api/azure/devops/wit/, https://developer.zendesk.com/api-reference/ticketing/,
https://developer.atlassian.com/cloud/trello/rest/.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs

from support.http_server import Reply, Request

SECRET = "secret-of-a-test"
DAY = "2026-03-02T10:00:00.123Z"
_FOOTER = re.compile(r"reconciler-ticket: (\{.*?\})\s*$", re.MULTILINE)


@dataclass
class Card:
    """One ticket, as people see it."""

    number: int
    title: str
    text: str
    state: str
    tags: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


@dataclass
class Tracker:
    """What the three have in common.

    Attributes:
        OPEN, DONE, DECLINED: states of this tracker.
    """

    OPEN: ClassVar[str]
    DONE: ClassVar[str]
    DECLINED: ClassVar[str]
    WITHDRAWN: ClassVar[str]
    cards: list[Card] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        return self.answer(request) if self.knows(request) else Reply(401, {"message": "who are you?"})

    def knows(self, request: Request) -> bool:
        """Say whether a request is signed in."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        """Answer a request that is signed in."""
        raise NotImplementedError

    def make(self, title: str, text: str, tags: list[str]) -> Card:
        """Keep a new ticket."""
        self.cards.append(Card(len(self.cards) + 1, title, text, self.OPEN, tags))
        return self.cards[-1]

    def card(self, number: str) -> Card:
        """Return one."""
        return self.cards[int(number) - 1]

    def about(self, what: str) -> list[Card]:
        """Return the tickets whose change has something in its id, the oldest first."""
        return [card for card in self.cards if what in self.change(card)]

    @staticmethod
    def change(card: Card) -> str:
        """Return the change that a ticket's last line names."""
        found = _FOOTER.search(html.unescape(re.sub(r"</?\w[^>]*>", "\n", card.text)))
        assert found, card.text
        return str(json.loads(found[1])["change"])

    def open_twice(self) -> list[str]:
        """Return the changes for which two tickets are open."""
        counted = Counter(self.change(card) for card in self.cards if card.state == self.OPEN)
        return [change for change, count in counted.items() if count > 1]


class AzureBoards(Tracker):
    """Work items: found by a query that is posted, read many at once, written by JSON patches; its texts are HTML."""

    OPEN, DONE, DECLINED, WITHDRAWN = "To Do", "Done", "Declined", "Removed"
    CONFIG: ClassVar[dict[str, Any]] = {
        "via": "http",
        "password": {"env": "TRACKER"},
        "format": "html",
        "address": "https://dev.azure.com/acme/it/_workitems/edit/{{ id }}",
        "create": {
            "path": "_apis/wit/workitems/$Task",
            "query": {"api-version": "7.1"},
            "type": "application/json-patch+json",
            "body": [
                {"op": "add", "path": "/fields/System.Title", "value": "{{ title }}"},
                {"op": "add", "path": "/fields/System.Description", "value": "{{ text }}"},
                {"op": "add", "path": "/fields/System.Tags", "value": "{{ label }}; access"},
            ],
        },
        "list": {
            "method": "POST",
            "path": "_apis/wit/wiql",
            "query": {"api-version": "7.1"},
            "body": {
                "query": "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project "
                "AND [System.Tags] CONTAINS '{{ label }}'"
            },
            "items": "workItems",
            "most": 20000,
        },
        "read": {
            "path": "_apis/wit/workitems",
            "query": {"ids": "{{ ids }}", "api-version": "7.1"},
            "items": "value",
            "at_once": 2,
        },
        "fields": {
            "text": "fields.System.Description",
            "status": ["fields.System.Tags", "fields.System.State"],
            "closed_at": ["fields.Microsoft.VSTS.Common.ClosedDate", "fields.System.ChangedDate"],
            "closed_by": "fields.System.ChangedBy.displayName",
        },
        "close": {
            "method": "PATCH",
            "path": "_apis/wit/workitems/{{ id }}",
            "query": {"api-version": "7.1"},
            "type": "application/json-patch+json",
            "body": [{"op": "add", "path": "/fields/System.State", "value": "Removed"}],
        },
        "comment": {
            "path": "_apis/wit/workItems/{{ id }}/comments",
            "query": {"api-version": "7.1-preview.4"},
            "body": {"text": "{{ text }}"},
        },
        "comments": {
            "path": "_apis/wit/workItems/{{ id }}/comments",
            "query": {"api-version": "7.1-preview.4", "continuationToken": "{{ cursor }}"},
            "items": "comments",
            "next": "continuationToken",
            "text": "text",
        },
        "open": ["To Do", "In Progress"],
        "done": ["Done"],
        "rejected": ["Declined"],
        "superseded": ["Removed"],
    }

    def knows(self, request: Request) -> bool:
        """A token is a password without a username."""
        return request.headers.get("authorization") == f"Basic {base64.b64encode(f':{SECRET}'.encode()).decode()}"

    def answer(self, request: Request) -> Reply:
        """See https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/create?view=azure-devops-rest-7.1."""
        path = request.path.removeprefix("/tracker/_apis/wit/")
        if "api-version" not in request.query:
            return Reply(400, {"message": "No api-version was supplied"})
        if path == "wiql":
            tag = re.search(r"CONTAINS '([^']+)'", request.json()["query"])
            assert tag
            found = [{"id": card.number, "url": "https://…"} for card in self.cards if tag[1] in card.tags]
            return Reply(200, {"queryType": "flat", "workItems": found})
        return self.work_item(request, path)

    def work_item(self, request: Request, path: str) -> Reply:
        """Read, make or change work items."""
        if path == "workitems":
            numbers = request.query["ids"][0].split(",")
            return Reply(200, {"count": len(numbers), "value": [self.show(self.card(number)) for number in numbers]})
        if path.endswith("/comments"):
            return self.comment(request, self.card(path.split("/")[1]))
        if request.headers["content-type"] != "application/json-patch+json":
            return Reply(415, {"message": "the media type is not supported"})
        values = {one["path"].removeprefix("/fields/System."): one["value"] for one in request.json()}
        if path == "workitems/$Task":
            text = html.escape(html.unescape(values["Description"]), quote=False)
            text = re.sub(r"&lt;(/?\w+)&gt;", r"<\1>", text).replace('"', "&quot;")
            return Reply(200, self.show(self.make(values["Title"], text, values["Tags"].split("; "))))
        card = self.card(path.split("/")[1])
        card.state = values["State"]
        return Reply(200, self.show(card))

    def comment(self, request: Request, card: Card) -> Reply:
        """Comments come one a page."""
        if request.method == "POST":
            card.comments.append(request.json()["text"])
            return Reply(200, {"id": len(card.comments), "text": card.comments[-1]})
        start = int(request.query.get("continuationToken", ["0"])[0])
        answer: dict[str, Any] = {"totalCount": len(card.comments), "comments": []}
        answer["comments"] = [{"id": start, "text": text} for text in card.comments[start : start + 1]]
        more = {"continuationToken": str(start + 1)} if start + 1 < len(card.comments) else {}
        return Reply(200, answer | more)

    def show(self, card: Card) -> dict[str, Any]:
        """Return a work item; what is empty is left out."""
        fields: dict[str, Any] = {
            "System.Title": card.title,
            "System.State": "Done" if card.state == self.DECLINED else card.state,
            "System.Tags": "; ".join([*card.tags, *([self.DECLINED] if card.state == self.DECLINED else [])]),
            "System.Description": card.text,
            "System.ChangedDate": DAY,
            "System.ChangedBy": {"displayName": "Lee Wong", "uniqueName": "lee@acme.example"},
        }
        if card.state == self.DONE:
            fields["Microsoft.VSTS.Common.ClosedDate"] = DAY
        return {"id": card.number, "rev": 1, "fields": fields, "url": "https://…"}


@dataclass
class Zendesk(Tracker):
    """Tickets: a search whose index is late and whose pages are links, comments that are updates, wrapped JSON.

    Attributes:
        late: how many searches a new ticket stays out of the index.
    """

    OPEN, DONE, DECLINED, WITHDRAWN = "100", "101", "102", "103"
    late: int = 0
    searches: int = 0
    since: dict[int, int] = field(default_factory=dict)
    CONFIG: ClassVar[dict[str, Any]] = {
        "via": "http",
        "username": "bot@acme.example/token",
        "password": {"env": "TRACKER"},
        "format": "text",
        "address": "https://acme.zendesk.com/agent/tickets/{{ id }}",
        "create": {
            "path": "tickets.json",
            "body": {"ticket": {"subject": "{{ title }}", "comment": {"body": "{{ text }}"}, "tags": ["{{ label }}"]}},
            "id": "ticket.id",
        },
        "list": {
            "path": "search/export",
            "query": {"query": "tags:{{ label }}", "filter[type]": "ticket", "page[size]": "2"},
            "items": "results",
            "next": "links.next",
        },
        "fields": {
            "text": "description",
            "status": ["tags", "custom_status_id"],
            "closed_at": "updated_at",
        },
        "close": {
            "method": "PUT",
            "path": "tickets/{{ id }}.json",
            "body": {"ticket": {"custom_status_id": 103}},
        },
        "comment": {
            "method": "PUT",
            "path": "tickets/{{ id }}.json",
            "body": {"ticket": {"comment": {"body": "{{ text }}", "public": False}}},
        },
        "comments": {"path": "tickets/{{ id }}/comments.json", "items": "comments", "text": "body"},
        "done": ["101"],
        "rejected": ["102", "closed_by_merge"],
        "superseded": ["103"],
    }

    def knows(self, request: Request) -> bool:
        """The token is the password of `address/token`."""
        login = base64.b64encode(f"bot@acme.example/token:{SECRET}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {login}"

    def answer(self, request: Request) -> Reply:
        """See https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/."""
        path = request.path.removeprefix("/tracker/").removesuffix(".json")
        if path == "search/export":
            return self.search(request)
        if path == "tickets":
            asked = request.json()["ticket"]
            card = self.make(asked["subject"], asked["comment"]["body"], asked["tags"])
            self.since[card.number] = self.searches
            return Reply(201, {"ticket": self.show(card), "audit": {"id": 1}})
        card = self.card(path.split("/")[1])
        if request.method == "GET":
            return Reply(200, {"comments": [{"body": text} for text in (card.text, *card.comments)], "next_page": None})
        asked = request.json()["ticket"]
        if "comment" in asked:
            card.comments.append(asked["comment"]["body"])
        card.state = str(asked.get("custom_status_id", card.state))
        return Reply(200, {"ticket": self.show(card), "audit": {"id": 2}})

    def search(self, request: Request) -> Reply:
        """List two a page."""
        start = int(request.query.get("page[after]", ["0"])[0])
        self.searches += not start
        label = request.query["query"][0].removeprefix("tags:")
        ours = [
            card for card in self.cards if label in card.tags and self.searches - self.since[card.number] > self.late
        ]
        link = f"http://{request.headers['host']}/tracker/search/export?query=tags:{label}&page[after]={start + 2}"
        more = start + 2 < len(ours)
        links = {"next": link if more else None, "prev": None}
        found = [self.show(card) for card in ours[start : start + 2]]
        return Reply(200, {"results": found, "links": links, "meta": {"has_more": more}})

    def show(self, card: Card) -> dict[str, Any]:
        """Return a ticket."""
        return {
            "id": card.number,
            "subject": card.title,
            "description": card.text.strip(),
            "tags": card.tags,
            "custom_status_id": int(card.state),
            "updated_at": "2026-03-02T10:00:00Z",
        }


class Trello(Tracker):
    """Cards on a board of its own: secrets in the URL, forms, everything in one list, lists and archive for states."""

    OPEN, DONE, DECLINED, WITHDRAWN = "list-todo", "list-done", "archived", "list-withdrawn"
    CONFIG: ClassVar[dict[str, Any]] = {
        "via": "http",
        "secrets": {"query": {"key": {"env": "TRACKER_KEY"}, "token": {"env": "TRACKER"}}},
        "format": "markdown",
        "address": "https://trello.com/c/{{ id }}",
        "create": {
            "path": "cards",
            "type": "form",
            "body": {"idList": "list-todo", "name": "{{ title }}", "desc": "{{ text }}", "due": "{{ due }}"},
        },
        "list": {"path": "boards/b1/cards/all", "query": {"limit": "1000"}, "most": 1000},
        "fields": {"text": "desc", "status": ["closed", "idList"], "closed_at": "dateLastActivity"},
        "close": {"method": "PUT", "path": "cards/{{ id }}", "type": "form", "body": {"idList": "list-withdrawn"}},
        "comment": {"path": "cards/{{ id }}/actions/comments", "type": "form", "body": {"text": "{{ text }}"}},
        "comments": {
            "path": "cards/{{ id }}/actions",
            "query": {"filter": "commentCard", "page": "{{ page0 }}"},
            "text": "data.text",
        },
        "done": ["list-done"],
        "rejected": ["true"],
        "superseded": ["list-withdrawn"],
    }

    def knows(self, request: Request) -> bool:
        """A key and a token are in the URL."""
        return (request.query.get("key"), request.query.get("token")) == (["a-key"], [SECRET])

    def answer(self, request: Request) -> Reply:
        """See https://developer.atlassian.com/cloud/trello/rest/api-group-cards/."""
        path = request.path.removeprefix("/tracker/")
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if path == "boards/b1/cards/all":
            return Reply(200, [self.show(card) for card in self.cards])
        if path == "cards":
            return Reply(200, self.show(self.make(form["name"], form["desc"], [])))
        card = self.card(path.split("/")[1].removeprefix("c"))
        if path.endswith("/actions"):
            start = int(request.query["page"][0])
            return Reply(200, [{"id": start, "data": {"text": text}} for text in card.comments[start : start + 1]])
        if path.endswith("/comments"):
            card.comments.append(form["text"])
        else:
            card.state = form["idList"]
        return Reply(200, self.show(card))

    def show(self, card: Card) -> dict[str, Any]:
        """Return a card; an archived one keeps its list."""
        archived = card.state == self.DECLINED
        return {
            "id": f"c{card.number}",
            "name": card.title,
            "desc": card.text,
            "closed": archived,
            "idList": self.OPEN if archived else card.state,
            "dateLastActivity": DAY,
        }
