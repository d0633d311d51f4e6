"""The way of each operation: the first of the route that can do it, with the ids by which that way knows the items."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.items import GrantItem, Item
from reconciler.plan.inputs import WayRead
from reconciler.plan.sides import Sides, holders_in
from reconciler.provider.change import Operation

_ACCOUNTS = "accounts"


@dataclass(frozen=True, slots=True)
class Route:
    """Who does an operation, or why nobody can.

    Attributes:
        way: the provider's name, or empty.
        number: its place in the route, -1 for nobody.
        why_not: what each way says, where nobody can.
    """

    way: str
    number: int
    why_not: str = ""


@dataclass(slots=True)
class Router:
    """Chooses ways for one app, and remembers what it chose."""

    sides: Sides
    _routes: dict[tuple[Operation, str, frozenset[str]], Route] = field(default_factory=dict)
    _accounts: dict[int, dict[str, str]] = field(default_factory=dict)
    _entitlements: dict[int, dict[str, str]] = field(default_factory=dict)

    def route(self, operation: Operation, kind: str, attributes: Iterable[str] = ()) -> Route:
        """Return the first way that can do an operation on a kind (or `accounts`), and write these attributes."""
        key = (operation, kind, frozenset(attributes))
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = self._choose(*key)
        return found

    def _choose(self, operation: Operation, kind: str, attributes: frozenset[str]) -> Route:
        reasons = []
        for number, way in enumerate(self.sides.live.ways):
            why = refusal(way, operation, kind, attributes)
            if not why:
                return Route(way.name, number)
            reasons.append(f"{way.name}: {why}")
        return Route("", -1, "; ".join(reasons) or "the app has no way at all")

    def account_id(self, route: Route, holder: str) -> str:
        """Return the remote id of a holder's account as this way knows it; empty if it has none."""
        ids = self._accounts.get(route.number)
        if ids is None:
            ids = self._accounts[route.number] = self._list_accounts(route)
        account = self.sides.account_of(holder)
        return ids.get(holder) or (account.remote_id if account else "")

    def _list_accounts(self, route: Route) -> dict[str, str]:
        way = self._way(route)
        if way is None or way.snapshot is None:
            return {}
        ids = (account.remote_id for account in way.snapshot.accounts)
        return dict(zip(holders_in(self.sides, way), ids, strict=True))

    def entitlement_id(self, route: Route, key: str) -> str:
        """Return the remote id of an entitlement as this way knows it; empty if it is not there."""
        ids = self._entitlements.get(route.number)
        if ids is None:
            way = self._way(route)
            listed = way.snapshot.entitlements if way and way.snapshot else []
            ids = self._entitlements[route.number] = {entitlement.key: entitlement.remote_id for entitlement in listed}
        live = self.sides.aligned.live.get(key)
        return (ids.get(live.key) or live.remote_id) if live else ids.get(key, "")

    def _way(self, route: Route) -> WayRead | None:
        return self.sides.live.ways[route.number] if route.number >= 0 else None

    def ids(self, route: Route, item: Item) -> tuple[str, str, str]:
        """Return the remote ids of an item's account, entitlement and holding entitlement, or empty texts."""
        holder = getattr(item, "holder", "")
        entitlement = getattr(item, "entitlement", "")
        granted = self.entitlement_id(route, entitlement) if entitlement else ""
        if isinstance(item, GrantItem) and is_entitlement(holder):
            return "", granted, self.entitlement_id(route, holder)
        return self.account_id(route, holder) if holder else "", granted, ""


def refusal(way: WayRead, operation: Operation, kind: str, attributes: frozenset[str]) -> str:
    """Return why a way cannot do an operation on a kind (or `accounts`) and write these attributes; empty if it can."""
    ability = way.capabilities.ability(operation, kind)
    if not ability:
        return ability.why or "it cannot"
    writable = way.capabilities.attributes
    missing = [] if writable is None else sorted(attributes - writable)
    return f"{', '.join(missing)} cannot be written" if missing else ""


def is_entitlement(holder: str) -> bool:
    """Say whether the holder of a grant is an entitlement, by the form of its name."""
    return ":" in holder and not holder.startswith("@")
