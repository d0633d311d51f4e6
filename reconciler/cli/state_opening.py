"""What the subcommands of `reconciler state` share: opening it, changing it on the record, counting what is in it."""

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli.options import Common
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from reconciler.audit.by_hand import Deed
    from reconciler.model.company import Settings
    from reconciler.state.contract import Applied, StateStore

Result = TypeVar("Result")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


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


def reason_option(function: Decorated) -> Decorated:
    """Add `--reason TEXT`."""
    return click.option("--reason", default="", metavar="TEXT", help="Why; recorded in the audit trail.")(function)


def deed_of(command: str, about: "Mapping[str, str]", reason: str, approval: Path | None = None) -> "Deed":
    """Return what is about to be done to a state, by whom."""
    import platform

    from reconciler.audit.approval import BY_HAND, Approval, read_review
    from reconciler.audit.by_hand import Deed

    operator, machine = getpass.getuser(), platform.node()
    review = read_review(approval) if approval else None
    said = review.approve(operator, machine) if review else Approval(BY_HAND, operator, machine)
    return Deed(command, about, said, reason)


def on_record(settings: "Settings", state: "StateStore", deed: "Deed", work: Callable[[], Result]) -> Result:
    """Do something to a state by hand, and tell it in its audit trail."""
    from reconciler.audit.anchor import open_anchor
    from reconciler.audit.by_hand import do_by_hand

    result, problems = do_by_hand(state, open_anchor(settings), deed, datetime.now(UTC), work)
    print_lines([f"warning: {problem}" for problem in problems], sys.stderr)
    return result


def count(applied: "Applied") -> dict[str, int]:
    """Count what is applied in an app."""
    return {
        "accounts": len(applied.accounts),
        "entitlements": len(applied.entitlements),
        "grants": len(applied.grants),
    }
