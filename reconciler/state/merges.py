"""Which merges of the default branch were judged, and how: what one of them was refused is held until that is settled.

Kept is the newest commit that was judged, and since the oldest refusal that nobody settled every merge in its order: a
later one that was reviewed may settle what an earlier one was refused. Where these are many, neighbours are kept as
one, so that the list stays short. A company that never judges a merge has none.

They are kept as entitlements of an app that cannot exist (its name holds an `@`), so that every back end can.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from reconciler.items import EntitlementItem, Names
from reconciler.state.contract import Adoption, AppliedEntitlement, StateStore

MERGES: Final = "@merges"
_NEWEST: Final = "judged:newest"
_ONE: Final = "merge:"
_MOST: Final = 20
"""How many merges that were reviewed are kept one by one; what one of them took back, a single one would not show."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What was brought to the default branch at once.

    Attributes:
        base: the commit (hex) before it; empty for none.
        commit: the commit (hex) that it made.
        name: how people call it: `#12`, or the beginning of the commit.
        refused: why it was not applied; empty where it was reviewed.
    """

    base: str
    commit: str
    name: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """All that was judged.

    Attributes:
        newest: the commit (hex) up to which merges were judged; empty if none ever was.
        merges: from the oldest refusal that is not settled on, in their order.
    """

    newest: str = ""
    merges: tuple[Merge, ...] = ()

    @property
    def refused(self) -> tuple[Merge, ...]:
        """Return the refusals that are not settled."""
        return tuple(merge for merge in self.merges if merge.refused)


def read_judged(state: StateStore) -> Judged:
    """Return which merges were judged."""
    if MERGES not in state.apps():
        return Judged()
    found = dict(state.load(MERGES, Names()).entitlements)
    newest = found.pop(_NEWEST, AppliedEntitlement(""))
    return Judged(newest.remote_id, tuple(_read(found[key]) for key in sorted(found)))


def _read(kept: AppliedEntitlement) -> Merge:
    base, name, refused = (str(kept.attributes.get(part) or "") for part in ("base", "name", "refused"))
    return Merge(base, kept.remote_id, name, refused)


def begin_judging(state: StateStore, commit: str) -> Judged:
    """Say up to which commit nothing was ever judged, if that was not said before; return what was judged."""
    judged = read_judged(state)
    if judged.newest or not commit:
        return judged
    _keep(state, judged, Judged(commit))
    return Judged(commit)


def record_merge(state: StateStore, merge: Merge) -> Judged:
    """Record how a merge was judged; a merge that was judged before is judged anew."""
    judged = read_judged(state)
    before = [one for one in judged.merges if one.commit != merge.commit]
    before.append(merge)
    now = Judged(merge.commit, _join(_trim(before)))
    _keep(state, judged, now)
    return now


def release_merges(state: StateStore, names: Collection[str]) -> tuple[Merge, ...]:
    """Hold nothing any more of the refused merges of these names or commits, and return them."""
    judged = read_judged(state)
    gone = tuple(one for one in judged.refused if one.name in names or one.commit in names)
    _keep(state, judged, replace(judged, merges=_trim([one for one in judged.merges if one not in gone])))
    return gone


def _trim(merges: Sequence[Merge]) -> tuple[Merge, ...]:
    """Leave out what was reviewed before the oldest refusal: there is nothing that it could settle."""
    first = next((number for number, merge in enumerate(merges) if merge.refused), len(merges))
    return tuple(merges[first:])


def _join(merges: tuple[Merge, ...]) -> tuple[Merge, ...]:
    """Make one of the first two neighbours that were reviewed, while there are too many of them."""
    listed = list(merges)
    while sum(not merge.refused for merge in listed) > _MOST:
        pairs = enumerate(pairwise(listed))
        found = next((number for number, (one, two) in pairs if _are_one(one, two)), None)
        if found is None:
            break
        listed[found : found + 2] = [replace(listed[found + 1], base=listed[found].base)]
    return tuple(listed)


def _are_one(one: Merge, two: Merge) -> bool:
    return not (one.refused or two.refused) and one.commit == two.base


def _keep(state: StateStore, before: Judged, now: Judged) -> None:
    kept = {_NEWEST: AppliedEntitlement(now.newest)} if now.newest else {}
    kept |= {f"{_ONE}{number:06}": _written(merge) for number, merge in enumerate(now.merges)}
    gone = [EntitlementItem(f"{_ONE}{number:06}") for number in range(len(now.merges), len(before.merges))]
    if now != before:
        state.adopt(MERGES, Adoption(entitlements=kept, gone=gone))


def _written(merge: Merge) -> AppliedEntitlement:
    return AppliedEntitlement(merge.commit, {"base": merge.base, "name": merge.name, "refused": merge.refused})
