"""Operations that a person does: asked for in a ticket file, and true once somebody attests them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, TypeAlias

from pydantic import BaseModel

from providers.ticket.body import URGENT, write_body
from providers.ticket.client import TicketDirectory
from providers.ticket.config import TicketConfig
from providers.ticket.header import write_header
from providers.ticket.mapping import ALL, read_attested
from providers.ticket.record import Record, Status, file_name, key_of
from reconciler.errors import ProviderError, ReadOnlyError, ReconcilerError
from reconciler.items import Value
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import CAN, Capabilities, Surroundings, Ticket
from reconciler.provider.snapshot import ACCOUNTS, Snapshot, grants_of
from reconciler.version import tool_version

_Head: TypeAlias = "Mapping[str, Value | Mapping[str, Value]]"
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
        self._directory = TicketDirectory(surroundings.root, config.directory)
        self._turn = asyncio.Lock()
        self._known: dict[tuple[str, str, str], Record] | None = None

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider; reads nothing yet.

        Raises:
            ProviderError: the folder leads out of the tree, or the template does not exist.
        """
        if not isinstance(config, TicketConfig):
            raise ProviderError(f"{surroundings.app}: the ticket provider was given another provider's configuration")
        provider = cls(config, surroundings)
        provider._template()
        return provider

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    async def read(self) -> Snapshot:
        """Return what closed tickets attest, all of it together: complete as attested.

        Raises:
            ProviderError: a ticket of this app cannot be read; the message names each with its line.
        """
        records = await asyncio.to_thread(self._records)
        return read_attested(records, self._config.directory)

    async def tickets(self) -> Sequence[Ticket]:
        """Return the newest ticket of each operation of this app.

        Raises:
            ProviderError: see `read`.
        """
        records = await asyncio.to_thread(self._records)
        return [record.ticket for record in _newest(records).values()]

    async def perform(self, change: Change) -> Receipt:
        """Open a ticket, or find the open one.

        An open ticket that asks for something else (another level) is superseded by a new one.

        Raises:
            ReadOnlyError: while planning.
        """
        self._refuse_reading(change.id)
        async with self._turn:
            try:
                address = await asyncio.to_thread(self._open_ticket, change)
            except ReconcilerError as error:
                return Receipt(change, Outcome.FAILED, detail=str(error))
        return Receipt(change, Outcome.TICKET, detail=address)

    async def cancel(self, ticket: Ticket, reason: str) -> None:
        """Close a ticket that is still open as superseded, and say why.

        Raises:
            ProviderError: its file is gone, or cannot be written.
            ReadOnlyError: while planning.
        """
        self._refuse_reading(ticket.change_id)
        async with self._turn:
            await asyncio.to_thread(self._supersede, ticket.key, reason)

    def _refuse_reading(self, what: str) -> None:
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{what}: no ticket may be opened or closed while planning")

    def _records(self) -> list[Record]:
        return self._directory.records(self._surroundings.app)

    def _open_ticket(self, change: Change) -> str:
        """Return the address of the open ticket for a change, opening one if there is none."""
        known = _newest(self._records()) if self._known is None else self._known
        newest = known.get(_about(change))
        if newest and newest.status is Status.OPEN:
            if newest.wanted == _wanted(change):
                return newest.address
            self._supersede(newest.key, "something else is wanted by now")
        generation = newest.generation + 1 if newest else 1
        address = self._write(change, generation)
        if address is None:
            return self._adopt(key_of(change, generation))
        known[_about(change)] = self._record(change, generation, address)
        self._known = known
        return address

    def _adopt(self, key: str) -> str:
        """Return the address of the ticket that somebody else has opened in the meantime."""
        self._known = None
        record = next((record for record in self._records() if record.key == key), None)
        if record is None:
            raise ProviderError(f"there is a file for the ticket {key} in {self._config.directory}, and it is none")
        return record.address

    def _write(self, change: Change, generation: int) -> str | None:
        """Write a new ticket's file; None if somebody else has just written it."""
        key = key_of(change, generation)
        due = self._surroundings.now if change.cause in URGENT else self._surroundings.now + self._config.due
        head = write_header(self._head(change, key, generation, due))
        body = write_body(change, self._surroundings, due, self._template())
        return self._directory.create(file_name(change, key), f"{head}\n{body}")

    def _head(self, change: Change, key: str, generation: int, due: datetime) -> _Head:
        return {
            "status": Status.OPEN,
            "closed": "",
            "attested_by": "",
            "evidence": "",
            "key": key,
            "change": change.id,
            "app": change.app,
            "operation": change.operation.value,
            "holder": change.holder,
            "account": change.account_id,
            "username": change.username,
            "entitlement": change.entitlement,
            "level": change.after.get("level"),
            "wanted": _wanted(change),
            "generation": generation,
            "owner": self._surroundings.owner,
            "opened": self._surroundings.now.astimezone(UTC).isoformat(timespec="seconds"),
            "due": f"{due:%Y-%m-%d}",
        }

    def _record(self, change: Change, generation: int, address: str) -> Record:
        return Record(
            address=address,
            key=key_of(change, generation),
            change_id=change.id,
            app=change.app,
            operation=change.operation,
            holder=change.holder,
            entitlement=change.entitlement,
            generation=generation,
            status=Status.OPEN,
            opened=self._surroundings.now,
            wanted=_wanted(change),
        )

    def _supersede(self, key: str, reason: str) -> None:
        """Close a ticket if it is still open: somebody may have done it in the meantime."""
        record = next((record for record in self._records() if record.key == key), None)
        if record is None:
            raise ProviderError(f"the ticket {key} is gone", hint="somebody removed its file")
        if record.status is Status.OPEN:
            closed = self._surroundings.now.astimezone(UTC).isoformat(timespec="seconds")
            values = {"status": Status.SUPERSEDED.value, "closed": closed, "evidence": reason}
            self._directory.edit(record.address, values)
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


def _wanted(change: Change) -> dict[str, Value]:
    """Return what a ticket is to make of its item; for a new name, what it was called before."""
    if change.operation is Operation.RENAME_ENTITLEMENT:
        return {"from": change.before.get("key") or change.entitlement_id}
    return {name: value for name, value in change.after.items() if value not in (None, "", ())}


def _about(change: Change) -> tuple[str, str, str]:
    return (change.operation.value, change.holder, change.entitlement)


def _newest(records: Sequence[Record]) -> dict[tuple[str, str, str], Record]:
    """Return the ticket of the latest generation of each operation."""
    newest: dict[tuple[str, str, str], Record] = {}
    for record in records:
        about = (record.operation.value, record.holder, record.entitlement)
        if about not in newest or record.generation > newest[about].generation:
            newest[about] = record
    return newest
