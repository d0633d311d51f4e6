"""A plan in numbers, for headlines and summaries: what would be done, what stands beside it, what the guards say."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.plan.plan import AppPlan, Fact, Plan
from reconciler.provider.change import Change
from reconciler.render.escape import visible
from reconciler.render.words import ADDS, STEPS, TICKET, number


@dataclass(frozen=True, slots=True)
class Tally:
    """What a plan would do, counted: blocked changes apart, what people are asked for only as that.

    Attributes:
        tickets: changes by ticket; one ticket may ask for several.
        steps: leaver's steps beside suspension and removal.
        people: identities whose access the plan touches.
    """

    add: int = 0
    change: int = 0
    remove: int = 0
    steps: int = 0
    tickets: int = 0
    cancel: int = 0
    blocked: int = 0
    people: int = 0


def count_changes(plan: Plan) -> Tally:
    """Count what a plan would do."""
    return _count(plan.apps)


def app_headline(app: AppPlan) -> str:
    """Return the headline of one app: `2 to add, 1 by ticket, 1 blocked`."""
    tally = _count((app,))
    return f"{headline(tally)}, {tally.blocked} blocked" if tally.blocked else headline(tally)


def _count(apps: Iterable[AppPlan]) -> Tally:
    counted: Counter[str] = Counter()
    people: set[str] = set()
    cancel = 0
    for app in apps:
        cancel += count_cancelled(app)
        for change in app.changes:
            counted[_column(change)] += 1
            if not change.blocked and is_identity(change.holder):
                people.add(change.holder)
    return Tally(**counted, cancel=cancel, people=len(people))


def count_cancelled(app: AppPlan) -> int:
    """Count the tickets to be closed: one may ask for several changes."""
    return len({one.address or one.key for one in app.cancellations})


def _column(change: Change) -> str:
    if change.blocked:
        return "blocked"
    if change.way == TICKET:
        return "tickets"
    if change.operation in ADDS:
        return "add"
    if change.operation in STEPS:
        return "steps"
    return "remove" if change.operation.removes else "change"


def is_identity(holder: str) -> bool:
    """Say whether a holder is an identity's id, and neither an entitlement nor a stranger's account."""
    return bool(holder) and ":" not in holder and "@" not in holder


def headline(tally: Tally) -> str:
    """Return `2 to add, 1 to change, 1 to remove, 1 by ticket`, without what is zero."""
    parts = [
        f"{tally.add:,} to add" if tally.add else "",
        f"{tally.change:,} to change" if tally.change else "",
        f"{tally.remove:,} to remove" if tally.remove else "",
        number(tally.steps, "leaver step") if tally.steps else "",
        f"{tally.tickets:,} by ticket" if tally.tickets else "",
        f"{number(tally.cancel, 'ticket')} to cancel" if tally.cancel else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing to change"


def count_unmanaged(plan: Plan) -> int:
    """Count what belongs to nobody here; long lists of it are one finding, so the apps' own counts say more."""
    listed = Counter(app for app, finding in plan.findings() if finding.fact is Fact.UNMANAGED)
    counted = {app.app: app.counts.unmanaged_accounts + app.counts.unmanaged_grants for app in plan.apps}
    return sum(max(count, listed[app]) for app, count in counted.items())


def remarks(plan: Plan, tally: Tally) -> list[str]:
    """Return what else a summary says: blocked, conflicts, pending, unmanaged, unread apps."""
    facts = Counter(finding.fact for _, finding in plan.findings())
    unread = sum(1 for app in plan.apps if not app.complete)
    blocked = tally.blocked + facts[Fact.BLOCKED]
    parts = [
        f"{blocked} blocked" if blocked else "",
        f"{facts[Fact.HELD]} held" if facts[Fact.HELD] else "",
        number(facts[Fact.CONFLICT], "conflict") if facts[Fact.CONFLICT] else "",
        f"{facts[Fact.PENDING]} pending by ticket" if facts[Fact.PENDING] else "",
        f"{facts[Fact.WAITING]} waiting" if facts[Fact.WAITING] else "",
        f"{unmanaged:,} unmanaged" if (unmanaged := count_unmanaged(plan)) else "",
        f"{number(unread, 'app')} not read completely" if unread else "",
        f"{number(held, 'app')} planned only after the merge" if (held := _held(plan)) else "",
    ]
    return [part for part in parts if part]


def limits(plan: Plan) -> str:
    """Return the guards' verdict in a few words: `limits: ok (1 of 5 removals in github)`, or empty without any."""
    refused = [verdict for verdict in plan.verdicts if verdict.refused]
    if refused:
        return f"refused by {', '.join(dict.fromkeys(visible(verdict.guard) for verdict in refused))}"
    texts = [f"{verdict.text} in {verdict.app}" if verdict.app else verdict.text for verdict in plan.verdicts]
    told = [text for text in texts if text and not text.startswith("0 ")]
    if not plan.verdicts:
        return ""
    return f"limits: ok ({visible('; '.join(told))})" if told else "limits: ok"


def all_well(plan: Plan) -> str:
    """Return the one line of a plan with nothing to do; a pull request's own speaks of that alone."""
    if plan.comparison:
        return "nothing to apply yet" if _held(plan) else "nothing to do: this checkout changes no access"
    accounts = sum(app.counts.declared_accounts for app in plan.apps)
    grants = sum(app.counts.declared_grants for app in plan.apps)
    verb = "is" if accounts + grants == 1 else "are"
    return f"nothing to do: {number(accounts, 'account')} and {number(grants, 'grant')} {verb} as declared"


def awaits_merge(plan: Plan, app: AppPlan) -> bool:
    """Say whether the base of a pull request does not know an app's route: its changes wait for the merge."""
    return plan.comparison is not None and app.app in {name for name, _ in plan.comparison.rerouted}


def _held(plan: Plan) -> int:
    return sum(awaits_merge(plan, app) for app in plan.apps)
