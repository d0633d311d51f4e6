"""What bears witness to a run beside the state: who approved it, and the anchor that the trail's head is added to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.audit.anchor import Head, read_heads, require_heads, write_head
from reconciler.audit.approval import Approval
from reconciler.errors import ReconcilerError
from reconciler.state.contract import StateStore


@dataclass(frozen=True, slots=True)
class Witness:
    """Who approved a run, and where the head of the trail is kept after it.

    Attributes:
        anchor: a file outside the state, or None.
    """

    approval: Approval
    anchor: Path | None = None

    def compare(self, state: StateStore) -> list[str]:
        """Say what is wrong if the trail no longer holds what was anchored; a leaver is not kept in for it."""
        anchor = self.anchor
        return _problems(lambda: require_heads(state, read_heads(anchor))) if anchor else []

    def anchor_head(self, state: StateStore, at: datetime, run: str) -> list[str]:
        """Add the head of the trail to the anchor; return what went wrong."""
        anchor = self.anchor
        return _problems(lambda: write_head(anchor, Head(*state.audit_head()), at, run)) if anchor else []


def _problems(work: Callable[[], None]) -> list[str]:
    try:
        work()
    except ReconcilerError as error:
        return [f"audit: {error.message}; {error.hint}"]
    return []
