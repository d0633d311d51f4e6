"""How fast one way can make changes: what the vendor's limits leave, known before the first request.

The transport keeps the limits (see `rates`); this is what the estimate before an apply is made of.
"""

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.provider.change import Change, Operation

_BATCHED = frozenset({Operation.GRANT, Operation.REVOKE})


@dataclass(frozen=True, slots=True)
class Pace:
    """One limit that changes share.

    Attributes:
        most, seconds: so many requests in so many seconds.
        at_once: a bucket of so many requests, that is filled evenly; 0 for a window, in which all may go at once.
        operations: those that it counts; empty for all.
        kinds: those that it counts, or `accounts`; empty for all.
        requests: how many of its requests a change takes.
        alone: whether each change takes its own, where others go together.
    """

    most: float
    seconds: float = 60.0
    at_once: int = 0
    operations: tuple[Operation, ...] = ()
    kinds: tuple[str, ...] = ()
    requests: float = 1.0
    alone: bool = False

    def covers(self, change: Change) -> bool:
        """Say whether a change counts against this limit."""
        counts = not self.operations or change.operation in self.operations
        return counts and (not self.kinds or change.kind in self.kinds)

    def time(self, changes: int) -> float:
        """Return the seconds until the last of so many changes may begin."""
        requests = changes * self.requests
        if self.at_once:
            return max(0.0, requests - self.at_once) * self.seconds / self.most
        return max(0.0, (requests - 1) // self.most) * self.seconds


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a way can be.

    Attributes:
        at_once: how many changes are in flight together.
        batched: whether grants and revokes of one entitlement go together.
        paces: its vendor's limits on what changes something.
    """

    at_once: int = 1
    batched: bool = False
    paces: tuple[Pace, ...] = ()

    def count(self, changes: Collection[Change]) -> int:
        """Return how many requests changes take, each at its best: one, and one for all that go together."""
        alone = [change for change in changes if not (self.batched and change.operation in _BATCHED)]
        if len(alone) == len(changes):
            return len(alone)
        together = {(each.operation, each.entitlement) for each in changes if each.operation in _BATCHED}
        return len(alone) + len(together)

    def limit(self, changes: Collection[Change]) -> float:
        """Return the seconds that changes take at least, because of the vendor's limits alone."""
        return max((pace.time(self._counted(pace, changes)) for pace in self.paces), default=0.0)

    def _counted(self, pace: Pace, changes: Collection[Change]) -> int:
        covered = [change for change in changes if pace.covers(change)]
        return len(covered) if pace.alone else self.count(covered)
