"""Progress for whoever waits: a live line on a terminal, plain lines elsewhere, nothing where it was asked to be quiet.

rich is imported only once a live line is really shown.
"""

import time
from typing import TYPE_CHECKING, TextIO

from reconciler.apply.report import Report, is_finished
from reconciler.provider.change import Outcome, Receipt
from reconciler.render.colours import Palette, palette
from reconciler.render.escape import visible
from reconciler.render.report import outcome_words
from reconciler.render.words import number
from reconciler.state.contract import Run

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class PlainReading:
    """Reading, as one line an app: for logs."""

    def __init__(self, out: TextIO, paint: Palette, apps: int) -> None:
        """Remember where to write, in which colours, and how many apps will be read."""
        self.out = out
        self.paint = paint
        self.apps = apps
        self.done = 0
        self.requests = 0
        self.began = time.monotonic()

    def app_started(self, app: str) -> None:
        """Say nothing yet: the line comes with the outcome."""

    def app_done(self, app: str, *, requests: int, seconds: float, error: str) -> None:
        """Tell that an app was read, or could not be."""
        self.done += 1
        self.requests += requests
        told = f"{number(requests, 'request')}, {seconds:.1f} s" if requests else f"{seconds:.1f} s"
        state = self.paint.paint(self.paint.alarm, f"⚠ {visible(error)}") if error else told
        self.out.write(f"read {self.done}/{self.apps} {visible(app)}: {state}\n")
        self.out.flush()

    def finished(self) -> None:
        """Say nothing more."""


class LiveReading(PlainReading):
    """Reading, as one line that moves: `Reading 4 apps ━━━ 4/4   312 requests, 2.1 s`."""

    def __init__(self, out: TextIO, paint: Palette, apps: int) -> None:
        """Show the line at once; it stays as it ended."""
        super().__init__(out, paint, apps)
        self.reading: list[str] = []
        self.bar, self.task = _start_bar(out, f"Reading {number(apps, 'app')}", apps, colour=bool(paint.end))

    def app_started(self, app: str) -> None:
        """Name the app behind the line."""
        self.reading.append(app)
        self._update()

    def app_done(self, app: str, *, requests: int, seconds: float, error: str) -> None:  # noqa: ARG002 - the protocol's
        """Move the line on; a failure gets a line of its own above it."""
        self.done += 1
        self.requests += requests
        if app in self.reading:
            self.reading.remove(app)
        if error:
            self.bar.console.print(f"⚠ {visible(app)}: {visible(error)}", markup=False, highlight=False, soft_wrap=True)
        self._update()

    def finished(self) -> None:
        """Leave the line as it is."""
        self._update()
        self.bar.stop()
        self.out.write("\n")

    def _update(self) -> None:
        told = f"{time.monotonic() - self.began:.1f} s"
        if self.requests:
            told = f"{number(self.requests, 'request')}, {told}"
        if self.reading:
            told = f"{told} · {visible(self.reading[0])}" + (" …" if len(self.reading) > 1 else "")
        self.bar.update(self.task, completed=self.done, told=told)


def _start_bar(out: TextIO, title: str, total: int, *, colour: bool) -> "tuple[Progress, TaskID]":
    from rich.console import Console  # noqa: PLC0415 - costs as much as everything else at start
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - same

    console = Console(file=out, no_color=not colour, highlight=False)
    told = TextColumn("{task.fields[told]}", markup=False)
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(20), MofNCompleteColumn(), told, console=console
    )
    task = bar.add_task(title, total=total, told="")
    bar.start()
    return bar, task


def open_reading(out: TextIO, *, apps: int, colour: bool, live: bool) -> PlainReading:
    """Return the progress of reading: a moving line where `live` (a terminal), plain lines otherwise."""
    kind = LiveReading if live and apps else PlainReading
    return kind(out, palette(colour=colour), apps)


class PlainApplying:
    """Applying, as one line a change: for logs."""

    def __init__(self, out: TextIO, paint: Palette) -> None:
        """Remember where to write, in which colours."""
        self.out = out
        self.paint = paint
        self.changes = 0
        self.done = 0

    def started(self, run: Run, changes: int) -> None:
        """Tell that it begins."""
        self.changes = changes
        self._say(f"applying {number(changes, 'change')}, run {visible(run.id)}")

    def receipt(self, receipt: Receipt) -> None:
        """Tell what an app answered."""
        self.done += 1
        self._say(f"{self.done}/{self.changes} {self._told(receipt)}")

    def read_back(self, app: str, receipts: tuple[Receipt, ...], problem: str) -> None:  # noqa: ARG002 - same
        """Tell that an app was read back."""
        self._say(self._problem(app, problem) if problem else f"read back {visible(app)}")

    def stopping(self) -> None:
        """Tell that nothing new begins, and how to give up at once."""
        self._warn("stopping: what is in flight is finished and recorded; Ctrl-C again gives up at once")

    def given_up(self) -> None:
        """Tell what the next apply does about what is left open."""
        self._warn("given up: what was in flight may have been done; the next apply looks it up before anything else")

    def finished(self, report: Report) -> None:
        """Say nothing: the report comes next."""

    def _told(self, receipt: Receipt) -> str:
        told = "done" if receipt.outcome is Outcome.DONE and not receipt.detail else outcome_words(receipt)
        return f"{visible(receipt.change.id)}: {told}"

    def _problem(self, app: str, problem: str) -> str:
        return self.paint.paint(self.paint.alarm, f"⚠ {visible(app)}: {visible(problem)}")

    def _warn(self, text: str) -> None:
        self._say(self.paint.paint(self.paint.alarm, f"⚠ {text}"))

    def _say(self, line: str) -> None:
        self.out.write(f"{line}\n")
        self.out.flush()


class LiveApplying(PlainApplying):
    """Applying, as one line that moves; what fails gets a line of its own above it."""

    def started(self, run: Run, changes: int) -> None:  # noqa: ARG002 - same
        """Show the line."""
        self.changes = changes
        title = f"Applying {number(changes, 'change')}"
        self.bar, self.task = _start_bar(self.out, title, changes, colour=bool(self.paint.end))

    def receipt(self, receipt: Receipt) -> None:
        """Move the line on."""
        self.done += 1
        if not is_finished(receipt) and receipt.detail:
            self._above(self._told(receipt))
        self.bar.update(self.task, completed=self.done, told=visible(receipt.change.id))

    def read_back(self, app: str, receipts: tuple[Receipt, ...], problem: str) -> None:  # noqa: ARG002 - same
        """Name the app that was read back."""
        if problem:
            self._above(f"{visible(app)}: {visible(problem)}")
        self.bar.update(self.task, told=f"read back {visible(app)}")

    def given_up(self) -> None:
        """End the line, which gives the cursor back."""
        self.bar.stop()
        super().given_up()

    def finished(self, report: Report) -> None:
        """Leave the line as it is."""
        self.bar.update(self.task, told=number(report.requests, "request") if report.requests else "")
        self.bar.stop()
        self._say("")

    def _warn(self, text: str) -> None:
        self._above(text)

    def _above(self, text: str) -> None:
        self.bar.console.print(f"⚠ {text}", markup=False, highlight=False, soft_wrap=True)


def open_applying(out: TextIO, *, colour: bool, live: bool) -> PlainApplying:
    """Return the progress of an apply: a moving line where `live` (a terminal), plain lines otherwise."""
    return (LiveApplying if live else PlainApplying)(out, palette(colour=colour))
