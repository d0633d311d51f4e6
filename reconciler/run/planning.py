"""A plan is made: the apps are read with transports that cannot write, and each is compared as soon as it is there."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.load.suggest import suggest
from reconciler.model.apps import App
from reconciler.plan.build import build_plan
from reconciler.plan.guards import Override
from reconciler.plan.plan import Plan, Scope
from reconciler.plan.sides import Sides
from reconciler.provider.snapshot import AccountStatus
from reconciler.run.belief import Belief, judge_state
from reconciler.run.holding import keep_gone
from reconciler.run.reading import ReadProgress, reading
from reconciler.run.session import Session
from reconciler.run.snapshots import Kept, load_kept
from reconciler.state.contract import StateStore
from reconciler.state.merges import MERGES
from reconciler.state.open import open_state
from reconciler.state.snapshots import is_inner
from reconciler.version import tool_version

if TYPE_CHECKING:
    from reconciler.run.comparing import Parts
    from reconciler.run.withholding import Withholder


def make_plan(  # noqa: PLR0913 - one plan: of what, how far, of which answers, and who watches
    session: Session,
    scope: Scope,
    *,
    progress: ReadProgress | None = None,
    override: Override | None = None,
    watch: Callable[[Sides], None] | None = None,
    snapshots: bool = False,
) -> Plan:
    """Read every app in scope and return the plan; nothing is written anywhere. `watch` sees every app.

    With `snapshots`, apps that say `plans: snapshot` are not asked: the plan is made of what the last apply kept.

    Raises:
        ConfigurationError: the scope names an app or an identity that does not exist.
        StateError: the state cannot be read.
    """
    with open_state(session.settings, read_only=True) as state:
        return plan_with(session, scope, state, progress=progress, override=override, watch=watch, snapshots=snapshots)


def plan_with(  # noqa: PLR0913 - one plan: of what, beside which state, how far believed, and who watches
    session: Session,
    scope: Scope,
    state: StateStore,
    *,
    progress: ReadProgress | None = None,
    override: Override | None = None,
    belief: Belief | None = None,
    watch: Callable[[Sides], None] | None = None,
    snapshots: bool = False,
) -> Plan:
    """Make a plan beside a state that is already open, as `apply` does under its lock.

    Args:
        session: the company, now or at another moment.
        scope: what to touch.
        state: what is recorded.
        progress: who watches the reading, or None.
        override: lifts limits of exactly this plan.
        belief: how far the state is believed, where that was asked already.
        watch: sees the three sides of every app.
        snapshots: whether apps that say so are planned by what was kept of them.
    """
    belief = belief or judge_state(session, scope, state)
    # A state that is in doubt makes nobody a leaver either.
    session = session if belief.doubted else keep_gone(session, state)
    withholder = open_withholder(session, scope, state)
    session = withholder.session if withholder else session
    apps = _chosen(session, scope)
    _check_identities(session, scope, state)
    kept = None
    if snapshots:
        kept = load_kept(state, apps, doubted=belief.doubted, now=datetime.now(UTC))
    parts = asyncio.run(
        _plan_apps(
            session,
            scope,
            state,
            apps,
            belief=belief,
            withholder=withholder,
            kept=kept,
            progress=progress,
            watch=watch,
        )
    )
    base = session.base
    plan = build_plan(
        parts.own,
        moment=session.moment,
        tree_digest=session.company.digest,
        policies=(
            *(base.policies if base else ()),
            *(withholder.policies if withholder else ()),
            session.company.policies,
        ),
        population=min(len(session.company.people), base.population) if base else len(session.company.people),
        scope=scope,
        tool=f"reconciler {tool_version()}",
        future=session.future,
        overrides=(override,) if override else (),
        warnings=(
            *map(str, session.warnings),
            *(kept.warnings if kept else ()),
            *_orphans(session, state),
            *(withholder.warnings if withholder else ()),
            *(base.warnings if base else ()),
        ),
        comparison=parts.comparison,
        refusals=parts.refusals,
    )
    if base is None:
        return plan
    from reconciler.run.provenance import tell_provenance  # noqa: PLC0415 - git takes long to import

    return tell_provenance(plan, session, base)


def open_withholder(session: Session, scope: Scope, state: StateStore) -> "Withholder | None":
    """Return what takes out of plans what nobody reviewed; None of a pull request, or where no merge was ever judged.

    Args:
        session: the company as it is now.
        scope: of what is due also what was never judged is held.
        state: which knows what was judged.
    """
    if session.base or MERGES not in state.apps():
        return None
    from reconciler.run.withholding import Withholder  # noqa: PLC0415 - only where merges are judged

    return Withholder(session, state, due=scope.due)


def _chosen(session: Session, scope: Scope) -> list[App]:
    apps = session.company.apps
    for name in (*scope.apps, *scope.trust_reads, *scope.baselines):
        if name not in apps:
            raise ConfigurationError(f"unknown app {name!r}", hint=suggest(name, apps))
    return [app for name, app in sorted(apps.items()) if not scope.apps or name in scope.apps]


def _check_identities(session: Session, scope: Scope, state: StateStore) -> None:
    """Refuse a misspelt identity; one that is no longer in the YAML but still has something applied is fine."""
    for name in (*scope.identities, *scope.reactivate):
        if session.company.is_identity(name) or any(state.accounts(app, [name]) for app in state.apps()):
            continue
        known = [*session.company.people, *session.company.service_accounts]
        raise ConfigurationError(f"unknown identity {name!r}", hint=suggest(name, known))


def _orphans(session: Session, state: StateStore) -> list[str]:
    """Name the apps that the state knows and the YAML does not: nothing is read or changed in them any more."""
    return [
        f"app {name!r} is no longer in the YAML, but access that was applied in it may still be there: "
        "put it back, or forget it with `reconciler state forget`"
        for name in state.apps()
        if name not in session.company.apps and not is_inner(name)
    ]


async def _plan_apps(  # noqa: PLR0913 - same
    session: Session,
    scope: Scope,
    state: StateStore,
    apps: Sequence[App],
    *,
    belief: Belief,
    withholder: "Withholder | None",
    kept: Kept | None,
    progress: ReadProgress | None,
    watch: Callable[[Sides], None] | None,
) -> "Parts":
    """Ask every app, prepare our own sides while the first answers are under way, and compare each as it comes."""
    held = withholder.unasked if withholder else {}
    unasked = session.base.unasked if session.base else frozenset(held)
    # An app that the base does not know could be anything: nothing is sent to it before the merge.
    asked = [app for app in apps if app.name not in unasked]
    pins = {app.name: _pins_of_leavers(session, state, app.name) for app in asked}
    async with reading(session, asked, pins, progress, kept) as answers:
        from reconciler.run.comparing import Comparer  # noqa: PLC0415 - imported while the first requests are under way
        from reconciler.run.gathering import Gatherer  # noqa: PLC0415 - same

        gatherer = Gatherer(session, scope, state, belief.losses)
        comparer = Comparer(session, watch, withholder.withhold if withholder else None)
        await answers.use_the_wait(gatherer.prepare)
        async for answer in answers:
            comparer.add(gatherer.gather(answer))
    for app in apps:
        if withholder and app.name in held:
            comparer.take(withholder.leave_unasked(app.name))
        elif app.name in unasked:
            comparer.leave_unasked(app)
    return comparer.parts()


def _pins_of_leavers(session: Session, state: StateStore, app: str) -> list[str]:
    accounts = state.accounts(app, session.resolved.leavers).values()
    return [pin.remote_id for pin in accounts if pin.remote_id and pin.status is not AccountStatus.SUSPENDED]
