"""What guards need to know of one app beside its plan; it lives only until the guards have judged."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.items import kind_of
from reconciler.plan.aligned import entitlement_numbers
from reconciler.plan.plan import AppPlan
from reconciler.plan.sides import Sides, holders_in
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus, grants_of
from reconciler.resolve.declared import Presence

_SHIFT = 30
_MASK = (1 << _SHIFT) - 1


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan of one app was judged on.

    Attributes:
        leavers: identities past their last day.
        own_holders: the holders of the accounts that the tool itself acts as.
        population: `accounts` or a kind → how many items are live.
        held: key → who holds it live, of privileged and protected entitlements and those of `never_together`.
        declared: key → who is to hold it, of the same.
        active: holders whose accounts are not suspended.
        privileged: keys of privileged entitlements.
        levels: kind → levels from the weakest to the strongest.
        applied: how many items are recorded.
        wanted: how many accounts and grants are declared present.
        known: whether the state has heard of the app before.
    """

    leavers: frozenset[str] = frozenset()
    own_holders: frozenset[str] = frozenset()
    population: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    declared: Mapping[str, frozenset[str]] = field(default_factory=dict)
    active: frozenset[str] = frozenset()
    privileged: frozenset[str] = frozenset()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    applied: int = 0
    wanted: int = 0
    known: bool = True


@dataclass(frozen=True, slots=True)
class JudgedApp(AppPlan):
    """The plan of one app with what guards need; `build_plan` takes that away again."""

    basis: Basis = field(default_factory=Basis, compare=False, repr=False)


def basis_of(plan: AppPlan) -> Basis:
    """Return what guards need of an app; an empty one where the app could not even be looked at."""
    return plan.basis if isinstance(plan, JudgedApp) else Basis()


def gather_basis(sides: Sides) -> Basis:
    """Collect what guards need from the three sides of an app."""
    declared, live = sides.declared, sides.live
    privileged = frozenset(key for key, rules in declared.entitlements.items() if rules.privileged)
    privileged |= sides.inputs.privileged
    watched = privileged | _exclusive(sides) | _protected(sides)
    present = sum(1 for presence in declared.accounts.values() if presence is Presence.PRESENT)
    return Basis(
        leavers=frozenset(declared.leavers),
        own_holders=frozenset(_own_holders(sides)),
        population=_population(sides),
        held=_holders(sides, sides.granted, watched) | _unread_holders(sides, watched),
        declared=_holders(sides, declared.grants, watched),
        active=frozenset(sides.holder_of(a) for a in live.accounts.values() if a.status is not AccountStatus.SUSPENDED),
        privileged=privileged,
        levels=sides.levels,
        applied=len(sides.applied.accounts) + len(sides.applied.grants),
        wanted=present + len(declared.grants),
        known=sides.applied.known,
    )


def _exclusive(sides: Sides) -> frozenset[str]:
    """Return the keys of this app that some policy does not allow together with others."""
    prefix = f"{sides.inputs.app}/"
    rules = (rule for policies in sides.inputs.policies for rule in policies.never_together.values())
    names = (name for rule in rules for name in rule.entitlements)
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _protected(sides: Sides) -> frozenset[str]:
    """Return the keys of this app that some policy protects."""
    prefix = f"{sides.inputs.app}/"
    names = (name for policies in sides.inputs.policies for name in policies.protected.entitlements)
    return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _own_holders(sides: Sides) -> set[str]:
    found = set()
    for way in sides.live.ways:
        if way.snapshot and way.snapshot.own_account:
            ids = [account.remote_id for account in way.snapshot.accounts]
            holders = dict(zip(ids, holders_in(sides, way), strict=True))
            found.add(holders.get(way.snapshot.own_account, f"@{way.snapshot.own_account}"))
    return found


def _population(sides: Sides) -> dict[str, int]:
    kinds = Counter(kind_of(key) for key in sides.names.entitlements).keys()
    counts = {kind: sides.live.counts.get(grants_of(kind), 0) for kind in kinds}
    return {"accounts": len(sides.live.accounts), **{kind: count for kind, count in counts.items() if count}}


def _holders(sides: Sides, grants: Mapping[int, int], keys: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return key → holders of these grants; one pass, and none where nothing is watched."""
    names = sides.names
    numbers = {number: key for key in keys if (number := names.known_entitlement(key)) is not None}
    found: dict[str, set[str]] = {key: set() for key in keys}
    if not numbers.keys().isdisjoint(entitlement_numbers(grants)):
        for grant in [grant for grant in grants if grant & _MASK in numbers]:
            found[numbers[grant & _MASK]].add(names.holders[grant >> _SHIFT])
    return {key: frozenset(holders) for key, holders in found.items()}


def _unread_holders(sides: Sides, keys: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return who may hold what could not be read, as far as it is recorded."""
    unread = frozenset(
        key for key in keys if not sides.live.whole(grants_of(kind_of(key))) or not sides.live.whole(ACCOUNTS)
    )
    live, recorded = _holders(sides, sides.granted, unread), _holders(sides, sides.recorded, unread)
    return {key: live[key] | recorded[key] for key in unread}
