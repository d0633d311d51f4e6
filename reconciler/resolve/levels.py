"""Which of several levels of one item holds: the strongest, where somebody says which that is."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from reconciler.items import GrantLevels, Names, kind_of, unpack
from reconciler.model.apps import EntitlementRules


def order_kinds(
    rules: Mapping[str, EntitlementRules], known: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return kind → levels from the weakest to the strongest.

    What the providers know counts first; the YAML's `levels` of a kind's entitlements fill in where they know nothing
    and as far as all of them say the same.
    """
    written: dict[str, set[tuple[str, ...]]] = {}
    for key, rule in rules.items():
        if rule.levels:
            written.setdefault(kind_of(key), set()).add(rule.levels)
    agreed = {kind: next(iter(orders)) for kind, orders in written.items() if len(orders) == 1}
    return agreed | {kind: order for kind, order in known.items() if order}


class LevelOrder:
    """The order of levels in one app: the entitlement's own, else its kind's.

    Args:
        rules: the entitlements that the app's YAML names.
        kinds: kind → levels from the weakest to the strongest.
        names: numbers of entitlements and levels.
    """

    __slots__ = ("_kinds", "_names", "_rules")

    def __init__(
        self, rules: Mapping[str, EntitlementRules], kinds: Mapping[str, tuple[str, ...]], names: Names
    ) -> None:
        self._rules = rules
        self._kinds = kinds
        self._names = names

    def strongest(self, entitlement: str, levels: AbstractSet[str]) -> str | None:
        """Return the strongest of several levels, or None where the order does not know all of them."""
        rule = self._rules.get(entitlement)
        order = (rule.levels if rule else ()) or self._kinds.get(kind_of(entitlement), ())
        return max(levels, key=order.index) if levels <= set(order) else None

    def settle(
        self, grants: GrantLevels, conflicts: Mapping[int, AbstractSet[int]]
    ) -> dict[int, tuple[str | None, ...]]:
        """Decide each conflict in `grants`, and return the undecided ones with their levels, sorted.

        Whoever asks for no level is content with any. An undecided grant gets the first of its levels.
        """
        undecided: dict[int, tuple[str | None, ...]] = {}
        for grant, numbers in conflicts.items():
            levels = {level for level in map(self._names.levels.__getitem__, numbers) if level is not None}
            entitlement = self._names.entitlements[unpack(grant)[1]]
            level = next(iter(levels)) if len(levels) == 1 else self.strongest(entitlement, levels)
            if level is None:
                undecided[grant] = tuple(sorted(levels))
                level = min(levels)
            grants[grant] = self._names.level(level)
        return undecided
