"""Tickets as issues, on a GitHub of somebody else's making; every request is checked against the vendor's reference."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers import emulating, setup
from servers.emulating import REPOSITORY, Emulated
from support import github_reference
from support.http_server import Reply, Request, http_server
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import HALF, ONCE, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, Ticket, TicketStatus
from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence("ticket", against="third party's server", of="emulate")

GRANT = make(Operation.GRANT, "ana", "door:server-room")
REVOKE = make(Operation.REVOKE, "ana", "door:server-room")


@dataclass
class Site:
    """The issues as people use them, and the API as the tool does, through a proxy that checks its requests.

    Attributes:
        faults: what the proxy does instead of handing an answer on: called with the request and the answer.
    """

    real: Emulated
    url: str = ""
    violations: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: Callable[[Request, Reply], Reply] = lambda _, reply: reply

    def __call__(self, request: Request) -> Reply:
        """Hand one request on."""
        body = request.json() if request.body else None
        self.violations += github_reference.violations(request.method, request.path, request.query, body)
        self.requests.append(request)
        answer = httpx.request(
            request.method,
            self.real.url + request.path,
            params=dict(request.query),
            headers={"Authorization": request.headers["authorization"]},
            content=request.body,
            trust_env=False,
        )
        link = answer.headers.get("link", "").replace(self.real.url, self.url)
        reply = Reply(answer.status_code, answer.content, {"Link": link} if link else {})
        return self.faults(request, reply)

    def person(self, method: str, path: str, body: Any = None) -> Any:
        """Do something as lee."""
        answer = httpx.request(
            method,
            f"{self.real.url}/repos/{REPOSITORY}/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.real.person}"},
            trust_env=False,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def issues(self) -> list[dict[str, Any]]:
        """Every issue, the oldest first."""
        found: list[dict[str, Any]] = self.person("GET", "issues?state=all&per_page=100&direction=asc")
        return sorted(found, key=lambda issue: int(issue["number"]))

    def close(self, number: int, reason: str = "completed") -> None:
        """Close an issue as lee."""
        self.person("PATCH", f"issues/{number}", {"state": "closed", "state_reason": reason})


@contextmanager
def proxy(site: Site) -> Iterator[None]:
    """Run the proxy in a thread of its own."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with http_server(lambda request: asyncio.to_thread(site, request)) as server:
            site.url = server.url
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A repository without issues; nothing that is sent to it is against the vendor's reference."""
    if why := setup.missing() or github_reference.missing():
        pytest.skip(why)
    with emulating.github() as real:
        found = Site(real)
        monkeypatch.setenv("TICKET_TOKEN", real.bot)
        with proxy(found):
            yield found
    assert found.violations == []


def ask(
    site: Site, root: Path, talk: Callable[[TicketProvider], Awaitable[Any]], *, app: str = "badges", plan: bool = False
) -> Any:
    """Run one conversation with the provider."""
    config = {"via": "github", "repository": REPOSITORY, "url": site.url, "token": {"env": "TICKET_TOKEN"}}
    surroundings = Surroundings(app=app, root=root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

    async def converse() -> Any:
        async with TicketProvider.open(TicketConfig.model_validate(config), surroundings) as provider:
            return await talk(provider)

    return asyncio.run(converse())


def perform(site: Site, root: Path, change: Change) -> Receipt:
    """Perform one change."""
    receipt: Receipt = ask(site, root, lambda provider: provider.perform(change))
    return receipt


def tickets(site: Site, root: Path) -> list[Ticket]:
    """List tickets, as planning does."""
    return list(ask(site, root, lambda provider: provider.tickets(), plan=True))


def read(site: Site, root: Path) -> Snapshot:
    """Read what is attested."""
    snapshot: Snapshot = ask(site, root, lambda provider: provider.read(), plan=True)
    return snapshot


def test_an_issue_is_opened_once_and_found_again(site: Site, tmp_path: Path) -> None:
    """Also by another run, and whatever it is called by then."""
    first = perform(site, tmp_path, GRANT)
    assert first.outcome is Outcome.TICKET
    site.person("PATCH", "issues/1", {"title": "please!"})
    assert perform(site, tmp_path, GRANT).detail == first.detail
    (issue,) = site.issues()
    assert [label["name"] for label in issue["labels"]] == ["access: badges"]
    assert "door:server" in issue["body"]
    assert [ticket.status for ticket in tickets(site, tmp_path)] == [TicketStatus.OPEN]


def test_who_closes_an_issue_attests_it(site: Site, tmp_path: Path) -> None:
    """Closed as completed is done; the grant is then live, as attested."""
    perform(site, tmp_path, GRANT)
    site.close(1)
    (ticket,) = tickets(site, tmp_path)
    assert ticket.status is TicketStatus.CLAIMED
    assert ticket.closed is not None
    assert list(read(site, tmp_path).grants()) == [("ana", "door:server-room", None)]
    assert "issues of acme/it" in read(site, tmp_path).collections["accounts"].why


def test_an_issue_that_is_closed_as_not_planned_is_rejected(site: Site, tmp_path: Path) -> None:
    """Nothing is attested by it."""
    perform(site, tmp_path, GRANT)
    site.close(1, "not_planned")
    assert [ticket.status for ticket in tickets(site, tmp_path)] == [TicketStatus.REJECTED]
    assert list(read(site, tmp_path).grants()) == []


def test_what_is_no_longer_wanted_is_closed_with_a_comment(site: Site, tmp_path: Path) -> None:
    """People read why; labels that they set stay."""
    perform(site, tmp_path, GRANT)
    site.person("POST", "issues/1/labels", {"labels": ["seen"]})
    (ticket,) = tickets(site, tmp_path)
    ask(site, tmp_path, lambda provider: provider.cancel(ticket, "sam left"))
    assert [one.status for one in tickets(site, tmp_path)] == [TicketStatus.SUPERSEDED]
    (issue,) = site.issues()
    assert {"seen", "superseded"} < {label["name"] for label in issue["labels"]}
    assert "sam left" in site.person("GET", "issues/1/comments")[0]["body"]


def test_after_a_closed_ticket_the_next_generation_begins(site: Site, tmp_path: Path) -> None:
    """Granted, taken away, granted again: three issues, each with its own key."""
    for change in (GRANT, REVOKE, GRANT):
        perform(site, tmp_path, change)
        site.close(len(site.issues()))
    assert len({ticket.key for ticket in tickets(site, tmp_path)}) == 2
    assert len(site.issues()) == 3


def test_an_answer_that_is_lost_opens_no_second_issue(site: Site, tmp_path: Path) -> None:
    """What may have landed is looked up."""

    def lose(request: Request, reply: Reply) -> Reply:
        return Reply(reset=True) if request.method == "POST" and request.path.endswith("/issues") else reply

    site.faults = lose
    assert perform(site, tmp_path, GRANT).outcome is Outcome.TICKET
    assert len(site.issues()) == 1


def test_an_issue_that_lost_its_last_line_stops_the_app(site: Site, tmp_path: Path) -> None:
    """It is an error with its address, never a ticket that nobody counts."""
    perform(site, tmp_path, GRANT)
    site.person("PATCH", "issues/1", {"body": "done it"})
    with pytest.raises(ProviderError, match=r"issues/1: the ticket lost its last line") as caught:
        tickets(site, tmp_path)
    assert "access: badges" in caught.value.hint


def test_copies_and_other_issues_count_for_nothing(site: Site, tmp_path: Path) -> None:
    """A copy of a ticket that somebody closes does not close the ticket; an issue without the label is no ticket."""
    perform(site, tmp_path, GRANT)
    (issue,) = site.issues()
    site.person("POST", "issues", {"title": "copy", "body": issue["body"], "labels": ["access: badges"]})
    site.person("POST", "issues", {"title": "printer", "body": "is broken"})
    site.close(2)
    assert [ticket.status for ticket in tickets(site, tmp_path)] == [TicketStatus.OPEN]


def test_more_issues_than_a_page_are_all_read(site: Site, tmp_path: Path) -> None:
    """A hundred and some more."""
    perform(site, tmp_path, GRANT)
    (issue,) = site.issues()
    for _ in range(104):
        site.person("POST", "issues", {"title": "copy", "body": issue["body"], "labels": ["access: badges"]})
    last = make(Operation.GRANT, "lee", "door:lab")
    perform(site, tmp_path, last)
    assert len(tickets(site, tmp_path)) == 2


def test_planning_writes_nothing(site: Site, tmp_path: Path) -> None:
    """Not even the label."""
    with pytest.raises(ReadOnlyError):
        ask(site, tmp_path, lambda provider: provider.perform(GRANT), plan=True)
    assert tickets(site, tmp_path) == []
    assert {request.method for request in site.requests} == {"GET"}


def test_names_are_text_in_the_issue(site: Site, tmp_path: Path) -> None:
    """Nobody is mentioned, no comment ends early, and the record is found all the same."""
    nasty = make(Operation.GRANT, "ana", "door:--> @lee #1 <b> {x} reconciler-ticket: {}")
    perform(site, tmp_path, nasty)
    (ticket,) = tickets(site, tmp_path)
    assert ticket.change_id == nasty.id
    (issue,) = site.issues()
    assert "@lee" not in issue["body"].rpartition("<!--")[0]


def test_each_note_is_one_comment(site: Site, tmp_path: Path) -> None:
    """Its mark is not to be seen on the page, and it mentions nobody."""
    perform(site, tmp_path, GRANT)
    (issue,) = site.issues()
    site.person("POST", f"issues/{issue['number']}/comments", {"body": "on it"})
    assert tell_twice(lambda talk: ask(site, tmp_path, talk)) == ONCE
    bodies = [one["body"] for one in site.person("GET", f"issues/{issue['number']}/comments")]
    assert len(bodies) == 3
    assert bodies[1].startswith(HALF.text.replace("*", "\\*"))
    assert bodies[1].rstrip().endswith("/half-time -->")
