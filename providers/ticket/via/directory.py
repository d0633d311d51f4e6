"""Tickets as Markdown files in a folder of the repository."""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from types import TracebackType
from typing import ClassVar, Self

from pydantic import Field, model_validator

from providers.ticket.body import escape
from providers.ticket.client import TicketDirectory
from providers.ticket.config import TicketConfig, check_inside
from providers.ticket.fields import fields_of
from providers.ticket.header import write_header
from providers.ticket.record import Record, Status, file_name
from providers.ticket.tracker import Letter, Remark
from reconciler.provider.contract import Surroundings


class DirectoryConfig(TicketConfig):
    """Tickets as files."""

    directory: str = Field(
        default="tickets",
        min_length=1,
        description="via directory: the folder of ticket files, relative to that of reconciler.yaml",
    )

    @model_validator(mode="after")
    def _directory_stays_inside(self) -> Self:
        check_inside(self.directory)
        return self


class DirectoryTracker:
    """A folder of ticket files: a person closes one by three lines of its head."""

    closing: ClassVar[str] = """\
Change three lines at the top of this file, and commit it:

```yaml
status: done
closed: 2026-03-31      # the day on which it was done
attested_by: your name
```

If it cannot or must not be done, write `status: rejected`, the day, and the reason behind `evidence:`."""

    def __init__(self, config: DirectoryConfig, surroundings: Surroundings) -> None:
        self.where = config.directory
        self._surroundings = surroundings
        self._directory = TicketDirectory(surroundings.root, config.directory)

    @classmethod
    def open(cls, config: TicketConfig, surroundings: Surroundings) -> Self:
        """Make it; reads nothing yet.

        Raises:
            ProviderError: the folder leads out of the tree.
        """
        return cls(DirectoryConfig.model_validate(config), surroundings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    async def records(self) -> Sequence[Record]:
        """Return every ticket of the app.

        Raises:
            ProviderError: a ticket cannot be read; the message names each with its line.
        """
        return await asyncio.to_thread(self._directory.records, self._surroundings.app)

    async def create(self, letter: Letter) -> str | None:
        """Write a new ticket's file; None if somebody else has just written it.

        Raises:
            ProviderError: it cannot be written.
        """
        text = f"{write_header(fields_of(letter.record))}\n{letter.body}"
        return await asyncio.to_thread(self._directory.create, file_name(letter.record), text)

    async def has_note(self, record: Record, mark: str) -> bool:
        """Say whether the file holds the mark.

        Raises:
            ProviderError: the file is gone.
        """
        return mark in await asyncio.to_thread(self._directory.text, record.address)

    async def note(self, record: Record, remark: Remark) -> None:
        """Write something under a ticket's text, with the day; its head then names whom it waits for.

        Raises:
            ProviderError: its file is gone, or cannot be written.
        """
        day = self._surroundings.now.astimezone(UTC).date()
        more = f"\n> {day}: {escape(remark.text)} <!-- {remark.mark} -->\n"
        values = {"owner": remark.owner} if remark.owner else {}
        await asyncio.to_thread(self._directory.edit, record.address, values, more)

    async def close(self, record: Record, status: Status, reason: str) -> None:
        """Change the lines of the head that close a ticket.

        Raises:
            ProviderError: its file is gone, or cannot be written.
        """
        now = self._surroundings.now.astimezone(UTC).isoformat(timespec="seconds")
        values = {"status": status.value, "closed": now, "evidence": reason}
        await asyncio.to_thread(self._directory.edit, record.address, values)


Config = DirectoryConfig
Tracker = DirectoryTracker
