"""A plan as plain data, for `--json`: stable, documented here, and made only of JSON types.

The shape (`version` rises only when something is taken away or changes its meaning; keys may be added)::

    {version: 1, tool, moment, future, digest, tree_digest, warnings: [text],
     scope: {apps, identities, due, reactivate, trust_reads, baselines},
     empty, complete, refused,
     summary: {add, change, remove, steps, tickets, cancel, blocked, people,
               unmanaged, conflicts, pending, waiting},
     verdicts: [{guard, app, refused, overridable, text, holders}],
     apps: [{app, ways: [{name, version}], config_digest, complete, error, requests, seconds, as_of,
             counts: {declared_accounts, …},
             collections: {NAME: {complete, why, unread: [key], attested}},
             prices: {ENTITLEMENT: "12.50 EUR/month"},
             adoption: {accounts, entitlements, grants, gone},          numbers
             changes: [{id, operation, kind, item, way, before, after, username, account_id, entitlement_id,
                        cause, why: [{text, place}], privileged, blocked}],
             findings: [{fact, item, text, place, why, privileged, refuses, fails_drift,
             name}],
             cancellations: [{way, change_id, key, address, reason}]}],
                                                  and of the plan of a pull request alone:
     comparison: {base, head, edits, rerouted: [app], before: [app as above], dropped: [app as above]},
     provenance: [{place, commit, author, at, pull_request}]}

An item is `{holder}`, `{entitlement}` or `{holder, entitlement}`; a place is `{file, line, column}` or null; an instant
is RFC 3339 with its offset. Unlike the plan file, this cannot be applied. Texts are as they came: whoever shows them
escapes them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value
from reconciler.plan.plan import AppPlan, Comparison, Fact, Finding, Plan
from reconciler.problems import Place
from reconciler.provider.change import Change, Why
from reconciler.provider.snapshot import Completeness
from reconciler.render.compared import provenance_data
from reconciler.render.tally import count_changes, count_unmanaged

VERSION = 1


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return a plan as the data that the module describes."""
    return {
        "version": VERSION,
        "tool": plan.tool,
        "moment": plan.moment.isoformat(),
        "future": plan.future,
        "digest": plan.digest,
        "tree_digest": plan.tree_digest,
        "warnings": list(plan.warnings),
        "scope": {name: _listed(value) for name, value in asdict(plan.scope).items()},
        "empty": plan.empty,
        "complete": plan.complete,
        "refused": plan.refused,
        "summary": _summary(plan),
        "verdicts": [asdict(verdict) | {"holders": list(verdict.holders)} for verdict in plan.verdicts],
        "apps": [_app_data(app) for app in plan.apps],
        **(_comparison_data(plan, plan.comparison) if plan.comparison else {}),
    }


def _comparison_data(plan: Plan, compared: Comparison) -> dict[str, Any]:
    comparison = {
        "base": compared.base,
        "head": compared.head,
        "edits": compared.edits,
        "rerouted": [app for app, _ in compared.rerouted],
        "before": [_app_data(app) for app in compared.before],
        "dropped": [_app_data(app) for app in compared.dropped],
    }
    provenance = [{"place": place_data(place), **provenance_data(one)} for place, one in plan.provenance]
    return {"comparison": comparison, "provenance": provenance}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _summary(plan: Plan) -> dict[str, int]:
    facts = Counter(finding.fact for _, finding in plan.findings())
    told = {
        "unmanaged": count_unmanaged(plan),
        "conflicts": facts[Fact.CONFLICT],
        "pending": facts[Fact.PENDING],
        "waiting": facts[Fact.WAITING],
        "held": facts[Fact.HELD],
    }
    return {**asdict(count_changes(plan)), **told}


def _app_data(app: AppPlan) -> dict[str, Any]:
    return {
        "app": app.app,
        "ways": [dict(zip(("name", "version"), way.partition(" ")[::2], strict=True)) for way in app.ways],
        "owner": app.owner,
        "config_digest": app.config_digest,
        "complete": app.complete,
        "error": app.error,
        "requests": app.requests,
        "seconds": round(app.seconds, 3),
        "as_of": app.as_of.isoformat() if app.as_of else None,
        "counts": asdict(app.counts),
        "prices": dict(app.prices),
        "collections": {name: _collection_data(part) for name, part in sorted(app.collections.items())},
        "adoption": {name: len(getattr(app.adoption, name)) for name in ("accounts", "entitlements", "grants", "gone")},
        "changes": [change_data(change) for change in app.changes],
        "findings": [finding_data(finding) for finding in app.findings],
        "cancellations": [asdict(cancellation) for cancellation in app.cancellations],
    }


def _collection_data(part: Completeness) -> dict[str, Any]:
    return {"complete": part.complete, "why": part.why, "unread": sorted(part.unread), "attested": part.attested}


def change_data(change: Change) -> dict[str, Any]:
    """Return a change as data."""
    return {
        "id": change.id,
        "operation": change.operation.value,
        "kind": change.kind,
        "item": item_data(change.item),
        "way": change.way,
        "before": values_data(change.before),
        "after": values_data(change.after),
        "username": change.username,
        "account_id": change.account_id,
        "entitlement_id": change.entitlement_id,
        "cause": change.cause.value,
        "why": why_data(change.why),
        "privileged": change.privileged,
        "blocked": change.blocked,
    }


def finding_data(finding: Finding) -> dict[str, Any]:
    """Return a finding as data."""
    return {
        "fact": finding.fact.value,
        "item": item_data(finding.item) if finding.item else None,
        "text": finding.text,
        "place": place_data(finding.place),
        "why": why_data(finding.why),
        "privileged": finding.privileged,
        "refuses": finding.refuses,
        "fails_drift": finding.fails_drift,
        "name": finding.name,
    }


def item_data(item: Item) -> dict[str, str]:
    """Return the names of an item."""
    match item:
        case AccountItem(holder):
            return {"holder": holder}
        case EntitlementItem(entitlement):
            return {"entitlement": entitlement}
        case GrantItem(holder, entitlement):
            return {"holder": holder, "entitlement": entitlement}


def values_data(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return attributes as JSON types."""
    return {name: _listed(value) for name, value in values.items()}


def why_data(why: Sequence[Why]) -> list[dict[str, Any]]:
    """Return reasons as data."""
    return [{"text": one.text, "place": place_data(one.place)} for one in why]


def place_data(place: Place) -> dict[str, Any] | None:
    """Return a place as data, None for nowhere."""
    return place._asdict() if place.file else None
