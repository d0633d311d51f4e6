"""A plan is made true: each app in the plan's order, apps side by side, and nothing is claimed that was not seen."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from reconciler.apply.ledger import Ledger
from reconciler.apply.progress import Progress
from reconciler.apply.refusals import miss, refuse, refused_apps
from reconciler.apply.report import Report
from reconciler.apply.resume import look_up, recall
from reconciler.apply.route import Route, routes_of
from reconciler.apply.tickets import cancel_tickets
from reconciler.apply.verify import ReadBack, adoption_of, read_back
from reconciler.apply.walk import Walk
from reconciler.audit.approval import BY_HAND, Approval
from reconciler.audit.entries import tell_adoption, tell_cancelled, tell_end, tell_forgotten, tell_settled, tell_start
from reconciler.audit.trail import Trail
from reconciler.audit.witness import Witness
from reconciler.errors import PlanError, ReconcilerError, StateError
from reconciler.items import AccountItem, Item
from reconciler.plan.order import Strand, gather_asked, requirements, staged
from reconciler.plan.plan import AppPlan, Plan
from reconciler.plan.tickets import contrary_ids
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Provider
from reconciler.state.contract import Adoption, JournalEntry, Run, StateStore


async def execute(  # noqa: PLR0913 - who applies what, to which apps, remembered where, watched by whom
    plan: Plan,
    providers: Mapping[tuple[str, str], Provider],
    state: StateStore,
    run: Run,
    *,
    progress: Progress,
    clock: Callable[[], datetime],
    witness: Witness | None = None,
) -> Report:
    """Apply a plan, and say what came of each change.

    Cancelling it (Ctrl-C) stops what has not begun; requests in flight are finished and recorded, and the report says
    so. Cancelling it once more gives up at once: what is left open is looked up by the next apply.

    Args:
        plan: what is to be done; its freshness was checked by the caller (`check.refuse_stale`).
        providers: (app, way's name) → provider, entered, in the order of each app's route. An app without any is not
            attempted.
        state: opened for writing, and locked by the caller.
        run: who applies; its `id` is new.
        progress: who watches.
        clock: returns the present instant, with a time zone.
        witness: by whose approval, and where the trail's head is anchored; None means by hand, and nowhere.

    Raises:
        PlanError: the plan is of the future.
        StateError: the state can no longer be written, or the lock was broken: nothing more was begun.
    """
    if plan.future:
        raise PlanError("this plan shows the future and cannot be applied", hint="plan again without --at")
    witness = witness or Witness(Approval(BY_HAND, run.operator, run.machine))
    trail = Trail(state)
    with trail.together():
        state.begin(run)
        trail.append([*tell_start(plan, run, witness.approval)], clock())
    work = _Work(plan, providers, state, run, progress, clock, trail)
    progress.started(run, sum(1 for _ in plan.changes()))
    try:
        report = await _carry_out(work)
    except BaseException:
        progress.given_up()
        raise
    report = replace(report, problems=(*report.problems, *witness.anchor_head(state, clock(), run.id)))
    progress.finished(report)
    return report


async def _carry_out(work: "_Work") -> Report:
    """Do the work, and record how it ended."""
    await work.do()
    report = work.report()
    trail, run, state, clock = work.trail, work.run, work.state, work.clock
    with trail.together():
        trail.append([tell_end(run.id, report.summary, report.counts(), report.problems)], clock())
        state.end(run.id, report.summary, clock())
    return report


@dataclass
class _Work:
    """One apply in progress; the fields are `execute`'s arguments, and where it is told."""

    plan: Plan
    providers: Mapping[tuple[str, str], Provider]
    state: StateStore
    run: Run
    progress: Progress
    clock: Callable[[], datetime]
    trail: Trail

    def __post_init__(self) -> None:
        plan = self.plan
        order = {app.app: tuple(way.partition(" ")[0] for way in app.ways) for app in plan.apps}
        self._routes = routes_of(self.providers, order)
        self._refused = refused_apps(plan)
        self._not_ours = refuse(plan, self._refused)
        refused = {receipt.change.id for receipt in self._not_ours}
        wanted = [change for change in plan.changes() if change.id not in refused]
        missed = [receipt for change in wanted if (receipt := miss(change, self._routes.get(change.app)))]
        lost = {receipt.change.id for receipt in missed}
        self._unmet = [receipt.change for receipt in missed if receipt.change.operation in TRACELESS]
        self._ledger = Ledger(self.state, self.run.id, self.clock, self.trail)
        self._attempted = [change for change in wanted if change.id not in lost]
        self._walk = Walk(self._attempted, [*self._not_ours, *missed], self._routes, self._ledger, self.progress)
        self._problems: list[str] = []
        self._adopted = self._cancelled = 0

    async def do(self) -> None:
        """Do everything; a first cancellation stops what has not begun."""
        self._ledger.intend(self._unmet)  # no reading shows them, so that they would be forgotten
        for receipt in self._walk.outcomes.values():
            self._ledger.settle(receipt)
            self.progress.receipt(receipt)
        self._ledger.flush()
        open_ones: dict[str, list[JournalEntry]] = {}
        for entry in self.state.unsettled():
            open_ones.setdefault(entry.app, []).append(entry)
        strands = _by_app(self._attempted)
        parts = [self._apply(app, strands.get(app.app, ()), open_ones.get(app.app, ())) for app in self.plan.apps]
        await self._finish(_side_by_side([self._or_give_up(part) for part in parts]))
        if self._walk.broken:
            raise self._walk.broken

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._walk.stopped = not task.done()
            if self._walk.stopped:
                self.progress.stopping()
            if current := asyncio.current_task():
                current.uncancel()
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                raise

    async def _or_give_up(self, part: Coroutine[Any, Any, None]) -> None:
        """Do one app's part; where nothing can be recorded any more, the others end what they have begun."""
        try:
            await part
        except StateError as error:
            self._walk.give_up(error)

    async def _apply(self, app: AppPlan, stages: Sequence[Sequence[Strand]], left_open: Sequence[JournalEntry]) -> None:
        """Apply one app's part, from what an earlier run left open to what the app shows in the end."""
        route = self._routes.get(app.app) or Route(app.app, {})
        if left_open and route.ways:
            await self._recover(route, left_open)
        ours = not app.error and app.app not in self._refused
        if ours:
            self._adopt(app.app, replace(app.adoption, gone=()))
            self._adopted += len(app.adoption.accounts) + len(app.adoption.entitlements) + len(app.adoption.grants)
        await self._cancel(route, app, ours=ours)
        for strands in stages:
            await self._walk.walk(strands)
        await self._verify(route, app.changes)
        gone = self._gone(app)
        if ours and gone and not self._walk.stopped:
            # Last: until a rename is recorded, the old name's pin is what is known of it.
            self._adopt(app.app, Adoption(gone=gone))

    async def _cancel(self, route: Route, app: AppPlan, *, ours: bool) -> None:
        """Cancel tickets before their opposites are asked for; in an app that a guard refuses, only where they are."""
        changes = [change for change in app.changes if change.id not in self._walk.outcomes]
        contrary = set() if ours else {one for change in changes for one in contrary_ids(change)}
        wanted = [one for one in app.cancellations if ours or one.change_id in contrary]
        if not wanted:
            return
        found = await cancel_tickets(route, wanted)
        self._cancelled += len({one.address or one.key for one in found.done})
        self._problems += found.problems
        self.trail.append([tell_cancelled(self.run.id, app.app, ticket) for ticket in found.done], self.clock())
        self._walk.refuse(found.hold_back(changes, route))

    def _gone(self, app: AppPlan) -> list[Item]:
        """Return what is to be forgotten, but for what is known under a former name that was not changed after all."""
        kept = {
            f"{change.kind}:{change.before.get('name')}"
            for change in app.changes
            if change.operation is Operation.RENAME_ENTITLEMENT
            and self._walk.outcomes[change.id].outcome is not Outcome.VERIFIED
        }
        return [
            item
            for item in app.adoption.gone
            if kept.isdisjoint({getattr(item, "holder", ""), getattr(item, "entitlement", "")})
        ]

    def _adopt(self, app: str, adoption: Adoption) -> None:
        """Take on what the plan says, and tell how much that is."""
        told = [*tell_adoption(self.run.id, app, adoption), *tell_forgotten(self.run.id, app, adoption.gone)]
        with self.trail.together():
            self.trail.append(told, self.clock())
            self.state.adopt(app, adoption)

    async def _recover(self, route: Route, entries: Sequence[JournalEntry]) -> None:
        holders = sorted({entry.change.holder for entry in entries if entry.change})
        found = await look_up(route, recall(entries, self.state.accounts(route.app, holders)))
        left = {entry.number: entry for entry in entries}
        told = [tell_settled(self.run.id, left[number], receipt) for number, receipt in found.receipts]
        with self.trail.together():
            self.trail.append(told, self.clock())
            self.state.settle(self.run.id, found.receipts, self.clock())
        self._learn(route.app, [receipt for _, receipt in found.receipts], found.read)
        again = {change.id for change in self._attempted}
        self._problems += [*found.problems, *(words for id_, words in found.doubts if id_ not in again)]

    async def _verify(self, route: Route, changes: Sequence[Change]) -> None:
        """Read the app back, and write down what it shows."""
        receipts = [self._walk.outcomes[change.id] for change in changes]
        if self._walk.stopped:
            self._close(route.app, [_unread(receipt) for receipt in receipts if receipt.outcome is Outcome.DONE], "")
            return
        read = await read_back(route, receipts)
        self._close(route.app, read.receipts, read.problem)
        self._learn(route.app, [self._walk.outcomes[change.id] for change in changes], read)

    def _close(self, app: str, receipts: Sequence[Receipt], problem: str) -> None:
        """Record the last word on some changes."""
        for receipt in receipts:
            self._walk.outcomes[receipt.change.id] = receipt
        self._ledger.settle_all(receipts)
        if problem:
            self._problems.append(f"{app} could not be read back: {problem}")
        if receipts or problem:
            self.progress.read_back(app, tuple(receipts), problem)

    def _learn(self, app: str, receipts: Sequence[Receipt], read: ReadBack) -> None:
        """Let the state take on what a reading showed."""
        holders = {r.change.holder for r in receipts if isinstance(r.change.item, AccountItem)}
        adoption = adoption_of(receipts, read, self.state.accounts(app, sorted(holders)))
        if adoption != Adoption():
            self.state.adopt(app, adoption)

    def report(self) -> Report:
        """Say what came of everything."""
        return Report(
            run=self.run.id,
            receipts=tuple(self._walk.outcomes[change.id] for change in self.plan.changes()),
            refused=frozenset(receipt.change.id for receipt in self._not_ours),
            problems=tuple(self._problems),
            adopted=self._adopted,
            cancelled=self._cancelled,
            unread=tuple(app.app for app in self.plan.apps if not app.complete),
            conflicts=sum(finding.refuses for _, finding in self.plan.findings()),
            interrupted=self._walk.stopped,
        )


def _by_app(changes: Sequence[Change]) -> dict[str, list[list[Strand]]]:
    """Return app → stages → strands; staged together, since an order may reach from one app to another."""
    found: dict[str, list[list[Strand]]] = {}
    for stage in staged(changes):
        parts: dict[str, list[Strand]] = {}
        for strand in stage.strands:
            for app in dict.fromkeys(change.app for change in strand):
                parts.setdefault(app, []).append(tuple(change for change in strand if change.app == app))
        for app, strands in parts.items():
            found.setdefault(app, []).append(strands)
    needs = requirements(changes)
    return {app: gather_asked(stages, needs) for app, stages in found.items()}


async def _side_by_side(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run everything at once; the first error of ours ends all of it."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        ours = errors.subgroup(ReconcilerError)
        if ours is None:
            raise
        raise _first(ours) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a group of groups."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _unread(receipt: Receipt) -> Receipt:
    words = "not read back: the apply was stopped"
    return replace(receipt, detail=f"{receipt.detail}; {words}" if receipt.detail else words)
