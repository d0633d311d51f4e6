"""Tickets as files that are sent to somebody too, by mail or webhook: the file is the ticket, a message tells of it.

A message is sent before its file is written: a file means that the message was accepted. Where a run is killed between
the two, the next one sends the message again, with the same id: told twice at worst, never not at all.
"""

import asyncio
from typing import ClassVar, Self

from providers.ticket.config import TicketConfig
from providers.ticket.record import Record, Status, file_name
from providers.ticket.tracker import Letter, Remark
from providers.ticket.via.directory import DirectoryConfig, DirectoryTracker
from reconciler.errors import ProviderError
from reconciler.provider.contract import Surroundings


class AnnouncedTracker(DirectoryTracker):
    """The base of trackers that tell of their files; a person closes one by three lines of its head.

    Attributes:
        Config: its configuration.
    """

    Config: ClassVar[type[DirectoryConfig]]
    closing: ClassVar[str] = """\
Change three lines at the top of the ticket's file, which is named at the end of this message, and commit it:

```yaml
status: done
closed: 2026-03-31      # the day on which it was done
attested_by: your name
```

If it cannot or must not be done, write `status: rejected`, the day, and the reason behind `evidence:`."""

    @classmethod
    def open(cls, config: TicketConfig, surroundings: Surroundings) -> Self:
        """Make it; reads and sends nothing yet.

        Raises:
            ProviderError: the configuration is another tracker's, or cannot work.
        """
        if not isinstance(config, cls.Config):
            raise ProviderError(f"{surroundings.app}: tickets were given another tracker's configuration")
        return cls(config, surroundings)

    async def tell(self, letter: Letter, address: str) -> None:
        """Send what a new ticket asks for; `address` is the file that it will have.

        Raises:
            ProviderError: it was not accepted, or (a TransportError whose `landed` is None) it is not known.
        """
        raise NotImplementedError

    async def tell_closed(self, record: Record, status: Status, reason: str) -> None:
        """Send that a ticket is not to be done any more.

        Raises:
            ProviderError: see `tell`.
        """
        raise NotImplementedError

    async def tell_note(self, record: Record, remark: Remark) -> None:
        """Send what there is to say about an open ticket.

        Raises:
            ProviderError: see `tell`.
        """
        raise NotImplementedError

    async def note(self, record: Record, remark: Remark) -> None:
        """Send a remark and write it into the ticket's file.

        Raises:
            ProviderError: it was not sent, or the file is gone or cannot be written.
        """
        await self.tell_note(record, remark)
        await super().note(record, remark)

    async def create(self, letter: Letter) -> str | None:
        """Send a new ticket and write its file; None if there is one already, and nothing is sent.

        Raises:
            ProviderError: it was not sent, or it cannot be written.
        """
        name = file_name(letter.record)
        if await asyncio.to_thread(self._directory.has, name):
            return None
        await self.tell(letter, self._directory.address_of(name))
        return await super().create(letter)

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Send that a ticket is closed, and close its file.

        Raises:
            ProviderError: it was not sent, or the file is gone or cannot be written.
        """
        await self.tell_closed(record, status, reason)
        await super().close(record, status, reason)
