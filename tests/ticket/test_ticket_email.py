"""Tickets as files and mails, through a real mail server that speaks STARTTLS."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from pydantic import ValidationError
from servers.running import free_port
from support.certificate import server_context, write_certificate
from ticket.ticket_apps import NOW, PEOPLE, close, list_tickets, make
from ticket.ticket_notes import HALF, ONCE, tell, tell_twice

from providers.ticket.config import TicketConfig
from providers.ticket.provider import TicketProvider
from reconciler.errors import ProviderError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Surroundings, TicketStatus

pytestmark = pytest.mark.evidence("ticket", against="third party's server", of="aiosmtpd")

GRANT = make(Operation.GRANT, "ana", "door:server-room")


@dataclass
class Office:
    """A mail server, the mails that it took, and the repository.

    Attributes:
        refusals: receiver, or "*" → what the server says instead of taking a mail for it.
        silent: whether the server takes a mail and hangs up without saying so.
        plain: whether mails may come without STARTTLS.
        victim: a run that is killed as soon as the server has its mail.
        logins: who signed in.
    """

    root: Path
    port: int = field(default_factory=free_port)
    config: dict[str, Any] = field(default_factory=dict)
    people: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(PEOPLE))
    mails: list[EmailMessage] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    plain: bool = False
    victim: subprocess.Popen[bytes] | None = None
    logins: list[bytes] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the server calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a receiver, or not."""
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        """Take a mail, or not."""
        if "*" in self.refusals:
            return self.refusals["*"]
        assert session.ssl is not None or self.plain, "a mail in the clear"
        mail = message_from_bytes(envelope.content, policy=default)  # type: ignore[arg-type]
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        if self.victim is not None:
            self.victim.kill()
        if self.silent:
            server.transport.abort()
        return "250 OK"

    def authenticate(self, _server: object, _session: object, _envelope: object, _how: str, data: object) -> AuthResult:
        """Let one user in."""
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"a-password-of-a-test", handled=False)

    def perform(self, *changes: Change) -> list[Receipt]:
        """Perform changes in a run of its own."""

        async def run(provider: TicketProvider) -> list[Receipt]:
            return [await provider.perform(change) for change in changes]

        return list(self.ask(run))

    def cancel(self) -> None:
        """Cancel the one ticket."""
        (ticket,) = list_tickets(self.root)
        self.ask(lambda provider: provider.cancel(ticket, "sam left"))

    def ask(self, talk: Any) -> Any:
        """Run one conversation with the provider."""
        return asyncio.run(self.converse(talk))

    async def converse(self, talk: Any) -> Any:
        """Have one conversation with the provider."""
        surroundings = Surroundings(
            app="badges", root=self.root, read_only=False, now=NOW, owner="lee", people=self.people
        )
        config = {"via": "email", "host": "127.0.0.1", "port": self.port, "ca": "ca.pem"}
        config |= {"sender": "access@acme.example", **self.config}
        async with TicketProvider.open(TicketConfig.model_validate(config), surroundings) as provider:
            return await talk(provider)

    def files(self) -> list[Path]:
        """Return the tickets' files."""
        return sorted(self.root.glob("tickets/*.md"))


def serve(office: Office, **more: Any) -> Iterator[Office]:
    """Run the mail server for the length of a test."""
    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=office.port,
        tls_context=server_context(office.root / "ca.pem"),
        require_starttls=True,
        authenticator=office.authenticate,
        **more,
    )
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A server that takes everything that comes encrypted."""
    write_certificate(tmp_path / "ca.pem")
    yield from serve(Office(tmp_path))


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """Return the text of one kind in a mail."""
    part = mail.get_body(preferencelist=(kind,))
    assert part is not None
    return str(part.get_content())


def test_a_ticket_is_a_file_and_one_mail_to_the_owner(office: Office) -> None:
    """Asked for again, by this run and the next, it is the same file and no further mail."""
    receipts = [*office.perform(GRANT, GRANT), *office.perform(GRANT)]
    assert {receipt.outcome for receipt in receipts} == {Outcome.TICKET}
    (file,) = office.files()
    (mail,) = office.mails
    assert mail["To"] == "Lee Wong <lee@acme.example>"
    assert mail["Subject"] == "badges: give door:server-room to Ana Ruiz (ana, ana@acme.example)"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert f"tickets/{file.name}" in text_of(mail)
    assert "3. Give it the door server-room, and nothing else." in text_of(mail)
    assert "<li>Give it the door <strong>server-room</strong>, and nothing else.</li>" in text_of(mail, "html")


def test_a_file_that_is_closed_attests_it(office: Office) -> None:
    """As without mails; the next generation is a mail of its own."""
    office.perform(GRANT)
    close(office.files()[0])
    assert [ticket.status for ticket in list_tickets(office.root)] == [TicketStatus.CLAIMED]
    office.perform(GRANT)
    assert len({mail["Message-ID"] for mail in office.mails}) == len(office.files()) == 2


def test_cancelling_answers_to_the_mail(office: Office) -> None:
    """People see it beside what it cancels."""
    office.perform(GRANT)
    office.cancel()
    asked, cancelled = office.mails
    assert cancelled["In-Reply-To"] == cancelled["References"] == asked["Message-ID"] != cancelled["Message-ID"]
    assert "sam left" in text_of(cancelled)
    assert [ticket.status for ticket in list_tickets(office.root)] == [TicketStatus.SUPERSEDED]


def test_what_the_server_refuses_is_no_ticket(office: Office) -> None:
    """There is no file that nobody was told of; the next run sends it."""
    office.refusals["*"] = "554 no more mails for badges"
    (receipt,) = office.perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "it answered 554 no more mails for badges" in receipt.detail
    assert office.files() == []
    office.refusals.clear()
    assert office.perform(GRANT)[0].outcome is Outcome.TICKET
    assert len(office.mails) == 1


def test_a_mail_that_may_have_been_taken_is_sent_again_as_the_same(office: Office) -> None:
    """The run says that it is not known; the mail of the next has the same id."""
    office.silent = True
    assert office.perform(GRANT)[0].outcome is Outcome.UNKNOWN
    assert office.files() == []
    office.silent = False
    office.perform(GRANT)
    assert len({mail["Message-ID"] for mail in office.mails}) == 1
    assert (len(office.mails), len(office.files())) == (2, 1)


OPENER = """
import sys
from pathlib import Path
from ticket.test_ticket_email import GRANT, Office
sys.stdin.readline()
Office(Path(sys.argv[1]), port=int(sys.argv[2])).perform(GRANT)
"""


def test_a_run_that_is_killed_after_its_mail_is_made_good_by_the_next(office: Office) -> None:
    """There is no file yet; the next run sends the same mail again and writes it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OPENER, str(office.root), str(office.port)]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as office.victim:
        office.victim.communicate(b"go\n")
    assert office.victim.returncode == -signal.SIGKILL
    assert (len(office.mails), office.files()) == (1, [])
    office.victim = None
    assert office.perform(GRANT)[0].outcome is Outcome.TICKET
    assert len({mail["Message-ID"] for mail in office.mails}) == len(office.files()) == 1
    assert len(office.mails) == 2


def test_one_receiver_that_is_refused_is_told(office: Office) -> None:
    """The others have the mail; the address is corrected, and all of them get it."""
    office.config["to"] = ["it@acme.example", "gone@acme.example"]
    office.refusals["gone@acme.example"] = "550 who is that"
    (receipt,) = office.perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "gone@acme.example: 550 who is that" in receipt.detail
    office.config["to"] = ["it@acme.example"]
    assert office.perform(GRANT)[0].outcome is Outcome.TICKET
    assert [mail["To"] for mail in office.mails] == ["it@acme.example, gone@acme.example", "it@acme.example"]


def test_a_server_that_nobody_signed_for_gets_nothing(office: Office) -> None:
    """Its certificate is checked against the authorities of the system, unless a file of one is named."""
    office.config["ca"] = ""
    assert "certificate verify failed" in office.perform(GRANT)[0].detail
    assert (office.mails, office.files()) == ([], [])


def test_a_server_with_another_name_gets_nothing(tmp_path: Path) -> None:
    """Its authority is known, and its certificate is another machine's."""
    write_certificate(tmp_path / "ca.pem", "127.0.0.2")
    for office in serve(Office(tmp_path)):
        assert "IP address mismatch" in office.perform(GRANT)[0].detail
        assert (office.mails, office.files()) == ([], [])


def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    """Somebody between us and the server may have taken the offer away."""
    write_certificate(tmp_path / "ca.pem")
    office = Office(tmp_path)
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    try:
        (receipt,) = office.perform(GRANT)
    finally:
        controller.stop()
    assert receipt.outcome is Outcome.FAILED
    assert "STARTTLS" in receipt.detail
    assert (office.mails, office.files()) == ([], [])


@pytest.mark.parametrize("security", ["tls", "none"])
def test_other_servers_are_reached_as_they_want_it(tmp_path: Path, security: str) -> None:
    """Encrypted from the first byte on, or, on this machine only, not at all."""
    certificate = write_certificate(tmp_path / "ca.pem")
    office = Office(tmp_path, config={"security": security}, plain=True)

    async def run() -> Receipt:
        context = server_context(certificate) if security == "tls" else None
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: SMTP(office), "127.0.0.1", office.port, ssl=context):
            receipt: Receipt = await office.converse(lambda provider: provider.perform(GRANT))
            return receipt

    assert asyncio.run(run()).outcome is Outcome.TICKET
    assert (len(office.mails), len(office.files())) == (1, 1)


def test_no_server_is_told(tmp_path: Path) -> None:
    """Nothing was opened, and that is certain."""
    write_certificate(tmp_path / "ca.pem")
    (receipt,) = Office(tmp_path).perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "refused" in receipt.detail


def test_the_user_signs_in_with_a_password_that_is_never_shown(office: Office, monkeypatch: Any) -> None:
    """Also where it is wrong."""
    office.config |= {"username": "access", "password": {"env": "MAIL_PASSWORD"}}
    monkeypatch.setenv("MAIL_PASSWORD", "wrong-password-of-a-test")
    (receipt,) = office.perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "it answered 535" in receipt.detail
    assert "wrong-password" not in receipt.detail
    monkeypatch.setenv("MAIL_PASSWORD", "a-password-of-a-test")
    assert office.perform(GRANT)[0].outcome is Outcome.TICKET
    assert office.logins[-1] == b"access"


@pytest.mark.parametrize(
    "person", [("Lee\r\nBcc: eve@evil.example", "lee@acme.example"), ("Lee", "lee@acme.example\nBcc: eve@evil.example")]
)
def test_nobody_puts_a_header_into_a_mail(office: Office, person: tuple[str, str]) -> None:
    """A person's name or address with a line break is refused."""
    office.people["lee"] = person
    (receipt,) = office.perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "the mail cannot be written" in receipt.detail
    assert office.mails == []


def test_names_are_text_in_the_mail(office: Office) -> None:
    """In its subject, its text and its HTML."""
    nasty = make(Operation.GRANT, "ana", "door:<script>x</script> [l](https://evil.example) *é*")
    office.perform(nasty, replace(nasty, operation=Operation.REVOKE))
    for mail in office.mails:
        assert "<script>" not in text_of(mail, "html")
        assert "href" not in text_of(mail, "html")
        assert "<script>x</script> [l](https://evil.example) *é*" in text_of(mail)
        assert "*é*" in mail["Subject"]


def test_an_owner_without_an_address_is_told(office: Office) -> None:
    """What to do stands in the message."""
    office.people.clear()
    (receipt,) = office.perform(GRANT)
    assert receipt.outcome is Outcome.FAILED
    assert "its owner has no email" in receipt.detail


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"security": "none", "host": "mail.acme.example"}, "mails to mail.acme.example are encrypted"),
        ({"username": "access"}, "belong together"),
        ({"sender": "access@acme.example\nBcc: eve@evil.example"}, "sender"),
        ({"to": ["it@acme.example, eve@evil.example"]}, "to"),
        ({"ca": "../ca.pem"}, "leads out of the folder"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_sent(config: dict[str, Any], message: str) -> None:
    """By the configuration itself."""
    with pytest.raises(ValidationError, match=message):
        TicketConfig.model_validate({"via": "email", "host": "m", "sender": "a@acme.example", **config})


def test_a_ticket_whose_cancelling_mail_is_refused_stays_open(office: Office) -> None:
    """Nobody does in the meantime what they were not told to leave: the next run tells them."""
    office.perform(GRANT)
    office.refusals["*"] = "451 later"
    with pytest.raises(ProviderError, match="451 later"):
        office.cancel()
    assert [ticket.status for ticket in list_tickets(office.root)] == [TicketStatus.OPEN]


def test_each_note_is_one_mail_and_a_line_of_the_file(office: Office) -> None:
    """An answer to the ticket's mail, to whoever is asked now; the head then names whom it waits for."""
    office.perform(GRANT)
    assert tell_twice(office.ask) == ONCE
    first, *more = office.mails
    assert [mail["In-Reply-To"] for mail in more] == [first["Message-ID"]] * 2
    assert HALF.text in more[0].get_content().replace("\n", " ")
    assert len({mail["Message-ID"] for mail in office.mails}) == 3
    (file,) = office.files()
    text = file.read_text(encoding="utf-8")
    assert (text.count("\n> "), text.count("\nowner: ana\n")) == (2, 1)
    (ticket,) = list_tickets(office.root)
    assert ticket.owner == "ana"


def test_a_note_that_was_not_sent_is_not_kept(office: Office) -> None:
    """The next run sends it."""
    office.perform(GRANT)
    office.refusals["*"] = "451 later"
    with pytest.raises(ProviderError, match="451"):
        tell(office.ask)
    office.refusals.clear()
    assert tell(office.ask)
