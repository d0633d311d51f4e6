"""The plan of one app: declared, applied and live in; changes, findings and adoption out. Pure."""

from dataclasses import replace

from reconciler.items import GrantItem, kind_of
from reconciler.plan.accounts import classify_accounts
from reconciler.plan.asking import settle_tickets
from reconciler.plan.basis import JudgedApp, gather_basis
from reconciler.plan.draft import Draft
from reconciler.plan.entitlements import classify_entitlements, forget_entitlements
from reconciler.plan.grants import classify_grants, unread_collections
from reconciler.plan.inputs import TICKET, AppInputs
from reconciler.plan.lost import hold_back, set_aside
from reconciler.plan.order import in_order
from reconciler.plan.plan import AppPlan, Counts, Fact, Finding
from reconciler.plan.routes import Router, is_entitlement
from reconciler.plan.sides import Sides, completeness, join_sides
from reconciler.plan.tickets import named_items, sort_tickets
from reconciler.provider.pace import Speed
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of
from reconciler.resolve.declared import Presence
from reconciler.state.contract import Adoption


def join_app(inputs: AppInputs) -> Sides:
    """Put the three sides of one app together; what is recorded counts only as far as it is believed."""
    return join_sides(set_aside(inputs) if inputs.lost else inputs)


def plan_app(inputs: AppInputs, sides: Sides | None = None) -> AppPlan:
    """Compare the three sides of one app and say what is to be done, shown, adopted and forgotten.

    The result carries what `build_plan` needs for the guards; the same inputs give the same result, in whatever order
    an app listed its items.

    Args:
        inputs: everything that was gathered.
        sides: from `join_app`, where somebody needs them as well.
    """
    ways = tuple(f"{way.name} {way.version}".strip() for way in inputs.ways)
    if inputs.error:
        owner = inputs.asked or inputs.declared.app.owner
        return JudgedApp(
            inputs.app, ways, inputs.config_digest, seconds=inputs.seconds, error=inputs.error, owner=owner
        )
    draft = _draft(sides or join_app(inputs))
    plan = replace(_finish(draft, ways), basis=gather_basis(draft.sides))
    return hold_back(plan, inputs.lost) if inputs.lost else plan


def plan_again(sides: Sides, about: frozenset[str] | None) -> AppPlan:
    """Plan an app on other sides, for a comparison alone: nothing in the result is enough to be judged, or applied.

    Args:
        sides: the same live and applied side, and another declared one.
        about: holders that alone are looked at, because nothing differs for others; None looks at everybody.
    """
    plan = _finish(_draft(sides, about), ())
    return hold_back(plan, sides.inputs.lost) if sides.inputs.lost else plan


def _draft(sides: Sides, about: frozenset[str] | None = None) -> Draft:
    draft = Draft(sides, Router(sides), sort_tickets(sides.inputs, sides.live), about=about)
    classify_accounts(draft)
    classify_entitlements(draft)
    classify_grants(draft)
    forget_entitlements(draft)
    draft.hold_unseen()
    unread_collections(draft)
    draft.cancellations = settle_tickets(draft, _undecided(draft))
    _tell_notes(draft)
    return draft


def _finish(draft: Draft, ways: tuple[str, ...]) -> JudgedApp:
    sides, inputs = draft.sides, draft.sides.inputs
    snapshots = [way.snapshot for way in inputs.ways if way.snapshot]
    return JudgedApp(
        app=inputs.app,
        ways=ways,
        config_digest=inputs.config_digest,
        changes=in_order(draft.changes),
        findings=tuple(
            sorted(draft.findings, key=lambda found: (_FACTS[found.fact], str(found.item or ""), found.text))
        ),
        adoption=_adoption(draft),
        cancellations=draft.cancellations,
        collections=dict(sorted(sides.live.collections.items())),
        counts=_count(draft),
        requests=sum(snapshot.requests for snapshot in snapshots),
        seconds=inputs.seconds,
        as_of=min((snapshot.as_of for snapshot in snapshots if snapshot.as_of), default=None),
        owner=inputs.asked or sides.declared.app.owner,
        prices=_prices(draft),
        speeds=_speeds(draft),
    )


_FACTS = {fact: number for number, fact in enumerate(Fact)}


def _rank(finding: Finding) -> tuple[int, str, str]:
    return _FACTS[finding.fact], str(finding.item or ""), finding.text


def _adoption(draft: Draft) -> Adoption:
    """Put together what is taken on; counts only where they changed, so that a second run has nothing to record."""
    inputs = draft.sides.inputs
    counts = {
        name: count for name, count in draft.sides.live.counts.items() if inputs.applied.counts.get(name) != count
    }
    return Adoption(
        accounts=dict(sorted(draft.accounts.items())),
        entitlements=dict(sorted(draft.entitlements.items())),
        grants=tuple(sorted(draft.grants, key=lambda grant: grant[:2])),
        gone=tuple(sorted(draft.gone, key=lambda item: (type(item).__name__, str(item)))),
        counts=dict(sorted(counts.items())),
    )


def _speeds(draft: Draft) -> dict[str, Speed]:
    used = {change.way for change in draft.changes}
    abilities = {way.name: way.capabilities for way in draft.sides.inputs.ways if way.name in used - {TICKET}}
    return {name: Speed(can.concurrency, can.batches, can.paces) for name, can in sorted(abilities.items())}


def _prices(draft: Draft) -> dict[str, str]:
    rules = draft.sides.declared.app.entitlements
    touched = sorted({change.entitlement for change in draft.changes})
    return {key: rules[key].price for key in touched if key in rules and rules[key].price}


def _count(draft: Draft) -> Counts:
    sides = draft.sides
    return Counts(
        declared_accounts=sum(1 for p in sides.declared.accounts.values() if p is Presence.PRESENT),
        declared_grants=len(sides.declared.grants),
        live_accounts=len(sides.live.accounts),
        live_grants=len(sides.granted),
        applied_accounts=len(sides.applied.accounts),
        applied_grants=len(sides.applied.grants),
        unmanaged_accounts=draft.unmanaged_accounts,
        unmanaged_grants=draft.unmanaged_grants,
    )


def _tell_notes(draft: Draft) -> None:
    """Pass on what the ways remarked, and which of them could not be asked."""
    by_ticket = draft.tickets.by_change or any(change.way == TICKET for change in draft.changes)
    if by_ticket and draft.sides.inputs.stand_in:
        draft.find(Fact.NOTE, None, draft.sides.inputs.stand_in)
    told = [found.why for found in draft.sides.live.collections.values() if not found.complete]
    for way in draft.sides.live.ways:
        if way.error and not any(way.error in why for why in told):
            draft.find(Fact.UNREAD, None, f"{way.name}: {way.error}")
        for note in way.snapshot.notes if way.snapshot else ():
            draft.find(Fact.NOTE, None, f"{way.name}: {note}")


def _undecided(draft: Draft) -> set[str]:
    """Return the ids of tickets' operations about which nothing can be said now."""
    sides = draft.sides
    ids = [change_id for change_id in draft.tickets.by_change if change_id not in draft.considered]
    return {
        change_id
        for change_id in ids
        if any(_is_undecided(draft, holder, key) for holder, key in named_items(change_id, sides.inputs.app))
    }


def _is_undecided(draft: Draft, holder: str, key: str) -> bool:
    sides = draft.sides
    held = holder in sides.matching.blocked or holder.removeprefix("@") in sides.matching.contested
    if (draft.only and holder not in draft.only) or held or _is_held(draft, key) or _is_held(draft, holder):
        return True
    if key in draft.unknown or key in sides.aligned.remade or _is_clash(sides, holder, key):
        return True
    collections = [] if not holder or is_entitlement(holder) else [ACCOUNTS]
    if ":" in key:
        collections.append(grants_of(kind_of(key)) if holder else entitlements_of(kind_of(key)))
    found = [completeness(sides, collection) for collection in collections]
    return any(not one.complete or key in one.unread for one in found)


def _is_held(draft: Draft, name: str) -> bool:
    """Say whether nothing is known of what an account or an entitlement is to be; that people make it is known."""
    gate = draft.waiting.get(name)
    return gate is not None and gate.fact is not Fact.PENDING


def _is_clash(sides: Sides, holder: str, key: str) -> bool:
    return any(clash.item == GrantItem(holder, key) for clash in sides.declared.clashes)
