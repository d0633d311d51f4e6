"""The last admins: of each privileged entitlement, enough holders with usable accounts must be left."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.items import AccountItem
from reconciler.model.policies import Policies
from reconciler.plan.basis import Basis, basis_of
from reconciler.plan.order import ONLY_AFTER, in_order, only_after
from reconciler.plan.plan import AppPlan, Verdict
from reconciler.plan.routes import is_entitlement
from reconciler.provider.change import Change, Operation


def judge_admins(app: AppPlan, policies: Sequence[Policies]) -> Iterator[Verdict]:
    """Yield a refusal for each privileged entitlement that would have too few holders left.

    Somebody who has left is kept in the app only as the very last one: a leaver who can still do everything is worse
    than one admin fewer than the company likes to have.
    """
    minimum = _minimum(policies)
    for key in sorted(basis_of(app).privileged):
        before, removed, added = _shift(app, key)
        left = (before - removed.keys()) | added.keys()
        if removed and len(left) < minimum and len(left) < len(before):
            holders = "1 holder" if len(left) == 1 else f"{len(left)} holders"
            text = f"{key} would have {holders} left, at least {minimum} must stay"
            kept = () if left else tuple(sorted(removed))
            yield Verdict("minimum_admins", app.app, refused=True, text=text, holders=kept)


def hand_over(app: AppPlan, policies: Sequence[Policies]) -> AppPlan:
    """Let removals of privileged access wait for the grants without which too few holders would be left meanwhile."""
    minimum = _minimum(policies)
    waits: dict[str, set[str]] = {}
    for key in basis_of(app).privileged:
        before, removed, added = _shift(app, key)
        if removed and added and len(before - removed.keys()) < minimum:
            for ids in removed.values():
                for change_id in ids:
                    waits.setdefault(change_id, set()).update(added.values())
    if not waits:
        return app
    changes = (_wait(change, waits.get(change.id, set())) for change in app.changes)
    return replace(app, changes=in_order(changes))


def _minimum(policies: Sequence[Policies]) -> int:
    return max((policy.limits.minimum_admins for policy in policies), default=0)


def _shift(app: AppPlan, key: str) -> tuple[frozenset[str], dict[str, list[str]], dict[str, str]]:
    """Return who can use an entitlement now, who loses it by which changes, and who gets it by which change."""
    basis = basis_of(app)
    before = frozenset(holder for holder in basis.held.get(key, ()) if _is_usable(holder, basis))
    removed: dict[str, list[str]] = {}
    added: dict[str, str] = {}
    for change in app.changes:
        if change.blocked:
            continue
        if change.operation is Operation.GRANT and change.entitlement == key:
            added[change.holder] = change.id
        elif change.holder in before and _takes(change, key):
            removed.setdefault(change.holder, []).append(change.id)
    return before, removed, added


def _is_usable(holder: str, basis: Basis) -> bool:
    return holder in basis.active or is_entitlement(holder)


def _takes(change: Change, key: str) -> bool:
    if isinstance(change.item, AccountItem):
        return change.operation.removes
    return change.operation is Operation.REVOKE and change.entitlement == key


def _wait(change: Change, for_these: set[str]) -> Change:
    if not for_these:
        return change
    ids = tuple(sorted({*only_after(change), *for_these}))
    return replace(change, before={**change.before, ONLY_AFTER: ids})
