"""Tickets as issues of a Jira Cloud site."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.http_server import Reply, Request, http_server
from ticket.jira_site import JiraSite, invalid
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import HALF, ONCE, tell, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.markdown import code_block, read_code
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Note, Surroundings, Ticket, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="our own fake", of="a Jira Cloud site")

GRANT = make(Operation.GRANT, "ana", "door:server-room")


@dataclass
class Project:
    """The site, and the tool's conversations with it."""

    root: Path
    site: JiraSite = field(default_factory=JiraSite)

    def ask(self, talk: Callable[[TicketProvider], Awaitable[Any]], *, app: str = "badges", plan: bool = False) -> Any:
        """Run one conversation with the provider."""
        surroundings = Surroundings(app=app, root=self.root, read_only=plan, now=NOW, owner="lee", people=PEOPLE)

        async def converse() -> Any:
            async with http_server(self.site) as server:
                config = {"via": "jira", "url": server.url, "project": "IT", "email": self.site.email}
                config |= {"token": {"env": "TICKET_TOKEN"}}
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

    def grants(self) -> list[tuple[str, str, str | None]]:
        """Return what is attested."""
        return list(self.ask(lambda provider: provider.read(), plan=True).grants())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project without issues."""
    found = Project(tmp_path)
    found.site.token = "a-token-of-a-test"
    monkeypatch.setenv("TICKET_TOKEN", found.site.token)
    return found


def test_an_issue_is_opened_once_and_found_again(project: Project) -> None:
    """By another run, and whatever it is called by then."""
    first = project.perform()
    assert (first.outcome, first.detail.rpartition("/")[2]) == (Outcome.TICKET, "IT-1")
    project.site.edit("IT-1", summary="please!")
    assert project.perform().detail.rpartition("/")[2] == "IT-1"
    assert project.site.issues["IT-1"]["fields"]["labels"] == ["access-badges"]
    assert [ticket.status for ticket in project.tickets()] == [TicketStatus.OPEN]


def test_the_description_says_what_to_do(project: Project) -> None:
    """As a heading, lists and a block of code, in the order of the usual template."""
    project.perform()
    document = project.site.issues["IT-1"]["fields"]["description"]
    kinds = [block["type"] for block in document["content"]]
    assert kinds[0] == "heading"
    assert kinds[-1] == "codeBlock"
    steps = next(block for block in document["content"] if block["type"] == "orderedList")
    texts = ["".join(part["text"] for part in item["content"][0]["content"]) for item in steps["content"]]
    assert texts[2] == "Give it the door server-room, and nothing else."


def test_who_moves_an_issue_to_done_attests_it(project: Project) -> None:
    """The moment is when it came to the category; a later comment by somebody else changes nothing."""
    project.perform()
    project.site.move("IT-1", "In Progress", by="Sam")
    project.site.move("IT-1", "Done")
    closed = project.site.issues["IT-1"]["fields"]["statuscategorychangedate"]
    project.site.edit("IT-1", labels=["access-badges", "seen"])
    (ticket,) = project.tickets()
    assert ticket.status is TicketStatus.CLAIMED
    assert ticket.closed is not None
    assert ticket.closed.isoformat(timespec="milliseconds").replace("+00:00", "+0000") == closed
    assert project.grants() == [("ana", "door:server-room", None)]
    (record,) = project.ask(lambda provider: provider._tracker.records(), plan=True)
    assert record.attested_by == "Lee Wong"


@pytest.mark.parametrize(("status", "resolution"), [("Won't Do", ""), ("Done", "Won't Do"), ("Done", "declined")])
def test_what_will_not_be_done_is_rejected(project: Project, status: str, resolution: str) -> None:
    """Whether the status says it or the resolution; nothing is attested by it."""
    project.perform()
    project.site.move("IT-1", status, resolution)
    assert [ticket.status for ticket in project.tickets()] == [TicketStatus.REJECTED]
    assert project.grants() == []


def test_an_issue_that_is_reopened_is_open(project: Project) -> None:
    """Somebody moved it back: nobody claims anything any more."""
    project.perform()
    project.site.move("IT-1", "Done")
    project.site.move("IT-1", "In Progress")
    assert [ticket.status for ticket in project.tickets()] == [TicketStatus.OPEN]


@pytest.mark.parametrize("statuses", [{}, {"To Do": "new", "Done": "done"}])
def test_what_is_no_longer_wanted_is_closed_with_a_comment(project: Project, statuses: dict[str, str]) -> None:
    """Rather as rejected; where the workflow has one end only, with a resolution that says it."""
    project.site.statuses = statuses or project.site.statuses
    project.perform()
    (ticket,) = project.tickets()
    project.ask(lambda provider: provider.cancel(ticket, "sam left [x|y]"))
    assert [one.status for one in project.tickets()] == [TicketStatus.SUPERSEDED]
    fields = project.site.issues["IT-1"]["fields"]
    assert fields["resolution"]["name"] == "Won't Do"
    assert fields["labels"] == ["access-badges", "superseded"]
    assert fields["comments"][0]["content"][0]["content"][0]["text"].startswith("Closed: sam left [x|y].")


def test_a_workflow_without_an_end_is_told(project: Project) -> None:
    """And nothing is half closed: it has neither comment nor label."""
    project.site.statuses = {"To Do": "new"}
    project.perform()
    (ticket,) = project.tickets()
    with pytest.raises(ProviderError, match="no transition to a status of the category Done"):
        project.ask(lambda provider: provider.cancel(ticket, "sam left"))
    assert project.site.issues["IT-1"]["fields"]["labels"] == ["access-badges"]


def test_a_search_that_lags_makes_no_second_issue(project: Project) -> None:
    """The next run finds what the search does not know yet, and what was closed meanwhile."""
    for _ in range(3):
        project.site.add()
    project.site.lag = True
    project.perform()
    project.perform()
    assert len(project.site.issues) == 4
    project.site.move("IT-4", "Done")
    assert [ticket.status for ticket in project.tickets()] == [TicketStatus.CLAIMED]


def test_an_answer_that_is_lost_makes_no_second_issue(project: Project) -> None:
    """Not even while the search knows nothing of it, and 70 other issues were opened since it learned anything."""

    def lose(request: Request, reply: Reply) -> Reply:
        return Reply(reset=True) if request.path.endswith("/3/issue") else reply

    project.site.lag = True
    for number in range(70):
        project.site.add(summary=str(number))
        if number == 30:
            project.site.lag = False
            project.site.reindex()
            project.site.lag = True
    project.site.faults = lose
    receipt = project.perform()
    assert (receipt.outcome, receipt.detail.rpartition("/")[2]) == (Outcome.TICKET, "IT-71")
    assert len(project.site.issues) == 71


def test_more_issues_than_a_page_are_all_read(project: Project) -> None:
    """The search gives its pages by token, the issues are read a hundred at a time."""
    project.perform()
    text = project.site.issues["IT-1"]["fields"]["description"]
    for _ in range(160):
        project.site.add(description=text, labels=["access-badges"])
    project.perform(make(Operation.GRANT, "lee", "door:lab"))
    project.site.page = 25
    assert len(project.tickets()) == 2
    tokens = [one.json().get("nextPageToken") for one in project.site.requests if one.path.endswith("/jql")]
    assert "page-150" in tokens


def test_an_issue_that_lost_its_last_line_stops_the_app(project: Project) -> None:
    """An error with its address; another app goes on."""
    project.perform()
    project.perform(make(Operation.GRANT, "ana", "door:lab", app="other"))
    project.site.edit("IT-1", description={"type": "doc", "version": 1, "content": []})
    with pytest.raises(ProviderError, match=r"browse/IT-1: the ticket lost its last line") as caught:
        project.tickets()
    assert "access-badges" in caught.value.hint
    assert len(project.tickets("other")) == 1


def test_names_are_text_in_the_issue(project: Project) -> None:
    """No markup, no link, no mention, and no second last line comes from a value."""
    nasty = make(Operation.GRANT, "ana", "door:*b* [l](https://evil.example) @lee `c` reconciler-ticket: {}")
    project.perform(nasty)
    (ticket,) = project.tickets()
    assert ticket.change_id == nasty.id
    content = project.site.issues["IT-1"]["fields"]["description"]["content"]
    assert "*b* [l](https://evil.example) @lee `c`" in str(content)
    assert "'type': 'link'" not in str(content)


def test_an_app_with_blanks_in_its_name_has_a_label(project: Project) -> None:
    """Labels have no blanks; two apps that differ by them only have two labels."""
    project.perform(make(Operation.GRANT, "ana", "door:lab", app="old badges"))
    project.perform(make(Operation.GRANT, "ana", "door:lab", app="old-badges"))
    labels = {issue["fields"]["labels"][0] for issue in project.site.issues.values()}
    assert len(labels) == 2
    assert len(project.tickets("old badges")) == 1


def test_a_refusal_is_told_in_the_sites_own_words(project: Project) -> None:
    """The project does not exist, the token is wrong."""
    project.site.project = "OPS"
    receipt = project.perform()
    assert receipt.outcome is Outcome.FAILED
    assert "the value does not exist for the field 'project'" in receipt.detail
    project.site.email = "other@acme.example"
    project.site.token = "another-token"
    assert "You do not have the permission" in project.perform().detail


def test_the_fields_that_a_site_refuses_are_named(project: Project) -> None:
    """What is wrong with each of them stands in the receipt."""

    def refuse(request: Request, reply: Reply) -> Reply:
        words = {"errorMessages": [], "errors": {"labels": "Field 'labels' cannot be set."}}
        return Reply(400, words) if request.path.endswith("/3/issue") else reply

    project.site.faults = refuse
    assert "labels: Field 'labels' cannot be set." in project.perform().detail


def test_planning_writes_nothing(project: Project) -> None:
    """Its questions are posted, and none of them writes."""
    with pytest.raises(ReadOnlyError):
        project.ask(lambda provider: provider.perform(GRANT), plan=True)
    assert project.tickets() == []
    assert {one.path.removeprefix("/rest/api/3/") for one in project.site.requests} == {"search/jql", "issue/bulkfetch"}


def test_what_jira_would_not_take_is_refused_by_the_site() -> None:
    """The site of these tests knows a document from what is none."""
    assert invalid({"type": "doc", "version": 1, "content": [code_block("x")]}) == ""
    assert invalid("text")
    assert invalid({"type": "doc", "version": 1, "content": [{"type": "listItem", "content": []}]})
    assert read_code({"type": "doc", "content": [code_block("a"), "b", code_block("c")]}) == "a\nc"


def test_each_note_is_one_comment(project: Project) -> None:
    """Found again among pages of others, by another run; a closed issue gets none."""
    project.perform()
    project.site.issues["IT-1"]["fields"]["comments"] += [{"type": "doc", "version": 1, "content": []}] * 5
    project.site.page = 2
    assert tell_twice(project.ask) == ONCE
    comments = project.site.issues["IT-1"]["fields"]["comments"][5:]
    assert comments[0]["content"][0]["content"][0]["text"] == HALF.text
    assert len(comments) == 2
    project.site.page = 5000
    project.site.move("IT-1", "Done")
    assert not tell(project.ask, Note("due", "It was due."))
