"""Intents and outcomes of one apply on their way into the state, several in a transaction, and into the audit trail."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from reconciler.audit.chain import Event
from reconciler.audit.entries import tell_answer, tell_asked, tell_read_back, tell_unattempted
from reconciler.audit.trail import Trail
from reconciler.provider.change import Change, Receipt
from reconciler.state.contract import StateStore

_A_SECOND: Final = 200
"""So many outcomes for each second of a back end's pace are written before it is over."""


class Ledger:
    """Records intents at once, and outcomes a little later: at the pace of the state, since a push each would be dear.

    What is lost is not forgotten: its intent is on disk, and the next apply looks it up in the app.

    Args:
        trail: where everything is told, too: before it is recorded, where both is not one transaction.
    """

    def __init__(self, state: StateStore, run: str, clock: Callable[[], datetime], trail: Trail) -> None:
        self._state = state
        self._run = run
        self._clock = clock
        self._trail = trail
        self._numbers: dict[str, int] = {}
        self._waiting: list[tuple[int, Receipt]] = []
        self._untold: list[Event] = []
        self._flushed = time.monotonic()

    def intend(self, changes: Sequence[Change]) -> None:
        """Record intents; when this returns they are on disk."""
        if not changes:
            return
        at = self._clock()
        with self._trail.together():
            self._trail.append([tell_asked(self._run, change) for change in changes], at)
            numbers = self._state.intend(self._run, changes, at)
        self._numbers.update(zip((change.id for change in changes), numbers, strict=True))

    def check_lock(self) -> None:
        """Make sure that this run may still send requests.

        Raises:
            LockError: its lock was broken.
        """
        self._state.check_lock()

    def settle(self, receipt: Receipt) -> None:
        """Note an outcome; of a change whose intent was not recorded it is only told."""
        number = self._numbers.get(receipt.change.id)
        if number is None:
            self._untold.append(tell_unattempted(self._run, receipt))
            return
        self._waiting.append((number, receipt))
        self._untold.append(tell_answer(self._run, receipt))
        pace = self._state.pace
        if len(self._waiting) >= _A_SECOND * pace or time.monotonic() - self._flushed >= pace:
            self.flush()

    def settle_all(self, receipts: Iterable[Receipt]) -> None:
        """Write down what was read back in one transaction, with the outcomes that were noted before."""
        known = [(n, receipt) for receipt in receipts if (n := self._numbers.get(receipt.change.id)) is not None]
        self._waiting += known
        self._untold += [tell_read_back(self._run, receipt) for _, receipt in known]
        self.flush()

    def flush(self) -> None:
        """Write down the outcomes that were noted."""
        waiting, self._waiting = self._waiting, []
        untold, self._untold = self._untold, []
        self._flushed = time.monotonic()
        if not (waiting or untold):
            return
        at = self._clock()
        with self._trail.together():
            self._trail.append(untold, at)
            if waiting:
                self._state.settle(self._run, waiting, at)
