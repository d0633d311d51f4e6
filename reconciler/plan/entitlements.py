"""Every row of the table for entitlements: created, renamed, updated, pinned, forgotten; never deleted."""

from difflib import get_close_matches

from reconciler.items import EntitlementItem, GrantItem, Value, kind_of, name_of, unpack
from reconciler.model.apps import EntitlementRules, Manage
from reconciler.plan.aligned import entitlement_numbers
from reconciler.plan.draft import Draft, Gate, Wish
from reconciler.plan.inputs import TICKET
from reconciler.plan.plan import Fact
from reconciler.plan.values import cause_of, differences, worst
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import LiveEntitlement, entitlements_of
from reconciler.state.contract import AppliedEntitlement


def classify_entitlements(draft: Draft) -> None:
    """Draft what declared entitlements need, and find the granted ones that exist nowhere."""
    sides = draft.sides
    declared = sides.declared.entitlements
    granted = _granted(draft)
    for key, why in sorted(sides.aligned.remade.items()):
        if key in declared or key in granted or key in sides.applied.entitlements:
            text = f"{why}; nothing is planned on it until that is put right, or its pin is dropped"
            draft.waiting[key] = Gate(Fact.CONFLICT, text, always=True)
            draft.find(Fact.CONFLICT, EntitlementItem(key), text, refuses=True)
    for key in sorted({*declared, *granted} - sides.aligned.remade.keys()):
        _classify(draft, key, declared.get(key))


def _granted(draft: Draft) -> set[str]:
    """Return the keys that declared grants name, as what is granted and as what holds it."""
    sides = draft.sides
    names = sides.names
    keys = {names.entitlements[number] for number in entitlement_numbers(sides.declared.grants)}
    return keys | {names.holders[unpack(grant)[0]] for grant in _entitlement_held(draft)}


def _entitlement_held(draft: Draft) -> list[int]:
    holders = draft.sides.names.holders
    numbers = {number for number, name in enumerate(holders) if ":" in name and not name.startswith("@")}
    return [grant for grant in draft.sides.declared.grants if unpack(grant)[0] in numbers] if numbers else []


def _classify(draft: Draft, key: str, rules: EntitlementRules | None) -> None:
    sides = draft.sides
    live = sides.aligned.live.get(key)
    if live is not None:
        _keep(draft, key, rules, live)
    elif not sides.live.names_known(kind_of(key)):
        _trust_name(draft, key, named=rules is not None)
    elif not sides.live.whole(entitlements_of(kind_of(key))):
        draft.waiting[key] = Gate(Fact.UNREAD, entitlements_of(kind_of(key)), always=True)
    elif rules is None:
        _refuse_unknown(draft, key)
    else:
        _create(draft, key, rules)


def _trust_name(draft: Draft, key: str, *, named: bool) -> None:
    """Believe a name of a kind that no app lists, if the YAML names it or only people reach the app at all."""
    lists = any(
        name.startswith("entitlements:") and ability
        for way in draft.sides.live.ways
        if way.name != TICKET
        for name, ability in way.capabilities.reads.items()
    )
    if lists and not named and key not in draft.sides.applied.entitlements:
        _refuse_unknown(draft, key)


def _refuse_unknown(draft: Draft, key: str) -> None:
    """Block every grant of a name that is neither declared nor live; a wrong name never becomes a new team."""
    sides = draft.sides
    near = get_close_matches(key, sorted({*sides.declared.entitlements, *sides.aligned.live}), n=1)
    number = sides.names.known_entitlement(key)
    held = sum(1 for grant in sides.declared.grants if unpack(grant)[1] == number)
    guess = f"did you mean {near[0]}?" if near else "correct the name, or declare it under the app's entitlements"
    text = f"{key} is neither declared nor live in {sides.inputs.app}; {guess}"
    draft.waiting[key] = Gate(Fact.BLOCKED, text, always=True)
    draft.unknown.add(key)
    grants = "1 grant waits" if held == 1 else f"{held} grants wait"
    draft.find(Fact.BLOCKED, EntitlementItem(key), f"{text} ({grants})" if held else text, refuses=True)


def _create(draft: Draft, key: str, rules: EntitlementRules) -> None:
    applied = draft.sides.applied.entitlements.get(key)
    cause = Cause.NEW if applied is None else Cause.UNFINISHED if applied.pending else Cause.LOST
    after: dict[str, Value] = {"name": name_of(key), **rules.attributes}
    draft.propose(Wish(Operation.CREATE_ENTITLEMENT, EntitlementItem(key), cause, {}, after))
    if key not in draft.creating and key not in draft.waiting:
        draft.waiting[key] = Gate(Fact.BLOCKED, f"{key} is not there, and this partial plan does not create it")


def _keep(draft: Draft, key: str, rules: EntitlementRules | None, live: LiveEntitlement) -> None:
    applied = draft.sides.applied.entitlements.get(key)
    recorded = applied.attributes if applied else {}
    item = EntitlementItem(key)
    if live.key != key:
        _rename(draft, key, rules, live)
    changed = differences(rules.attributes, live.attributes) if rules else {}
    if changed:
        pending = applied is not None and applied.pending
        causes = {
            cause_of(new, old, recorded.get(name), known=name in recorded, pending=pending)
            for name, (old, new) in changed.items()
        }
        before = {name: old for name, (old, _) in changed.items()}
        after = {name: new for name, (_, new) in changed.items()}
        draft.propose(Wish(Operation.UPDATE_ENTITLEMENT, item, worst(causes), before, after))
    if live.key == key:
        attributes = {n: v for n, v in rules.attributes.items() if n not in changed} if rules else {}
        attributes |= {name: recorded[name] for name in changed if name in recorded}
        created = applied is not None and applied.created
        pending = applied is not None and applied.pending and bool(changed)
        draft.adopt_entitlement(key, AppliedEntitlement(live.remote_id, attributes, pending, created))


def _rename(draft: Draft, key: str, rules: EntitlementRules | None, live: LiveEntitlement) -> None:
    """Rename what the YAML declares under another name; what it only grants is followed under the new name."""
    if rules is None:
        text = f"{key} is now called {live.key} in the app; followed by its pinned id: correct the YAML"
        draft.find(Fact.RENAMED, EntitlementItem(key), text)
        return
    asked = live.key in rules.formerly
    applied = draft.sides.applied.entitlements.get(key)
    pending = applied is not None and applied.pending
    cause = Cause.UNFINISHED if pending else Cause.EDITED if asked else Cause.DRIFTED
    before: dict[str, Value] = {"name": name_of(live.key)}
    draft.propose(Wish(Operation.RENAME_ENTITLEMENT, EntitlementItem(key), cause, before, {"name": name_of(key)}))


def forget_entitlements(draft: Draft) -> None:
    """Forget the pins of entitlements that nothing names any more; those that we made are left in place, and told.

    After the grants: a pin is kept as long as a grant on it is recorded.
    """
    sides = draft.sides
    names, gone = sides.names, {item for item in draft.gone if isinstance(item, GrantItem)}
    wanted = {*sides.declared.entitlements, *_granted(draft)}
    numbers = entitlement_numbers(g for g in sides.recorded if not gone or names.item(g) not in gone)
    held = {names.entitlements[number] for number in numbers}
    for key, applied in sorted(sides.applied.entitlements.items()):
        collection = entitlements_of(kind_of(key))
        if key in wanted or key in held or not sides.live.whole(collection):
            continue
        if draft.manages(kind_of(key)) is Manage.OBSERVE or key in sides.aligned.remade:
            continue
        if applied.created and key in sides.aligned.live:
            draft.find(Fact.NOTE, EntitlementItem(key), f"{key} is declared no more; left in place, and forgotten")
        draft.forget(EntitlementItem(key))
