"""Tickets as files in the repository, each of them sent by mail (RFC 5321, STARTTLS: RFC 3207).

A mail's id is made of the ticket's key, so that one which is sent twice is the same mail; cancelling answers to it.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from providers.ticket.announced import AnnouncedTracker
from providers.ticket.config import check_inside
from providers.ticket.markdown import write_html, write_text
from providers.ticket.record import Record, Status
from providers.ticket.tracker import Letter, Remark
from providers.ticket.via.directory import DirectoryConfig
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.answer import shorten
from reconciler.provider.connections import tls_context
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import Redactor
from reconciler.provider.secret import Secret

_SECONDS: Final = 30.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MAILBOX: Final = r"^[^\s<>@,;:\"()\[\]\\]+@[^\s<>@,;:\"()\[\]\\]+$"
_POLICY: Final = SMTP.clone(max_line_length=78, raise_on_defect=True)


class EmailConfig(DirectoryConfig):
    """Tickets as files, and as mails."""

    host: str = Field(min_length=1, description="via email: the mail server")
    port: int = Field(default=587, ge=1, le=65535, description="via email: its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="via email: how the connection is encrypted; `none` to this machine only"
    )
    ca: str = Field(
        default="",
        description="via email: the file of the authority that signed the server's certificate, if not a public one",
    )
    username: str = Field(default="", description="via email: whom the server knows us as, if it asks")
    password: Secret | None = Field(default=None, description="via email: the password of that user")
    sender: str = Field(pattern=_MAILBOX, description="via email: the address that mails come from")
    to: tuple[Annotated[str, Field(pattern=_MAILBOX)], ...] = Field(
        default=(), description="via email: who gets the mails; by default the owner of the app"
    )

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        check_inside(self.ca)
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError(f"mails to {self.host} are encrypted: `security` is starttls or tls")
        if bool(self.username) != bool(self.password):
            raise ValueError("`username` and `password` belong together")
        return self


class EmailTracker(AnnouncedTracker):
    """A folder of ticket files, each of which was sent to somebody."""

    Config = EmailConfig

    def __init__(self, config: EmailConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._config = config

    async def tell(self, letter: Letter, address: str) -> None:
        """Send a ticket as text and as HTML, with its file's name at the end.

        Raises:
            ProviderError: nobody is to get it, or the server did not accept it, or it is not known.
        """
        body = f"{letter.body}\n---\n\nThe ticket's file: `{address}`\n"
        message = self._begin(letter.title, f"ticket-{letter.record.key}")
        message.set_content(write_text(body))
        message.add_alternative(write_html(body), subtype="html")
        await self._send(message, f"send the ticket {letter.record.key}")

    async def tell_closed(self, record: Record, status: Status, reason: str) -> None:
        """Send an answer to the mail of a ticket that nobody is to do any more.

        Raises:
            ProviderError: see `tell`.
        """
        subject = f"{record.app}: no longer wanted: {record.subject}"
        message = self._begin(subject, f"{status.value}-{record.key}")
        message["In-Reply-To"] = message["References"] = self._id(f"ticket-{record.key}")
        text = f"The ticket {record.address} is closed: {reason}.\n\nPlease do not do it any more.\n"
        message.set_content(text)
        await self._send(message, f"cancel the ticket {record.key}")

    async def tell_note(self, record: Record, remark: Remark) -> None:
        """Send an answer to the mail of a ticket, to whoever is asked now.

        Raises:
            ProviderError: see `tell`.
        """
        subject = f"{record.app}: {record.subject}"
        message = self._begin(subject, f"note-{remark.name}")
        message["In-Reply-To"] = message["References"] = self._id(f"ticket-{record.key}")
        message.set_content(f"{remark.text}\n\nThe ticket's file, which says what to do: {record.address}\n")
        await self._send(message, f"tell of the ticket {record.key}")

    def _id(self, what: str) -> str:
        return f"<reconciler-{what}@{self._config.sender.rpartition('@')[2]}>"

    def _begin(self, subject: str, what: str) -> EmailMessage:
        """Return a mail without a text.

        Raises:
            ProviderError: an address or the subject cannot stand in a header.
        """
        message = EmailMessage(policy=_POLICY)
        try:
            message["Subject"] = shorten(subject)
            message["From"] = Address("Access", addr_spec=self._config.sender)
            message["To"] = [Address(name, addr_spec=mailbox) for name, mailbox in self._receivers()]
        except (ValueError, MessageError) as error:
            app = self._surroundings.app
            raise ProviderError(f"{app}: the mail cannot be written: {error}", hint="correct the address") from None
        message["Date"] = format_datetime(self._surroundings.now)
        message["Message-ID"] = self._id(what)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers to it
        return message

    def _receivers(self) -> list[tuple[str, str]]:
        """Return names and addresses.

        Raises:
            ProviderError: there are none.
        """
        if self._config.to:
            return [("", mailbox) for mailbox in self._config.to]
        name, mailbox = self._surroundings.people.get(self._surroundings.owner, ("", ""))
        if not mailbox:
            raise ProviderError(
                f"{self._surroundings.app}: nobody gets the mail: its owner has no email",
                hint="name an owner with an email, or addresses as `to` of the tickets",
            )
        return [(name, mailbox)]

    async def _send(self, message: EmailMessage, doing: str) -> None:
        """Send a mail: all receivers are accepted, or it is an error.

        Raises:
            ProviderError: it was refused, or not sent, or it is not known.
        """
        secret = self._config.password
        password = await asyncio.to_thread(secret.reveal, self._surroundings) if secret else ""
        await asyncio.to_thread(self._deliver, message, password, f"{doing} by {self._config.host}")

    def _deliver(self, message: EmailMessage, password: str, doing: str) -> None:
        redactor = Redactor([password])
        landed: bool | None = False
        refused: Mapping[str, tuple[int, bytes]] = {}
        try:
            with self._connect() as server:
                if password:
                    server.login(self._config.username, password)
                landed = None
                refused = server.send_message(message)
                landed = True
        except smtplib.SMTPRecipientsRefused as error:
            refused = error.recipients
        except (smtplib.SMTPException, OSError) as error:
            # Whatever goes wrong after the server has taken the mail, it has taken it.
            if not landed:
                raise _failure(error, doing, redactor, landed) from None
        if refused:
            words = "; ".join(f"{who}: {code} {_decode(why)}" for who, (code, why) in sorted(refused.items()))
            raise ProviderError(f"{doing}: refused for {redactor.clean(words)}", hint="correct the address")

    @contextmanager
    def _connect(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypted and to the server that the certificate names."""
        host, port = self._config.host, self._config.port
        if self._config.security == "tls":
            with smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=self._tls()) as server:
                yield server
            return
        with smtplib.SMTP(host, port, timeout=_SECONDS) as server:
            if self._config.security == "starttls":
                # Raises where the server does not offer it: nothing ever goes in the clear.
                server.starttls(context=self._tls())
                server.ehlo_or_helo_if_needed()
            yield server

    def _tls(self) -> ssl.SSLContext:
        ca = self._config.ca
        return tls_context("https", str(self._surroundings.root / ca) if ca else True)


def _failure(error: Exception, doing: str, redactor: Redactor, landed: bool | None) -> ProviderError:
    """Return what a conversation ended with: the server's refusal, or its silence."""
    if isinstance(error, smtplib.SMTPResponseException):
        return ProviderError(f"{doing}: it answered {error.smtp_code} {redactor.clean(_decode(error.smtp_error))}")
    return TransportError(f"{doing}: {redactor.clean(str(error)) or type(error).__name__}", landed=landed)


def _decode(words: Any) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)


Config = EmailConfig
Tracker = EmailTracker
