"""A ticket is one file: opened once, found again, closed by a person, and never skipped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from ticket.ticket_apps import NOW, close, list_tickets, make, open_one, open_tickets, perform, read

from providers.ticket.config import TicketConfig
from providers.ticket.fields import parse_record
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Cause, Operation, Outcome
from reconciler.provider.contract import TicketProvider, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="real product", of="Markdown files on disk")

GRANT = make(Operation.GRANT, "ana", "door:lab", after={"level": "24h"})


def test_the_provider_keeps_the_contract(tmp_path: Path) -> None:
    """It opens tickets, and can do every operation on every kind."""
    provider = open_tickets(tmp_path)
    assert isinstance(provider, TicketProvider)
    for operation in Operation:
        of_kinds = [provider.capabilities.ability(operation, kind) for kind in ("door", "license")]
        assert provider.capabilities.ability(operation, "accounts") or all(of_kinds)
    assert set(provider.capabilities.reads) == {"accounts", "grants:*"}


def test_a_ticket_says_who_what_why_and_how_to_close_it(tmp_path: Path) -> None:
    """Everything that the person needs is in the file."""
    file = open_one(tmp_path, replace(GRANT, privileged=True))
    assert file.parent == tmp_path / "tickets"
    assert file.name.startswith("badges-grant-ana-door-lab-")
    text = file.read_text(encoding="utf-8")
    for part in (
        "# badges: give door:lab to Ana Ruiz (ana, ana@acme.example)",
        "- **Owner:** Lee Wong (lee, lee@acme.example)",
        "- **Due:** 2026-03-04",
        "**privileged**",
        "3. Give it the door **lab** at level 24h, and nothing else.",
        "- role engineer, because group engineering (roles.yaml:3)",
        "attested_by: your name",
    ):
        assert part in text
    record = parse_record(text, "x.md")
    assert (record.holder, record.entitlement, record.wanted, record.opened) == (
        "ana",
        "door:lab",
        {"level": "24h"},
        NOW,
    )


def test_a_leavers_ticket_is_due_at_once(tmp_path: Path) -> None:
    """An account of somebody who is gone does not wait three days."""
    text = open_one(tmp_path, replace(make(Operation.SUSPEND_ACCOUNT, "ana"), cause=Cause.LEAVER)).read_text()
    assert "- **Due:** 2026-03-01" in text


@pytest.mark.parametrize("operation", list(Operation))
def test_every_operation_has_its_ticket(tmp_path: Path, operation: Operation) -> None:
    """What no way can do is never dropped."""
    on_account = make(operation, "ana", after={"title": "Captain", "to": "lee"})
    on_entitlement = make(operation, "", "door:lab", before={"name": "old"})
    on_grant = make(operation, "ana", "door:lab", after={"level": "24h"})
    of_entitlement = operation.value.endswith("entitlement")
    of_grant = operation in {Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE}
    change = on_entitlement if of_entitlement else on_grant if of_grant else on_account
    text = open_one(tmp_path, change).read_text(encoding="utf-8")
    assert "\n1. Sign in to badges as an administrator.\n2. " in text
    assert "{" not in text.split("---\n", 2)[2].replace("{}", "")
    assert [ticket.change_id for ticket in list_tickets(tmp_path)] == [change.id]


def test_the_open_ticket_is_found_again(tmp_path: Path) -> None:
    """By the same provider, and by one that has just started."""
    first, second = perform(tmp_path, GRANT, GRANT)
    third = perform(tmp_path, GRANT)[0]
    assert {r.outcome for r in (first, second, third)} == {Outcome.TICKET}
    assert first.detail == second.detail == third.detail
    assert len(list((tmp_path / "tickets").iterdir())) == 1


def test_a_ticket_that_asks_for_something_else_is_superseded(tmp_path: Path) -> None:
    """A person never does what is no longer wanted."""
    old = open_one(tmp_path, GRANT)
    new = open_one(tmp_path, replace(GRANT, after={"level": "always"}))
    assert old != new
    assert "status: superseded" in old.read_text(encoding="utf-8")
    assert [(t.address, t.status) for t in list_tickets(tmp_path)] == [(f"tickets/{new.name}", TicketStatus.OPEN)]


def test_a_new_generation_follows_a_closed_one(tmp_path: Path) -> None:
    """What was rejected and is wanted again gets a ticket of its own; a key is never used twice."""
    first = open_one(tmp_path, GRANT)
    close(first, status="rejected")
    assert list_tickets(tmp_path)[0].status is TicketStatus.REJECTED
    second = open_one(tmp_path, GRANT)
    close(second)
    third = open_one(tmp_path, GRANT)
    assert len({first, second, third}) == 3
    assert [ticket.status for ticket in list_tickets(tmp_path)] == [TicketStatus.OPEN]


def test_a_cancelled_ticket_says_why_and_keeps_the_rest(tmp_path: Path) -> None:
    """Its body is left as it was; one that a person has closed meanwhile is left alone."""
    file = open_one(tmp_path, GRANT)
    before = file.read_text(encoding="utf-8")
    ticket = list_tickets(tmp_path)[0]
    asyncio.run(open_tickets(tmp_path).cancel(ticket, "no longer wanted: removed from git"))
    after = file.read_text(encoding="utf-8")
    assert 'evidence: "no longer wanted: removed from git"' in after
    assert after.split("\n---\n", 1)[1] == before.split("\n---\n", 1)[1]
    assert list_tickets(tmp_path)[0].status is TicketStatus.SUPERSEDED
    other = open_one(tmp_path, make(Operation.GRANT, "ana", "door:attic"))
    found = next(one for one in list_tickets(tmp_path) if one.address.endswith(other.name))
    close(other)
    text = other.read_text(encoding="utf-8")
    asyncio.run(open_tickets(tmp_path).cancel(found, "late"))
    assert other.read_text(encoding="utf-8") == text


def test_a_ticket_that_somebody_deleted_is_opened_again(tmp_path: Path) -> None:
    """Nothing is lost with a file; cancelling one that is gone says so."""
    file = open_one(tmp_path, GRANT)
    ticket = list_tickets(tmp_path)[0]
    file.unlink()
    assert list_tickets(tmp_path) == []
    with pytest.raises(ProviderError, match="is gone"):
        asyncio.run(open_tickets(tmp_path).cancel(ticket, "x"))
    assert open_one(tmp_path, GRANT) == file


def test_closed_tickets_may_be_moved_into_subfolders(tmp_path: Path) -> None:
    """People tidy up."""
    file = open_one(tmp_path, GRANT)
    close(file)
    (tmp_path / "tickets" / "2026").mkdir()
    file.rename(tmp_path / "tickets" / "2026" / file.name)
    assert len(list(read(tmp_path).grants())) == 1
    assert list_tickets(tmp_path)[0].address == f"tickets/2026/{file.name}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("status: open", "staus: open", r"md:2: there is no field 'staus'; did you mean 'status'\?"),
        ("status: open", "status: finished", r"md:2: `status: finished` means nothing; it is one of: open, done"),
        ("status: open", "status: done", r"md:3: status is done, and `closed:` is empty"),
        (
            "status: open\nclosed:",
            "status: done\nclosed: 2026-03-02",
            r"md:4: status is done, and `attested_by:` is empty",
        ),
        ("closed:", "closed: next week", r"md:3: `closed: next week` is no date"),
        ("status: open\n", "status: open\nstatus: open\n", r"md:3: the field 'status' is there twice"),
        ("holder: ana", "holder: sam", "belongs to another operation"),
        ('level: "24h"', "level: 12h", "it was changed by hand"),
        ('wanted: {"level": "24h"}', "wanted: {24h", "a quote or a bracket may be missing"),
        ('wanted: {"level": "24h"}', "wanted: 24h", "`wanted:` is no"),
        ("generation: 1", "generation: first", "no whole number"),
        ("evidence:", "evidence: 'open", "a quote may be missing"),
        ("evidence:", "evidence: |\n  long", "needs quotes"),
        ("evidence:", "evidence:\n  - long", "no `name: value`"),
        ("---\n\n#", "\n#", "the head has no end|no `name: value`"),
        ("---\nstatus", "status", r"md:1: a ticket begins with a line `---`"),
    ],
)
def test_an_edit_that_went_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Never skipped: an operation might be done twice, or thought done."""
    file = open_one(tmp_path, GRANT)
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProviderError, match=message):
        read(tmp_path)
    with pytest.raises(ProviderError, match=message):
        list_tickets(tmp_path)
    receipt = perform(tmp_path, make(Operation.GRANT, "sam", "door:lab"))[0]
    assert receipt.outcome is Outcome.FAILED


def test_another_apps_broken_ticket_is_its_own_matter(tmp_path: Path) -> None:
    """One file that cannot be read stops one app."""
    file = open_one(tmp_path, make(Operation.GRANT, "ana", "door:lab", app="other"))
    file.write_text(file.read_text(encoding="utf-8").replace("status: open", "status open"), encoding="utf-8")
    open_one(tmp_path, GRANT)
    assert len(list_tickets(tmp_path)) == 1
    with pytest.raises(ProviderError, match="no `name: value`"):
        list_tickets(tmp_path, "other")


def test_a_copied_ticket_is_told(tmp_path: Path) -> None:
    """Two files with one key would count twice."""
    file = open_one(tmp_path, GRANT)
    (file.parent / f"copy-of-{file.name}").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ProviderError, match="the same ticket as"):
        read(tmp_path)


def test_other_files_in_the_folder_are_no_tickets(tmp_path: Path) -> None:
    """A README beside the tickets is welcome; a ticket's file that is no text is not."""
    file = open_one(tmp_path, GRANT)
    (file.parent / "README.md").write_text("# Tickets\n", encoding="utf-8")
    (file.parent / "photo.md").write_bytes(b"\xff\xd8")
    assert len(list_tickets(tmp_path)) == 1
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ProviderError, match="is no UTF-8 text"):
        read(tmp_path)
    file.write_text("-" * 300_000, encoding="utf-8")
    with pytest.raises(ProviderError, match="more than 262144 characters"):
        read(tmp_path)


def test_windows_line_endings_are_read(tmp_path: Path) -> None:
    """An editor may have changed them all."""
    file = open_one(tmp_path, GRANT)
    close(file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert len(list(read(tmp_path).grants())) == 1


def test_nothing_is_written_while_planning(tmp_path: Path) -> None:
    """No ticket, no folder."""
    provider = open_tickets(tmp_path, read_only=True)
    with pytest.raises(ReadOnlyError):
        asyncio.run(provider.perform(GRANT))
    assert list(tmp_path.iterdir()) == []


def test_other_ways_of_sending_tickets_are_told_to_be_missing() -> None:
    """One clear sentence, not one for each option."""
    with pytest.raises(ValidationError, match="do not go via 'pigeon': it is one of directory") as caught:
        TicketConfig.model_validate({"via": "pigeon", "repository": "acme/it", "labels": ["x"]})
    assert caught.value.error_count() == 1
    for config in ({"directory": "../out"}, {"directory": "/out"}, {"template": "a/../../b"}):
        with pytest.raises(ValidationError, match="leads out of the folder"):
            TicketConfig.model_validate(config)


def test_a_folder_that_leads_out_by_a_link_is_refused(tmp_path: Path) -> None:
    """Tickets stay in the tree."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "tickets").symlink_to(tmp_path)
    with pytest.raises(ProviderError, match="outside of the folder"):
        open_tickets(tmp_path / "root")


OPENER = """
import asyncio, sys
from pathlib import Path
from ticket.ticket_apps import make, open_tickets
from reconciler.provider.change import Operation
async def run():
    provider = open_tickets(Path(sys.argv[1]))
    print("ready", flush=True)
    for number in range(100_000):
        await provider.perform(make(Operation.GRANT, f"p{number}", "door:lab"))
asyncio.run(run())
"""


@pytest.mark.parametrize("delay", [0.01, 0.05, 0.1])
def test_a_killed_run_leaves_whole_tickets_only(tmp_path: Path, delay: float) -> None:
    """Killed at any point: each file is a ticket that can be read, and is found again."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OPENER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    count = len(list_tickets(tmp_path))
    again = perform(
        tmp_path,
        make(Operation.GRANT, "p0", "door:lab"),
        *(make(Operation.GRANT, f"p{number}", "door:lab") for number in range(count)),
    )
    assert {receipt.outcome for receipt in again} <= {Outcome.TICKET}
    assert len(list_tickets(tmp_path)) == max(count, 1)


def test_what_a_killed_run_left_is_cleared_later(tmp_path: Path) -> None:
    """Not at once: somebody may be writing it."""
    folder = tmp_path / "tickets"
    folder.mkdir()
    for name, age in {".ticket-old.tmp": 3600, ".ticket-new.tmp": 0}.items():
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age, time.time() - age))
    open_one(tmp_path, GRANT)
    assert sorted(file.name for file in folder.glob(".ticket-*")) == [".ticket-new.tmp"]


def test_two_runs_that_open_at_once_share_one_ticket(tmp_path: Path) -> None:
    """The second finds the file that the first has just written, though it had looked before."""

    async def run() -> list[str]:
        first, second = open_tickets(tmp_path), open_tickets(tmp_path)
        await second.perform(make(Operation.GRANT, "sam", "door:lab"))  # from here on it knows what there is
        return [(await provider.perform(GRANT)).detail for provider in (first, second)]

    mine, theirs = asyncio.run(run())
    assert mine == theirs
    assert len(list_tickets(tmp_path)) == 2


def test_a_file_in_the_way_of_a_ticket_is_told(tmp_path: Path) -> None:
    """It is not overwritten, and not taken for the ticket."""
    file = open_one(tmp_path, GRANT)
    file.write_text("---\napp: other\n---\nmine\n", encoding="utf-8")
    receipt = perform(tmp_path, GRANT)[0]
    assert receipt.outcome is Outcome.FAILED
    assert "and it is no ticket" in receipt.detail
    assert file.read_text(encoding="utf-8").endswith("mine\n")


def test_an_entitlement_that_is_renamed_says_its_old_name(tmp_path: Path) -> None:
    """A person must not make it anew."""
    change = make(Operation.RENAME_ENTITLEMENT, "", "door:lab", before={"name": "old"})
    assert "2. Rename door:old to **lab**; do not make it anew." in open_one(tmp_path, change).read_text(
        encoding="utf-8"
    )
