"""Tickets as records of a ServiceNow instance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.http_server import Reply, Request, http_server
from ticket.servicenow_instance import Instance
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import HALF, ONCE, tell, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Note, Surroundings, Ticket, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="our own fake", of="a ServiceNow instance")

GRANT = make(Operation.GRANT, "ana", "door:server-room")


@dataclass
class Desk:
    """The instance, and the tool's conversations with it."""

    root: Path
    instance: Instance = field(default_factory=Instance)
    more: dict[str, Any] = field(default_factory=dict)

    def ask(self, talk: Callable[[TicketProvider], Awaitable[Any]], *, app: str = "badges", plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        surroundings = Surroundings(app=app, root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with http_server(self.instance) as server:
                config = {"via": "servicenow", "url": server.url, "username": self.instance.username, **self.more}
                config |= {"password": {"env": "TICKET_PASSWORD"}}
                async with TicketProvider.open(TicketConfig.model_validate(config), surroundings) as provider:
                    return await talk(provider)

        return asyncio.run(converse())

    def perform(self, change: Change = GRANT) -> Receipt:
        """Perform one change, in a run of its own."""
        receipt: Receipt = self.ask(lambda provider: provider.perform(change), app=change.app)
        return receipt

    def tickets(self, app: str = "badges") -> list[Ticket]:
        """List tickets, as planning does."""
        return list(self.ask(lambda provider: provider.tickets(), app=app, plan=True))

    def cancel(self) -> None:
        """Cancel the one ticket."""
        (ticket,) = self.tickets()
        self.ask(lambda provider: provider.cancel(ticket, "sam left"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An instance without records."""
    found = Desk(tmp_path)
    found.instance.password = "a-password-of-a-test"
    monkeypatch.setenv("TICKET_PASSWORD", found.instance.password)
    return found


def test_a_record_is_opened_once_and_found_again(desk: Desk) -> None:
    """By its correlation, whatever it is called by then."""
    first = desk.perform()
    assert first.outcome is Outcome.TICKET
    (row,) = desk.instance.rows
    row["short_description"] = "please!"
    assert desk.perform().detail.partition("=")[2] == first.detail.partition("=")[2] == row["sys_id"]
    assert row["correlation_display"] == "access-badges"
    (ticket,) = desk.tickets()
    assert (ticket.status, ticket.key) == (TicketStatus.OPEN, row["correlation_id"])


def test_the_description_is_plain_text(desk: Desk) -> None:
    """No backslash and no asterisk of the Markdown is left."""
    desk.perform(make(Operation.GRANT, "ana", "door:server_room*"))
    text = desk.instance.rows[0]["description"]
    assert "3. Give it the door server_room*, and nothing else.\n" in text
    assert "\\" not in text.partition("reconciler-ticket")[0]
    assert "**" not in text


def test_who_resolves_a_record_attests_it(desk: Desk) -> None:
    """Also after the instance itself has closed it."""
    desk.perform()
    desk.instance.resolve(desk.instance.rows[0])
    desk.instance.rows[0] |= {"state": "7", "closed_at": "2026-03-09 00:00:00", "closed_by.name": "System"}
    (record,) = desk.ask(lambda provider: provider._tracker.records(), plan=True)
    assert (record.attested_by, record.closed.date().isoformat()) == ("Lee Wong", "2026-03-02")
    assert [ticket.status for ticket in desk.tickets()] == [TicketStatus.CLAIMED]
    snapshot = desk.ask(lambda provider: provider.read(), plan=True)
    assert list(snapshot.grants()) == [("ana", "door:server-room", None)]


@pytest.mark.parametrize("code", ["Duplicate", "No resolution provided"])
def test_a_record_that_was_not_done_is_rejected(desk: Desk, code: str) -> None:
    """The close code says so, though the state is that of a resolved one; cancelled ones are rejected too."""
    desk.perform()
    desk.instance.resolve(desk.instance.rows[0], code)
    assert [ticket.status for ticket in desk.tickets()] == [TicketStatus.REJECTED]
    desk.instance.rows[0] |= {"state": "8", "close_code": "", "closed_at": "2026-03-03 00:00:00"}
    assert [ticket.status for ticket in desk.tickets()] == [TicketStatus.REJECTED]


def test_what_is_no_longer_wanted_is_cancelled_with_notes(desk: Desk) -> None:
    """People read why."""
    desk.perform()
    desk.cancel()
    assert [one.status for one in desk.tickets()] == [TicketStatus.SUPERSEDED]
    assert desk.instance.rows[0]["state"] == "8"
    assert "sam left" in desk.instance.rows[0]["close_notes"]


def test_a_close_code_that_is_demanded_can_be_named(desk: Desk) -> None:
    """Without it the instance's own words say what is missing."""
    desk.perform()
    desk.instance.closing = "close_code"
    with pytest.raises(ProviderError, match="close_code is mandatory"):
        desk.cancel()
    desk.more["close_code"] = "Duplicate"
    desk.cancel()
    assert [one.status for one in desk.tickets()] == [TicketStatus.SUPERSEDED]


def test_a_state_that_does_not_change_is_told(desk: Desk) -> None:
    """The instance leaves out what the user may not write, and answers 200."""
    desk.perform()
    desk.instance.writable.remove("state")
    with pytest.raises(ProviderError, match="the state is still '1'"):
        desk.cancel()


@pytest.mark.parametrize("lost", ["correlation_display", "description"])
def test_a_record_without_what_it_is_found_by_is_cancelled(desk: Desk, lost: str) -> None:
    """It would never be found again, and opened anew with each run."""
    desk.instance.writable.remove(lost)
    receipt = desk.perform()
    assert receipt.outcome is Outcome.FAILED
    assert "without what it is found by" in receipt.detail
    assert desk.instance.rows[0]["state"] == "8"
    assert desk.tickets() == []


def test_a_long_text_is_cut_and_its_last_line_is_not(desk: Desk) -> None:
    """The field holds 4000 characters."""
    long = replace(make(Operation.CREATE_ACCOUNT, "ana"), why=GRANT.why * 200)
    assert desk.perform(long).outcome is Outcome.TICKET
    (row,) = desk.instance.rows
    assert len(row["description"]) == 4000
    assert "[…]" in row["description"]
    assert len(desk.tickets()) == 1


def test_an_answer_that_is_lost_opens_no_second_record(desk: Desk) -> None:
    """What may have landed is looked up."""

    def lose(request: Request, reply: Reply) -> Reply:
        return Reply(reset=True) if request.method == "POST" else reply

    desk.instance.faults = lose
    assert desk.perform().outcome is Outcome.TICKET
    assert len(desk.instance.rows) == 1


def test_more_records_than_a_page_are_all_read(desk: Desk) -> None:
    """A copy that somebody made counts for nothing."""
    desk.perform()
    first = desk.instance.rows[0]
    for _ in range(450):
        desk.instance.add(correlation_display=first["correlation_display"], description=first["description"])
    desk.instance.resolve(desk.instance.rows[7])
    desk.perform(make(Operation.GRANT, "lee", "door:lab"))
    assert [ticket.status for ticket in desk.tickets()] == [TicketStatus.OPEN] * 2
    assert [one.query["sysparm_offset"] for one in desk.instance.requests[-3:]] == [["0"], ["200"], ["400"]]


def test_records_that_the_user_may_not_read_stop_the_app(desk: Desk) -> None:
    """Otherwise each of them would be opened again."""
    desk.perform()
    desk.instance.hidden.add(desk.instance.rows[0]["sys_id"])
    with pytest.raises(ProviderError, match="1 were announced, 0 were listed"):
        desk.tickets()


def test_other_records_count_for_nothing(desk: Desk) -> None:
    """Those of other apps, and those of people."""
    desk.perform(make(Operation.GRANT, "ana", "door:lab", app="other"))
    desk.instance.add(description="the printer is broken")
    assert desk.tickets() == []
    assert len(desk.tickets("other")) == 1


def test_a_record_that_lost_its_last_line_stops_the_app(desk: Desk) -> None:
    """It is an error with its address."""
    desk.perform()
    desk.instance.rows[0]["description"] = "done it"
    with pytest.raises(ProviderError, match=r"incident\.do\?sys_id=\w+: the ticket lost its last line") as caught:
        desk.tickets()
    assert "access-badges" in caught.value.hint


def test_a_refusal_is_told_in_the_instances_own_words(desk: Desk) -> None:
    """A table that is not there; a password that is wrong."""
    desk.more["table"] = "u_access"
    assert "Invalid table u_access" in desk.perform().detail
    desk.instance.password = "another"
    assert "Required to provide Auth information" in desk.perform().detail


def test_planning_writes_nothing(desk: Desk) -> None:
    """It lists, and that is all."""
    with pytest.raises(ReadOnlyError):
        desk.ask(lambda provider: provider.perform(GRANT), plan=True)
    assert desk.tickets() == []
    assert {request.method for request in desk.instance.requests} == {"GET"}


def test_each_note_is_one_additional_comment(desk: Desk) -> None:
    """Plain text, with its mark; where the instance leaves comments out without a word, that is an error."""
    desk.perform()
    assert tell_twice(desk.ask) == ONCE
    journal = desk.instance.rows[0]["_journal"]
    assert (journal.count(HALF.text), journal.count("reconciler-note: ")) == (1, 2)
    desk.instance.writable.discard("comments")
    with pytest.raises(ProviderError, match="the comment was left out"):
        tell(desk.ask, Note("due", "It was due."))
