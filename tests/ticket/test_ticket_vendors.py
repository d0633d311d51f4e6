"""Tickets in vendors' trackers that only the YAML knows, through the real command, for their whole lives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.http_server import Reply, http_server
from support.real_command import run_command
from ticket.ticket_apps import NOW, PEOPLE, make
from ticket.ticket_notes import ONCE, tell_twice
from ticket.vendors_trackers import SECRET, AzureBoards, Tracker, Trello, Zendesk

from providers.ticket import lists
from providers.ticket.calls import Listing
from providers.ticket.config import TicketConfig
from providers.ticket.filling import pick
from providers.ticket.provider import TicketProvider
from providers.ticket.via import http
from reconciler.errors import ProviderError
from reconciler.provider.answer import Answer
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.contract import Surroundings, TicketStatus

ROOT = Path(__file__).resolve().parents[2]
GRANT = make(Operation.GRANT, "ana", "door:server-room")
VENDORS = [AzureBoards, Zendesk, Trello]
YAML = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example}
  omar: {name: Omar Haddad, email: omar@acme.example}
"""
GRANTED = "grants:\n  - {to: {people: [ana]}, grants: {badges: [door:lab]}, reason: works there}\n"


class Company:
    """A company with one app that only people change."""

    def __init__(self, folder: Path, config: dict[str, Any], url: str) -> None:
        self.folder = folder
        tickets = json.dumps({**config, "url": f"{url}/tracker"})
        self.write("reconciler.yaml", f"organization: Acme\ntimezone: UTC\ntickets: {tickets}\n")
        self.write("people.yaml", YAML)
        self.write("apps.yaml", "apps:\n  badges: {owner: omar}\n")
        self.write("grants.yaml", GRANTED)

    def write(self, name: str, text: str) -> None:
        """Write one of its files."""
        (self.folder / name).write_text(text, encoding="utf-8")

    async def run(self, *arguments: str) -> str:
        """Run the real command, which must succeed."""
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HOME": str(self.folder)}
        environ |= {"TRACKER": SECRET, "TRACKER_KEY": "a-key"}
        done = await asyncio.to_thread(run_command, [*arguments], self.folder, environ)
        assert done.returncode == 0, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr
        return done.stdout


def talk(tracker: Tracker, root: Path, conversation: Callable[[TicketProvider], Awaitable[Any]], **more: Any) -> Any:
    """Have one conversation with a provider, in a run of its own."""
    surroundings = Surroundings(app="badges", root=root, read_only=False, now=NOW, owner="lee", people=PEOPLE)

    async def converse() -> Any:
        async with http_server(tracker) as server:
            config = TicketConfig.model_validate({**tracker.CONFIG, **more, "url": f"{server.url}/tracker"})  # type: ignore[attr-defined]
            async with TicketProvider.open(config, surroundings) as provider:
                return await conversation(provider)

    return asyncio.run(converse())


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER", SECRET)
    monkeypatch.setenv("TRACKER_KEY", "a-key")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, none of which passes."""
    told: list[float] = []

    async def pause(seconds: float) -> None:
        told.extend([seconds] if seconds else [])

    monkeypatch.setattr(http, "pause", pause)
    return told


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_change_has_one_ticket_for_its_whole_life(tmp_path: Path, vendor: type[Tracker]) -> None:
    """Opened once, attested, withdrawn with a comment, asked for anew, and a reopened one stays the only one."""
    tracker = vendor()

    async def live() -> None:
        async with http_server(tracker) as server:
            config = tracker.CONFIG | {"batch": 1}  # type: ignore[attr-defined]
            company = Company(tmp_path, config, server.url)
            await company.run("apply", "--yes")
            assert [tracker.change(card) for card in tracker.cards] == [
                "badges/create-account/ana",
                "badges/grant/ana/door:lab",
            ]
            await company.run("apply", "--yes")
            account, grant = tracker.cards
            account.state = tracker.DONE
            assert "attested" in await company.run("plan")
            company.write("grants.yaml", "grants: []\n")
            await company.run("apply", "--yes")
            assert grant.state == tracker.WITHDRAWN
            assert any("Please do not do this any more" in text for text in grant.comments)
            company.write("grants.yaml", GRANTED)
            await company.run("apply", "--yes")
            (_, again) = tracker.about("grant/ana")
            again.state = tracker.DECLINED
            rejected = json.loads(await company.run("tickets", "--all", "--json"))["tickets"]
            assert "rejected" in {one["status"] for one in rejected}
            again.state = tracker.OPEN
            await company.run("apply", "--yes")

    asyncio.run(live())
    assert len(tracker.about("grant/ana")) == 2
    assert tracker.open_twice() == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_tracker_keeps_of_several_changes_is_read_back_whole(tmp_path: Path, vendor: type[Tracker]) -> None:
    """One ticket for the account and what goes into it; a part that is not wanted any more closes it for a new one."""
    tracker = vendor()

    async def live() -> None:
        async with http_server(tracker) as server:
            company = Company(tmp_path, tracker.CONFIG, server.url)  # type: ignore[attr-defined]
            for _ in range(2):
                await company.run("apply", "--yes")
            (ticket,) = tracker.cards
            company.write("grants.yaml", GRANTED.replace("door:lab", "door:hall"))
            for _ in range(2):
                await company.run("apply", "--yes")
            assert ticket.state == tracker.WITHDRAWN
            (_, new) = tracker.cards
            new.state = tracker.DONE
            assert "attested" in await company.run("plan")
            listed = json.loads(await company.run("tickets", "--all", "--json"))["tickets"]
            done = {one["change_id"] for one in listed if one["status"] == "claimed done"}
            assert done == {"badges/create-account/ana", "badges/grant/ana/door:hall"}

    asyncio.run(live())
    assert tracker.open_twice() == []


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_note_is_told_once_in_every_tracker(tmp_path: Path, vendor: type[Tracker]) -> None:
    """Its mark is found again among comments that come page by page."""
    tracker = vendor()
    talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
    assert tell_twice(lambda conversation: talk(tracker, tmp_path, conversation)) == ONCE
    assert len(tracker.cards[0].comments) == 2


def test_a_search_that_is_late_makes_no_second_ticket(tmp_path: Path, pauses: list[float]) -> None:
    """A run ends only when the search has what it opened, so that the next run finds it."""
    tracker = Zendesk(late=3)
    for _ in range(2):
        receipt = talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
        assert (receipt.outcome, receipt.detail) == (Outcome.TICKET, "https://acme.zendesk.com/agent/tickets/1")
    assert (len(tracker.cards), pauses) == (1, [1, 2, 4])


def test_a_list_that_never_has_a_new_ticket_is_told(tmp_path: Path, pauses: list[float]) -> None:
    """Else each run would open it again in silence."""
    receipt = talk(Zendesk(late=100), tmp_path, lambda provider: provider.perform(GRANT))
    assert receipt.outcome is Outcome.FAILED
    assert "tickets/1 was opened, and `list` does not have it after 60 s" in receipt.detail
    assert sum(pauses) == 60


def test_a_run_waits_for_what_a_killed_one_may_have_opened(tmp_path: Path, pauses: list[float]) -> None:
    """With `lag`, the tickets of another run are in the list before the first one is opened."""
    tracker = Zendesk(late=1)
    talk(tracker, tmp_path, lambda provider: provider.perform(GRANT), lag="2m")
    receipt = talk(tracker, tmp_path, lambda provider: provider.perform(GRANT), lag="2m")
    assert receipt.detail == "https://acme.zendesk.com/agent/tickets/1"
    assert (len(tracker.cards), pauses) == (1, [120, 120])


def test_a_merged_ticket_and_a_status_that_nobody_explained(tmp_path: Path) -> None:
    """The first path that says something counts; where every status is listed, another one stops the app."""
    tracker = Zendesk()
    talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
    tracker.cards[0].tags.append("closed_by_merge")
    (ticket,) = talk(tracker, tmp_path, lambda provider: provider.tickets())
    assert ticket.status is TicketStatus.REJECTED
    tracker.cards[0].tags.remove("closed_by_merge")
    tracker.cards[0].state = "999"
    with pytest.raises(ProviderError, match=r"tickets/1: its status is 'access-badges', '999', which is none of"):
        talk(tracker, tmp_path, lambda provider: provider.tickets(), open=["100"])


def test_an_answer_without_an_id_may_say_it_in_its_location(tmp_path: Path) -> None:
    """As RFC 9110 wants it of what was created."""
    tracker = Trello()
    usual = tracker.answer
    tracker.answer = lambda request: (  # type: ignore[method-assign]
        Reply(201, b"", {"Location": f"/tracker/cards/c{len(tracker.cards)}/"})
        if usual(request).status and request.path.endswith("/cards")
        else usual(request)
    )
    receipt = talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
    assert (receipt.detail, len(tracker.cards)) == ("https://trello.com/c/c1", 1)


def test_a_success_that_says_that_it_is_none_is_a_failure(tmp_path: Path) -> None:
    """As GraphQL answers: 200, and errors."""
    tracker = Trello()
    refusal = Reply(200, {"errors": [{"message": "no such list"}]})
    tracker.answer = lambda request: refusal if request.method == "POST" else Reply(200, [])  # type: ignore[method-assign]
    receipt = talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
    assert receipt.outcome is Outcome.FAILED
    assert "no such list" in receipt.detail


@pytest.mark.parametrize(
    ("call", "answers", "asked"),
    [
        (
            {"path": "issues", "query": {"labels": "{{ label }}"}, "next": "header"},
            [([{"id": 1}], {"link": '<https://it.example/api/issues?page=2>; rel="next"'}), ([{"id": 2}], {})],
            ["issues?labels=x", "https://it.example/api/issues?page=2?"],
        ),
        (
            {"path": "tasks", "query": {"offset": "{{ cursor }}"}, "items": "data", "next": "next_page.offset"},
            [
                ({"data": [{"id": 1}], "next_page": {"offset": "abc"}}, {}),
                ({"data": [{"id": 2}], "next_page": None}, {}),
            ],
            ["tasks?", "tasks?offset=abc"],
        ),
    ],
)
def test_lists_go_on_by_links_and_by_cursors(
    call: dict[str, Any], answers: list[tuple[Any, dict[str, str]]], asked: list[str]
) -> None:
    """The first page is asked for without a cursor, since an empty one is refused by some."""
    told: list[str] = []

    async def ask(question: lists.Asked, _: str) -> Answer:
        told.append(f"{question.path}?{'&'.join(f'{name}={value}' for name, value in question.query.items())}")
        body, headers = answers[len(told) - 1]
        return Answer(
            200, {"content-type": "application/json", **headers}, json.dumps(body).encode(), "https://it.example"
        )

    found = asyncio.run(lists.list_all(ask, Listing.model_validate(call), {"label": "x"}, "list"))
    assert ([one["id"] for one in found], told) == ([1, 2], asked)


def test_a_list_that_is_full_may_be_cut_off(tmp_path: Path) -> None:
    """It is no answer."""
    tracker = Trello()
    talk(tracker, tmp_path, lambda provider: provider.perform(GRANT))
    full = {**tracker.CONFIG["list"], "most": 1}
    with pytest.raises(ProviderError, match="1 came at once, and more may be left"):
        talk(tracker, tmp_path, lambda provider: provider.tickets(), list=full)


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ({"fields": {"System.State": "Done"}}, "fields.System.State", "Done"),
        ({"fields": {"System.State": "Done"}}, "fields.Microsoft.VSTS.Common.ClosedDate", None),
        ({"f": [{"name": "Type"}, {"name": "State", "value": {"name": "Fixed"}}]}, "f[name=State].value.name", "Fixed"),
        ({"f": [{"id": 5, "value": "x"}]}, "f[id=6].value", None),
        ({"a": [{"b": 1}]}, "a.0.b", 1),
    ],
)
def test_a_path_goes_through_dotted_keys_and_lists_of_fields(document: Any, path: str, found: object) -> None:
    """As Azure Boards, YouTrack and Redmine write theirs."""
    assert pick(document, path, "read") == found


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"token": {"env": "TRACKER"}}, "either `token`, or `username` and `password`, or `secrets`"),
        (
            {"create": {"path": "cards", "body": {"desc": "{{ text }} {{ label }}"}}},
            "`list` does not say where {{ label }}",
        ),
        ({"list": {"path": "cards", "query": {"c": "{{ cursor }}"}}}, "{{ cursor }} needs `next`"),
        ({"read": {"path": "cards"}}, "`read` does not say where {{ id }} or {{ ids }} goes"),
        ({"close": {"path": "cards/{{ id }}", "type": "form", "body": []}}, "a form is a mapping"),
    ],
)
def test_what_the_yaml_of_a_tracker_lacks_is_told(more: dict[str, Any], said: str) -> None:
    """Before anything is sent."""
    config = {**AzureBoards.CONFIG, **more} if "token" in more else {**Trello.CONFIG, **more}
    with pytest.raises(ValidationError) as caught:
        TicketConfig.model_validate({**config, "url": "https://it.acme.example"})
    assert said in str(caught.value)
