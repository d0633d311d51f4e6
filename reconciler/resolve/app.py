"""What is declared in one app: every present grant as one int, from the blocks that name the app."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from reconciler.errors import ConfigurationError
from reconciler.items import GrantLevels, Names, pack
from reconciler.resolve.bundles import Bundler, Numbers
from reconciler.resolve.declared import AbsentBecause, Bundle, Clash, DeclaredApp, Presence
from reconciler.resolve.levels import LevelOrder, order_kinds
from reconciler.resolve.reasons import reasons_for
from reconciler.resolve.resolved import Block, Resolved


def declare_app(resolved: Resolved, app: str, names: Names, levels: Mapping[str, tuple[str, ...]]) -> DeclaredApp:
    """Work out what is declared in one app; the cost depends on the blocks that name it and on what they give.

    Where two blocks want one item at different levels, the stronger wins as far as an order is known: the one that the
    app's YAML gives for this entitlement, else the kind's. Asking for no level is satisfied by any. What cannot be
    decided is a `Clash`.

    Args:
        resolved: the company at a moment.
        app: the app's name.
        names: gives out the numbers; may have been used before.
        levels: kind → levels from the weakest to the strongest, as far as the app's providers know them.

    Raises:
        ConfigurationError: there is no such app.
    """
    if app not in resolved.company.apps:
        raise ConfigurationError(
            f"unknown app {app!r}", hint=f"the apps are {', '.join(sorted(resolved.company.apps))}"
        )
    rules = resolved.company.apps[app]
    bundler = Bundler(resolved, app, names)
    bundles = tuple(bundler.bundles())
    accounts = _accounts(resolved, app)
    kinds = order_kinds(rules.entitlements, levels)
    grants, conflicts = _spread_present(bundles, bundler.numbers)
    undecided = LevelOrder(rules.entitlements, kinds, names).settle(grants, conflicts)
    declared = DeclaredApp(
        app=rules,
        names=names,
        accounts=accounts,
        leavers=resolved.leavers,
        entitlements=rules.entitlements,
        grants=grants,
        absent=_spread_absent(bundles, grants),
        levels=kinds,
        bundles=bundles,
        absent_accounts=_absent_accounts(resolved, app, accounts),
    )
    declared.clashes = tuple(
        _clash(resolved, declared, grant, undecided[grant]) for grant in sorted(undecided, key=names.item)
    )
    return declared


def _accounts(resolved: Resolved, app: str) -> dict[str, Presence]:
    """Return who has an account: whoever any block gives something (be it nothing but the account), and all leavers."""
    ids = resolved.roster.ids
    present: set[int] = set()
    for block in resolved.blocks.get(app, ()):
        if not block.expired:
            present.update(block.members)
    accounts = {ids[number]: Presence.PRESENT for number in sorted(present)}
    return accounts | dict.fromkeys(resolved.leavers, Presence.SUSPENDED)


def _absent_accounts(resolved: Resolved, app: str, accounts: Mapping[str, Presence]) -> dict[str, AbsentBecause]:
    """Return the accounts that only blocks name that ask for an account alone, and do so no longer."""
    ids = resolved.roster.ids
    blocks = [block for block in resolved.blocks.get(app, ()) if not block.grants[app].wanted]
    absent: dict[str, AbsentBecause] = {}
    for because in (AbsentBecause.EXCLUDED, AbsentBecause.EXPIRED):
        for block in blocks:
            absent.update((ids[number], because) for number in _absent_members(block, because))
    return {identity: because for identity, because in absent.items() if identity not in accounts}


def _absent_members(block: Block, because: AbsentBecause) -> tuple[int, ...]:
    if because is AbsentBecause.EXCLUDED:
        return block.excluded
    return block.members if block.expired else ()


def _spread_present(bundles: Iterable[Bundle], numbers: Numbers) -> tuple[GrantLevels, dict[int, set[int]]]:
    """Return every grant that is present with a level, and for those that are wanted at several, all of them."""
    grants: GrantLevels = {}
    conflicts: dict[int, set[int]] = {}
    for bundle in bundles:
        if bundle.absent is not None:
            continue
        levels = list(map(numbers.level_of.__getitem__, bundle.wanted.wanted))
        if numbers.contested.isdisjoint(bundle.entitlements):
            _spread(grants, bundle.holders, bundle.entitlements, levels)
        else:
            _spread_contested(grants, conflicts, bundle, levels)
    return grants, conflicts


def _spread(grants: GrantLevels, holders: frozenset[int], entitlements: Sequence[int], levels: Sequence[int]) -> None:
    """Add every entitlement of every holder, in as few and long steps as there can be."""
    bases = [pack(holder, 0) for holder in holders]
    if len(entitlements) < len(bases):
        for entitlement, level in zip(entitlements, levels, strict=True):
            grants.update(dict.fromkeys([base | entitlement for base in bases], level))
    else:
        for base in bases:
            grants.update(zip([base | entitlement for entitlement in entitlements], levels, strict=True))


def _spread_contested(
    grants: GrantLevels, conflicts: dict[int, set[int]], bundle: Bundle, levels: Sequence[int]
) -> None:
    """Add every entitlement of every holder, where some other block may want another level of the same."""
    for holder in bundle.holders:
        base = pack(holder, 0)
        for entitlement, level in zip(bundle.entitlements, levels, strict=True):
            grant = base | entitlement
            other = grants.setdefault(grant, level)
            if other != level:
                conflicts.setdefault(grant, {other}).add(level)


def _spread_absent(bundles: Sequence[Bundle], grants: GrantLevels) -> dict[int, AbsentBecause]:
    """Return what some block declares absent and none present; expired goes before excluded."""
    absent: dict[int, AbsentBecause] = {}
    for because in (AbsentBecause.EXCLUDED, AbsentBecause.EXPIRED):
        for bundle in bundles:
            if bundle.absent is because:
                for base in map(pack, bundle.holders, repeat(0)):
                    absent.update(dict.fromkeys([base | entitlement for entitlement in bundle.entitlements], because))
    for grant in absent.keys() & grants.keys():
        del absent[grant]
    return absent


def _clash(resolved: Resolved, declared: DeclaredApp, grant: int, levels: tuple[str | None, ...]) -> Clash:
    item = declared.names.item(grant)
    return Clash(item, levels, reasons_for(resolved, declared, item))
