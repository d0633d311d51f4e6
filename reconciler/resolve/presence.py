"""What is declared about one item."""

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.resolve.declared import AbsentBecause, DeclaredApp, Presence


def presence_of(declared: DeclaredApp, item: Item) -> Presence | None:
    """Return what is declared about an item; None where the YAML is silent.

    An entitlement is present if the app's YAML names it or a present grant does.
    """
    match item:
        case AccountItem(holder):
            return declared.accounts.get(holder) or (Presence.ABSENT if holder in declared.absent_accounts else None)
        case GrantItem(holder, entitlement):
            return grant_presence(declared, holder, entitlement)
        case EntitlementItem(entitlement):
            return Presence.PRESENT if _is_wanted(declared, entitlement) else None


def grant_presence(declared: DeclaredApp, holder: str, entitlement: str) -> Presence | None:
    """Return what is declared about one grant: absent for everything of a leaver; None where the YAML is silent."""
    if holder in declared.leavers:
        return Presence.ABSENT
    number = _grant_number(declared, holder, entitlement)
    if number in declared.grants:
        return Presence.PRESENT
    return Presence.ABSENT if number in declared.absent else None


def absent_because(declared: DeclaredApp, item: Item) -> AbsentBecause | None:
    """Return why an item is gone from what is declared, as far as dates and exceptions are the cause.

    This also covers an account that only went with grants and is silent now that they have expired or are excluded.
    """
    holder = None if isinstance(item, EntitlementItem) else item.holder
    if holder in declared.leavers:
        return AbsentBecause.LEAVER
    if isinstance(item, GrantItem):
        number = _grant_number(declared, item.holder, item.entitlement)
        return None if number is None else declared.absent.get(number)
    if holder is None or holder in declared.accounts:
        return None
    return declared.absent_accounts.get(holder) or _why_lapsed(declared, holder)


def _grant_number(declared: DeclaredApp, holder: str, entitlement: str) -> int | None:
    names = declared.names
    if names.known_holder(holder) is None or names.known_entitlement(entitlement) is None:
        return None
    return names.grant(holder, entitlement)


def _is_wanted(declared: DeclaredApp, entitlement: str) -> bool:
    if entitlement in declared.entitlements:
        return True
    number = declared.names.known_entitlement(entitlement)
    return any(bundle.absent is None and number in bundle.entitlements for bundle in declared.bundles)


def _why_lapsed(declared: DeclaredApp, holder: str) -> AbsentBecause | None:
    number = declared.names.known_holder(holder)
    found = {bundle.absent for bundle in declared.bundles_of(number)} if number is not None else set()
    for because in (AbsentBecause.EXPIRED, AbsentBecause.EXCLUDED):
        if because in found:
            return because
    return None
