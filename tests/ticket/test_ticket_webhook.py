"""Tickets as files and signed messages, to a receiver that checks them with the scheme's own library."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from support.http_server import Reply, Request, http_server
from ticket.ticket_apps import NOW, PEOPLE, close, list_tickets, make
from ticket.ticket_notes import HALF, ONCE, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="our own fake", of="a receiver of webhooks")

GRANT = make(Operation.GRANT, "ana", "door:server-room")
KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Receiver:
    """Whoever gets the messages, and the repository.

    Attributes:
        messages: id → what came under it first.
        arrived: the ids, each time that one came.
        faults: what becomes of an answer on its way.
    """

    root: Path
    messages: dict[str, Any] = field(default_factory=dict)
    arrived: list[str] = field(default_factory=list)
    faults: Callable[[Reply], Reply] = lambda reply: reply

    def __call__(self, request: Request) -> Reply:
        """Take a message whose signature is right."""
        assert (request.method, request.path, dict(request.query)) == ("POST", "/hooks/it", {"team": ["it"]})
        message = Webhook(KEY).verify(request.body, dict(request.headers))
        assert request.headers["idempotency-key"] == request.headers["webhook-id"]
        self.arrived.append(request.headers["webhook-id"])
        self.messages.setdefault(request.headers["webhook-id"], message)
        return self.faults(Reply(204))

    def ask(self, talk: Any, *, plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        surroundings = Surroundings(app="badges", root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with http_server(self) as server:
                config = {"via": "webhook", "url": f"{server.url}/hooks/it?team=it", "secret": {"env": "HOOK_KEY"}}
                async with TicketProvider.open(TicketConfig.model_validate(config), surroundings) as provider:
                    return await talk(provider)

        return asyncio.run(converse())

    def perform(self, change: Change = GRANT) -> Receipt:
        """Perform one change in a run of its own."""
        receipt: Receipt = self.ask(lambda provider: provider.perform(change))
        return receipt

    def files(self) -> list[Path]:
        """Return the tickets' files."""
        return sorted(self.root.glob("tickets/*.md"))


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """A receiver that takes everything."""
    monkeypatch.setenv("HOOK_KEY", KEY)
    return Receiver(tmp_path)


def test_a_ticket_is_a_file_and_one_signed_message(receiver: Receiver) -> None:
    """With everything that a receiver needs to make a ticket of its own."""
    assert receiver.perform().outcome is Outcome.TICKET
    assert receiver.perform().outcome is Outcome.TICKET
    (file,) = receiver.files()
    ((name, message),) = receiver.messages.items()
    assert (len(receiver.arrived), message["type"]) == (1, "ticket.opened")
    data = message["data"]
    assert data["ticket"]["key"] == name
    assert data["address"] == f"tickets/{file.name}"
    assert data["owner"] == {"id": "lee", "name": "Lee Wong", "email": "lee@acme.example"}
    assert data["ticket"]["entitlement"] == "door:server-room"
    assert "3. Give it the door **server-room**" in data["body"]


def test_cancelling_is_a_message_of_its_own(receiver: Receiver) -> None:
    """With the key of what it cancels."""
    receiver.perform()
    (ticket,) = list_tickets(receiver.root)
    receiver.ask(lambda provider: provider.cancel(ticket, "sam left"))
    opened, closed = receiver.messages.values()
    assert (closed["type"], closed["data"]["reason"]) == ("ticket.closed", "sam left")
    assert closed["data"]["ticket"]["key"] == opened["data"]["ticket"]["key"]
    assert [one.status for one in list_tickets(receiver.root)] == [TicketStatus.SUPERSEDED]


def test_a_file_that_is_closed_attests_it(receiver: Receiver) -> None:
    """As without messages."""
    receiver.perform()
    close(receiver.files()[0])
    assert [ticket.status for ticket in list_tickets(receiver.root)] == [TicketStatus.CLAIMED]


@pytest.mark.parametrize(("status", "outcome"), [(403, Outcome.FAILED), (302, Outcome.UNKNOWN)])
def test_what_is_not_taken_is_no_ticket(receiver: Receiver, status: int, outcome: Outcome) -> None:
    """There is no file that nobody was told of; what a page to sign in at has done is not known."""
    receiver.faults = lambda _: Reply(status, {"message": "not today"}, {"Location": "https://sso.example/"})
    receipt = receiver.perform()
    assert receipt.outcome is outcome
    assert "badges (tickets to 127.0.0.1)" in receipt.detail or "to 127.0.0.1: POST" in receipt.detail
    assert receiver.files() == []
    receiver.faults = lambda reply: reply
    assert receiver.perform().outcome is Outcome.TICKET


def test_an_answer_that_is_lost_is_one_message(receiver: Receiver) -> None:
    """It is sent again with the same id, and a signature of that moment."""

    def lose(reply: Reply) -> Reply:
        return Reply(reset=True) if len(receiver.arrived) == 1 else reply

    receiver.faults = lose
    assert receiver.perform().outcome is Outcome.TICKET
    assert (len(receiver.arrived), len(receiver.messages), len(receiver.files())) == (2, 1, 1)


@pytest.mark.parametrize("key", ["whsec_not base64!", base64.b64encode(b"short").decode()])
def test_a_weak_secret_is_refused(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Nothing is sent, and the message does not hold it."""
    monkeypatch.setenv("HOOK_KEY", key)
    receipt = receiver.perform()
    assert receipt.outcome is Outcome.FAILED
    assert "HOOK_KEY" in receipt.detail
    assert key not in receipt.detail
    assert receiver.arrived == []


def test_planning_sends_nothing(receiver: Receiver) -> None:
    """And reads the files."""
    receiver.perform()
    with pytest.raises(ReadOnlyError):
        receiver.ask(lambda provider: provider.perform(GRANT), plan=True)
    assert len(receiver.ask(lambda provider: provider.tickets(), plan=True)) == 1
    assert len(receiver.arrived) == 1


def test_a_url_in_the_clear_is_refused(tmp_path: Path) -> None:
    """Except to this machine."""
    config = TicketConfig.model_validate({"via": "webhook", "url": "http://acme.example/x", "secret": {"env": "K"}})
    surroundings = Surroundings(app="badges", root=tmp_path, read_only=False, now=NOW)
    with pytest.raises(ProviderError, match="https"):
        TicketProvider.open(config, surroundings)


def test_each_note_is_one_signed_message(receiver: Receiver) -> None:
    """With whom it waits for, and an id of its own."""
    receiver.perform()
    assert tell_twice(receiver.ask) == ONCE
    _, half, moved = receiver.messages.values()
    assert (half["type"], half["data"]["text"], half["data"]["owner"]["id"]) == ("ticket.noted", HALF.text, "lee")
    assert moved["data"]["owner"] == {"id": "ana", "name": "Ana Ruiz", "email": "ana@acme.example"}
    assert len(set(receiver.arrived)) == 3
