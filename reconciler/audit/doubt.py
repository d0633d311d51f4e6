"""Whether a state may be believed: its trail is whole, and fits the heads that are anchored outside of it."""

from typing import Final

from reconciler.audit.anchor import Anchor, Anchored
from reconciler.audit.verify import TrailCheck
from reconciler.errors import ReconcilerError
from reconciler.state.contract import StateStore

_LOOKED_AT: Final = 50_000
"""So many of the last entries are checked before each run (about 0.4 s), and all since the last head that was anchored;
`reconciler audit verify` checks all of them."""


def find_doubt(state: StateStore, anchor: Anchor | None) -> str:
    """Return what is wrong with the trail of a state, or that its anchor cannot be asked; empty if nothing is."""
    try:
        anchored = anchor.read() if anchor else Anchored()
    except ReconcilerError as error:
        return f"it cannot be compared with its anchor: {error.message}"
    check = TrailCheck(anchored.heads, start=_start(state, anchored), since=anchored.since, anchored=anchor is not None)
    for entry in state.audit(since=check.start):
        check.look_at(entry)
    found = check.finish()
    if not found.faults:
        return ""
    more = len(found.faults) - 1
    against = f" against {anchor.place}" if anchor and found.anchored else ""
    others = f" (and {more} more)" if more else ""
    return f"checked{against}, {found.faults[0].text}{others}"


def _start(state: StateStore, anchored: Anchored) -> int:
    """Return the first entry to look at."""
    last = state.audit_head()[0]
    furthest = max((head.number for head in anchored.heads), default=last)
    return max(1, anchored.since, min(last - _LOOKED_AT, furthest))
