"""What a plan would cost and how long it would take, as far as that can be said before it is applied."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from reconciler.plan.plan import AppPlan, Plan
from reconciler.provider.change import Change, Operation
from reconciler.provider.pace import Speed
from reconciler.render.words import TICKET, number

REQUESTS = 2
"""How many requests an operation takes: one that changes, one that reads back."""

SLOWEST_GUESS = 0.25
"""Seconds for a request that changes something, where reading was not slower than that."""

WORTH_TELLING = 10.0
"""Seconds from which somebody who waits is told beforehand."""

_LIMITED = "as fast as the vendors' limits allow"
_SIGNS = {Operation.GRANT: 1, Operation.REVOKE: -1}
_MINUTE = 60
_HOUR = 3600


def cost_totals(plan: Plan) -> dict[str, Decimal]:
    """Return unit (`EUR/month`) → what is added to it: granted licences count, revoked ones are subtracted.

    Only entitlements with a price count; what is blocked does not, a ticket does.
    """
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for sign, price in _priced(plan):
        amount, _, unit = price.partition(" ")
        totals[unit] += sign * Decimal(amount.replace(",", "."))
    return dict(sorted(totals.items()))


def _priced(plan: Plan) -> Iterator[tuple[int, str]]:
    for app in plan.apps:
        for change in app.changes:
            price = app.prices.get(change.entitlement, "")
            if price and change.holder and not change.blocked and change.operation in _SIGNS:
                yield _SIGNS[change.operation], price


def cost_words(plan: Plan) -> str:
    """Return `cost: +25.00 EUR/month (3 licences more, 1 less)`, or empty where nothing has a price."""
    signs = [sign for sign, _ in _priced(plan)]
    if not signs:
        return ""
    totals = ", ".join(f"{amount:+,.2f} {unit}" for unit, amount in cost_totals(plan).items())
    more, less = signs.count(1), signs.count(-1)
    counted = [f"{number(more, 'license')} more" if more else "", f"{number(less, 'license')} less" if less else ""]
    return f"cost: {totals} ({', '.join(filter(None, counted))})"


def estimate_seconds(plan: Plan) -> float:
    """Return how many seconds an apply would take: that of the slowest app, for all apps are changed at the same time.

    Two requests an operation, each as slow as the app was on average while it was read, but at least `SLOWEST_GUESS`
    over as many as the way has in flight; and never faster than the vendor's limits that the way declares.
    Tickets, what is blocked and what is read without any request (a file) take none.
    """
    return max((sum(_app_seconds(app)) for app in plan.apps), default=0.0)


def _is_limited(plan: Plan) -> bool:
    """Say whether vendors' limits, and not the way there and back, make the apply as long as it is."""
    longest = estimate_seconds(plan)
    return any(waiting and free + waiting >= longest for free, waiting in map(_app_seconds, plan.apps))


def _app_seconds(app: AppPlan) -> tuple[float, float]:
    """Return the seconds that an app's requests take, and those that the vendor's limits add to that."""
    if app.collections and not app.requests:
        return 0.0, 0.0
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for change in app.changes:
        if _is_performed(change):
            changes[change.way].append(change)
    measured = app.seconds / app.requests if app.requests else 0.0
    taken = waited = 0.0
    for way, done in changes.items():
        speed = app.speeds.get(way, Speed())
        free = speed.count(done) * REQUESTS * max(measured, SLOWEST_GUESS / max(1, speed.at_once))
        taken += free
        waited += max(0.0, speed.limit(done) - free)
    return taken, waited


def _is_performed(change: Change) -> bool:
    return not change.blocked and change.way != TICKET


def time_words(plan: Plan) -> str:
    """Return `takes about 3 min (estimated: 2 requests an operation, …)`, or empty where nothing would be done."""
    seconds = estimate_seconds(plan)
    if not seconds:
        return ""
    told = _LIMITED if _is_limited(plan) else f"{REQUESTS} requests an operation"
    return f"takes about {_span(seconds)} (estimated: {told}, all apps at the same time)"


def wait_words(plan: Plan) -> str:
    """Return `this takes about 3 min for 360 operations`, or empty where nobody waits long."""
    seconds = estimate_seconds(plan)
    if seconds < WORTH_TELLING:
        return ""
    operations = sum(_is_performed(change) for app in plan.apps for change in app.changes)
    told = f", {_LIMITED}" if _is_limited(plan) else ""
    return f"this takes about {_span(seconds)} for {number(operations, 'operation')}{told}"


def _span(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)} min"
    return f"{seconds / _HOUR:.1f} h"
