"""The three sides of each app are put together; what needs no answer is made while the apps are still being asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.items import Names
from reconciler.model.apps import App
from reconciler.model.company import Company
from reconciler.model.identities import Person, ServiceAccount
from reconciler.plan.inputs import AppInputs, IdentityKeys, Loss, WayRead
from reconciler.plan.plan import Scope
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.resolve.account import declare_account
from reconciler.resolve.app import declare_app
from reconciler.resolve.asked import find_asked, waits_for
from reconciler.resolve.declared import DeclaredAccount, DeclaredApp, Presence
from reconciler.resolve.reasons import reasons_for
from reconciler.resolve.resolved import Resolved
from reconciler.run.reading import AppAnswer, WayAnswer
from reconciler.run.session import Session
from reconciler.run.ways import OpenWay, digest_config, levels_of
from reconciler.state.contract import Applied, StateStore


@dataclass(frozen=True, slots=True)
class _OurSides:
    """What is declared and applied; `rendered` are accounts that were rendered ahead, by identity."""

    declared: DeclaredApp
    applied: Applied
    rendered: Mapping[str, DeclaredAccount] = field(default_factory=dict)

    def account(self, resolved: Resolved, identity: str) -> DeclaredAccount:
        """Return one declared account, rendered now if it was not yet."""
        return self.rendered.get(identity) or declare_account(resolved, self.declared, identity)


class Keys:
    """What every identity of a company can be found by, app by app."""

    def __init__(self, company: Company) -> None:
        self._all: list[Person | ServiceAccount] = [*company.people.values(), *company.service_accounts.values()]
        self._plain = tuple(IdentityKeys(one.id, one.email) for one in self._all)
        self._named = {app for one in self._all for app in one.usernames}

    def of(self, app: str) -> tuple[IdentityKeys, ...]:
        """Return the keys in one app; one listing serves all apps in which nobody has a username."""
        if app not in self._named:
            return self._plain
        return tuple(IdentityKeys(one.id, one.email, one.usernames.get(app, "")) for one in self._all)


class Gatherer:
    """Gathers what planning needs of one app after the other."""

    def __init__(self, session: Session, scope: Scope, state: StateStore, lost: Mapping[str, Loss]) -> None:
        self._session = session
        self._scope = scope
        self._state = state
        self._lost = lost
        self._ready: dict[str, _OurSides] = {}
        self._keys = Keys(session.company)
        self._policies = (*(session.base.policies if session.base else ()), session.company.policies)

    def prepare(self, app: App, ways: Sequence[OpenWay]) -> None:
        """Work out what is declared, load what is applied and render accounts, before the app has answered."""
        ours = self._our_sides(app, ways)
        resolved = self._session.resolved
        present = (name for name, presence in ours.declared.accounts.items() if presence is Presence.PRESENT)
        rendered = {name: declare_account(resolved, ours.declared, name) for name in present}
        self._ready[app.name] = replace(ours, rendered=rendered)

    def gather(self, answer: AppAnswer) -> AppInputs:
        """Put an app's answer beside what is declared and applied."""
        app, session = answer.app, self._session
        ways = [said.way for said in answer.ways]
        ours = self._ready.pop(app.name, None) or self._our_sides(app, ways)
        asked = find_asked(session.resolved, app)
        return AppInputs(
            declared=ours.declared,
            asked=asked.person,
            stand_in=asked.why,
            account=partial(ours.account, session.resolved),
            reasons=partial(reasons_for, session.resolved, ours.declared),
            identities=self._keys.of(app.name),
            applied=ours.applied,
            ways=tuple(map(_way_read, answer.ways)),
            tickets=self._tickets(app, answer.ways),
            reread=answer.reread,
            scope=self._scope,
            moment=session.moment,
            policies=self._policies,
            lost=self._lost.get(app.name),
            config_digest=digest_config(app, session.settings, [way.version for way in ways]),
            seconds=answer.seconds,
            error=answer.error,
        )

    def _tickets(self, app: App, ways: Sequence[WayAnswer]) -> tuple[tuple[str, Ticket], ...]:
        """Return every ticket with its way; an open one names whom it waits for now."""
        return tuple((said.way.name, asked_now(self._session, app, ticket)) for said in ways for ticket in said.tickets)

    def _our_sides(self, app: App, ways: Sequence[OpenWay]) -> _OurSides:
        names = Names()
        declared = declare_app(self._session.resolved, app.name, names, levels_of(ways))
        return _OurSides(declared, self._state.load(app.name, names))


def redeclare(head: AppInputs, resolved: Resolved, identities: Sequence[IdentityKeys]) -> AppInputs:
    """Return what a plan was made from, with what another company declares in its place.

    Args:
        head: of the same app.
        resolved: the other company, at the same moment.
        identities: what its identities can be found by.
    """
    levels = {kind: order for way in reversed(head.ways) for kind, order in way.capabilities.levels.items()}
    declared = declare_app(resolved, head.app, head.declared.names, levels)
    return replace(
        head,
        declared=declared,
        account=partial(declare_account, resolved, declared),
        reasons=partial(reasons_for, resolved, declared),
        identities=identities,
    )


def _way_read(said: WayAnswer) -> WayRead:
    return WayRead(said.way.name, said.way.version, said.way.capabilities, said.snapshot, said.error)


def asked_now(session: Session, app: App, ticket: Ticket) -> Ticket:
    """Return an open ticket as one of whoever it waits for now, whoever was asked when it was opened."""
    if ticket.status is not TicketStatus.OPEN:
        return ticket
    return replace(ticket, owner=waits_for(session.resolved, app, ticket.owner))
