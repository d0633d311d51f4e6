"""Why an item is declared, suspended or declared absent: worked out from the bundles that made it so."""

from collections.abc import Iterable, Iterator

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.model.identities import Person
from reconciler.problems import NOWHERE, Place
from reconciler.resolve.chains import Chain, chains_in, chains_out
from reconciler.resolve.declared import AbsentBecause, Bundle, DeclaredApp, Leaver, Presence, Reason
from reconciler.resolve.presence import grant_presence
from reconciler.resolve.resolved import Block, Resolved


def reasons_for(resolved: Resolved, declared: DeclaredApp, item: Item) -> tuple[Reason, ...]:
    """Return each chain that ends in an item, sorted by place; none for an item about which the YAML is silent.

    A present item has the chains that grant it. An absent one has those that say so: its holder's last day, an expired
    block, an exception. An account that is silent has those too, where all that it went with has expired or is excluded
    or where its person is still to come.
    """
    match item:
        case AccountItem(holder):
            return _sorted(_account_reasons(resolved, declared, holder))
        case GrantItem(holder, entitlement):
            return _sorted(_grant_reasons(resolved, declared, holder, entitlement))
        case EntitlementItem(entitlement):
            return _sorted(_entitlement_reasons(declared, entitlement))


def bundle_reasons(resolved: Resolved, bundle: Bundle, holder: str, index: int | None) -> Iterator[Reason]:
    """Yield the chains of one bundle for one of its holders.

    Args:
        resolved: the company at the moment of the bundle.
        bundle: one that names the holder.
        holder: an identity's id or an entitlement's key.
        index: which of the bundle's entitlements it is about, or None for the account.
    """
    place = bundle.place if index is None else bundle.wanted.place_of(index)
    level = None if index is None else bundle.wanted.wanted[index].level
    source = f"{bundle.source} ({bundle.note})" if bundle.note else bundle.source
    source += f" at {level}" if level else ""
    match bundle.absent:
        case None:
            for chain in chains_in(resolved, bundle.to, holder):
                yield _reason(f"{source}, because {chain.text}", place, chain)
        case AbsentBecause.EXPIRED:
            until = bundle.until.isoformat(" ", "minutes") if bundle.until else ""
            for chain in chains_in(resolved, bundle.to, holder):
                yield _reason(f"{source} expired {until}; it was given because {chain.text}", place, chain)
        case _:
            for chain in chains_out(resolved, bundle.to, holder):
                yield _reason(f"not by {source}, because {chain.text}", place, chain)


def leaver_reason(leaver: Leaver) -> Reason:
    """Return why a leaver holds nothing any more."""
    last = f"the last day was {leaver.last_day.isoformat()}"
    when = f"left at {leaver.left:%Y-%m-%d %H:%M} UTC" if leaver.left else last
    return Reason(f"leaver: {when}", _written((leaver.place,)))


def waiting_reason(person: Person) -> Reason:
    """Return why somebody who is still to come has nothing yet."""
    return Reason(f"not before the first day, {person.start}", _written((person.place,)))


def upcoming_reason(block: Block, app: str, index: int) -> Reason:
    """Return why a block that has not begun gives nothing yet."""
    start = block.start.isoformat(" ", "minutes") if block.start else ""
    return Reason(f"{block.source} begins {start}", _written((block.grants[app].place_of(index), block.place)))


def _reason(text: str, place: Place, chain: Chain) -> Reason:
    return Reason(text, _written((place, *chain.places)))


def _written(places: Iterable[Place]) -> tuple[Place, ...]:
    """Return the places that are written somewhere, each once, in the order of the chain."""
    return tuple(dict.fromkeys(place for place in places if place != NOWHERE))


def _sorted(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(dict.fromkeys(reasons), key=lambda reason: (reason.place, reason.text, reason.places)))


def _account_reasons(resolved: Resolved, declared: DeclaredApp, identity: str) -> Iterator[Reason]:
    if leaver := declared.leavers.get(identity):
        yield leaver_reason(leaver)
        return
    if identity in resolved.roster.waiting:
        yield waiting_reason(resolved.company.people[identity])
        return
    present = declared.accounts.get(identity) is Presence.PRESENT
    number = declared.names.known_holder(identity)
    for bundle in () if number is None else declared.bundles_of(number):
        if (bundle.absent is None) is present:
            yield from bundle_reasons(resolved, bundle, identity, None)


def _grant_reasons(resolved: Resolved, declared: DeclaredApp, holder: str, entitlement: str) -> Iterator[Reason]:
    if leaver := declared.leavers.get(holder):
        yield leaver_reason(leaver)
        return
    presence = grant_presence(declared, holder, entitlement)
    if presence is None:
        return
    present, granted = presence is Presence.PRESENT, declared.names.entitlement(entitlement)
    for bundle in declared.bundles_of(declared.names.holder(holder)):
        if (bundle.absent is None) is present:
            for index in positions(bundle, granted):
                yield from bundle_reasons(resolved, bundle, holder, index)


def positions(bundle: Bundle, entitlement: int) -> list[int]:
    """Return where in a bundle an entitlement's number stands; more than once only at different levels."""
    if entitlement not in bundle.entitlements:
        return []
    return [index for index, number in enumerate(bundle.entitlements) if number == entitlement]


def _entitlement_reasons(declared: DeclaredApp, entitlement: str) -> Iterator[Reason]:
    if rules := declared.entitlements.get(entitlement):
        yield Reason(f"declared in the entitlements of {declared.app.name}", _written((rules.place,)))
    number = declared.names.known_entitlement(entitlement)
    if number is None:
        return
    for bundle in declared.bundles:
        if bundle.absent is None:
            for index in positions(bundle, number):
                yield Reason(f"named by {bundle.source}", _written((bundle.wanted.place_of(index),)))
