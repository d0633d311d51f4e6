"""Guards: what no plan may take away, and how much a single plan may.

A *protection* blocks single changes, and nothing lifts it. A *limit* refuses all of an app (or of the plan), and an
override that names the plan's digest and a reason lifts it. Every policy that is given counts (those of the base and of
the head): protections are put together, the strictest limit holds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.items import AccountItem, fold, kind_of
from reconciler.model.policies import Limit, Policies, Protected
from reconciler.plan.basis import Basis, basis_of
from reconciler.plan.plan import AppPlan, Fact, Finding, Verdict
from reconciler.provider.change import Cause, Change, Operation

ALL_REMOVALS = "removals"
_FIRST_APPLY = Limit(20, 0.3)
_TAKING = frozenset(
    {
        Operation.SUSPEND_ACCOUNT,
        Operation.DELETE_ACCOUNT,
        Operation.REVOKE,
        Operation.END_SESSIONS,
        Operation.TRANSFER_FILES,
        Operation.REMOVE_LICENSES,
    }
)
_CLOSING = frozenset({Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT})
_NAMED = frozenset({Cause.EXPIRED, Cause.EXCLUDED})


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody lifts the limits of one plan.

    Attributes:
        digest: the plan's digest, or at least its first 12 characters.
        reason: why, for the journal; never empty.
    """

    digest: str
    reason: str


def protect(app: AppPlan, policies: Sequence[Policies]) -> AppPlan:
    """Block the changes that would take something from what is protected, or from the tool's own account.

    A stranger that is protected is no change at all: it is shown as left alone.
    """
    basis = basis_of(app)
    changes, findings = [], list(app.findings)
    for change in app.changes:
        why = _protection(change, basis, policies)
        if not why:
            changes.append(change)
        elif change.cause is Cause.STRANGER:
            findings.append(Finding(Fact.UNMANAGED, change.item, f"{why}; left alone", privileged=change.privileged))
        else:
            changes.append(replace(change, blocked=change.blocked or why))
    return replace(app, changes=tuple(changes), findings=tuple(findings))


def _protection(change: Change, basis: Basis, policies: Sequence[Policies]) -> str:
    """Return why a change may not be done, or an empty text."""
    lowers = change.operation is Operation.SET_LEVEL and not _raises(change, basis)
    if change.operation not in _TAKING and not lowers:
        return ""
    if change.holder in basis.own_holders:
        return "the account that this tool itself acts as"
    return next(filter(None, (_protected_by(policy.protected, change, basis) for policy in policies)), "")


def _protected_by(protected: Protected, change: Change, basis: Basis) -> str:
    """Return what one policy protects of that which a change takes away, or an empty text."""
    account = fold(f"{change.app}/{change.username}")
    if change.holder in protected.people:
        return f"{change.holder} is protected"
    if change.username and account in set(map(fold, protected.accounts)):
        return f"the account {change.app}/{change.username} is protected"
    if change.entitlement and f"{change.app}/{change.entitlement}" in protected.entitlements:
        return f"{change.app}/{change.entitlement} is protected"
    if held := _protected_through(change, basis, protected):
        return f"{change.app}/{held} is protected, and {change.holder} holds it by this account"
    return ""


def _protected_through(change: Change, basis: Basis, protected: Protected) -> str:
    """Return what is protected and would be lost with an account; a leaver's account goes all the same."""
    if change.operation not in _CLOSING or change.holder in basis.leavers:
        return ""
    held = (key for key, holders in basis.held.items() if change.holder in holders)
    return min((key for key in held if f"{change.app}/{key}" in protected.entitlements), default="")


def _raises(change: Change, basis: Basis) -> bool:
    """Say whether a new level is known to be stronger than the old one."""
    order = basis.levels.get(change.kind, ())
    before, after = change.before.get("level"), change.after.get("level")
    return before in order and after in order and order.index(str(after)) > order.index(str(before))


def judge_limits(apps: Sequence[AppPlan], policies: Sequence[Policies], population: int) -> Iterator[Verdict]:
    """Yield the verdicts of all limits, refused ones and others worth showing."""
    leavers = frozenset(name for app in apps for name in basis_of(app).leavers)
    yield from _judge_leavers(apps, policies, population, leavers)
    yield from _judge_all_removals(apps, policies, leavers)
    for app in apps:
        yield from _judge_removals(app, policies, leavers)
        yield from _judge_emptiness(app, leavers)
        yield from _judge_first(app, leavers)


def _allowed(limits: Sequence[Limit], population: int) -> int:
    return min((limit.allowed(population) for limit in limits), default=0)


def _judge_leavers(
    apps: Sequence[AppPlan], policies: Sequence[Policies], population: int, leavers: frozenset[str]
) -> Iterator[Verdict]:
    """Count each leaver once, in however many apps something is taken."""
    taken = {change.holder for app in apps for change in _removals(app) if change.holder in leavers}
    if taken:
        allowed = _allowed([policy.limits.leavers for policy in policies], population)
        yield Verdict("leavers", "", len(taken) > allowed, f"{len(taken)} of {allowed} leavers")


def _removals(app: AppPlan) -> list[Change]:
    return [change for change in app.changes if change.operation.removes and not change.blocked]


def _judge_all_removals(
    apps: Sequence[AppPlan], policies: Sequence[Policies], leavers: frozenset[str]
) -> Iterator[Verdict]:
    """Count what is taken from others than leavers in all apps: a little everywhere may be much."""
    counts = [count for app in apps if (count := _count_removals(app, leavers).total())]
    population = sum(sum(basis_of(app).population.values()) for app in apps)
    total, allowed = sum(counts), _allowed([policy.limits.removals for policy in policies], population)
    if total > allowed or len(counts) > 1:
        text = f"{total} of {allowed} {_removals_word(allowed)} in all apps"
        yield Verdict(ALL_REMOVALS, "", total > allowed, text)


def _judge_removals(app: AppPlan, policies: Sequence[Policies], leavers: frozenset[str]) -> Iterator[Verdict]:
    """Count what is taken from others than leavers, in all and by kind; an account counts once, with its grants."""
    counts = _count_removals(app, leavers)
    if not counts:
        return
    population = basis_of(app).population
    limits = [policy.limits.removals_per_app for policy in policies]
    total, allowed = counts.total(), _allowed(limits, sum(population.values()))
    yield Verdict("removals_per_app", app.app, total > allowed, f"{total} of {allowed} {_removals_word(allowed)}")
    for kind, count in sorted(counts.items()):
        of_kind = _allowed(limits, population.get(kind, 0))
        if count > of_kind and total <= allowed:
            word = "accounts" if kind == "accounts" else f"grants of kind {kind}"
            yield Verdict("removals_per_app", app.app, refused=True, text=f"{count} of {of_kind} removals of {word}")


def _removals_word(count: int) -> str:
    return "removal" if count == 1 else "removals"


def _count_removals(app: AppPlan, leavers: frozenset[str]) -> Counter[str]:
    removals = [change for change in _removals(app) if change.holder not in leavers]
    accounts = {change.holder for change in removals if isinstance(change.item, AccountItem)}
    revoked = (kind_of(change.entitlement) for change in removals if change.holder not in accounts)
    counts = Counter(revoked)
    if accounts:
        counts["accounts"] = len(accounts)
    return counts


def _judge_emptiness(app: AppPlan, leavers: frozenset[str]) -> Iterator[Verdict]:
    """Refuse to take everything away because the YAML is suddenly silent about an app; what expires, it still names."""
    basis = basis_of(app)
    taken = [change for change in _removals(app) if change.holder not in leavers and change.cause not in _NAMED]
    if basis.applied and not basis.wanted and taken:
        text = f"nothing is declared any more, where {basis.applied} items were applied"
        yield Verdict("empty_declared", app.app, refused=True, text=text)


def _judge_first(app: AppPlan, leavers: frozenset[str]) -> Iterator[Verdict]:
    """Refuse a first apply that makes or takes away many accounts beside those that are there.

    That is how an app looks whose accounts were not recognized (a wrong way of matching, another tenant): everybody
    would get a second account. An app without accounts is only new.
    """
    basis = basis_of(app)
    there = basis.population.get("accounts", 0)
    if basis.known or not there:
        return
    made = {change.holder for change in app.changes if change.operation is Operation.CREATE_ACCOUNT}
    taken = {change.holder for change in _removals(app) if isinstance(change.item, AccountItem)} - leavers
    count, allowed = len(made) + len(taken), _FIRST_APPLY.allowed(there)
    if count > allowed:
        text = f"{count} accounts to make or to suspend beside {there} that are there; {allowed} where nothing is known"
        yield Verdict("first_apply", app.app, refused=True, text=text)
