"""What bears witness to a run beside the state: who approved it, and the anchor that the trail's head is added to."""

from dataclasses import dataclass
from datetime import datetime

from reconciler.audit.anchor import Anchor, Head
from reconciler.audit.approval import Approval
from reconciler.errors import ReconcilerError
from reconciler.state.contract import StateStore


@dataclass(frozen=True, slots=True)
class Witness:
    """Who approved a run, and where the head of the trail is kept after it.

    Attributes:
        anchor: a place outside the state, or None; also None for a trail that is in doubt, which nothing may confirm.
    """

    approval: Approval
    anchor: Anchor | None = None

    def anchor_head(self, state: StateStore, at: datetime, run: str) -> list[str]:
        """Add the head of the trail to the anchor; return what went wrong."""
        if self.anchor is None:
            return []
        try:
            self.anchor.add(Head(*state.audit_head()), at, run)
        except ReconcilerError as error:
            return [f"audit: {error.message}; {error.hint}"]
        return []
