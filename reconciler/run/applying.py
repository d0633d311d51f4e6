"""An apply: under the lock a fresh plan is made, compared with the one that was reviewed, confirmed, and made true."""

import asyncio
import getpass
import logging
import platform
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.apply.check import refuse_stale
from reconciler.apply.edge import describe, guard
from reconciler.apply.execute import execute
from reconciler.apply.progress import Progress
from reconciler.apply.report import Report
from reconciler.audit.anchor import open_anchor
from reconciler.audit.approval import BY_HAND, Approval, Review
from reconciler.audit.witness import Witness
from reconciler.errors import LockError, PlanError, ReconcilerError, StateError
from reconciler.plan.guards import Override
from reconciler.plan.plan import Plan, Scope
from reconciler.plan.sides import Sides
from reconciler.provider.contract import Provider
from reconciler.run.belief import judge_state
from reconciler.run.holding import agreed
from reconciler.run.planning import open_withholder, plan_with
from reconciler.run.reading import ReadProgress
from reconciler.run.remembering import Readings
from reconciler.run.session import Session
from reconciler.run.snapshots import Keeper
from reconciler.run.stopping import stopping_on_interrupt
from reconciler.run.ways import OpenWay, open_ways
from reconciler.state.contract import Run, StateStore
from reconciler.state.lineage import remember_lineage
from reconciler.state.lock import SETTLING
from reconciler.state.offboarded import hold_offboarded, release_offboarded
from reconciler.state.open import open_state

if TYPE_CHECKING:
    from reconciler.run.merging import Merging

_log = logging.getLogger(__name__)
_NOBODY: Mapping[str, datetime] = {}


def apply_plan(  # noqa: PLR0913 - one apply: what, of which plan, and who watches
    session: Session,
    scope: Scope,
    *,
    reviewed: Plan | None,
    confirm: Callable[[Plan], bool],
    progress: Progress,
    read_progress: ReadProgress | None = None,
    override: Override | None = None,
    review: Review | None = None,
    reason: str = "",
    offboard: Mapping[str, datetime] = _NOBODY,
    narrow: Callable[[Plan], Plan] | None = None,
    merging: "Merging | None" = None,
    wait: float = 0.0,
    waiting: Callable[[LockError], None] | None = None,
) -> Report | None:
    """Make a fresh plan true, and return what came of each change; None if it was not confirmed.

    Args:
        session: the company, now.
        scope: what to touch; that of the reviewed plan, where there is one.
        reviewed: the plan that somebody agreed to: what would be done now must be the same.
        confirm: asked with the fresh plan before anything is written.
        progress: who watches the changes.
        read_progress: who watches the reading, or None.
        override: lifts limits of exactly this plan.
        review: who approved it, as the forge says; None means by hand.
        reason: why this is done, for the record; an override has its own.
        offboard: people who leave by this apply, and when; they are held for gone until git says so too.
        narrow: leaves out of the plan what is not meant, or None.
        merging: the push that this is an apply of, which is judged, or None.
        wait: seconds to wait for another apply to end. What is due is then what is due at the end of the waiting.
        waiting: told whom it waits for.

    Raises:
        PlanError: the session is in the future.
        StalePlanError: what was reviewed is not what would be done now.
        LockError: another apply is at work.
        KeyboardInterrupt: somebody stopped it twice: what is left open is looked up by the next apply.
    """
    if session.future:
        raise PlanError("a plan of the future cannot be applied", hint="apply without --at: it does what is due now")
    with open_state(session.settings) as state:
        state.lock(_operator(), SETTLING, datetime.now(UTC), wait, waiting)
        try:
            if wait:
                session = _now(session)
            if merging:
                merging.begin(session, state)
            readings = Readings(lambda: datetime.now(UTC))
            belief = judge_state(session, scope, state)
            keeper = Keeper(session.settings)

            def watch(sides: Sides) -> None:
                readings.see(sides)
                keeper.see(sides)

            plan = plan_with(
                session, scope, state, progress=read_progress, override=override, belief=belief, watch=watch
            )
            plan = narrow(plan) if narrow else plan
            if reviewed is not None:
                refuse_stale(reviewed, plan)
            confirmed = confirm(plan)
            if merging:
                merging.end(state, plan)
            if not confirmed:
                return None
            withholder = open_withholder(session, scope, state)
            session = withholder.session if withholder else session
            held = hold_offboarded(state, offboard)
            run = _run_of(plan, override.reason if override else reason)
            witness = _witness(session, run, review, doubted=belief.doubted)
            try:
                report = asyncio.run(_execute(session, plan, state, run, progress=progress, witness=witness))
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
            readings.remember(state, report)
            if not belief.doubted:
                _keep_snapshots(session, state, keeper, report, witness)
            # Who was held before stays held, whatever is refused now.
            release_offboarded(state, held if report.all_refused else agreed(session, state, offboard))
            _remember(session, state, [app.app for app in plan.apps if not app.error and app.app not in belief.losses])
            return report
        finally:
            state.unlock()


def _keep_snapshots(session: Session, state: StateStore, keeper: Keeper, report: Report, witness: Witness) -> None:
    """Keep what the apps with `plans: snapshot` answered; those in which something was done are asked again."""
    if outdated := keeper.outdated(report):
        keeper.drop(outdated)
        try:
            plan_with(session, Scope(apps=outdated), state, watch=keeper.see)
        except ReconcilerError as error:
            _log.error("no new snapshot of %s: %s", ", ".join(outdated), describe(error))
    keeper.keep(state, witness)


def _now(session: Session) -> Session:
    """Return a session at the present instant; so is what it is compared with, or time would be its own change."""
    moment = datetime.now(UTC)
    return replace(session, moment=moment, base=replace(session.base, moment=moment) if session.base else None)


def _remember(session: Session, state: StateStore, apps: Sequence[str]) -> None:
    """Write down outside of the state that it belongs to these apps; what was applied stays applied without it."""
    try:
        remember_lineage(session.settings, state, apps)
    except StateError as error:
        _log.error("%s", describe(error))


def _run_of(plan: Plan, reason: str) -> Run:
    return Run(
        id=uuid.uuid4().hex[:12],
        plan_digest=plan.digest,
        operator=_operator(),
        machine=platform.node(),
        started_at=datetime.now(UTC),
        reason=reason,
    )


def _witness(session: Session, run: Run, review: Review | None, *, doubted: bool) -> Witness:
    """Return who approved a run (the operator, where no review is known), and where the trail's head is anchored."""
    approval = review.approve(run.operator, run.machine) if review else Approval(BY_HAND, run.operator, run.machine)
    return Witness(approval, None if doubted else open_anchor(session.settings))


async def _execute(  # noqa: PLR0913 - one apply: what, of which plan, who watches, who bears witness
    session: Session, plan: Plan, state: StateStore, run: Run, *, progress: Progress, witness: Witness
) -> Report:
    async with AsyncExitStack() as stack:
        providers = await _open_writers(session, plan, state, stack)
        with stopping_on_interrupt():
            return await execute(
                plan, providers, state, run, progress=progress, clock=lambda: datetime.now(UTC), witness=witness
            )


async def _open_writers(
    session: Session, plan: Plan, state: StateStore, stack: AsyncExitStack
) -> Mapping[tuple[str, str], Provider]:
    """Connect the ways of every app that has something to do, this time able to write.

    A way that cannot be connected is left out: its changes are told as not attempted, and the log says why.
    """
    interrupted = {entry.app for entry in state.unsettled()}
    providers: dict[tuple[str, str], Provider] = {}
    for part in plan.apps:
        if not part.error and (part.changes or part.cancellations or part.app in interrupted):
            for way in open_ways(session, session.company.apps[part.app], read_only=False):
                await _enter(part.app, way, stack, providers)
    return providers


async def _enter(app: str, way: OpenWay, stack: AsyncExitStack, providers: dict[tuple[str, str], Provider]) -> None:
    doing = f"connecting to {app} ({way.name})"
    try:
        providers[app, way.name] = await guard(lambda: stack.enter_async_context(way.provider), doing)
    except ReconcilerError as error:
        _log.error("%s: %s", doing, describe(error))


def _operator() -> str:
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
