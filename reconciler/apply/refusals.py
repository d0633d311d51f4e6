"""What may not be attempted at all, and why: blocked changes, refused apps, ways that nobody opened."""

from collections.abc import Mapping

from reconciler.apply.route import Route
from reconciler.plan.guards import ALL_REMOVALS
from reconciler.plan.plan import Plan
from reconciler.provider.change import Cause, Change, Outcome, Receipt


def refused_apps(plan: Plan) -> dict[str, str]:
    """Return app → the guard's words, for each app that a guard refuses; a guard of the whole plan refuses all."""
    whole = next((v for v in plan.verdicts if v.refused and not v.app), None)
    found = {app.app: f"refused by {whole.guard}: {whole.text}" for app in plan.apps} if whole else {}
    for verdict in plan.verdicts:
        if verdict.refused and verdict.app:
            found.setdefault(verdict.app, f"refused by {verdict.guard}: {verdict.text}")
    return found


def refuse(plan: Plan, refused: Mapping[str, str]) -> list[Receipt]:
    """Return the receipts of what a guard, a policy or a conflict keeps from being attempted.

    Leavers have a limit of their own, over the whole plan: what limits on other removals refuse keeps none inside. The
    last admins stay until somebody follows them, or an override says that it is meant.
    """
    whole = any(verdict.refused and not verdict.app and verdict.guard != ALL_REMOVALS for verdict in plan.verdicts)
    last = {(verdict.app, holder) for verdict in plan.verdicts if verdict.refused for holder in verdict.holders}
    receipts = []
    for change in plan.changes():
        leaves = change.cause is Cause.LEAVER and not whole and (change.app, change.holder) not in last
        reason = change.blocked or ("" if leaves else refused.get(change.app, ""))
        if reason:
            receipts.append(Receipt(change, Outcome.NOT_ATTEMPTED, reason))
    return receipts


def miss(change: Change, route: Route | None) -> Receipt | None:
    """Return the receipt of a change whose way was not opened; None if it was."""
    if route and change.way in route.ways:
        return None
    detail = f"because {change.app} was not opened by way of {change.way or '(none)'}"
    return Receipt(change, Outcome.NOT_ATTEMPTED, detail)
