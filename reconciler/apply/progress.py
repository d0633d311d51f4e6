"""Who watches an apply: nobody, or a machine that reads one JSON event a line. A person's view is drawn elsewhere."""

import json
from datetime import datetime
from typing import Any, Protocol, TextIO

from reconciler.apply.report import Report
from reconciler.provider.change import Receipt
from reconciler.state.contract import Run


class Progress(Protocol):
    """What an apply tells while it works; every method returns at once."""

    def started(self, run: Run, changes: int) -> None:
        """The apply begins; so many changes will be attempted or explained."""

    def receipt(self, receipt: Receipt) -> None:
        """A change ended, before anything was read back."""

    def read_back(self, app: str, receipts: tuple[Receipt, ...], problem: str) -> None:
        """An app was read back: the last word on its changes; `problem` if it could not be read."""

    def stopping(self) -> None:
        """Somebody stopped the apply (Ctrl-C): nothing new begins, and what is in flight is finished and recorded."""

    def given_up(self) -> None:
        """The apply ended without a report: stopped once more, or the state could not be written."""

    def finished(self, report: Report) -> None:
        """The apply ended."""


class Silence:
    """Watches and says nothing."""

    def started(self, run: Run, changes: int) -> None:
        """Say nothing."""

    def receipt(self, receipt: Receipt) -> None:
        """Say nothing."""

    def read_back(self, app: str, receipts: tuple[Receipt, ...], problem: str) -> None:
        """Say nothing."""

    def stopping(self) -> None:
        """Say nothing."""

    def given_up(self) -> None:
        """Say nothing."""

    def finished(self, report: Report) -> None:
        """Say nothing."""


class JsonLines:
    """Writes one JSON object a line: `event` is `started`, `change`, `verified`, `problem` or `finished`.

    A `change` event is what the app answered, a `verified` event what it showed afterwards, for each change again.
    `stopping` tells of a Ctrl-C; `given up` stands in the place of `finished` where there is no report.

    Args:
        out: where to; each line is flushed.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def started(self, run: Run, changes: int) -> None:
        """Write who applies what."""
        at = _moment(run.started_at)
        self._write("started", run=run.id, plan=run.plan_digest, operator=run.operator, at=at, changes=changes)

    def receipt(self, receipt: Receipt) -> None:
        """Write what the app answered."""
        self._write("change", **receipt_data(receipt))

    def read_back(self, app: str, receipts: tuple[Receipt, ...], problem: str) -> None:
        """Write what the app shows."""
        for receipt in receipts:
            self._write("verified", **receipt_data(receipt))
        if problem:
            self._write("problem", app=app, detail=problem)

    def stopping(self) -> None:
        """Write that nothing new begins."""
        self._write("stopping")

    def given_up(self) -> None:
        """Write that no report will come."""
        self._write("given up")

    def finished(self, report: Report) -> None:
        """Write the counts and the exit code."""
        counts = {outcome.value: count for outcome, count in report.counts().items()}
        self._write(
            "finished",
            run=report.run,
            outcomes=counts,
            problems=list(report.problems),
            interrupted=report.interrupted,
            exit_code=report.exit_code,
        )

    def _write(self, event: str, **data: Any) -> None:
        self._out.write(json.dumps({"event": event, **data}, ensure_ascii=True) + "\n")
        self._out.flush()


def receipt_data(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as plain data."""
    change = receipt.change
    return {
        "id": change.id,
        "app": change.app,
        "operation": change.operation.value,
        "item": str(change.item),
        "way": change.way,
        "outcome": receipt.outcome.value,
        "detail": receipt.detail,
        "remote_id": receipt.remote_id,
        "requests": receipt.requests,
    }


def _moment(moment: datetime) -> str:
    return moment.isoformat()
