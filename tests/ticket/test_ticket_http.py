"""Tickets in a tracker of which only the YAML knows how it speaks."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.http_server import Reply, Request, http_server
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import ONCE, tell_twice
from ticket.unknown_tracker import CONFIG, TOKEN, UnknownTracker

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, Ticket, TicketStatus

GRANT = make(Operation.GRANT, "ana", "door:server-room")


@dataclass
class Office:
    """The tracker, and the tool's conversations with it."""

    root: Path
    tracker: UnknownTracker = field(default_factory=UnknownTracker)
    config: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(CONFIG))

    def ask(self, talk: Callable[[TicketProvider], Awaitable[Any]], *, app: str = "badges", plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        surroundings = Surroundings(app=app, root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with http_server(self.tracker) as server:
                config = TicketConfig.model_validate({**self.config, "url": f"{server.url}/tracker"})
                async with TicketProvider.open(config, surroundings) as provider:
                    return await talk(provider)

        return asyncio.run(converse())

    def perform(self, change: Change = GRANT) -> Receipt:
        """Perform one change, in a run of its own."""
        receipt: Receipt = self.ask(lambda provider: provider.perform(change), app=change.app)
        return receipt

    def tickets(self, app: str = "badges") -> list[Ticket]:
        """List tickets, as planning does."""
        return list(self.ask(lambda provider: provider.tickets(), app=app, plan=True))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A tracker without issues."""
    monkeypatch.setenv("TICKET_TOKEN", TOKEN)
    return Office(tmp_path)


def test_an_issue_is_opened_once_as_the_yaml_says_and_found_again_among_pages(office: Office) -> None:
    """Numbers stay numbers; the text is plain, with its last line; other apps' tickets are not seen."""
    first = office.perform()
    assert (first.outcome, first.detail) == (Outcome.TICKET, "https://it.acme.example/issues/1")
    for number in range(4):
        office.perform(make(Operation.GRANT, "ana", f"door:{number}"))
    office.perform(make(Operation.GRANT, "ana", "door:a", app="parking"))
    assert office.perform().detail == first.detail
    assert [len(office.tickets()), len(office.tickets("parking"))] == [5, 1]
    issue = office.tracker.issues[0]
    title = "badges: give door:server-room to Ana Ruiz (ana, ana@acme.example)"
    assert (issue["project_id"], issue["subject"]) == (3, title)
    assert (issue["due_date"], issue["custom"]) == ("2026-03-04", {5: "access-badges", 6: "lee@acme.example"})
    assert "3. Give it the door server-room, and nothing else.\n" in issue["description"]


def test_who_closes_an_issue_attests_it_at_that_moment(office: Office) -> None:
    """The moment came as seconds since 1970; a status that means something else is told from it, in any case."""
    office.perform()
    office.perform(make(Operation.GRANT, "ana", "door:lab"))
    office.tracker.move(1, 2, "Lee Wong")
    office.tracker.move(2, 3, "Sam Old")
    done, refused = sorted(office.tickets(), key=lambda ticket: ticket.address)
    assert (done.status, done.closed_by) == (TicketStatus.CLAIMED, "Lee Wong")
    assert done.closed is not None
    assert done.closed.isoformat() == "2026-03-01T21:20:01+00:00"
    assert (refused.status, refused.closed_by) == (TicketStatus.REJECTED, "Sam Old")
    snapshot = office.ask(lambda provider: provider.read(), plan=True)
    assert list(snapshot.grants()) == [("ana", "door:server-room", None)]


def test_what_is_not_wanted_any_more_is_withdrawn_with_a_comment(office: Office) -> None:
    """And opened anew, as the next generation, when it is wanted again."""
    office.perform()
    (ticket,) = office.tickets()
    office.ask(lambda provider: provider.cancel(ticket, "sam left"))
    assert "sam left" in office.tracker.issues[0]["journals"][0]["notes"]
    assert [one.status for one in office.tickets()] == [TicketStatus.SUPERSEDED]
    assert office.perform().detail == "https://it.acme.example/issues/2"


def test_each_note_is_one_comment(office: Office) -> None:
    """Found again by another run."""
    office.perform()
    assert tell_twice(office.ask) == ONCE
    assert len(office.tracker.issues[0]["journals"]) == 2


def test_an_answer_that_was_lost_makes_no_second_ticket(office: Office) -> None:
    """It is looked up."""

    def lose(request: Request, reply: Reply) -> Reply:
        return Reply(500, {}) if request.method == "POST" else reply

    office.tracker.faults = lose
    assert office.perform().detail == "https://it.acme.example/issues/1"
    assert len(office.tracker.issues) == 1


def test_a_list_that_is_shorter_than_announced_is_no_answer(office: Office) -> None:
    """One issue is hidden from the token."""
    office.perform()
    office.tracker.faults = lambda _, __: Reply(200, {"issues": [], "total_count": 1})
    with pytest.raises(ProviderError, match="1 were announced, 0 were listed"):
        office.tickets()


def test_a_path_that_leads_nowhere_says_what_there_is(office: Office) -> None:
    """So that the YAML can be corrected."""
    office.perform()
    office.config["list"]["items"] = "data.issues"
    with pytest.raises(ProviderError, match=r"the answer has no 'data.issues'") as caught:
        office.tickets()
    assert caught.value.hint == "at 'data' there is: issues, offset, total_count"
    office.config["list"]["items"] = "total_count"
    with pytest.raises(ProviderError, match="is no list of objects at 'total_count'"):
        office.tickets()


def test_an_issue_that_lost_its_last_line_stops_its_app(office: Office) -> None:
    """A ticket is never skipped."""
    office.perform()
    office.tracker.issues[0]["description"] = "please!"
    with pytest.raises(ProviderError, match="issues/1: the ticket lost its last line"):
        office.tickets()


def test_a_plan_writes_nothing(office: Office) -> None:
    """Not even where a change is performed by mistake."""
    with pytest.raises(ReadOnlyError):
        office.ask(lambda provider: provider.perform(GRANT), plan=True)
    assert office.tracker.issues == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("list", "query"), {"limit": "100"}, "`list` does not say where {{ label }} goes"),
        (("list", "total"), "", ""),
        (("create", "body"), {"text": "{{ text }}"}, "`create` does not say where {{ label }} goes"),
        (
            ("create", "body"),
            "{{ text }} {{ lable }}",
            "`create`: there is no {{ lable }}; there is app, due, key, label",
        ),
        (("close", "path"), "issues.json", "`close` does not say where {{ id }} goes"),
        (("superseded",), ["closed"], "a status is one of `open`, `done`, `rejected` and `superseded`, not of two"),
        (("username",), "bot", "either `token`, or `username` and `password`"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    office: Office, path: tuple[str, ...], value: object, said: str
) -> None:
    """With what is missing; pages alone are enough for a list."""
    *outer, last = path
    inner = office.config
    for step in outer:
        inner = inner[step]
    inner[last] = value
    if not said:
        assert TicketConfig.model_validate({**office.config, "url": "https://it.acme.example"})
        return
    with pytest.raises(ValidationError) as caught:
        TicketConfig.model_validate({**office.config, "url": "https://it.acme.example"})
    assert said in str(caught.value)
