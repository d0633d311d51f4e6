"""A plan is made: the apps are read with transports that cannot write, and each is compared as soon as it is there."""

import asyncio
from collections.abc import Sequence
from functools import partial

from reconciler.errors import ConfigurationError
from reconciler.items import Names
from reconciler.load.suggest import suggest
from reconciler.model.apps import App
from reconciler.model.identities import Person, ServiceAccount
from reconciler.plan.app import plan_app
from reconciler.plan.build import build_plan
from reconciler.plan.guards import Override
from reconciler.plan.inputs import AppInputs, IdentityKeys, WayRead
from reconciler.plan.plan import AppPlan, Plan, Scope
from reconciler.provider.contract import Ticket
from reconciler.provider.snapshot import AccountStatus
from reconciler.resolve.account import declare_account
from reconciler.resolve.app import declare_app
from reconciler.resolve.reasons import reasons_for
from reconciler.run.reading import AppAnswer, ReadProgress, WayAnswer, read_apps
from reconciler.run.session import Session
from reconciler.run.ways import digest_config, levels_of
from reconciler.state.contract import StateStore
from reconciler.state.open import open_state
from reconciler.version import tool_version


def make_plan(
    session: Session, scope: Scope, *, progress: ReadProgress | None = None, override: Override | None = None
) -> Plan:
    """Read every app in scope and return the plan; nothing is written anywhere.

    Raises:
        ConfigurationError: the scope names an app or an identity that does not exist.
        StateError: the state cannot be read.
    """
    with open_state(session.settings, read_only=True) as state:
        return plan_with(session, scope, state, progress=progress, override=override)


def plan_with(
    session: Session,
    scope: Scope,
    state: StateStore,
    *,
    progress: ReadProgress | None = None,
    override: Override | None = None,
) -> Plan:
    """Make a plan beside a state that is already open, as `apply` does under its lock."""
    apps = _chosen(session, scope)
    _check_identities(session, scope, state)
    parts = asyncio.run(_plan_apps(session, scope, state, apps, progress))
    return build_plan(
        parts,
        moment=session.moment,
        tree_digest=session.company.digest,
        policies=(session.company.policies,),
        population=len(session.company.people),
        scope=scope,
        tool=tool_version(),
        future=session.future,
        overrides=(override,) if override else (),
        warnings=(*map(str, session.warnings), *_orphans(session, state)),
    )


def _chosen(session: Session, scope: Scope) -> list[App]:
    apps = session.company.apps
    for name in (*scope.apps, *scope.trust_reads):
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
        if name not in session.company.apps
    ]


async def _plan_apps(
    session: Session, scope: Scope, state: StateStore, apps: Sequence[App], progress: ReadProgress | None
) -> tuple[AppPlan, ...]:
    listing = _Listing(session)
    pins = {app.name: _pins_of_leavers(session, state, app.name) for app in apps}
    parts = [
        plan_app(_inputs(session, scope, state, answer, listing))
        async for answer in read_apps(session, apps, pins, progress)
    ]
    return tuple(sorted(parts, key=lambda part: part.app))


def _pins_of_leavers(session: Session, state: StateStore, app: str) -> list[str]:
    accounts = state.accounts(app, session.resolved.leavers).values()
    return [pin.remote_id for pin in accounts if pin.remote_id and pin.status is not AccountStatus.SUSPENDED]


def _inputs(session: Session, scope: Scope, state: StateStore, answer: AppAnswer, listing: "_Listing") -> AppInputs:
    """Gather the three sides of one app."""
    names = Names()
    ways = [said.way for said in answer.ways]
    declared = declare_app(session.resolved, answer.app.name, names, levels_of(ways))
    return AppInputs(
        declared=declared,
        account=partial(declare_account, session.resolved, declared),
        reasons=partial(reasons_for, session.resolved, declared),
        identities=listing.of(answer.app.name),
        applied=state.load(answer.app.name, names),
        ways=tuple(map(_way_read, answer.ways)),
        tickets=_tickets(answer.ways),
        reread=answer.reread,
        scope=scope,
        moment=session.moment,
        policies=(session.company.policies,),
        config_digest=digest_config(answer.app, session.settings, [way.version for way in ways]),
        seconds=answer.seconds,
        error=answer.error,
    )


def _way_read(said: WayAnswer) -> WayRead:
    return WayRead(said.way.name, said.way.version, said.way.capabilities, said.snapshot, said.error)


def _tickets(ways: Sequence[WayAnswer]) -> tuple[tuple[str, Ticket], ...]:
    return tuple((said.way.name, ticket) for said in ways for ticket in said.tickets)


class _Listing:
    """What every identity can be found by; made once, and again only for apps in which somebody has a username."""

    def __init__(self, session: Session) -> None:
        company = session.company
        self._all: list[Person | ServiceAccount] = [*company.people.values(), *company.service_accounts.values()]
        self._plain = tuple(IdentityKeys(one.id, one.email) for one in self._all)
        self._named = {app for one in self._all for app in one.usernames}

    def of(self, app: str) -> tuple[IdentityKeys, ...]:
        """Return the listing for one app."""
        if app not in self._named:
            return self._plain
        return tuple(IdentityKeys(one.id, one.email, one.usernames.get(app, "")) for one in self._all)
