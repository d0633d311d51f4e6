"""Opening tickets: one for each change, or one for several changes of the same person; never two for one change."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from providers.ticket.body import URGENT, asks_for_several, write_body, write_title
from providers.ticket.config import TicketConfig
from providers.ticket.record import Part, Record, Status, each_of, record_of, wanted_of
from providers.ticket.tracker import Letter, Tracker
from reconciler.errors import ProviderError, ReconcilerError, TransportError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.contract import Surroundings

_About = tuple[str, str, str]


class Desk:
    """Opens the tickets of one app, and knows those that are there.

    Args:
        tracker: entered.
    """

    def __init__(self, tracker: Tracker, config: TicketConfig, surroundings: Surroundings) -> None:
        self._tracker = tracker
        self._config = config
        self._surroundings = surroundings
        self._known: dict[_About, list[Record]] | None = None

    async def ask(self, changes: Sequence[Change]) -> list[Receipt]:
        """Ask for changes of one holder, in as few tickets as may be; a receipt each, in their order.

        What is asked for already keeps its ticket. An open ticket that asks for something else (another level) is
        superseded first, with all that it asks for.
        """
        receipts: dict[str, Receipt] = {}
        try:
            await self._supersede_others(changes)
            known = await self._records()
            lone: list[Change] = []
            several: list[Change] = []
            for change in changes:
                earlier = known.get(_about(change), [])
                if open_one := next(reversed(open_ones(earlier)), None):
                    receipts[change.id] = Receipt(change, Outcome.TICKET, detail=open_one.address)
                else:
                    (lone if self._is_asked_alone(earlier) else several).append(change)
        except ReconcilerError as error:
            return [self._failed(change, error) for change in changes]
        for group in (*((change,) for change in lone), *self._groups(several)):
            receipts |= {receipt.change.id: receipt for receipt in await self._ask_together(group)}
        return [receipts[change.id] for change in changes]

    async def supersede(self, key: str, reason: str) -> None:
        """Close a ticket if it is still open: somebody may have done it in the meantime.

        Raises:
            ProviderError: it is gone, or cannot be closed.
        """
        record = await self.find(key)
        if record is None:
            raise ProviderError(f"the ticket {key} is gone", hint=f"somebody removed it from {self._tracker.where}")
        if record.status is Status.OPEN:
            await self._tracker.close(record, Status.SUPERSEDED, reason)
        self._known = None

    async def find(self, key: str) -> Record | None:
        """Return the ticket that asks for the operation of a key, and maybe for more.

        Raises:
            ProviderError: the tickets cannot be read.
        """
        for record in await self._tracker.records():
            if any(one.key == key for one in each_of(record)):
                return record
        return None

    async def _supersede_others(self, changes: Sequence[Change]) -> None:
        for change in changes:
            for one in open_ones((await self._records()).get(_about(change), [])):
                if one.wanted != wanted_of(change):
                    await self.supersede(one.key, "something else is wanted by now")

    async def _records(self) -> dict[_About, list[Record]]:
        if self._known is None:
            self._known = by_operation(await self._tracker.records())
        return self._known

    def _is_asked_alone(self, earlier: Sequence[Record]) -> bool:
        """Say whether the last ticket was rejected with others in it: which of them was meant, nobody knows."""
        return bool(earlier) and earlier[-1].status is Status.REJECTED and bool(earlier[-1].together)

    def _groups(self, changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
        size = self._config.batch if asks_for_several(self.template()) else 1
        for start in range(0, len(changes), size):
            yield changes[start : start + size]

    async def _ask_together(self, changes: Sequence[Change]) -> list[Receipt]:
        """Open one ticket for changes of which none has an open one."""
        try:
            letter = self._write(changes, await self._records())
            address = await self._create(letter)
            if address is None:
                address = await self._adopt(letter.record, changes)
        except ReconcilerError as error:
            return [self._failed(change, error) for change in changes]
        self._remember(replace(letter.record, address=address))
        return [Receipt(change, Outcome.TICKET, detail=address) for change in changes]

    def _failed(self, change: Change, error: ReconcilerError) -> Receipt:
        self._known = None
        unknown = isinstance(error, TransportError) and error.landed is None
        return Receipt(change, Outcome.UNKNOWN if unknown else Outcome.FAILED, detail=str(error))

    def _remember(self, record: Record) -> None:
        for one in each_of(record):
            if self._known is not None:
                self._known.setdefault(one.about, []).append(one)

    def _write(self, changes: Sequence[Change], known: dict[_About, list[Record]]) -> Letter:
        """Return the letter that asks for changes."""
        now = self._surroundings.now
        urgent = any(change.cause in URGENT for change in changes)
        due = now if urgent else now + self._config.due
        parts = [
            Part(change.operation, change.entitlement, _generation(known, change), wanted_of(change))
            for change in changes
        ]
        first = record_of(changes[0], parts[0].generation, owner=self._surroundings.owner, opened=now, due=due)
        body = write_body(changes, self._surroundings, due, self.template(), closing=self._tracker.closing)
        record = replace(first, also=tuple(parts[1:]))
        return Letter(record, write_title(changes, self._surroundings), body, due)

    async def _create(self, letter: Letter) -> str | None:
        """Open a ticket; where the answer was lost, look whether it was opened."""
        try:
            return await self._tracker.create(letter)
        except TransportError as error:
            if error.landed is not None:
                raise
            landed = await self.find(letter.record.key)
            if landed is None:
                raise
            return landed.address

    async def _adopt(self, record: Record, changes: Sequence[Change]) -> str:
        """Return the address of the ticket that somebody else has opened in the meantime.

        Raises:
            ProviderError: there is none, or it does not ask for all of this.
        """
        self._known = None
        found = await self.find(record.key)
        if found is None:
            raise ProviderError(f"there is something called {record.key} in {self._tracker.where}, and it is no ticket")
        if {one.about for one in each_of(record)} - {one.about for one in each_of(found)}:
            hint = "apply again: what it does not ask for gets a ticket then"
            raise ProviderError(f"{found.address} was opened in the meantime, for a part of {len(changes)}", hint=hint)
        return found.address

    def template(self) -> str:
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


def by_operation(records: Sequence[Record]) -> dict[_About, list[Record]]:
    """Return the tickets of each operation, the latest generation last; of two with one key the older one alone."""
    found: dict[_About, list[Record]] = {}
    for record in flatten(records):
        found.setdefault(record.about, []).append(record)
    return {about: sorted(all_, key=lambda record: record.generation) for about, all_ in found.items()}


def flatten(records: Sequence[Record]) -> list[Record]:
    """Return a record for each operation of each ticket, in the tickets' order; of two with one key the older one."""
    each = [one for record in records for one in each_of(record)]
    oldest: dict[str, Record] = {}
    for one in sorted(each, key=lambda record: record.opened):
        oldest.setdefault(one.key, one)
    return [one for one in each if oldest[one.key] is one]


def open_ones(records: Sequence[Record]) -> list[Record]:
    """Return those that are open."""
    return [record for record in records if record.status is Status.OPEN]


def _about(change: Change) -> _About:
    return (change.operation.value, change.holder, change.entitlement)


def _generation(known: dict[_About, list[Record]], change: Change) -> int:
    earlier = known.get(_about(change))
    return earlier[-1].generation + 1 if earlier else 1
