"""One hash over what would be done and what that relies on: two plans with the same digest do the same.

In it are the tool's version, the YAML tree, the scope, each app's ways and configuration, each change with its way, its
remote ids and the values that it starts from and ends at, the adoption and the cancelled tickets. Not in it are the
moment, places, reasons, texts, timings and requests, nor the verdicts: an override lifts those, and the plan stays.

The plan of a pull request stands for the lines of YAML that it changes instead of the whole tree, and only for the apps
in which it does something: other people's merges and drift elsewhere leave its digest as it is, while whatever they
change of its own changes, or of what those rely on, does not.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.items import Item, Value
from reconciler.plan.plan import AppPlan, Plan, Scope
from reconciler.provider.change import Change
from reconciler.state.contract import Adoption


def digest_plan(plan: Plan) -> str:
    """Return the SHA-256 (hex) over what a plan would do and what it relies on."""
    digest = hashlib.sha256()
    for line in _lines(plan):
        digest.update(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def fingerprint_change(change: Change) -> tuple[Any, ...]:
    """Return what of a change counts for the digest."""
    return (
        change.id,
        change.way,
        _values(change.before),
        _values(change.after),
        change.account_id,
        change.entitlement_id,
        change.holder_entitlement_id,
        change.privileged,
        bool(change.blocked),
    )


def fingerprint_adoption(adoption: Adoption) -> Iterator[tuple[Any, ...]]:
    """Yield what of an adoption counts for the digest: not when it happens, and not how many items there are."""
    for identity, account in sorted(adoption.accounts.items()):
        yield "account", identity, account.remote_id, account.username, account.status, _values(account.attributes)
    for key, entitlement in sorted(adoption.entitlements.items()):
        yield "entitlement", key, entitlement.remote_id, _values(entitlement.attributes)
    for holder, key, level in sorted(adoption.grants, key=lambda grant: grant[:2]):
        yield "grant", holder, key, level
    for kind, names in sorted(map(_item, adoption.gone)):
        yield "gone", kind, names


def _lines(plan: Plan) -> Iterator[Any]:
    compared = plan.comparison
    if compared is None:
        yield "plan", plan.tool, plan.tree_digest, plan.future, _scope(plan.scope)
    else:
        yield "pull request", plan.tool, compared.edits, plan.future, _scope(plan.scope)
        yield from (("rerouted", *one) for one in sorted(compared.rerouted))
    for app in sorted(plan.apps, key=lambda app: app.app):
        lines = list(_item_lines(app))
        if compared is None or lines:
            yield "app", app.app, app.ways, app.config_digest, bool(app.error)
            yield from lines


def _item_lines(app: AppPlan) -> Iterator[Any]:
    yield from sorted((fingerprint_change(change) for change in app.changes), key=lambda line: str(line[0]))
    yield from fingerprint_adoption(app.adoption)
    for cancellation in sorted(app.cancellations, key=lambda cancellation: cancellation.key):
        yield "cancel", cancellation.way, cancellation.key


def _scope(scope: Scope) -> tuple[Any, ...]:
    lists: Iterable[tuple[str, ...]] = (
        scope.apps,
        scope.identities,
        scope.reactivate,
        scope.trust_reads,
        scope.baselines,
    )
    return *map(sorted, lists), scope.due


def _values(values: Mapping[str, Value]) -> list[tuple[str, Value]]:
    return sorted(values.items(), key=lambda pair: pair[0])


def _item(item: Item) -> tuple[str, tuple[str, str]]:
    return type(item).__name__, (getattr(item, "holder", ""), getattr(item, "entitlement", ""))
