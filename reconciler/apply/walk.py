"""The changes of a plan, walked in the order that the plan has: intents first, then the requests, then the outcomes."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.apply.edge import perform, perform_batch
from reconciler.apply.ledger import Ledger
from reconciler.apply.progress import Progress
from reconciler.apply.route import OpenedWay, Route
from reconciler.errors import StateError
from reconciler.plan.order import Strand, only_after, requirements
from reconciler.plan.routes import is_entitlement
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.contract import BatchProvider

_CHUNK: Final = 250
_STOPPED: Final = "because the apply was stopped"
_BATCHED: Final = frozenset({Operation.GRANT, Operation.REVOKE})
_WORDS: Final = {
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "ended unknown",
    Outcome.NOT_ATTEMPTED: "was not attempted",
    Outcome.TICKET: "waits for a ticket",
}


class Walk:
    """One walk over all changes of a plan; the apps walk side by side, and wait for each other only where they must.

    Args:
        changes: everything that may be attempted.
        refused: receipts of what may not.
        routes: app → its opened ways; every change's way is among them.

    Attributes:
        outcomes: change's id → its receipt, of everything that has ended.
        stopped: set it, and nothing that has not begun will begin.
        broken: why nothing more can be recorded, once that is so; the walk has stopped then.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        refused: Iterable[Receipt],
        routes: Mapping[str, Route],
        ledger: Ledger,
        progress: Progress,
    ) -> None:
        self.outcomes: dict[str, Receipt] = {receipt.change.id: receipt for receipt in refused}
        self.stopped = False
        self.broken: StateError | None = None
        self._routes = routes
        self._ledger = ledger
        self._progress = progress
        self._ids: dict[tuple[str, str], str] = {}
        everything = [*changes, *(receipt.change for receipt in self.outcomes.values())]
        self._needs = requirements(everything)
        apps = {change.id: change.app for change in everything}
        self._ended = {
            needed: asyncio.Event() for id_, all_ in self._needs.items() for needed in all_ if apps[needed] != apps[id_]
        }
        for id_ in self.outcomes.keys() & self._ended.keys():
            self._ended[id_].set()

    async def walk(self, strands: Sequence[Strand]) -> None:
        """Do the strands of one stage in one app; when this returns, their outcomes are on disk.

        Raises:
            StateError: they cannot be written; what was in flight has ended.
        """
        for chunk in self._chunks(strands):
            self._ledger.intend([] if self.stopped else [change for strand in chunk for change in strand])
            async with asyncio.TaskGroup() as group:
                for unit in self._units(chunk):
                    group.create_task(self._do(unit))
            if self.broken:
                raise self.broken
            self._ledger.flush()

    def give_up(self, error: StateError) -> None:
        """Begin nothing more, since nothing can be recorded.

        What is in flight goes on to its end: cut off, it might land after somebody else has looked it up.
        """
        self.stopped = True
        self.broken = self.broken or error
        for ended in self._ended.values():
            ended.set()

    def refuse(self, receipts: Iterable[Receipt]) -> None:
        """End what may not be attempted after all."""
        for receipt in receipts:
            self._end(receipt)

    def _chunks(self, strands: Sequence[Strand]) -> Iterator[Sequence[Strand]]:
        """Cut a stage into parts whose intents are recorded together; not where apps wait for each other."""
        waits = any(needed in self._ended for strand in strands for c in strand for needed in self._needs.get(c.id, ()))
        size = max(1, len(strands)) if waits else _CHUNK
        for start in range(0, len(strands), size):
            chunk = strands[start : start + size]
            for strand in chunk:
                # A leaver's step that waits is intended all the same: what no reading shows would be forgotten.
                self._drop_hopeless([change for change in strand if change.operation not in TRACELESS])
            yield [kept for strand in chunk if (kept := tuple(c for c in strand if c.id not in self.outcomes))]

    def _drop_hopeless(self, strand: Sequence[Change]) -> None:
        """End what cannot be done any more before its intent is recorded."""
        for change in strand:
            if reason := self._obstacle(change):
                self._end(Receipt(change, Outcome.NOT_ATTEMPTED, reason))

    def _units(self, chunk: Sequence[Strand]) -> Iterator[Sequence[Change]]:
        """Yield what is done one after the other: strands, and the batches that several strands of one change make."""
        batches: dict[tuple[str, Operation, str], list[Change]] = {}
        for strand in chunk:
            first = strand[0]
            way = self._way(first)
            if len(strand) > 1 or first.operation not in _BATCHED or not way.batch or way.ticket:
                yield strand
            else:
                batches.setdefault((first.way, first.operation, first.entitlement), []).append(first)
        yield from batches.values()

    async def _do(self, unit: Sequence[Change]) -> None:
        try:
            await self._do_unit(unit)
        except StateError as error:
            self.give_up(error)

    async def _do_unit(self, unit: Sequence[Change]) -> None:
        way = self._way(unit[0])
        if batch := way.takes_together(unit):
            await self._do_batch(way, batch, unit)
            return
        for change in unit:
            await self._do_one(change)

    async def _do_one(self, change: Change) -> None:
        way = self._way(change)
        await self._wait(change)
        async with way.gate:
            reason = self._obstacle(change)
            if reason:
                self._end(Receipt(change, Outcome.NOT_ATTEMPTED, reason))
            else:
                self._ledger.check_lock()
                self._end(await perform(way.provider, self._filled(change)))

    async def _do_batch(self, way: OpenedWay, batch: BatchProvider, changes: Sequence[Change]) -> None:
        for change in changes:
            await self._wait(change)
        async with way.gate:
            self._drop_hopeless(changes)
            ready = [self._filled(change) for change in changes if change.id not in self.outcomes]
            if ready:
                self._ledger.check_lock()
                for receipt in await perform_batch(batch, ready):
                    self._end(receipt)

    async def _wait(self, change: Change) -> None:
        """Wait for what another app must have done first."""
        for needed in self._needs.get(change.id, ()):
            if needed in self._ended and not self.stopped:
                await self._ended[needed].wait()

    def _obstacle(self, change: Change) -> str:
        """Say why a change cannot be attempted now, as far as what it needs has ended; empty if it can."""
        if self.stopped:
            return _STOPPED
        for needed in self._needs.get(change.id, ()):
            receipt = self.outcomes.get(needed)
            if receipt and not self._suffices(receipt, change):
                return f"because {receipt.change.operation} {receipt.change.item} {_WORDS[receipt.outcome]}"
        return ""

    def _suffices(self, receipt: Receipt, change: Change) -> bool:
        """Say whether something went far enough for a change that needs it: a person can do one thing after another."""
        if receipt.outcome is Outcome.TICKET:
            return self._way(change).ticket is not None and receipt.change.id not in only_after(change)
        return receipt.outcome in {Outcome.DONE, Outcome.VERIFIED}

    def _filled(self, change: Change) -> Change:
        """Give a change the remote ids of what this apply created before it."""
        of_holder = self._ids.get((change.app, change.holder), "")
        by_entitlement = is_entitlement(change.holder)
        return replace(
            change,
            account_id=change.account_id or ("" if by_entitlement else of_holder),
            entitlement_id=change.entitlement_id or self._ids.get((change.app, change.entitlement), ""),
            holder_entitlement_id=change.holder_entitlement_id or (of_holder if by_entitlement else ""),
        )

    def _end(self, receipt: Receipt) -> None:
        """Take note of an outcome, wake who waits for it, and tell."""
        change = receipt.change
        self.outcomes[change.id] = receipt
        if change.operation in {Operation.CREATE_ACCOUNT, Operation.CREATE_ENTITLEMENT} and receipt.remote_id:
            self._ids[change.app, str(change.item)] = receipt.remote_id
        self._ledger.settle(receipt)
        if change.id in self._ended:
            self._ended[change.id].set()
        self._progress.receipt(receipt)

    def _way(self, change: Change) -> OpenedWay:
        return self._routes[change.app].ways[change.way]
