"""Progress for whoever waits."""

import io
from datetime import UTC, datetime

from sample_plans import design_plan

from reconciler.apply.report import Report
from reconciler.provider.change import Outcome, Receipt
from reconciler.render.progress import open_applying, open_reading
from reconciler.state.contract import Run

RUN = Run("0a1b", "ff", "omar", "laptop", datetime(2026, 3, 2, tzinfo=UTC))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def read_two(out: io.StringIO, *, live: bool) -> str:
    """Let one app be read and another fail."""
    progress = open_reading(out, apps=2, colour=False, live=live)
    progress.app_started("slack")
    progress.app_started("jira[/red]")
    progress.app_done("slack", requests=312, seconds=2.1, error="")
    progress.app_done("jira[/red]", requests=1, seconds=0.2, error="403 [bold]\x1b[2J")
    progress.finished()
    return out.getvalue()


def test_a_log_gets_a_line_for_each_app() -> None:
    """No moving line where nobody watches."""
    assert read_two(io.StringIO(), live=False).splitlines() == [
        "read 1/2 slack: 312 requests, 2.1 s",
        "read 2/2 jira[/red]: ⚠ 403 [bold]\\x1b[2J",
    ]


def test_a_terminal_gets_one_line_that_ends_with_the_sum() -> None:
    """Failures stand above it, and nothing in them is taken for markup or a command."""
    text = read_two(Terminal(), live=True)
    assert "Reading 2 apps" in text
    assert "2/2" in text
    assert "313 requests" in text
    assert "⚠ jira[/red]: 403 [bold]\\x1b[2J" in text


def apply_two(out: io.StringIO, *, live: bool) -> str:
    """Let one change be done and another fail, and an app not be read back."""
    first, second, *_ = design_plan().changes()
    done, failed = Receipt(first, Outcome.DONE), Receipt(second, Outcome.FAILED, "403 [/x]\x1b[2J")
    progress = open_applying(out, colour=False, live=live)
    progress.started(RUN, 2)
    progress.receipt(done)
    progress.receipt(failed)
    progress.read_back("slack", (done, failed), "503 from slack")
    progress.finished(Report("0a1b", (done, failed)))
    return out.getvalue()


def test_a_log_gets_a_line_for_each_change() -> None:
    """Each with its outcome and the app's words."""
    assert apply_two(io.StringIO(), live=False).splitlines() == [
        "applying 2 changes, run 0a1b",
        "1/2 slack/create-account/ana: done",
        "2/2 slack/grant/ana/channel:eng: failed: 403 [/x]\\x1b[2J",
        "⚠ slack: 503 from slack",
    ]


def test_a_terminal_sees_failures_while_it_applies() -> None:
    """They stay above the moving line."""
    text = apply_two(Terminal(), live=True)
    assert "Applying 2 changes" in text
    assert "failed: 403 [/x]\\x1b[2J" in text
    assert "503 from slack" in text
