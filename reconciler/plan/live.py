"""The live side of one app: each collection from the first way that can read it, complete or not, never from another.

A way that failed leaves its collections unread; they do not fall to the next way, whose view may be narrower. A
collection that suddenly lists far fewer than its last complete read is treated as incomplete too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.items import Names, kind_of, unpack
from reconciler.plan.inputs import TICKET, AppInputs, WayRead
from reconciler.provider.snapshot import (
    ACCOUNTS,
    Completeness,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    entitlements_of,
    grants_of,
)
from reconciler.resolve.declared import Presence


@dataclass(slots=True)
class Live:
    """What the ways of one app say together.

    Attributes:
        ways: in the order of the route.
        authority: collection → the number of the way that it is read from; one that no way reads is missing.
        collections: completeness, after the comparison with the last complete read.
        counts: collection → items, of those that were read whole.
        accounts: remote id → account, of the authority.
        entitlements: live key → entitlement, each kind from its own authority.
        twice: live keys that several entitlements carry → their remote ids.
    """

    ways: tuple[WayRead, ...]
    authority: dict[str, int] = field(default_factory=dict)
    collections: dict[str, Completeness] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, LiveAccount] = field(default_factory=dict)
    entitlements: dict[str, LiveEntitlement] = field(default_factory=dict)
    twice: dict[str, list[str]] = field(default_factory=dict)

    def whole(self, collection: str) -> bool:
        """Say whether a collection was read, and wholly."""
        found = self.collections.get(collection)
        return found is not None and found.complete

    def way(self, collection: str) -> WayRead | None:
        """Return the way that a collection is read from."""
        number = self.authority.get(collection)
        return None if number is None else self.ways[number]

    def snapshot(self, collection: str) -> Snapshot | None:
        """Return the snapshot that a collection is in."""
        way = self.way(collection)
        return way.snapshot if way else None

    def names_known(self, kind: str) -> bool:
        """Say whether an app itself lists the entitlements of a kind, so that a missing name is a wrong one."""
        way = self.way(entitlements_of(kind))
        return way is not None and way.name != TICKET

    @property
    def own_accounts(self) -> frozenset[str]:
        """Return the remote ids of the accounts that the tool itself acts as."""
        return frozenset(way.snapshot.own_account for way in self.ways if way.snapshot and way.snapshot.own_account)


def read_live(inputs: AppInputs) -> Live:
    """Merge what the ways of an app answered, and judge each collection."""
    live = Live(tuple(inputs.ways))
    kinds = sorted(_kinds(inputs))
    for collection in [ACCOUNTS, *map(entitlements_of, kinds), *map(grants_of, kinds)]:
        for number, way in enumerate(live.ways):
            if offers(way, collection):
                live.authority[collection] = number
                live.collections[collection] = _completeness(way, collection)
                break
    _fill(live, kinds)
    _judge_sizes(live, inputs)
    return live


def _kinds(inputs: AppInputs) -> set[str]:
    """Return every kind that any side knows."""
    keys: set[str] = {*inputs.declared.entitlements, *inputs.applied.entitlements, *inputs.declared.names.entitlements}
    collections = set(inputs.applied.counts)
    for way in inputs.ways:
        collections.update(way.capabilities.reads)
        if way.snapshot:
            keys.update(entitlement.key for entitlement in way.snapshot.entitlements)
            collections.update(way.snapshot.collections)
    named = {name.partition(":")[2] for name in collections if name != ACCOUNTS}
    return ({kind_of(key) for key in keys} | named) - {"*", ""}


def _everything(collection: str) -> str:
    """Return the collection that stands for all kinds of one sort: `grants:*`."""
    return collection if collection == ACCOUNTS else f"{collection.partition(':')[0]}:*"


def offers(way: WayRead, collection: str) -> bool:
    """Say whether a collection is read by a way, were no other before it."""
    reads = way.capabilities.reads
    ability = reads.get(collection, reads.get(_everything(collection)))
    if ability is not None:
        return bool(ability)
    return way.snapshot is not None and collection in way.snapshot.collections


def _completeness(way: WayRead, collection: str) -> Completeness:
    if way.snapshot is None:
        return Completeness(complete=False, why=f"{way.name}: {way.error or 'was not read'}")
    said = way.snapshot.collections
    found = said.get(collection, said.get(_everything(collection)))
    if found is None:
        return Completeness(complete=False, why=f"{way.name} did not say whether it is whole")
    return replace(found, attested=True) if way.name == TICKET else found


def _fill(live: Live, kinds: Iterable[str]) -> None:
    accounts = live.snapshot(ACCOUNTS)
    if accounts:
        live.accounts = {account.remote_id: account for account in accounts.accounts}
        live.counts[ACCOUNTS] = len(live.accounts)
    counted = {id(way.snapshot): _count(way.snapshot) for way in live.ways if way.snapshot}
    for kind in kinds:
        for collection, which in ((entitlements_of(kind), 0), (grants_of(kind), 1)):
            if snapshot := live.snapshot(collection):
                live.counts[collection] = counted[id(snapshot)][which].get(kind, 0)
        if snapshot := live.snapshot(entitlements_of(kind)) or live.snapshot(grants_of(kind)):
            _fill_kind(live, [one for one in snapshot.entitlements if kind_of(one.key) == kind])


def _fill_kind(live: Live, entitlements: Sequence[LiveEntitlement]) -> None:
    found = {one.key: one for one in entitlements}
    if len(found) < len(entitlements):
        ids: dict[str, list[str]] = {}
        for one in sorted(entitlements, key=lambda one: one.remote_id):
            ids.setdefault(one.key, []).append(one.remote_id)
            found[one.key] = one
        live.twice.update({key: listed for key, listed in ids.items() if len(listed) > 1})
    live.entitlements.update(found)


def _count(snapshot: Snapshot) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Count a snapshot's entitlements and grants by kind."""
    kinds = [kind_of(entitlement.key) for entitlement in snapshot.entitlements]
    grants: Counter[str] = Counter()
    for number, count in Counter(snapshot.granted).items():
        grants[kinds[number]] += count
    return Counter(kinds), grants


def _judge_sizes(live: Live, inputs: AppInputs) -> None:
    """Take what is suddenly much smaller for unread, and keep the counts of what is whole."""
    for collection, found in live.collections.items():
        before, now = inputs.applied.counts.get(collection, 0), live.counts.get(collection, 0)
        way = live.way(collection)
        share = way.capabilities.least_share if way else 0.0
        if found.complete and inputs.app not in inputs.scope.trust_reads and _is_small(before, now, share):
            unwanted = _count_unwanted(inputs, collection)
            if _is_small(before, now + unwanted, share):
                why = f"only {now} where the last complete read had {before}; if so: --trust-read {inputs.app}"
                live.collections[collection] = Completeness(complete=False, why=why)
    live.counts = {name: count for name, count in live.counts.items() if live.whole(name)}


def _is_small(before: int, now: int, share: float) -> bool:
    return now < before * share if now else before >= 2  # noqa: PLR2004 - one item may well have gone


def _count_unwanted(inputs: AppInputs, collection: str) -> int:
    """Count what is applied and wanted no more: what we took away ourselves is no sudden loss."""
    declared, applied = inputs.declared, inputs.applied
    if collection == ACCOUNTS:
        return sum(1 for name in applied.accounts if declared.accounts.get(name) is not Presence.PRESENT)
    sort, _, kind = collection.partition(":")
    if sort == "entitlements":
        return 0
    return sum(1 for g in applied.grants if g not in declared.grants and _kind(g, declared.names) == kind)


def _kind(grant: int, names: Names) -> str:
    return kind_of(names.entitlements[unpack(grant)[1]])
