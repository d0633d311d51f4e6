"""The plans of apps are parted, one by one, into what is a pull request's own and what its base asks for as well."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.items import Item, Names
from reconciler.model.apps import App
from reconciler.plan.app import join_app, plan_again, plan_app
from reconciler.plan.compare import SINGLY, Compared, compare_app, hold_until_merged, leave_out
from reconciler.plan.inputs import AppInputs, IdentityKeys
from reconciler.plan.plan import AppPlan, Comparison, Fact, Finding, Verdict
from reconciler.plan.sides import Sides, declare_otherwise, matched_otherwise
from reconciler.plan.touched import touch
from reconciler.problems import NOWHERE
from reconciler.provider.change import Why
from reconciler.resolve.app import declare_app
from reconciler.resolve.declared import Presence, Reason
from reconciler.resolve.differing import Differing, differ, same_app
from reconciler.resolve.reasons import reasons_for
from reconciler.run.base import Base, refuse_broken
from reconciler.run.gathering import Keys, redeclare
from reconciler.run.session import Session
from reconciler.run.ways import digest_config

_MERGE = "once this is merged, a plan shows its changes, and the scheduled run makes them"


@dataclass(slots=True)
class Parts:
    """What a plan is built from.

    Attributes:
        own: the apps' plans; of a pull request, what is its own in them.
        comparison: None where nothing was compared, or could be.
    """

    own: list[AppPlan] = field(default_factory=list)
    comparison: Comparison | None = None
    refusals: list[Verdict] = field(default_factory=list)


class Comparer:
    """Takes the plan of one app after the other; without a base each is kept as it is."""

    def __init__(
        self,
        session: Session,
        watch: Callable[[Sides], None] | None = None,
        withhold: Callable[[AppPlan, Sides | None], AppPlan] | None = None,
    ) -> None:
        self._session = session
        self._withhold = withhold
        self._watch = watch
        self._base = session.base
        self._compared: list[Compared] = []
        self._plans: list[AppPlan] = []
        self._alike: dict[tuple[int, int], tuple[bool, Sequence[IdentityKeys], Sequence[IdentityKeys]]] = {}
        if self._base and not self._base.broken:
            self._differing = differ(self._base.resolved, session.resolved)
            self._keys = Keys(self._base.company)

    def add(self, inputs: AppInputs) -> None:
        """Plan one app, and part its plan; its sides are shown to whoever watches, unless no way could be opened."""
        base = self._base
        sides = None if inputs.error else join_app(inputs)
        plan = plan_app(inputs, sides)
        if sides and self._watch:
            self._watch(sides)
        if base is None or base.broken:
            self._plans.append(self._withhold(plan, sides) if self._withhold else plan)
            return
        compared = self._compare(base, sides, plan) if sides else leave_out(plan)
        self._compared.append(self._hold(base, compared))

    def _hold(self, base: Base, compared: Compared) -> Compared:
        """Tell what counts only after the merge, and hold back what would be done by a route that is not known yet."""
        app = compared.own.app
        if told := base.loosened.get(app):
            when = "after the merge, when scheduled runs act by it, and not for it"
            note = Finding(Fact.NOTE, None, f"takes effect {when}: {'; '.join(told)}")
            compared = replace(compared, own=replace(compared.own, findings=(*compared.own.findings, note)))
        if app in base.rerouted:
            text = (
                f"the route changed: asked by the one that {base.revision} names, and no secret is sent to the new one"
            )
            compared = hold_until_merged(compared, f"{text}; {_MERGE}")
        return compared

    def take(self, plan: AppPlan) -> None:
        """Take the plan of an app as it is."""
        self._plans.append(plan)

    def leave_unasked(self, app: App) -> None:
        """Take an app that nothing may be sent to."""
        revision = self._base.revision if self._base else ""
        text = f"{revision} does not know this app's route: nothing is asked, and no secret is sent; {_MERGE}"
        digest = digest_config(app, self._session.settings, ())
        wanted = tuple(_wanted(self._session, app))
        told = (Finding(Fact.UNREAD, None, text), *wanted)
        plan = AppPlan(app.name, config_digest=digest, findings=told, owner=app.owner)
        self._compared.append(Compared(plan, replace(plan, findings=()), replace(plan, findings=())))
        self._plans.append(plan)

    def parts(self) -> Parts:
        """Return everything that was taken."""
        base = self._base
        if base is None:
            return Parts(sorted(self._plans, key=lambda plan: plan.app))
        if base.broken:
            refusal = Verdict("comparison", "", refused=True, text=refuse_broken(base), overridable=False)
            return Parts(sorted(self._plans, key=lambda plan: plan.app), refusals=[refusal])
        compared = sorted(self._compared, key=lambda one: one.own.app)
        comparison = Comparison(
            base=base.commit,
            head=base.head,
            edits=base.edits.digest,
            rerouted=tuple(sorted(base.rerouted.items())),
            before=tuple(one.before for one in compared),
            dropped=tuple(one.dropped for one in compared),
        )
        return Parts([one.own for one in compared], comparison)

    def _compare(self, base: Base, sides: Sides, plan: AppPlan) -> Compared:
        head = sides.inputs
        if not can_differ(self._differing, head):
            return leave_out(plan)
        known = base.company.apps.get(head.app)
        inputs = self._inputs(base, head) if known else None
        touched = touch(head, inputs, self._differing.identities)
        # Where the app itself is written otherwise, anything may differ for anybody.
        about = touched.holders | self._differing.identities if same_app(known, head.declared.app) else None
        before = None
        if inputs:
            other = declare_otherwise(sides, inputs)
            about = None if about is None else about | matched_otherwise(sides, other)
            before = plan_again(other, about)
        formerly = partial(_formerly, inputs.reasons if inputs else None)
        return compare_app(plan, before, touched, partial(_explain, head), formerly, about=about)

    def _inputs(self, base: Base, head: AppInputs) -> AppInputs:
        """Return what the head's plan was made from, with what the base declares in its place."""
        return redeclare(head, base.resolved, self._identities(head))

    def _identities(self, head: AppInputs) -> Sequence[IdentityKeys]:
        """Return what the base's identities can be found by: the head's own list, where it is the same."""
        found = self._keys.of(head.app)
        both = id(found), id(head.identities)
        if both not in self._alike:
            # Kept with the lists, so that their ids stay theirs.
            self._alike[both] = (found == head.identities, found, head.identities)
        return head.identities if self._alike[both][0] else found


def _wanted(session: Session, app: App) -> Iterator[Finding]:
    """Yield what an app that nothing may be sent to is to grant; of very much, only what is privileged, singly."""
    declared = declare_app(session.resolved, app.name, Names(), {})
    accounts = sum(presence is Presence.PRESENT for presence in declared.accounts.values())
    yield Finding(
        Fact.NOTE, None, f"declared in it, and not planned yet: accounts {accounts:,}, grants {len(declared.grants):,}"
    )
    for item in declared.names.items(sorted(declared.grants)):
        rules = declared.entitlements.get(item.entitlement)
        privileged = bool(rules and rules.privileged)
        if privileged or len(declared.grants) <= SINGLY:
            why = tuple(Why(reason.text, reason.place) for reason in reasons_for(session.resolved, declared, item))
            place = why[0].place if why else NOWHERE
            yield Finding(
                Fact.WAITING, item, "would grant, if it is not there yet: after the merge", place, why, privileged
            )


def can_differ(differing: Differing, head: AppInputs) -> bool:
    """Say whether base and head can say different things about an app, or match its accounts otherwise."""
    if head.app in differing.apps:
        return True
    if not differing.identities:
        return False
    if not differing.identities.isdisjoint(head.applied.accounts):
        return True
    keys = differing.keys
    accounts = (account for way in head.ways if way.snapshot for account in way.snapshot.accounts)
    return any(
        account.email.casefold() in keys
        or account.username.casefold() in keys
        or account.external_id.casefold() in keys
        for account in accounts
    )


def _explain(head: AppInputs, item: Item) -> tuple[Why, ...]:
    return tuple(Why(reason.text, reason.place) for reason in head.reasons(item))


def _formerly(reasons: Callable[[Item], tuple[Reason, ...]] | None, item: Item) -> tuple[Why, ...]:
    """Return why the base asked for an item, each place of the chains on its own."""
    found = reasons(item) if reasons else ()
    return tuple(Why(reason.text, place) for reason in found for place in reason.places)
