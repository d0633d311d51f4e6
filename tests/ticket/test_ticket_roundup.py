"""Tickets as issues of a real Roundup tracker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers.running import Server, missing, roundup
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import HALF, ONCE, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="real product", of="roundup")


@dataclass
class Tracker:
    """The tracker, as people and as the tool use it for one app."""

    server: Server
    root: Path
    app: str

    def change(self, door: str = "server-room") -> Change:
        """Return a change of the app."""
        return make(Operation.GRANT, "ana", f"door:{door}", app=self.app)

    def open(self) -> Receipt:
        """Ask for the change."""
        receipt: Receipt = self.ask(lambda provider: provider.perform(self.change()))
        return receipt

    def person(self, method: str, path: str, body: Any = None) -> Any:
        """Do something as lee, who has read what he changes."""
        auth = ("lee", self.server.token)
        headers = {"X-Requested-With": "rest", "Origin": self.server.url, "Referer": f"{self.server.url}/"}
        with httpx.Client(base_url=f"{self.server.url}/rest/data", auth=auth, headers=headers, trust_env=False) as lee:
            if method == "PUT":
                headers = {"If-Match": lee.get(path).headers["etag"]}
            answer = lee.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def issues(self) -> list[dict[str, Any]]:
        """Every issue of the app."""
        keyword = f"access: {self.app}"
        if keyword not in {one["name"] for one in self.person("GET", "keyword?@fields=name")["collection"]}:
            return []
        found: list[dict[str, Any]] = self.person("GET", f"issue?keyword={keyword}&@sort=id")["collection"]
        return found

    def ask(self, talk: Callable[[TicketProvider], Awaitable[Any]], *, plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        config = {
            "via": "roundup",
            "url": self.server.url,
            "username": "admin",
            "password": {"env": "TRACKER_PASSWORD"},
        }
        surroundings = Surroundings(app=self.app, root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with TicketProvider.open(TicketConfig.model_validate(config), surroundings) as provider:
                return await talk(provider)

        return asyncio.run(converse())

    def statuses(self) -> list[TicketStatus]:
        """The status of every ticket, as planning reads them."""
        return [ticket.status for ticket in self.ask(lambda provider: provider.tickets(), plan=True)]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A tracker; its start takes seconds."""
    if why := missing("roundup"):
        pytest.skip(why)
    with roundup() as running:
        yield running


@pytest.fixture
def tracker(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> Tracker:
    """The tracker, with no ticket of the app that this test has for itself."""
    monkeypatch.setenv("TRACKER_PASSWORD", server.token)
    return Tracker(server, tmp_path, request.node.name[5:25])


def test_the_life_of_an_issue(tracker: Tracker) -> None:
    """Opened once, found again whatever it is called, closed by a person who thereby attests it."""
    first = tracker.open()
    assert first.outcome is Outcome.TICKET, first.detail
    tracker.person("PUT", f"issue/{tracker.issues()[0]['id']}", {"title": "please!"})
    assert tracker.open().detail == first.detail
    assert tracker.statuses() == [TicketStatus.OPEN]
    tracker.person("PUT", f"issue/{tracker.issues()[0]['id']}", {"status": "resolved"})
    assert tracker.statuses() == [TicketStatus.CLAIMED]
    snapshot = tracker.ask(lambda provider: provider.read(), plan=True)
    assert list(snapshot.grants()) == [("ana", "door:server-room", None)]


def test_an_issue_that_is_deferred_is_rejected(tracker: Tracker) -> None:
    """Whoever cannot do it says so by the status."""
    tracker.open()
    tracker.person("PUT", f"issue/{tracker.issues()[0]['id']}", {"status": "deferred"})
    assert tracker.statuses() == [TicketStatus.REJECTED]


def test_what_is_no_longer_wanted_is_closed_with_a_message(tracker: Tracker) -> None:
    """The first message stays, the reason follows it."""
    tracker.open()
    (ticket,) = tracker.ask(lambda provider: provider.tickets())
    tracker.ask(lambda provider: provider.cancel(ticket, "sam left"))
    assert tracker.statuses() == [TicketStatus.SUPERSEDED]
    texts = [one["content"] for one in tracker.person("GET", "msg?@fields=content&@verbose=3")["collection"]]
    assert "sam left" in texts[-1]
    assert "server-room" in texts[-2]


def test_more_issues_than_a_page_are_all_read(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pages, each issue with its own text; opening them again opens none."""
    monkeypatch.setattr("providers.ticket.via.roundup._PAGE", 5)
    changes = [tracker.change(f"{number}") for number in range(13)]

    async def open_all(provider: TicketProvider) -> list[Any]:
        return [await provider.perform(change) for change in changes]

    assert {receipt.outcome for receipt in tracker.ask(open_all)} == {Outcome.TICKET}
    assert len(tracker.statuses()) == 13
    tracker.ask(open_all)
    assert len(tracker.issues()) == 13


def test_an_issue_that_lost_its_text_stops_the_app(tracker: Tracker) -> None:
    """It is an error with its address."""
    tracker.open()
    note = tracker.person("POST", "msg", {"content": "done", "author": "lee", "date": "2026-03-01.12:00:00"})
    tracker.person("PUT", f"issue/{tracker.issues()[0]['id']}", {"messages": [note["id"]]})
    with pytest.raises(ProviderError, match=r"issue\d+: the ticket lost its last line"):
        tracker.statuses()


def test_planning_writes_nothing(tracker: Tracker) -> None:
    """No keyword, and so no issue."""
    with pytest.raises(ReadOnlyError):
        tracker.ask(lambda provider: provider.perform(tracker.change()), plan=True)
    assert tracker.statuses() == []
    assert tracker.issues() == []


def test_each_note_is_one_message(tracker: Tracker) -> None:
    """After the first one, which stays the ticket's own text."""
    tracker.open()
    assert tell_twice(tracker.ask) == ONCE
    (issue,) = tracker.issues()
    messages = tracker.person("GET", f"issue/{issue['id']}")["attributes"]["messages"]
    texts = [tracker.person("GET", f"msg/{one['id']}/content")["data"] for one in messages]
    assert sum(text.startswith(HALF.text) for text in texts) == 1
    assert len(texts) == 3
    assert tracker.statuses() == [TicketStatus.OPEN]
