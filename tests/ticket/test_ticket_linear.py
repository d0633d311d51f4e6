"""Tickets as issues of a Linear workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.http_server import Reply, Request, http_server
from ticket.linear_workspace import Workspace
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import HALF, ONCE, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, Ticket, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="our own fake", of="a Linear workspace")

GRANT = make(Operation.GRANT, "ana", "door:server-room")


@dataclass
class Board:
    """The workspace, and the tool's conversations with it."""

    root: Path
    workspace: Workspace = field(default_factory=Workspace)

    def ask(self, talk: Callable[[TicketProvider], Awaitable[Any]], *, app: str = "badges", plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        surroundings = Surroundings(app=app, root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with http_server(self.workspace) as server:
                config = {"via": "linear", "url": server.url, "team": "IT", "token": {"env": "TICKET_TOKEN"}}
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

    def statuses(self) -> list[TicketStatus]:
        """Return how the tickets stand."""
        return [ticket.status for ticket in self.tickets()]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """A team without issues."""
    found = Board(tmp_path)
    found.workspace.token = "lin_api_of_a_test"
    monkeypatch.setenv("TICKET_TOKEN", found.workspace.token)
    return found


def test_an_issue_is_opened_once_and_found_again(board: Board) -> None:
    """By another run, and whatever it is called by then."""
    first = board.perform()
    assert (first.outcome, first.detail) == (Outcome.TICKET, "https://linear.app/acme/issue/IT-1")
    board.workspace.issues[0]["title"] = "please!"
    assert board.perform().detail == first.detail
    assert [label["name"] for label in board.workspace.labels] == ["access-badges"]
    assert board.statuses() == [TicketStatus.OPEN]


def test_who_completes_an_issue_attests_it(board: Board) -> None:
    """Not who touched it afterwards, nor who started it."""
    board.perform()
    (issue,) = board.workspace.issues
    board.workspace.move(issue, "started", by="Sam")
    board.workspace.move(issue, "completed")
    board.workspace.edit(issue)
    (record,) = board.ask(lambda provider: provider._tracker.records(), plan=True)
    assert record.attested_by == "Lee Wong"
    assert record.closed.isoformat() == issue["completedAt"].replace(".000Z", "+00:00")
    snapshot = board.ask(lambda provider: provider.read(), plan=True)
    assert list(snapshot.grants()) == [("ana", "door:server-room", None)]


@pytest.mark.parametrize("kind", ["canceled", "duplicate"])
def test_what_is_cancelled_is_rejected(board: Board, kind: str) -> None:
    """Reopened it is open again."""
    board.perform()
    board.workspace.move(board.workspace.issues[0], kind)
    assert board.statuses() == [TicketStatus.REJECTED]
    board.workspace.move(board.workspace.issues[0], "started")
    assert board.statuses() == [TicketStatus.OPEN]


def test_an_issue_that_is_archived_still_counts_and_a_deleted_one_is_rejected(board: Board) -> None:
    """Linear archives what was closed long ago by itself."""
    board.perform()
    (issue,) = board.workspace.issues
    board.workspace.move(issue, "completed")
    issue["archivedAt"] = "2026-09-01T00:00:00.000Z"
    assert board.statuses() == [TicketStatus.CLAIMED]
    issue["trashed"] = True
    assert board.statuses() == [TicketStatus.REJECTED]


def test_what_is_no_longer_wanted_is_cancelled_with_a_comment(board: Board) -> None:
    """The next one is another issue, with another id."""
    board.perform()
    (ticket,) = board.tickets()
    board.ask(lambda provider: provider.cancel(ticket, "sam left @lee"))
    assert board.statuses() == [TicketStatus.SUPERSEDED]
    assert "sam left @<!-- -->lee" in board.workspace.comments[0]["body"]
    board.perform()
    assert len({issue["id"] for issue in board.workspace.issues}) == 2


def test_a_team_that_cannot_cancel_is_told(board: Board) -> None:
    """And nothing is half closed."""
    board.perform()
    board.workspace.types = ("unstarted", "completed")
    (ticket,) = board.tickets()
    with pytest.raises(ProviderError, match="no state of the type canceled"):
        board.ask(lambda provider: provider.cancel(ticket, "sam left"))
    assert board.workspace.comments == []


def test_an_answer_that_is_lost_opens_no_second_issue(board: Board) -> None:
    """What may have landed is looked up, and an id is taken once."""

    def lose(request: Request, reply: Reply) -> Reply:
        return Reply(reset=True) if b"issueCreate" in request.body else reply

    board.workspace.faults = lose
    assert board.perform().outcome is Outcome.TICKET
    assert len(board.workspace.issues) == 1


def test_an_issue_that_lost_its_label_is_not_opened_again(board: Board) -> None:
    """Its id is taken: the refusal says so."""
    board.perform()
    board.workspace.issues[0]["_labels"] = []
    receipt = board.perform()
    assert receipt.outcome is Outcome.FAILED
    assert "already exists" in receipt.detail


def test_more_issues_than_a_page_are_all_read(board: Board) -> None:
    """With who closed each of them; of copies the oldest counts."""
    board.perform()
    (issue,) = board.workspace.issues
    for _ in range(120):
        label = issue["_labels"][0]["id"]
        copy = board.workspace.add(title="copy", description=issue["description"], labelIds=[label])
        board.workspace.move(copy, "completed")
    board.perform(make(Operation.GRANT, "lee", "door:lab"))
    assert board.statuses() == [TicketStatus.OPEN] * 2


def test_an_issue_that_lost_its_last_line_stops_the_app(board: Board) -> None:
    """It is an error with its address."""
    board.perform()
    board.workspace.issues[0]["description"] = "done it"
    with pytest.raises(ProviderError, match=r"issue/IT-1: the ticket lost its last line"):
        board.tickets()


def test_a_refusal_is_told_in_linears_own_words(board: Board) -> None:
    """A team that is not there; a token that is wrong."""
    board.workspace.team = "OPS"
    assert "Linear has no team IT" in board.perform().detail
    board.workspace.token = "another"
    assert "not authenticated" in board.perform().detail


def test_planning_writes_nothing(board: Board) -> None:
    """Its questions are posted, and none of them is a mutation."""
    with pytest.raises(ReadOnlyError):
        board.ask(lambda provider: provider.perform(GRANT), plan=True)
    assert board.tickets() == []
    assert all(b"mutation" not in request.body for request in board.workspace.requests)


def test_each_note_is_one_comment(board: Board) -> None:
    """Found again among pages of others."""
    board.perform()
    (issue,) = board.workspace.issues
    board.workspace.page = 2
    board.workspace.comments += [{"issueId": issue["id"], "body": "hm"}] * 5
    assert tell_twice(board.ask) == ONCE
    bodies = [one["body"] for one in board.workspace.comments[5:]]
    assert (len(bodies), HALF.text.replace("*", "\\*") in bodies[0]) == (2, True)
