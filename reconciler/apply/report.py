"""What came of an apply: a receipt for every change of the plan, and the exit code that tells whole from part."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.provider.change import TRACELESS, Outcome, Receipt

EXIT_DONE: Final = 0
EXIT_REFUSED: Final = 3
EXIT_IN_PART: Final = 4
EXIT_UNREAD: Final = 5


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one apply.

    Attributes:
        run: the id of the apply.
        receipts: one for every change of the plan, in the plan's order.
        refused: ids of the changes that a guard, a policy or a conflict kept from being attempted.
        problems: what went wrong beside the changes: an app that could not be read back, a ticket that could not be
            cancelled, an interrupted earlier run that nobody can judge.
        adopted: how many accounts, entitlements and grants were taken on without any operation.
        cancelled: how many tickets were cancelled.
        unread: apps that could not be read whole, so that what relies on the rest was left as it was.
        conflicts: how many items stand still because of a conflict or a policy, without any change being drafted.
        interrupted: whether somebody stopped it; what was in flight was finished and recorded.
    """

    run: str
    receipts: tuple[Receipt, ...] = ()
    refused: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
    adopted: int = 0
    cancelled: int = 0
    unread: tuple[str, ...] = ()
    conflicts: int = 0
    interrupted: bool = False

    def counts(self) -> Mapping[Outcome, int]:
        """Return how many changes ended in which way, without those ways in which none did."""
        found = Counter(receipt.outcome for receipt in self.receipts)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    @property
    def unfinished(self) -> tuple[Receipt, ...]:
        """The receipts of what a reader must look at: whatever is neither verified nor a ticket."""
        return tuple(receipt for receipt in self.receipts if not is_finished(receipt))

    @property
    def requests(self) -> int:
        """How many requests the changes took."""
        return sum(receipt.requests for receipt in self.receipts)

    @property
    def all_refused(self) -> bool:
        """Whether there was something to do, and a guard, a policy or a conflict kept all of it from being attempted.

        Not the same as exit code 3, which also tells of a conflict about something else after everything was done.
        """
        return bool(self.receipts) and all(receipt.change.id in self.refused for receipt in self.receipts)

    @property
    def exit_code(self) -> int:
        """0 if everything ended as it should, 3 if all was refused, 4 if something was left undone or unsure.

        5 if everything that could be planned was done, and an app was not read whole.
        """
        unfinished = self.unfinished
        if not unfinished:
            return self._exit_of_finished()
        return EXIT_REFUSED if self.all_refused and not self.problems else EXIT_IN_PART

    def _exit_of_finished(self) -> int:
        if self.problems or self.interrupted:
            return EXIT_IN_PART
        if self.unread:
            return EXIT_UNREAD
        return EXIT_REFUSED if self.conflicts else EXIT_DONE

    @property
    def summary(self) -> str:
        """One line: `12 done and verified, 1 failed, 2 tickets open`."""
        parts = [f"{count} {outcome}" for outcome, count in self.counts().items()]
        if self.interrupted:
            parts.append("stopped before the end")
        return ", ".join(parts) or "nothing to do"


def is_finished(receipt: Receipt) -> bool:
    """Say whether a change ended as it should: seen, handed over as a ticket, or done where nothing could be seen."""
    if receipt.outcome is Outcome.DONE:
        return receipt.change.operation in TRACELESS
    return receipt.outcome in {Outcome.VERIFIED, Outcome.TICKET}
