"""One ticket for all about one person in one app: done, refused, changed and told of as a whole, never forgotten."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.real_command import run_command
from ticket.ticket_apps import NOW, list_tickets, make, open_tickets, read

from providers.ticket.body import write_body, write_title
from providers.ticket.config import TicketConfig
from providers.ticket.fields import parse_record
from providers.ticket.record import RecordError, each_of
from providers.ticket.via.directory import DirectoryConfig
from providers.ticket.via.servicenow import ServicenowConfig
from reconciler.errors import ProviderError
from reconciler.provider.change import Cause, Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="real product", of="Markdown files on disk")

HIRE = [
    make(Operation.CREATE_ACCOUNT, "ana", after={"username": "ana@acme.example"}),
    make(Operation.GRANT, "ana", "door:lab", after={"level": "24h"}),
    make(Operation.GRANT, "ana", "door:hall"),
]
FILES = {
    "people.yaml": """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example}
  omar: {name: Omar Haddad, email: omar@acme.example}
  lee: {name: Lee Wong, email: lee@acme.example}
""",
    "apps/badges.yaml": "apps:\n  badges: {owner: lee}\n",
    "reconciler.yaml": "timezone: UTC\n",
}


def grants(**held: list[str]) -> str:
    """Return YAML that gives doors to people."""
    lines = [
        f"  - to: {{people: [{who}]}}\n    grants: {{badges: [{', '.join(doors)}]}}\n    reason: works there\n"
        for who, doors in held.items()
    ]
    return "grants:\n" + "".join(lines) if lines else "grants: []\n"


class Company:
    """A folder of YAML with one app that people change, and the real command in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "apps").mkdir(parents=True)
        for name, text in FILES.items():
            (folder / name).write_text(text, encoding="utf-8")

    def declare(self, **held: list[str]) -> None:
        """Say who is to hold which doors."""
        (self.folder / "grants.yaml").write_text(grants(**held), encoding="utf-8")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run the command and return what it said."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "COLUMNS": "180"}
        done = run_command([*arguments], self.folder, env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def files(self, status: str = "") -> list[Path]:
        """Return the tickets' files, of one status or all."""
        every = sorted((self.folder / "tickets").glob("*.md"))
        return [file for file in every if not status or f"status: {status}\n" in file.read_text(encoding="utf-8")]

    def close(self, file: Path, status: str) -> None:
        """Close a ticket, as a person would."""
        text = file.read_text(encoding="utf-8")
        text = text.replace("status: open", f"status: {status}").replace("closed:\n", "closed: 2090-01-01\n", 1)
        file.write_text(text.replace("attested_by:\n", "attested_by: Lee\n", 1), encoding="utf-8")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Ana is to have an account and two doors, Omar one."""
    found = Company(tmp_path / "company")
    found.declare(ana=["door:lab", "door:hall"], omar=["door:hall"])
    return found


def test_a_hire_is_one_ticket_a_person_and_an_app(company: Company) -> None:
    """The account first, then what goes into it; nobody is told twice to sign in; the next plan shows it pending."""
    said = company.run("apply", "--yes")
    assert "2 tickets open (5 changes)" in said
    ana, omar = company.files()
    assert ana.name.startswith("badges-ana-3-changes-")
    assert omar.name.startswith("badges-omar-2-changes-")
    text = ana.read_text(encoding="utf-8")
    assert "# badges: 3 changes for Ana Ruiz" in text
    assert text.count("Sign in to badges") == 1
    assert text.index("Create an account") < text.index("Give it the door **hall**") < text.index("door **lab**")
    assert "each part is then asked for on its own" in text
    for _ in range(2):
        again = company.run("plan", code=0)
        assert "nothing to do" in again
        assert "5 pending by ticket" in again
    assert company.files() == [ana, omar]


def test_a_closed_ticket_attests_all_that_it_asked_for(company: Company) -> None:
    """And nothing of the other person's."""
    company.run("apply", "--yes")
    company.close(company.files()[0], "done")
    said = company.run("plan")
    assert "2 pending by ticket" in said
    assert "door:lab" in company.run("who", "ana")


def test_a_part_that_is_no_longer_wanted_closes_the_ticket_and_the_rest_is_asked_again(company: Company) -> None:
    """In the same plan, which says so: nobody is left to give what nobody wants, nothing else is forgotten."""
    company.run("apply", "--yes")
    old = company.files()[0]
    company.declare(ana=["door:hall"], omar=["door:hall"])
    said = company.run("plan")
    assert "2 by ticket, 1 ticket to cancel" in said
    assert "asked again: something else in its ticket is no longer wanted" in company.run("plan", "--json")
    company.run("apply", "--yes")
    assert company.files("superseded") == [old]
    text = old.read_text(encoding="utf-8")
    assert "no longer wanted: grant ana/door:lab; what else it asks for is asked for again" in text
    (new,) = set(company.files("open")) - set(company.files("superseded")) - {company.files()[-1]}
    assert "door:lab" not in new.read_text(encoding="utf-8")
    assert "door:hall" in new.read_text(encoding="utf-8")
    assert "nothing to do" in company.run("plan")


def test_more_for_the_same_person_is_a_ticket_of_its_own(company: Company) -> None:
    """The one that somebody may be working on is left as it is."""
    company.run("apply", "--yes")
    before = {file: file.read_text(encoding="utf-8") for file in company.files()}
    company.declare(ana=["door:lab", "door:hall", "door:roof"], omar=["door:hall"])
    company.run("apply", "--yes")
    (new,) = set(company.files()) - set(before)
    assert "give door:roof to Ana Ruiz" in new.read_text(encoding="utf-8")
    assert {file: file.read_text(encoding="utf-8") for file in before} == before


def test_a_rejected_ticket_of_several_is_asked_again_one_by_one(company: Company) -> None:
    """Nobody knows which part was meant; a rejected part is then blocked, and the others go on."""
    company.run("apply", "--yes")
    company.close(company.files()[0], "rejected")
    said = company.run("apply", "--yes")
    assert "3 tickets open" in said
    alone = [file for file in company.files("open") if "-ana-" in file.name]
    assert len(alone) == 3
    lab = next(file for file in alone if "door-lab" in file.name)
    company.close(lab, "rejected")
    for file in set(alone) - {lab}:
        company.close(file, "done")
    said = company.run("plan", code=3)
    assert "the ticket was rejected" in said
    assert "1 blocked" in said


def test_a_leaver_is_one_ticket_that_is_due_at_once(company: Company) -> None:
    """Suspended, and every door taken."""
    company.run("apply", "--yes")
    for file in company.files():
        company.close(file, "done")
    people = company.folder / "people.yaml"
    text = people.read_text(encoding="utf-8").replace(
        "email: ana@acme.example}", "email: ana@acme.example, last_day: 2020-01-31}"
    )
    people.write_text(text, encoding="utf-8")
    company.run("apply", "--yes")
    (ticket,) = company.files("open")
    text = ticket.read_text(encoding="utf-8")
    assert "3 changes for Ana Ruiz" in text
    assert "who has left" in text
    assert text.index("Suspend it") < text.index("Take the door **hall**")


def test_one_reminder_is_sent_for_a_ticket_of_several(company: Company) -> None:
    """Whoever does it is told once, not once for each part."""
    company.run("apply", "--yes")
    for file in company.files():
        text = re.sub(r"due: .*", "due: 2020-01-05", file.read_text(encoding="utf-8"))
        file.write_text(re.sub(r"opened: .*", "opened: 2020-01-01T00:00:00+00:00", text), encoding="utf-8")
    assert [company.run("tickets", "--remind").count("told: ") for _ in range(2)] == [2, 0]


def ask(root: Path, changes: list[Change], config: DirectoryConfig | None = None) -> list[Receipt]:
    """Hand changes over together, with a new provider."""

    async def run() -> list[Receipt]:
        return [*await open_tickets(root, config=config).perform_batch(changes)]

    return asyncio.run(run())


def test_asking_again_finds_the_open_ticket_part_by_part(tmp_path: Path) -> None:
    """Twice is once, in any grouping; each part has its own key, and names the others."""
    first = ask(tmp_path, HIRE)
    assert {receipt.outcome for receipt in first} == {Outcome.TICKET}
    assert len({receipt.detail for receipt in first}) == 1
    assert ask(tmp_path, HIRE[1:]) == first[1:]
    assert ask(tmp_path, HIRE[:1]) == first[:1]
    tickets = list_tickets(tmp_path)
    assert {ticket.change_id for ticket in tickets} == {change.id for change in HIRE}
    assert len({ticket.key for ticket in tickets}) == 3
    assert {ticket.together for ticket in tickets} == {tuple(change.id for change in HIRE)}


def test_no_ticket_asks_for_more_than_the_yaml_allows(tmp_path: Path) -> None:
    """The rest gets a ticket of its own."""
    receipts = ask(tmp_path, HIRE, DirectoryConfig(batch=2))
    assert [receipt.detail == receipts[0].detail for receipt in receipts] == [True, True, False]
    assert not [ticket for ticket in list_tickets(tmp_path) if len(ticket.together) == 1]


def test_a_template_that_knows_no_several_changes_gets_one_at_a_time(tmp_path: Path) -> None:
    """It was written for one: what it says of the first must not stand for all."""
    (tmp_path / "one.j2").write_text("{{ operation }} {{ entitlement }}", encoding="utf-8")
    (tmp_path / "all.j2").write_text("{% for one in changes %}{{ one.entitlement }} {% endfor %}", encoding="utf-8")
    assert len({one.detail for one in ask(tmp_path, HIRE, DirectoryConfig(template="one.j2"))}) == 3
    root = tmp_path / "other"
    root.mkdir()
    (root / "all.j2").write_text((tmp_path / "all.j2").read_text(encoding="utf-8"), encoding="utf-8")
    (address,) = {one.detail for one in ask(root, HIRE, DirectoryConfig(template="all.j2"))}
    assert "door:lab door:hall" in (root / address).read_text(encoding="utf-8")


def test_another_level_supersedes_the_whole_ticket(tmp_path: Path) -> None:
    """Never two open tickets for one change; what stays wanted is asked for in the new one."""
    old = ask(tmp_path, HIRE)[0].detail
    now = [HIRE[0], replace(HIRE[1], after={"level": "day"}), HIRE[2]]
    receipts = ask(tmp_path, now)
    assert {receipt.detail for receipt in receipts}.isdisjoint({old})
    opened = [ticket for ticket in list_tickets(tmp_path) if ticket.status is TicketStatus.OPEN]
    assert {ticket.change_id for ticket in opened} == {change.id for change in HIRE}
    assert {ticket.address for ticket in opened} == {receipts[0].detail}


def test_what_was_changed_by_hand_in_a_part_is_an_error_with_its_line(tmp_path: Path) -> None:
    """A part has a key as the first has: it cannot be turned into another operation."""
    (address,) = {receipt.detail for receipt in ask(tmp_path, HIRE)}
    file = tmp_path / address
    text = file.read_text(encoding="utf-8")
    assert [record.entitlement for record in each_of(parse_record(text, "x"))] == ["", "door:lab", "door:hall"]
    for old, new in (("door:hall", "door:safe"), ('"operation": "grant"', '"operation": "revoke"')):
        changed = re.sub(rf"(also: .*){old}", rf"\1{new}", text)
        if changed != text:
            with pytest.raises(RecordError, match="belongs to another operation"):
                parse_record(changed, "x")
    file.write_text(re.sub(r"also: .*", "also: 7", text), encoding="utf-8")
    with pytest.raises(ProviderError, match=r"md:\d+: `also:` is no list of operations"):
        read(tmp_path)


def test_the_text_names_what_is_privileged_and_why_each_part_is_asked_for() -> None:
    """A reader sees at once which part matters most."""
    here = Surroundings(
        app="badges", root=Path(), read_only=False, now=NOW, people={"ana": ("Ana", "ana@acme.example")}
    )
    text = write_body([HIRE[0], replace(HIRE[1], privileged=True), HIRE[2]], here, NOW, closing="Say so.")
    assert "  - grant door:lab, level 24h (**privileged**)\n  - grant door:hall\n" in text
    assert "> Some of this is **privileged** access" in text
    assert "- grant door:hall: role engineer" in text
    left = [replace(change, cause=Cause.LEAVER) for change in HIRE[1:]]
    assert write_title(left, here) == "badges: 2 changes for Ana (ana, ana@acme.example), who has left"


def test_servicenow_puts_fewer_into_its_short_texts() -> None:
    """Its description holds 4,000 letters, and the last line has to be among them."""
    assert ServicenowConfig.model_fields["batch"].default < TicketConfig.model_fields["batch"].default
