"""Intents and outcomes of one apply on their way into the state, several in a transaction."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from reconciler.provider.change import Change, Receipt
from reconciler.state.contract import StateStore

_AT_MOST: Final = 100
_AT_LATEST: Final = 0.5


class Ledger:
    """Records intents at once, and outcomes a little later: at most a hundred, or half a second of them, can be lost.

    What is lost is not forgotten: its intent is on disk, and the next apply looks it up in the app.
    """

    def __init__(self, state: StateStore, run: str, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._run = run
        self._clock = clock
        self._numbers: dict[str, int] = {}
        self._waiting: list[tuple[int, Receipt]] = []
        self._flushed = time.monotonic()

    def intend(self, changes: Sequence[Change]) -> None:
        """Record intents; when this returns they are on disk."""
        if changes:
            numbers = self._state.intend(self._run, changes, self._clock())
            self._numbers.update(zip((change.id for change in changes), numbers, strict=True))

    def settle(self, receipt: Receipt) -> None:
        """Note an outcome, of a change whose intent was recorded; others need no entry."""
        number = self._numbers.get(receipt.change.id)
        if number is None:
            return
        self._waiting.append((number, receipt))
        if len(self._waiting) >= _AT_MOST or time.monotonic() - self._flushed >= _AT_LATEST:
            self.flush()

    def settle_all(self, receipts: Iterable[Receipt]) -> None:
        """Write down outcomes in one transaction, with those that were noted before."""
        self._waiting += [
            (n, receipt) for receipt in receipts if (n := self._numbers.get(receipt.change.id)) is not None
        ]
        self.flush()

    def flush(self) -> None:
        """Write down the outcomes that were noted."""
        waiting, self._waiting = self._waiting, []
        self._flushed = time.monotonic()
        if waiting:
            self._state.settle(self._run, waiting, self._clock())
