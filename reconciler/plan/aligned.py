"""Live entitlements under the keys that we know them by: pinned ids and former names are followed.

An entitlement is pinned by its remote id like an account. One renamed in the app keeps its grants under our key;
one that was made anew under a known name is another entitlement, and nothing is planned on that name until somebody
decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.items import GrantLevels, Names, kind_of, pack, unpack
from reconciler.plan.inputs import TICKET, AppInputs
from reconciler.plan.live import Live
from reconciler.provider.snapshot import LiveEntitlement, entitlements_of

_MASK = pack(1, 0) - 1


@dataclass(slots=True)
class Aligned:
    """Entitlements under our keys.

    Attributes:
        live: our key → the live entitlement, which may have another key (it was renamed, or is to be).
        keys: live key → our key, where they differ.
        moved: a key that the state knows → our key, where the YAML followed or asked for a rename.
        remade: our key → why nothing is planned on it.
    """

    live: dict[str, LiveEntitlement] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    remade: dict[str, str] = field(default_factory=dict)


def align_entitlements(inputs: AppInputs, live: Live) -> Aligned:
    """Find each live entitlement's place on the declared and the applied side."""
    aligner = _Aligner(inputs, live)
    aligner.notice_twins()
    for key in sorted(live.entitlements):
        aligner.place(live.entitlements[key])
    aligner.follow_former_names()
    aligner.notice_remade()
    found = aligner.found
    found.live = {found.keys.get(key, key): entitlement for key, entitlement in live.entitlements.items()}
    return found


class _Aligner:
    def __init__(self, inputs: AppInputs, live: Live) -> None:
        self.inputs = inputs
        self.live = live
        self.found = Aligned()
        names = inputs.declared.names
        granted = {names.entitlements[number] for number in entitlement_numbers(inputs.declared.grants)}
        self.wanted = {*inputs.declared.entitlements, *granted}
        self.pins: dict[str, str] = {}
        for key, applied in sorted(inputs.applied.entitlements.items()):
            if applied.remote_id and (key in self.wanted or applied.remote_id not in self.pins):
                self.pins[applied.remote_id] = key

    def place(self, entitlement: LiveEntitlement) -> None:
        """Follow a pinned entitlement to its new name, or its name in the YAML."""
        key = entitlement.key
        if key in self.live.twice:
            return
        pinned = self.pins.get(entitlement.remote_id, key)
        if pinned == key or kind_of(pinned) != kind_of(key) or not self._stable(key):
            return
        if pinned in self.live.entitlements:
            other = self.live.entitlements[pinned].remote_id
            self._refuse(pinned, f"pinned to id {entitlement.remote_id}, now called {key}; id {other} has the name")
        elif key in self.wanted and pinned in self.wanted:
            why = f"id {entitlement.remote_id} was {pinned} and is now called {key}, and both are declared"
            self._refuse(pinned, why)
            self._refuse(key, why)
        elif key in self.wanted:
            self.found.moved[pinned] = key
        else:
            self.found.keys[key] = pinned

    def follow_former_names(self) -> None:
        """Take a live entitlement under a former name of a declared one that is not there, for that one."""
        here = {self.found.keys.get(key, key) for key in self.live.entitlements}
        for key, rules in sorted(self.inputs.declared.entitlements.items()):
            for former in rules.formerly if key not in here else ():
                if former in here and former not in self.inputs.declared.entitlements:
                    self.found.keys[self._live_key(former)] = key
                    self.found.moved[former] = key
                    here = here - {former} | {key}
                    break
            else:
                self._forget_former(rules.formerly, key, here)

    def _forget_former(self, formerly: tuple[str, ...], key: str, here: set[str]) -> None:
        """Move what the state still knows under a former name that is gone from the app."""
        for former in formerly:
            if key in here and former not in here and former in self.inputs.applied.entitlements:
                self.found.moved.setdefault(former, key)

    def notice_remade(self) -> None:
        """Refuse a known name whose pinned id is gone and that another one carries now."""
        ids = {entitlement.remote_id for entitlement in self.live.entitlements.values()}
        for key, applied in self.inputs.applied.entitlements.items():
            now = self.live.entitlements.get(key)
            if now is None or not applied.remote_id or applied.remote_id in ids or not self._stable(key):
                continue
            if self.live.whole(entitlements_of(kind_of(key))):
                self._refuse(key, f"made anew: id {applied.remote_id} is gone, and id {now.remote_id} has the name")

    def notice_twins(self) -> None:
        """Refuse a name that several entitlements carry: nobody can tell which one is meant."""
        for key, ids in self.live.twice.items():
            why = f"{len(ids)} entitlements are called {key} (ids {', '.join(ids)})"
            for ours in {key, *(self.pins.get(remote_id, key) for remote_id in ids)}:
                self._refuse(ours, why)

    def _live_key(self, ours: str) -> str:
        return next((live for live, key in self.found.keys.items() if key == ours), ours)

    def _refuse(self, key: str, why: str) -> None:
        self.found.remade.setdefault(key, why)

    def _stable(self, key: str) -> bool:
        way = self.live.way(entitlements_of(kind_of(key)))
        return way is not None and way.name != TICKET and way.capabilities.stable_ids


def move_grants(grants: GrantLevels, names: Names, moved: Mapping[str, str]) -> GrantLevels:
    """Return applied grants with moved entitlements under their new keys, the same dict if there are none."""
    if not moved:
        return grants
    numbers = {names.entitlement(old): names.entitlement(new) for old, new in moved.items()}
    holders = {names.holder(old): names.holder(new) for old, new in moved.items()}
    found: GrantLevels = {}
    for grant, level in grants.items():
        holder, entitlement = unpack(grant)
        now = pack(holders.get(holder, holder), numbers.get(entitlement, entitlement))
        if now == grant or now not in grants:
            found[now] = level
    return found


def entitlement_numbers(grants: Iterable[int]) -> set[int]:
    """Return the numbers of the entitlements that grants name."""
    return {grant & _MASK for grant in grants}
