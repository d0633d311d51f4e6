"""The three sides of one app, side by side: everything that classification looks at, and nothing that it decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

from reconciler.items import GrantLevels, Names, fold, kind_of, unpack
from reconciler.plan.aligned import Aligned, align_entitlements, move_grants
from reconciler.plan.inputs import AppInputs, WayRead
from reconciler.plan.live import Live, read_live
from reconciler.plan.match import Matching, match_accounts
from reconciler.provider.snapshot import ACCOUNTS, Completeness, LiveAccount, grants_of
from reconciler.resolve.declared import DeclaredApp
from reconciler.state.contract import Applied

_SHIFT = 30


@dataclass
class Sides:
    """One app: declared, applied and live, under the same names and numbers."""

    inputs: AppInputs
    live: Live
    matching: Matching
    aligned: Aligned

    @property
    def declared(self) -> DeclaredApp:
        """Return what the YAML says."""
        return self.inputs.declared

    @property
    def applied(self) -> Applied:
        """Return what is recorded."""
        return self.inputs.applied

    @property
    def names(self) -> Names:
        """Return the numbers that all three sides use."""
        return self.inputs.declared.names

    @property
    def accounts_read(self) -> bool:
        """Say whether the accounts were read wholly; if not, nothing that an account holds is known."""
        return self.live.whole(ACCOUNTS)

    @cached_property
    def levels(self) -> Mapping[str, tuple[str, ...]]:
        """Return kind → levels from the weakest to the strongest, as far as the YAML or a way knows them."""
        found: dict[str, tuple[str, ...]] = {}
        for way in reversed(self.live.ways):
            found.update(way.capabilities.levels)
        return {kind: order for kind, order in {**found, **self.declared.levels}.items() if order}

    @cached_property
    def granted(self) -> GrantLevels:
        """Return the grants that are live."""
        return live_grants(self)

    @cached_property
    def wanted(self) -> GrantLevels:
        """Return the declared grants, the weakest level written as none."""
        return _without_weakest(self, self.declared.grants)

    @cached_property
    def recorded(self) -> GrantLevels:
        """Return the applied grants under today's keys, the weakest level written as none."""
        return _without_weakest(self, move_grants(self.applied.grants, self.names, self.aligned.moved))

    @cached_property
    def weakest(self) -> Mapping[str, int]:
        """Return kind → the number of its weakest level, which is what a grant without a level means."""
        return {kind: self.names.level(order[0]) for kind, order in self.levels.items()}

    def account_of(self, holder: str) -> LiveAccount | None:
        """Return the live account of a holder: an identity, or `@` and a remote id."""
        if holder.startswith("@"):
            return self.live.accounts.get(holder[1:])
        return self.matching.accounts.get(holder)

    def holder_of(self, account: LiveAccount) -> str:
        """Return the identity of a live account, or `@` and its remote id."""
        return self.matching.identities.get(account.remote_id) or f"@{account.remote_id}"


def join_sides(inputs: AppInputs) -> Sides:
    """Read the live side and match it with the others."""
    live = read_live(inputs)
    return Sides(inputs, live, match_accounts(inputs, live), align_entitlements(inputs, live))


def declare_otherwise(sides: Sides, inputs: AppInputs) -> Sides:
    """Return the same live and applied side beside another declared one.

    Whose account is whose is not asked again where every identity can be found by what it was found by before.

    Args:
        sides: of the same app, read at the same time.
        inputs: those of `sides`, but for what is declared; numbered by the same names.
    """
    before = sides.inputs
    alike = inputs.identities == before.identities
    alike = alike and inputs.declared.app.accounts.match == before.declared.app.accounts.match
    matching = sides.matching if alike else match_accounts(inputs, sides.live)
    found = Sides(inputs, sides.live, matching, align_entitlements(inputs, sides.live))
    if alike and found.aligned.keys == sides.aligned.keys and found.levels == sides.levels:
        found.granted = sides.granted
    if found.aligned.moved == sides.aligned.moved and found.levels == sides.levels:
        found.recorded = sides.recorded
    return found


def matched_otherwise(one: Sides, other: Sides) -> frozenset[str]:
    """Return the holders whose account is another one on these sides than on those, or nobody's, or in doubt."""
    if one.matching is other.matching:
        return frozenset()
    found: set[str] = set()
    for a, b in ((one.matching, other.matching), (other.matching, one.matching)):
        found.update(name for name, account in a.accounts.items() if b.accounts.get(name) != account)
        found.update(name for name, why in a.blocked.items() if b.blocked.get(name) != why)
        found.update(name for name, names in a.renamed.items() if b.renamed.get(name) != names)
        found.update(f"@{remote_id}" for remote_id in a.identities.keys() - b.identities.keys())
        found.update(f"@{remote_id}" for remote_id in a.contested - b.contested)
    return frozenset(found)


def holders_in(sides: Sides, way: WayRead) -> list[str]:
    """Return the holder of each account in a way's snapshot, in its order.

    Accounts of a further way are joined to the authority's by the identity's id, then by username, then by email,
    ignoring case; never by what their holders can edit there, and only where one account answers.
    """
    if way.snapshot is None:
        return []
    if way is sides.live.way(ACCOUNTS):
        return [sides.holder_of(account) for account in way.snapshot.accounts]
    usernames, emails = _joint(sides, "username"), _joint(sides, "email")
    editable = way.capabilities.holder_editable
    return [
        (account.external_id if account.external_id in sides.matching.accounts else "")
        or ("" if "username" in editable else usernames.get(fold(account.username), ""))
        or ("" if "email" in editable else emails.get(fold(account.email), ""))
        or f"@{account.remote_id}"
        for account in way.snapshot.accounts
    ]


def _joint(sides: Sides, attribute: str) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    for account in sides.live.accounts.values():
        text = fold(account.username if attribute == "username" else account.email)
        if text in found:
            twice.add(text)
        found[text] = sides.holder_of(account)
    return {text: holder for text, holder in found.items() if text and text not in twice}


def live_grants(sides: Sides) -> GrantLevels:
    """Return all live grants as packed numbers, each kind from its own authority."""
    found: GrantLevels = {}
    for number, way in enumerate(sides.live.ways):
        kinds = {name for name, authority in sides.live.authority.items() if authority == number}
        if way.snapshot is not None and way.snapshot.granted and any(name.startswith("grants:") for name in kinds):
            _add_grants(sides, way, kinds, found)
    return found


def _add_grants(sides: Sides, way: WayRead, collections: set[str], found: GrantLevels) -> None:
    """Translate a snapshot's columns; passes over a million rows are comprehensions over tables of small ints."""
    snapshot, names = way.snapshot, sides.names
    if snapshot is None:
        return
    keys = [sides.aligned.keys.get(entitlement.key, entitlement.key) for entitlement in snapshot.entitlements]
    accounts = [names.holder(holder) << _SHIFT for holder in holders_in(sides, way)]
    # A holder -1 - n is entitlement n, and so are Python's negative indices into this table.
    held_by_entitlements = min(snapshot.holders) < 0
    table = accounts + [names.holder(key) << _SHIFT for key in reversed(keys if held_by_entitlements else [])]
    numbers = [names.entitlement(key) for key in keys]
    ours = [grants_of(kind_of(key)) in collections for key in keys]
    packed = [
        table[holder] | numbers[granted] for holder, granted in zip(snapshot.holders, snapshot.granted, strict=True)
    ]
    if len(snapshot.level_names) == 1:
        levels: list[int] = [0] * len(packed)
    else:
        level_numbers = [names.level(level) for level in snapshot.level_names]
        weak = [sides.weakest.get(kind_of(key), 0) for key in keys]
        levels = [
            0 if level_numbers[level] == weak[granted] else level_numbers[level]
            for level, granted in zip(snapshot.levels, snapshot.granted, strict=True)
        ]
    pairs = zip(packed, levels, strict=True)
    found.update(pairs if all(ours) else compress(pairs, [ours[granted] for granted in snapshot.granted]))


def _without_weakest(sides: Sides, grants: GrantLevels) -> GrantLevels:
    """Write the weakest level of each kind as none, so that `team:x` and `team:x` at `member` are the same."""
    weakest = sides.weakest
    if not weakest or set(weakest.values()).isdisjoint(grants.values()):
        return grants
    entitlements = sides.names.entitlements
    numbers = [weakest.get(kind_of(key), 0) for key in entitlements]
    return {grant: 0 if level == numbers[unpack(grant)[1]] else level for grant, level in grants.items()}


def completeness(sides: Sides, collection: str) -> Completeness:
    """Return whether a collection was read, also for one that no way reads."""
    found = sides.live.collections.get(collection)
    return found or Completeness(complete=False, why=f"no way of {sides.inputs.app} reads {collection}")
