"""Entitlements that one identity may never hold together: its new grants are blocked, not the company."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.items import GrantItem
from reconciler.model.policies import NeverTogether, Policies
from reconciler.plan.basis import basis_of
from reconciler.plan.order import ONLY_AFTER, in_order, only_after
from reconciler.plan.plan import AppPlan, Fact, Finding
from reconciler.provider.change import Change, Operation


@dataclass
class _Holdings:
    """Who holds what now, and who will once the plan and every open ticket are done; by `app/kind:name`."""

    now: dict[str, set[str]] = field(default_factory=dict)
    then: dict[str, set[str]] = field(default_factory=dict)
    grants: dict[tuple[str, str], Change] = field(default_factory=dict)
    revokes: dict[tuple[str, str], Change] = field(default_factory=dict)


def separate(apps: Sequence[AppPlan], policies: Sequence[Policies]) -> tuple[AppPlan, ...]:
    """Block the new grants by which somebody would hold all of a rule's entitlements, and order swaps: revoke first.

    What is held together already is shown. Where a rule names an app that is not in this plan, what is held there is
    not known, and counts as held.
    """
    holdings = _gather(apps)
    blocked: dict[str, str] = {}
    after: dict[str, set[str]] = {}
    findings: dict[str, list[Finding]] = {}
    for rule in _rules(policies):
        _judge_rule(rule, holdings, blocked, after, findings)
    return tuple(_apply(app, blocked, after, findings.get(app.app, ())) for app in apps)


def _rules(policies: Sequence[Policies]) -> list[NeverTogether]:
    """Return every rule once: those of the base and of the head."""
    rules = [rule for policy in policies for _, rule in sorted(policy.never_together.items())]
    return list({(rule.name, rule.entitlements): rule for rule in rules}.values())


def _gather(apps: Sequence[AppPlan]) -> _Holdings:
    found = _Holdings()
    for app in apps:
        basis = basis_of(app)
        for key in basis.held.keys() | basis.declared.keys():
            held = set(basis.held.get(key, ()))
            found.now[f"{app.app}/{key}"] = held
            found.then[f"{app.app}/{key}"] = held | basis.declared.get(key, frozenset())
        for change in app.changes:
            name = f"{app.app}/{change.entitlement}"
            if change.blocked or name not in found.then:
                continue
            if change.operation is Operation.GRANT:
                found.grants[name, change.holder] = change
            elif change.operation is Operation.REVOKE:
                found.revokes[name, change.holder] = change
                found.then[name].discard(change.holder)
    return found


def _judge_rule(
    rule: NeverTogether,
    holdings: _Holdings,
    blocked: dict[str, str],
    after: dict[str, set[str]],
    findings: dict[str, list[Finding]],
) -> None:
    known = [name for name in rule.entitlements if name in holdings.then]
    if not known:
        return
    candidates = set.intersection(*(holdings.then[name] | holdings.now[name] for name in known))
    for holder in sorted(candidates):
        new = [change for name in known if (change := holdings.grants.get((name, holder)))]
        if all(holder in holdings.then[name] for name in known):
            _refuse(rule, holder, new, blocked, unknown=sorted(set(rule.entitlements) - set(known)))
            if not new and len(known) == len(rule.entitlements):
                _report(rule, holder, findings)
        else:
            revokes = {c.id for name in known if (c := holdings.revokes.get((name, holder)))}
            for change in new:
                after.setdefault(change.id, set()).update(revokes)


def _refuse(
    rule: NeverTogether, holder: str, new: Iterable[Change], blocked: dict[str, str], *, unknown: Sequence[str]
) -> None:
    remark = f"; who holds {', '.join(unknown)} is not known in this plan" if unknown else ""
    for change in new:
        others = " and ".join(name for name in rule.entitlements if name != f"{change.app}/{change.entitlement}")
        blocked[change.id] = f"{holder} may never hold it together with {others} (policy {rule.name}){remark}"


def _report(rule: NeverTogether, holder: str, findings: dict[str, list[Finding]]) -> None:
    app, _, key = rule.entitlements[0].partition("/")
    text = f"holds {' and '.join(rule.entitlements)}, which are never to be held together (policy {rule.name})"
    findings.setdefault(app, []).append(Finding(Fact.CONFLICT, GrantItem(holder, key), text, rule.place))


def _apply(
    app: AppPlan, blocked: Mapping[str, str], after: Mapping[str, set[str]], findings: Iterable[Finding]
) -> AppPlan:
    changes = [_mark(change, blocked.get(change.id, ""), after.get(change.id, set())) for change in app.changes]
    return replace(app, changes=in_order(changes), findings=(*app.findings, *findings))


def _mark(change: Change, why: str, after: set[str]) -> Change:
    if why:
        return replace(change, blocked=change.blocked or why)
    if not after:
        return change
    return replace(change, before={**change.before, ONLY_AFTER: tuple(sorted({*only_after(change), *after}))})
