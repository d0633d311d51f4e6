"""What the trail tells: runs, changes and tickets as plain data, without secrets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from reconciler.audit.approval import Approval
from reconciler.audit.chain import Event
from reconciler.audit.clean import clean, clean_values, plain
from reconciler.audit.kinds import Kind
from reconciler.items import Item
from reconciler.plan.plan import AppPlan, Plan, TicketCancellation, Verdict
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.snapshot import Completeness
from reconciler.state.codec import encode_item
from reconciler.state.contract import Adoption, JournalEntry, Run

_LISTED: Final = 200
"""So many adopted items are named; of more, only their numbers are told: a first run adopts a whole company."""


def tell_start(plan: Plan, run: Run, approval: Approval) -> Iterator[Event]:
    """Tell who applies which plan by whose approval, what it was made from, and which guards refused or were lifted."""
    yield (
        Kind.STARTED,
        {
            "run": run.id,
            "plan": plan.digest,
            "tree": plan.tree_digest,
            "tool": plan.tool,
            "moment": plan.moment.isoformat(),
            "approval": _clean_data(approval.data()),
            "reason": clean(run.reason),
            "scope": msgspec.to_builtins(plan.scope),
            "changes": sum(1 for _ in plan.changes()),
            "apps": [_app(app) for app in plan.apps],
        },
    )
    for verdict in plan.verdicts:
        lifted = bool(run.reason) and verdict.text.endswith(f"(overridden: {run.reason.strip()})")
        if verdict.refused or lifted:
            yield (Kind.REFUSED if verdict.refused else Kind.LIFTED), _verdict(run, verdict)


def _verdict(run: Run, verdict: Verdict) -> dict[str, Any]:
    told = {"run": run.id, "guard": verdict.guard, "app": verdict.app, "detail": clean(verdict.text)}
    return told | ({} if verdict.refused else {"reason": clean(run.reason), "plan": run.plan_digest})


def _clean_data(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: clean(value) if isinstance(value, str) else value for name, value in data.items()}


def _app(app: AppPlan) -> dict[str, Any]:
    return {
        "app": app.app,
        "ways": list(app.ways),
        "config": app.config_digest,
        "complete": app.complete,
        "collections": {plain(name): _completeness(part) for name, part in app.collections.items()},
        "counts": msgspec.to_builtins(app.counts),
        "as_of": app.as_of.isoformat() if app.as_of else None,
        "error": clean(app.error),
    }


def _completeness(part: Completeness) -> dict[str, Any]:
    return {"complete": part.complete, "why": clean(part.why), "unread": len(part.unread)}


def tell_asked(run: str, change: Change) -> Event:
    """Tell that a change is about to be sent: what is wanted, what it relies on, and why, with places."""
    return Kind.ASKED, {"run": run, **_change(change)}


def _change(change: Change) -> dict[str, Any]:
    return {
        "change": plain(change.id),
        "app": change.app,
        "operation": change.operation.value,
        "item": [plain(part) for part in encode_item(change.item)],
        "username": plain(change.username),
        "way": change.way,
        "cause": change.cause.value,
        "privileged": change.privileged,
        "before": clean_values(change.before),
        "after": clean_values(change.after),
        "why": [[clean(why.text), plain(why.place.short)] for why in change.why],
    }


def tell_answer(run: str, receipt: Receipt) -> Event:
    """Tell what came of a change that was asked: what was sent to which item by which way, and what came back."""
    kinds = {Outcome.TICKET: Kind.TICKET, Outcome.NOT_ATTEMPTED: Kind.NOT_ATTEMPTED}
    change = receipt.change
    sent = {
        "account_id": plain(change.account_id),
        "entitlement_id": plain(change.entitlement_id),
        "holder_entitlement_id": plain(change.holder_entitlement_id),
    }
    told = {
        "way": change.way,
        "to": {name: value for name, value in sent.items() if value},
        "requests": receipt.requests,
        "remote_id": plain(receipt.remote_id),
    }
    return kinds.get(receipt.outcome, Kind.ANSWERED), {**_outcome(run, receipt), **told}


def _outcome(run: str, receipt: Receipt) -> dict[str, Any]:
    return {
        "run": run,
        "change": plain(receipt.change.id),
        "outcome": receipt.outcome.value,
        "detail": clean(receipt.detail),
    }


def tell_unattempted(run: str, receipt: Receipt) -> Event:
    """Tell of a change that was in the plan and was never begun, and why not."""
    told = {"blocked": clean(receipt.change.blocked), "detail": clean(receipt.detail)}
    return Kind.NOT_ATTEMPTED, {"run": run, "outcome": receipt.outcome.value, **_change(receipt.change), **told}


def tell_read_back(run: str, receipt: Receipt) -> Event:
    """Tell what an app showed after a change."""
    return Kind.READ_BACK, {**_outcome(run, receipt), "remote_id": plain(receipt.remote_id)}


def tell_settled(run: str, entry: JournalEntry, receipt: Receipt) -> Event:
    """Tell what became of an intent that an earlier run left open; `by` is the run that looked."""
    told = {"by": run, "intended_at": entry.intended_at.isoformat(), "remote_id": plain(receipt.remote_id)}
    return Kind.SETTLED, {**_outcome(entry.run, receipt), **told}


def tell_adoption(run: str, app: str, adoption: Adoption) -> list[Event]:
    """Tell how much was taken on without any change, and which items, unless they are too many; nothing for nothing."""
    counts = {
        "accounts": len(adoption.accounts),
        "entitlements": len(adoption.entitlements),
        "grants": len(adoption.grants),
    }
    if not any(counts.values()):
        return []
    body: dict[str, Any] = {"run": run, "app": app, **counts}
    if sum(counts.values()) <= _LISTED:
        body["items"] = [
            *(["account", plain(name), one.status.value] for name, one in adoption.accounts.items()),
            *(["entitlement", plain(name)] for name in adoption.entitlements),
            *(["grant", plain(holder), plain(key), level] for holder, key, level in adoption.grants),
        ]
    return [(Kind.ADOPTED, body)]


def tell_forgotten(run: str, app: str, gone: Sequence[Item]) -> list[Event]:
    """Tell what is wanted no more and was seen absent."""
    if not gone:
        return []
    body: dict[str, Any] = {"run": run, "app": app, "count": len(gone)}
    if len(gone) <= _LISTED:
        body["items"] = [[plain(part) for part in encode_item(item)] for item in gone]
    return [(Kind.FORGOTTEN, body)]


def tell_cancelled(run: str, app: str, ticket: TicketCancellation) -> Event:
    """Tell that a ticket was closed because its operation is no longer wanted."""
    told = {"key": plain(ticket.key), "address": clean(ticket.address), "detail": clean(ticket.reason)}
    return Kind.CANCELLED, {"run": run, "app": app, "change": plain(ticket.change_id), **told}


def tell_end(run: str, summary: str, outcomes: Mapping[Outcome, int], problems: Sequence[str]) -> Event:
    """Tell how a run ended."""
    counts = {outcome.value: count for outcome, count in outcomes.items()}
    told = {"outcomes": counts, "problems": [clean(problem) for problem in problems[:_LISTED]]}
    return Kind.ENDED, {"run": run, "detail": clean(summary), **told}
