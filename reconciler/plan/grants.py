"""Every row of the table for grants, of which there may be a million: only what differs becomes an object."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from reconciler.items import GrantItem, GrantLevels, Value, kind_of, unpack
from reconciler.model.apps import Manage
from reconciler.plan.draft import Draft, Wish
from reconciler.plan.plan import Fact
from reconciler.plan.routes import is_entitlement
from reconciler.plan.sides import Sides, completeness
from reconciler.plan.values import cause_of
from reconciler.provider.change import Cause, Operation
from reconciler.provider.snapshot import ACCOUNTS, grants_of
from reconciler.resolve.declared import AbsentBecause

_ABSENT = {
    AbsentBecause.LEAVER: Cause.LEAVER,
    AbsentBecause.EXPIRED: Cause.EXPIRED,
    AbsentBecause.EXCLUDED: Cause.EXCLUDED,
}
SINGLY = 200
"""How many unmanaged grants of one app are listed one by one; more are counted by kind."""


def classify_grants(draft: Draft) -> None:
    """Compare the three sides, first as sets of ints, then the few that differ one by one."""
    classifier = _Classifier(draft)
    sides = draft.sides
    wanted, recorded, live = sides.wanted, sides.recorded, sides.granted
    differing = [] if wanted == live else classifier.narrow(_differing(wanted, live))
    classifier.differ(differing)
    if wanted.keys() != live.keys():
        classifier.surplus(classifier.narrow([grant for grant in live if grant not in wanted]))
    if draft.about is not None:
        classifier.report()
        return
    pending = sides.applied.pending
    unsettled = [] if wanted == recorded else _differing(wanted, recorded)
    classifier.adopt(dict.fromkeys((*unsettled, *(g for g in pending if g in wanted), *differing)))
    if unsettled or len(wanted) != len(recorded):
        classifier.forget([grant for grant in recorded if grant not in wanted and grant not in live])
    if sides.aligned.moved:
        classifier.move()
    classifier.report()


def _differing(wanted: GrantLevels, other: GrantLevels) -> list[int]:
    """Return the wanted grants that the other side lacks or has at another level."""
    get = other.get
    return [grant for grant, level in wanted.items() if get(grant, -1) != level]


@dataclass
class _Classifier:
    """Judges single grants; everything that is asked often is a set or a table of ints."""

    draft: Draft

    def __post_init__(self) -> None:
        self.sides: Sides = self.draft.sides
        self.unread: Counter[str] = Counter()
        self.unmanaged: list[int] = []
        self.clashes = {
            self.sides.names.grant(clash.item.holder, clash.item.entitlement): clash
            for clash in self.sides.declared.clashes
            if isinstance(clash.item, GrantItem)
        }
        for grant, clash in self.clashes.items():
            levels = ", ".join(str(level or "no level") for level in clash.levels)
            text = f"declared at several levels ({levels}), and which is the strongest is not known; left as it is"
            self.draft.find(Fact.BLOCKED, self.sides.names.item(grant), text, refuses=True)

    def narrow(self, grants: list[int]) -> list[int]:
        """Return the grants of those who are looked at."""
        about, names = self.draft.about, self.sides.names
        if about is None:
            return grants
        holders = {number for name in about if (number := names.known_holder(name)) is not None}
        return [grant for grant in grants if unpack(grant)[0] in holders]

    @cached_property
    def frozen_holders(self) -> set[int]:
        """Return the numbers of holders of whom nothing is planned."""
        names, matching = self.sides.names, self.sides.matching
        held = [*matching.blocked, *(f"@{remote_id}" for remote_id in matching.contested)]
        return {number for name in held if (number := names.known_holder(name)) is not None}

    @cached_property
    def refused(self) -> set[int]:
        """Return the numbers of entitlements that exist nowhere or are not what they were."""
        names = self.sides.names
        keys = {*self.draft.unknown, *self.sides.aligned.remade}
        return {number for key in keys if (number := names.known_entitlement(key)) is not None}

    @cached_property
    def unread_kinds(self) -> list[str]:
        """Return, by an entitlement's number, the collection that was not read, or an empty text."""
        return [self._unread_collection(key) for key in self.sides.names.entitlements]

    def _unread_collection(self, key: str) -> str:
        collection = grants_of(kind_of(key))
        found = completeness(self.sides, collection)
        live = self.sides.aligned.live.get(key)
        return collection if not found.complete or {key, live.key if live else key} & found.unread else ""

    @cached_property
    def entitlement_holders(self) -> set[int]:
        """Return the numbers of the holders that are entitlements."""
        return {number for number, name in enumerate(self.sides.names.holders) if is_entitlement(name)}

    def judged(self, grants: Iterable[int], *, count: bool = True) -> list[int]:
        """Return the grants about which something may be concluded, and count those that rely on what was not read."""
        accounts_read, unread = self.sides.accounts_read, self.unread_kinds
        skipped = self.frozen_holders
        refused, clashes = self.refused, self.clashes
        found = []
        for grant in grants:
            holder, entitlement = unpack(grant)
            if holder in skipped or entitlement in refused or grant in clashes:
                continue
            collection = unread[entitlement]
            if not collection and not accounts_read and holder not in self.entitlement_holders:
                collection = ACCOUNTS
            if not collection:
                found.append(grant)
            elif count:
                self.unread[collection] += 1
        return found

    def differ(self, grants: list[int]) -> None:
        """Add what is declared and not live, and set what is live at another level."""
        for grant in self.judged(grants):
            if grant in self.sides.granted:
                self._set_level(grant)
            else:
                self._add(grant)

    def _add(self, grant: int) -> None:
        sides, item = self.sides, self.sides.names.item(grant)
        gate = self.draft.waiting.get(item.entitlement)
        if gate and gate.fact is Fact.UNREAD:
            self.unread[gate.text] += 1
            return
        cause = Cause.NEW
        if grant in sides.recorded:
            cause = Cause.UNFINISHED if self._is_pending(grant) else Cause.LOST
        after: dict[str, Value] = {}
        if level := sides.names.levels[sides.declared.grants.get(grant, 0)]:
            after["level"] = level
        self.draft.propose(Wish(Operation.GRANT, item, cause, {}, after))

    def _set_level(self, grant: int) -> None:
        sides = self.sides
        wanted, live = self._wanted_level(grant), sides.granted[grant]
        if wanted == live:
            return
        names, recorded = sides.names, sides.recorded
        new, old = self._level_name(grant, wanted), self._level_name(grant, live)
        known = grant in recorded
        before = self._level_name(grant, recorded[grant]) if known else None
        cause = cause_of(new, old, before, known=known, pending=self._is_pending(grant))
        self.draft.propose(Wish(Operation.SET_LEVEL, names.item(grant), cause, {"level": old}, {"level": new}))

    def _wanted_level(self, grant: int) -> int:
        """Return the level to be: where none is declared and no order is known, the one that was made or found."""
        sides = self.sides
        wanted = sides.wanted[grant]
        if wanted or kind_of(sides.names.item(grant).entitlement) in sides.levels:
            return wanted
        return sides.recorded.get(grant, 0) or sides.granted[grant]

    def _level_name(self, grant: int, level: int) -> str | None:
        if level:
            return self.sides.names.levels[level]
        order = self.sides.levels.get(kind_of(self.sides.names.item(grant).entitlement))
        return order[0] if order else None

    def _is_pending(self, grant: int) -> bool:
        return grant in self.sides.applied.pending

    def surplus(self, grants: list[int]) -> None:
        """Remove what is live and declared absent, or ours and silent; the rest is not managed."""
        for grant in self.judged(grants):
            cause = self._removal(grant)
            if cause is None:
                self.unmanaged.append(grant)
                continue
            level = self._level_name(grant, self.sides.granted[grant])
            before: dict[str, Value] = {"level": level} if level else {}
            notes = ("removed from git",) if cause is Cause.REMOVED else ()
            self.draft.propose(Wish(Operation.REVOKE, self.sides.names.item(grant), cause, before, notes=notes))

    def _removal(self, grant: int) -> Cause | None:
        """Return why a live grant that is not declared must go, None if it must not."""
        sides = self.sides
        holder, key = sides.names.item(grant).holder, sides.names.item(grant).entitlement
        if holder in sides.declared.leavers:
            return Cause.LEAVER
        if absent := sides.declared.absent.get(grant):
            return _ABSENT[absent]
        if grant in sides.recorded:
            return Cause.UNFINISHED if self._is_pending(grant) else Cause.REMOVED
        if self.draft.was_asked_for(GrantItem(holder, key), Operation.REVOKE):
            return Cause.REMOVED
        if self.draft.manages(kind_of(key)) is not Manage.EVERYTHING:
            return None
        account = sides.account_of(holder)
        return None if account and account.remote_id in sides.live.own_accounts else Cause.STRANGER

    def adopt(self, grants: Iterable[int]) -> None:
        """Take on what is declared and live as it should be; privileged access is listed singly."""
        sides, draft = self.sides, self.draft
        live, recorded, names, pending = sides.granted, sides.recorded, sides.names, sides.applied.pending
        observed = {n for n, key in enumerate(names.entitlements) if draft.manages(kind_of(key)) is Manage.OBSERVE}
        privileged = {n for n, key in enumerate(names.entitlements) if draft.is_privileged_key(key)}
        for grant in self.judged([grant for grant in grants if grant in live], count=False):
            wanted = self._wanted_level(grant)
            holder, entitlement = unpack(grant)
            settled = recorded.get(grant, -1) == wanted and grant not in pending
            if live[grant] != wanted or settled or entitlement in observed:
                continue
            item = names.item(grant)
            if not draft.touches(item):
                continue
            level = names.levels[sides.declared.grants.get(grant, 0) or wanted]
            draft.grants.append((names.holders[holder], names.entitlements[entitlement], level))
            if entitlement in privileged and grant not in recorded:
                draft.find(Fact.ADOPTED, item, "privileged, and held already: it becomes ours once this is applied")

    def forget(self, grants: list[int]) -> None:
        """Drop what is wanted no more and was seen absent."""
        for grant in self.judged(grants, count=False):
            item = self.sides.names.item(grant)
            if self.draft.manages(kind_of(item.entitlement)) is not Manage.OBSERVE:
                self.draft.forget(item)

    def move(self) -> None:
        """Record what was applied under a former name under the new one, once that name is live."""
        sides, draft = self.sides, self.draft
        names, moved = sides.names, sides.aligned.moved
        for grant in self.judged(sides.applied.grants, count=False):
            item = names.item(grant)
            holder, key = moved.get(item.holder, item.holder), moved.get(item.entitlement, item.entitlement)
            if (holder, key) == (item.holder, item.entitlement):
                continue
            names_live = all(name not in sides.aligned.keys.values() for name in (holder, key))
            if names_live and draft.touches(GrantItem(holder, key)):
                level = names.levels[sides.applied.grants[grant]]
                draft.forget(item)
                if names.grant(holder, key) in sides.granted and (holder, key, level) not in draft.grants:
                    draft.grants.append((holder, key, level))

    def report(self) -> None:
        """Tell what is unmanaged, and what relies on collections that were not read."""
        self._report_unmanaged()
        for collection in sorted(self.unread):
            found, count = completeness(self.sides, collection), self.unread[collection]
            left = "1 grant is left as it was" if count == 1 else f"{count} grants are left as they were"
            self.draft.find(Fact.UNREAD, None, f"{collection}: {found.why}; {left}")

    def _report_unmanaged(self) -> None:
        draft, names = self.draft, self.sides.names
        items = sorted(item for item in map(names.item, self.unmanaged) if draft.touches(item))
        draft.unmanaged_grants = len(items)
        ordinary = [item for item in items if not draft.is_privileged(item)]
        for item in items if len(ordinary) <= SINGLY else [item for item in items if draft.is_privileged(item)]:
            alarms = draft.is_privileged(item)
            draft.find(Fact.UNMANAGED, item, "never declared here; left alone", alarms=alarms)
        if len(ordinary) > SINGLY:
            for kind, count in sorted(Counter(kind_of(item.entitlement) for item in ordinary).items()):
                draft.find(Fact.UNMANAGED, None, f"{count} grants of kind {kind}: never declared here; left alone")


def unread_collections(draft: Draft) -> None:
    """Say which collections could not be read, whether or not any item relies on them."""
    told = [finding.text for finding in draft.findings if finding.fact is Fact.UNREAD]
    for collection, found in sorted(draft.sides.live.collections.items()):
        sort = collection.partition(":")[0]
        if not found.complete and not any(text.startswith(f"{collection}: ") for text in told):
            draft.find(Fact.UNREAD, None, f"{collection}: {found.why}; what relies on these {sort} is left as it was")
        elif found.unread:
            keys = ", ".join(sorted(found.unread)[:5])
            draft.find(Fact.UNREAD, None, f"{collection}: {len(found.unread)} could not be read ({keys})")
