"""Why somebody has what they have in an app, and who has something: each item with its chains."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.items import AccountItem, GrantItem, Item
from reconciler.resolve.declared import DeclaredApp, Presence, Reason
from reconciler.resolve.presence import presence_of
from reconciler.resolve.reasons import reasons_for, upcoming_reason
from reconciler.resolve.resolved import Resolved


@dataclass(frozen=True, slots=True)
class ExplainedItem:
    """One item, what is declared about it, and why.

    Attributes:
        presence: None where the YAML is silent.
        level: of a present grant that has one.
        reasons: the chains, sorted by place.
    """

    item: Item
    presence: Presence | None
    level: str | None = None
    reasons: tuple[Reason, ...] = ()


def explain(resolved: Resolved, declared: DeclaredApp, identity: str) -> tuple[ExplainedItem, ...]:
    """Return an identity's account in an app, and after it each grant that some block gives it or keeps from it.

    A leaver has an account that is suspended and no grants. A grant whose block is still to begin is silent, with that
    as its reason. Entitlements that hold others (`team:platform`) can be asked about in the same way; they have no
    account.

    Args:
        resolved: the company at a moment.
        declared: one of its apps.
        identity: an identity's id, or an entitlement's key.
    """
    account = () if ":" in identity else (_explained(resolved, declared, AccountItem(identity)),)
    number = declared.names.known_holder(identity)
    bundles = declared.bundles_of(number) if number is not None else ()
    keys = {declared.names.entitlements[granted] for bundle in bundles for granted in bundle.entitlements}
    grants = [_explained(resolved, declared, GrantItem(identity, key)) for key in sorted(keys)]
    upcoming = [item for key, item in _upcoming(resolved, declared.app.name, identity) if key not in keys]
    return (*account, *grants, *upcoming)


def _upcoming(resolved: Resolved, app: str, identity: str) -> Iterator[tuple[str, ExplainedItem]]:
    number = resolved.roster.number_here(identity)
    reasons: dict[str, set[Reason]] = {}
    for block in resolved.upcoming.get(app, ()):
        for index, wanted in enumerate(block.grants[app] if number in block.members else ()):
            reasons.setdefault(wanted.entitlement, set()).add(upcoming_reason(block, app, index))
    for key in sorted(reasons):
        chains = sorted(reasons[key], key=lambda reason: (reason.places, reason.text))
        yield key, ExplainedItem(GrantItem(identity, key), None, reasons=tuple(chains))


def who(resolved: Resolved, declared: DeclaredApp, entitlement: str) -> tuple[ExplainedItem, ...]:
    """Return each grant of an entitlement that is declared, present and absent ones, sorted by holder.

    Args:
        resolved: the company at a moment.
        declared: one of its apps.
        entitlement: its key, `kind:name`.
    """
    holders = sorted(set(_holders(declared, entitlement)))
    return tuple(_explained(resolved, declared, GrantItem(holder, entitlement)) for holder in holders)


def _holders(declared: DeclaredApp, entitlement: str) -> Iterator[str]:
    number = declared.names.known_entitlement(entitlement)
    for bundle in declared.bundles:
        if number is not None and number in bundle.entitlements:
            yield from map(declared.names.holders.__getitem__, bundle.holders)


def _explained(resolved: Resolved, declared: DeclaredApp, item: Item) -> ExplainedItem:
    level = None
    if isinstance(item, GrantItem):
        number = declared.grants.get(declared.names.grant(item.holder, item.entitlement), 0)
        level = declared.names.levels[number]
    return ExplainedItem(item, presence_of(declared, item), level, reasons_for(resolved, declared, item))
