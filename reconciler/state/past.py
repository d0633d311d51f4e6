"""What the history keeps beside what apps showed as a whole: what tickets attested, and what was seen beside that.

Both are kept as apps that cannot exist (their names hold an `@`), so that every back end can, and so that nothing that
was only attested is ever taken for something that was seen.
"""

from datetime import datetime

from reconciler.state.contract import StateStore
from reconciler.state.sighting import LiveThen


def attested_name(app: str) -> str:
    """Return where it is kept what closed tickets attested of an app."""
    return f"@attested {app}"


def part_name(app: str) -> str:
    """Return where it is kept what an app showed of which only tickets tell the rest."""
    return f"@seen {app}"


def seen_at(
    state: StateStore, app: str, at: datetime, *, holder: str | None = None, entitlement: str | None = None
) -> LiveThen | None:
    """Return what the last complete read until an instant saw, None if none is remembered; see `StateStore.live_at`."""
    names = (app, part_name(app))
    found = [state.live_at(name, at, holder=holder, entitlement=entitlement) for name in names]
    return max(filter(None, found), key=lambda then: then.at, default=None)


def attested_at(
    state: StateStore, app: str, at: datetime, *, holder: str | None = None, entitlement: str | None = None
) -> LiveThen | None:
    """Return what tickets attested at an instant, None if nothing did, or if everything was seen since."""
    then = state.live_at(attested_name(app), at, holder=holder, entitlement=entitlement)
    whole = state.live_at(app, at, holder="")
    return None if then and whole and whole.at > then.at else then
