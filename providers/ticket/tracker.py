"""What a tracker is to the ticket provider: it lists this app's tickets, opens one, and closes one. That is all."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, Self

from providers.ticket.config import TicketConfig
from providers.ticket.record import Record, Status
from reconciler.provider.contract import Surroundings


@dataclass(frozen=True, slots=True)
class Letter:
    """A ticket that is to be opened.

    Attributes:
        record: what it is about; it has no address yet.
        title: one line of plain text.
        body: Markdown, written for the person who does it.
        due: until when.
    """

    record: Record
    title: str
    body: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is to be told about an open ticket.

    Attributes:
        text: plain text.
        mark: letters, digits, `:`, `/` and `-`, by which it is found again; written as it is.
        owner: the id of whom the ticket waits for from now on; empty where that stays as it was.
    """

    text: str
    mark: str
    owner: str = ""

    @property
    def name(self) -> str:
        """Return the mark as a part of an id: without blanks and slashes."""
        return self.mark.partition(" ")[2].replace("/", "-")


class Tracker(AbstractAsyncContextManager["Tracker"], Protocol):
    """Where the tickets of one app live.

    Attributes:
        where: a few words for messages and proofs: `tickets`, `issues of acme/it`.
        closing: how a person closes one of its tickets, as Markdown lines for the body.
    """

    where: str
    closing: ClassVar[str]

    @classmethod
    def open(cls, config: TicketConfig, surroundings: Surroundings) -> Self:
        """Make it; connects to nothing yet.

        Raises:
            ProviderError: the configuration cannot work.
        """
        ...

    async def records(self) -> Sequence[Record]:
        """Return every ticket of the app, closed ones too, whole or not at all.

        Raises:
            ProviderError: they cannot be listed, or one of them cannot be read: a ticket is never skipped.
        """
        ...

    async def create(self, letter: Letter) -> str | None:
        """Open a ticket and return its address; None if there is one of that key already.

        Raises:
            ProviderError: it was not opened, or (a TransportError whose `landed` is None) it is not known.
        """
        ...

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether a note with this mark stands below a ticket.

        Raises:
            ProviderError: that cannot be read.
        """
        ...

    async def note(self, record: Record, remark: Remark) -> None:
        """Tell something about an open ticket to whoever is asked, and keep its mark below the ticket.

        Raises:
            ProviderError: it was not told, or it is not known.
        """
        ...

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Close a ticket as something (superseded), with the reason for people to read.

        Raises:
            ProviderError: it is gone, or cannot be closed.
        """
        ...
