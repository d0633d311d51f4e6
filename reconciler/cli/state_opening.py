"""What the subcommands of `reconciler state` share: opening it, and counting what is in it."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.options import Common

if TYPE_CHECKING:
    from reconciler.state.contract import Applied, StateStore


def open_for(common: Common, *, read_only: bool = True) -> "StateStore":
    """Open the state that `reconciler.yaml` names."""
    from reconciler.cli.opening import settings_of
    from reconciler.state.open import open_state

    return open_state(settings_of(common), read_only=read_only)


@contextmanager
def locked(state: "StateStore", command: str, wait: float = 0.0) -> Iterator["StateStore"]:
    """Use a state with its lock held: no apply may be at work meanwhile; wait so many seconds for one to end."""
    with state:
        state.lock(getpass.getuser(), command, datetime.now(UTC), wait)
        try:
            yield state
        finally:
            state.unlock()


def count(applied: "Applied") -> dict[str, int]:
    """Count what is applied in an app."""
    return {
        "accounts": len(applied.accounts),
        "entitlements": len(applied.entitlements),
        "grants": len(applied.grants),
    }
