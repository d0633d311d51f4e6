"""The trail while a run writes it: entries are linked to the head of the state and kept there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from reconciler.audit.chain import Event, link
from reconciler.state.contract import Joining, StateStore


class Trail:
    """Adds entries to the audit trail of a state.

    Args:
        state: opened for writing; nobody else writes to it (the caller holds its lock).
    """

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._head: tuple[int, str] | None = None

    def append(self, events: Sequence[Event], at: datetime) -> None:
        """Tell what happened; when this returns (and the transaction around it ended), it is on disk.

        Raises:
            StateError: it cannot be written, or somebody else wrote in between.
        """
        if not events:
            return
        head, self._head = self._head or self._state.audit_head(), None
        entries = link(head, events, at)
        self._state.append_audit(entries)
        self._head = entries[-1].number, entries[-1].digest

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what is inside in one transaction, where the back end can.

        Where it cannot, what is told first must be what may be told twice: entries stand before what they tell of.
        """
        try:
            if isinstance(self._state, Joining):
                with self._state.together():
                    yield
            else:
                yield
        except BaseException:
            self._head = None
            raise
