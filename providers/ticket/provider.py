"""Operations that a person does: asked for in a ticket, and true once somebody attests them."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.ticket.config import TicketConfig, tracker_module
from providers.ticket.mapping import ALL, read_attested
from providers.ticket.operations import Desk, by_operation, flatten, open_ones
from providers.ticket.record import Record, Status, each_of
from providers.ticket.tracker import Remark, Tracker
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Receipt
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
        batches=True,
        concurrency=1,
    )

    def __init__(self, config: TicketConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings
        self._tracker: Tracker = tracker_module(config.via).Tracker.open(config, surroundings)
        self._desk = Desk(self._tracker, config, surroundings)
        self._turn = asyncio.Lock()
        self._listed: dict[str, Record] = {}

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider; reads nothing yet.

        Raises:
            ProviderError: the tracker cannot work as configured, or the template does not exist.
        """
        if not isinstance(config, TicketConfig):
            raise ProviderError(f"{surroundings.app}: the ticket provider was given another provider's configuration")
        provider = cls(config, surroundings)
        provider._desk.template()
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
        return read_attested(flatten(await self._tracker.records()), self._tracker.where)

    async def tickets(self) -> Sequence[Ticket]:
        """Return the newest ticket of each operation of this app, and older ones that somebody opened again.

        Raises:
            ProviderError: see `read`.
        """
        records = await self._tracker.records()
        self._listed = {one.key: record for record in reversed(records) for one in each_of(record)}
        found = by_operation(records).values()
        return [record.ticket for all_ in found for record in (*open_ones(all_[:-1]), all_[-1])]

    async def perform(self, change: Change) -> Receipt:
        """Open a ticket, or find the open one.

        An open ticket that asks for something else (another level) is superseded by a new one.

        Raises:
            ReadOnlyError: while planning.
        """
        return (await self.perform_batch([change]))[0]

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Ask for changes of one holder together, in one ticket where the YAML allows as many; a receipt each.

        Raises:
            ReadOnlyError: while planning.
        """
        self._refuse_reading(changes[0].id)
        async with self._turn:
            return await self._desk.ask(changes)

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close a ticket that is still open as superseded, and say why.

        Raises:
            ProviderError: it is gone, or cannot be closed.
            ReadOnlyError: while planning.
        """
        self._refuse_reading(ticket.change_id)
        async with self._turn:
            await self._desk.supersede(ticket.key, reason)

    async def note(self, ticket: Ticket, note: Note) -> bool:
        """Tell something about an open ticket, if it was not told before; say whether it was told now.

        Raises:
            ProviderError: the ticket is gone, or it was not told, or it is not known.
            ReadOnlyError: while planning.
        """
        self._refuse_reading(ticket.change_id)
        async with self._turn:
            record = self._listed.get(ticket.key) or await self._desk.find(ticket.key)
            if record is None:
                raise ProviderError(f"the ticket {ticket.key} is gone", hint=f"it is not in {self._tracker.where}")
            mark = f"{NOTE}: {record.key}/{note.mark}"
            if record.status is not Status.OPEN or await self._tracker.has_note(record, mark):
                return False
            await self._tracker.note(record, Remark(note.text, mark, note.owner))
        return True

    def _refuse_reading(self, what: str) -> None:
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{what}: no ticket may be opened or closed while planning")
