"""What people do to a state by hand is told in its trail as well: who, where, why, and how much it was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from reconciler.audit.anchor import ACCEPTED, Anchor, Head
from reconciler.audit.approval import Approval
from reconciler.audit.chain import Event
from reconciler.audit.clean import clean, plain
from reconciler.audit.doubt import find_doubt
from reconciler.audit.kinds import Kind
from reconciler.audit.trail import Trail
from reconciler.audit.witness import Witness
from reconciler.state.contract import StateStore

_BY_HAND = "by-hand"
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Deed:
    """One command that changes a state without touching any app.

    Attributes:
        command: as it is typed: `state forget`.
        about: what it was done to, as plain data: `app`, `item`, `identity`.
        approval: who did it where.
        reason: why; may be empty.
    """

    command: str
    about: Mapping[str, str]
    approval: Approval
    reason: str = ""

    def tell(self, result: object) -> Event:
        """Return the entry; a count that came of it is told."""
        body: dict[str, Any] = {
            "command": self.command,
            **{name: plain(value) for name, value in self.about.items()},
            "approval": {
                name: clean(one) if isinstance(one, str) else one for name, one in self.approval.data().items()
            },
            "reason": clean(self.reason),
        }
        if isinstance(result, int) and not isinstance(result, bool):
            body["count"] = result
        return Kind.BY_HAND, body


def do_by_hand(
    state: StateStore, anchor: Anchor | None, deed: Deed, at: datetime, work: Callable[[], Result]
) -> tuple[Result, list[str]]:
    """Do something to a state and tell it in its trail, both or neither.

    Args:
        state: opened for writing; nobody else holds its lock.
        anchor: where the trail's new head is kept; not for a trail that is in doubt.
        deed: what is done, by whom and why.
        at: the instant.
        work: does it; what it returns is told where it is a count.

    Returns:
        What `work` returned, and what went wrong with the anchor.

    Raises:
        StateError: it cannot be done, or cannot be written.
    """
    trail = Trail(state)
    with trail.together():
        result = work()
        trail.append([deed.tell(result)], at)
    if anchor and (doubt := find_doubt(state, anchor)):
        return result, [f"the new head of the audit trail is not anchored: {doubt}"]
    return result, Witness(deed.approval, anchor).anchor_head(state, at, _BY_HAND)


def accept_trail(state: StateStore, anchor: Anchor | None, deed: Deed, doubt: str, at: datetime) -> Head:
    """Accept the trail as it is: tell what was wrong with it, by whom it was accepted and why, and anchor that.

    Args:
        state: opened for writing and locked.
        anchor: where it is confirmed, or None.
        deed: who accepts it and why.
        doubt: what is wrong with it.
        at: the instant.

    Returns:
        The new head.

    Raises:
        ReconcilerError: the trail or the anchor cannot be written; then it is still in doubt.
    """
    number, digest = state.audit_head()
    _, body = deed.tell(None)
    told = {**body, "head": f"{number}:{digest}" if number else "", "detail": clean(doubt)}
    Trail(state).append([(Kind.ACCEPTED, told)], at)
    head = Head(*state.audit_head())
    if anchor:
        anchor.add(head, at, ACCEPTED)
    return head
