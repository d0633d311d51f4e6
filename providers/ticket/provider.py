"""Operations that a person does: asked for in a ticket, and true once somebody attests them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.ticket.body import URGENT, write_body, write_title
from providers.ticket.config import TicketConfig, tracker_module
from providers.ticket.mapping import ALL, read_attested
from providers.ticket.record import Record, Status, record_of, wanted_of
from providers.ticket.tracker import Letter, Remark, Tracker
from reconciler.errors import ProviderError, ReadOnlyError, ReconcilerError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import CAN, Capabilities, Note, Surroundings, Ticket
from reconciler.provider.snapshot import ACCOUNTS, Snapshot, grants_of
from reconciler.version import tool_version

NOTE = "reconciler-note"
_ON_ENTITLEMENTS = frozenset(
    {
        Operation.CREATE_ENTITLEMENT,
        Operation.RENAME_ENTITLEMENT,
        Operation.UPDATE_ENTITLEMENT,
        Operation.GRANT,
        Operation.SET_LEVEL,
        Operation.REVOKE,
    }
)


class TicketProvider:
    """The way that can do everything, because a person does it.

    It reads what closed tickets attest (accounts, and grants of every kind), and no catalogue of entitlements: in an
    app that only people change, whatever can be asked for exists.

    Args:
        config: what the YAML says.
        surroundings: the app, its owner, everybody's names, the moment, whether writing is allowed.
    """

    name: ClassVar[str] = "ticket"
    version: ClassVar[str] = tool_version()
    Config: ClassVar[type[BaseModel]] = TicketConfig

    capabilities = Capabilities(
        reads={ACCOUNTS: CAN, grants_of(ALL): CAN},
        operations={operation: CAN for operation in Operation if operation not in _ON_ENTITLEMENTS},
        kinds={ALL: dict.fromkeys(_ON_ENTITLEMENTS, CAN)},
        concurrency=1,
    )

    def __init__(self, config: TicketConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings
        self._tracker: Tracker = tracker_module(config.via).Tracker.open(config, surroundings)
        self._turn = asyncio.Lock()
        self._listed: dict[str, Record] = {}
        self._known: dict[tuple[str, str, str], list[Record]] | None = None

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider; reads nothing yet.

        Raises:
            ProviderError: the tracker cannot work as configured, or the template does not exist.
        """
        if not isinstance(config, TicketConfig):
            raise ProviderError(f"{surroundings.app}: the ticket provider was given another provider's configuration")
        provider = cls(config, surroundings)
        provider._template()
        return provider

    async def __aenter__(self) -> Self:
        await self._tracker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tracker.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Return what closed tickets attest, all of it together: complete as attested.

        Raises:
            ProviderError: a ticket of this app cannot be read; the message names each.
        """
        return read_attested(await self._tracker.records(), self._tracker.where)

    async def tickets(self) -> Sequence[Ticket]:
        """Return the newest ticket of each operation of this app, and older ones that somebody opened again.

        Raises:
            ProviderError: see `read`.
        """
        records = await self._tracker.records()
        self._listed = {record.key: record for record in records}
        found = _by_operation(records).values()
        return [record.ticket for all_ in found for record in (*_open_ones(all_[:-1]), all_[-1])]

    async def perform(self, change: Change) -> Receipt:
        """Open a ticket, or find the open one.

        An open ticket that asks for something else (another level) is superseded by a new one.

        Raises:
            ReadOnlyError: while planning.
        """
        self._refuse_reading(change.id)
        async with self._turn:
            try:
                address = await self._open_ticket(change)
            except TransportError as error:
                self._known = None
                outcome = Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
                return Receipt(change, outcome, detail=str(error))
            except ReconcilerError as error:
                return Receipt(change, Outcome.FAILED, detail=str(error))
        return Receipt(change, Outcome.TICKET, detail=address)

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close a ticket that is still open as superseded, and say why.

        Raises:
            ProviderError: it is gone, or cannot be closed.
            ReadOnlyError: while planning.
        """
        self._refuse_reading(ticket.change_id)
        async with self._turn:
            await self._supersede(ticket.key, reason)

    async def note(self, ticket: Ticket, note: Note) -> bool:
        """Tell something about an open ticket, if it was not told before; say whether it was told now.

        Raises:
            ProviderError: the ticket is gone, or it was not told, or it is not known.
            ReadOnlyError: while planning.
        """
        self._refuse_reading(ticket.change_id)
        async with self._turn:
            record = self._listed.get(ticket.key) or await self._find(ticket.key)
            if record is None:
                raise ProviderError(f"the ticket {ticket.key} is gone", hint=f"it is not in {self._tracker.where}")
            mark = f"{NOTE}: {ticket.key}/{note.mark}"
            if record.status is not Status.OPEN or await self._tracker.has_note(record, mark):
                return False
            await self._tracker.note(record, Remark(note.text, mark, note.owner))
        return True

    def _refuse_reading(self, what: str) -> None:
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{what}: no ticket may be opened or closed while planning")

    async def _open_ticket(self, change: Change) -> str:
        """Return the address of the open ticket for a change, opening one if there is none."""
        known = self._known if self._known is not None else _by_operation(await self._tracker.records())
        letter = self._write(change, 1)
        earlier = known.get(letter.record.about, [])
        for one in reversed(_open_ones(earlier)):
            if one.wanted == wanted_of(change):
                return one.address
            await self._supersede(one.key, "something else is wanted by now")
        if earlier:
            letter = self._write(change, earlier[-1].generation + 1)
        address = await self._create(letter)
        if address is None:
            return await self._adopt(letter.record.key)
        known[letter.record.about] = [*(one for one in earlier if one.status is not Status.OPEN)]
        known[letter.record.about].append(replace(letter.record, address=address))
        self._known = known
        return address

    async def _create(self, letter: Letter) -> str | None:
        """Open a ticket; where the answer was lost, look whether it was opened."""
        try:
            return await self._tracker.create(letter)
        except TransportError as error:
            if error.landed is not None:
                raise
            landed = await self._find(letter.record.key)
            if landed is None:
                raise
            return landed.address

    async def _adopt(self, key: str) -> str:
        """Return the address of the ticket that somebody else has opened in the meantime."""
        self._known = None
        record = await self._find(key)
        if record is None:
            raise ProviderError(f"there is something called {key} in {self._tracker.where}, and it is no ticket")
        return record.address

    async def _find(self, key: str) -> Record | None:
        return next((record for record in await self._tracker.records() if record.key == key), None)

    def _write(self, change: Change, generation: int) -> Letter:
        """Return the letter that asks for a change."""
        now = self._surroundings.now
        due = now if change.cause in URGENT else now + self._config.due
        record = record_of(change, generation, owner=self._surroundings.owner, opened=now, due=due)
        body = write_body(change, self._surroundings, due, self._template(), closing=self._tracker.closing)
        return Letter(record, write_title(change, self._surroundings), body, due)

    async def _supersede(self, key: str, reason: str) -> None:
        """Close a ticket if it is still open: somebody may have done it in the meantime."""
        record = await self._find(key)
        if record is None:
            raise ProviderError(f"the ticket {key} is gone", hint=f"somebody removed it from {self._tracker.where}")
        if record.status is Status.OPEN:
            await self._tracker.close(record, Status.SUPERSEDED, reason)
        self._known = None

    def _template(self) -> str:
        """Return the text of the template that the YAML names; empty for the usual one.

        Raises:
            ProviderError: it cannot be read, or is outside of the tree.
        """
        if not self._config.template:
            return ""
        file: Path = (self._surroundings.root / self._config.template).resolve()
        if not file.is_relative_to(self._surroundings.root.resolve()):
            raise ProviderError(f"{self._config.template} is outside of the folder of reconciler.yaml")
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProviderError(f"{self._config.template} cannot be read: {error}") from error


def _by_operation(records: Sequence[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """Return the tickets of each operation, the latest generation last."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    for record in sorted(records, key=lambda record: record.generation):
        found.setdefault(record.about, []).append(record)
    return found


def _open_ones(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.status is Status.OPEN]
