"""What came of an apply, as text and as data: what needs a look in full, the rest counted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.apply.progress import receipt_data
from reconciler.apply.report import Report, is_finished
from reconciler.provider.change import Outcome, Receipt
from reconciler.render.colours import Palette, palette
from reconciler.render.escape import visible
from reconciler.render.layout import Layout
from reconciler.render.rows import Row
from reconciler.render.words import VERBS, join_words, number, objects

_SYMBOLS = {
    Outcome.VERIFIED: "✓",
    Outcome.DONE: "✓",
    Outcome.TICKET: "!",
    Outcome.FAILED: "✗",
    Outcome.UNKNOWN: "⚠",
    Outcome.NOT_ATTEMPTED: "⚠",
}

_NOT_DONE = {Outcome.FAILED, Outcome.NOT_ATTEMPTED}


def render_report(report: Report, *, width: int, colour: bool, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a report, without line breaks.

    Args:
        report: what came of every change.
        width: columns of the terminal; 0 never breaks a line.
        colour: whether ANSI colours are used.
        verbose: also what went well is listed.
    """
    paint = palette(colour=colour)
    apps: dict[str, list[Receipt]] = {}
    for receipt in report.receipts:
        apps.setdefault(receipt.change.app, []).append(receipt)
    shown = {app: list(_rows(receipts, verbose=verbose)) for app, receipts in apps.items()}
    layout = Layout([row for rows in shown.values() for row in rows], width, paint)
    for app, rows in shown.items():
        yield f"{paint.paint(paint.strong, visible(app))}  {_counted(apps[app])}"
        yield from layout.lines(rows)
    if shown:
        yield ""
    for problem in report.problems:
        yield paint.paint(paint.alarm, f"⚠ {visible(problem)}")
    yield from _summary(report, paint)


def _rows(receipts: Sequence[Receipt], *, verbose: bool) -> Iterator[Row]:
    several = len({receipt.change.way for receipt in receipts}) > 1
    for receipt in receipts:
        if verbose or not is_finished(receipt) or receipt.outcome is Outcome.TICKET:
            yield _row(receipt, way=f"via {visible(receipt.change.way)}" if several else "")


def _row(receipt: Receipt, *, way: str) -> Row:
    change = receipt.change
    symbol = _SYMBOLS[receipt.outcome] if is_finished(receipt) or receipt.outcome is Outcome.FAILED else "⚠"
    label = VERBS[change.operation]
    return Row(symbol, label, visible(change.holder), objects(change), way, outcome_words(receipt))


def outcome_words(receipt: Receipt) -> str:
    """Return how a change ended, with the app's own words, visible."""
    detail, outcome = visible(receipt.detail), receipt.outcome.value
    if not detail or detail.startswith(outcome):
        return detail or outcome
    return f"{outcome}: {detail}"


def _counted(receipts: Sequence[Receipt]) -> str:
    counts = Counter(receipt.outcome for receipt in receipts)
    tickets = len({(one.change.app, one.detail) for one in receipts if one.outcome is Outcome.TICKET})
    return join_words(_count_words(outcome, counts[outcome], tickets) for outcome in Outcome if counts[outcome])


def _count_words(outcome: Outcome, count: int, tickets: int) -> str:
    if outcome is not Outcome.TICKET:
        return f"{count:,} {outcome.value}"
    several = f" ({number(count, 'change')})" if count != tickets else ""
    return f"{number(tickets, 'ticket')} open{several}"


def _summary(report: Report, paint: Palette) -> Iterator[str]:
    taken = [
        f"{report.adopted:,} taken on" if report.adopted else "",
        f"{number(report.cancelled, 'ticket')} cancelled" if report.cancelled else "",
    ]
    word = "Applied" if not report.exit_code else "Applied in part"
    if report.receipts and not report.cancelled and report.counts().keys() <= _NOT_DONE:
        word = "Nothing was applied"
    code = paint.alarm if report.exit_code else paint.strong
    yield paint.paint(code, f"{word}: {join_words([_counted(report.receipts), *taken]) or 'nothing to do'}")
    if report.unread:
        apps = ", ".join(visible(app) for app in report.unread)
        yield paint.paint(paint.alarm, f"not read completely, and left as it was where that matters: {apps}")
    if report.conflicts:
        left = number(report.conflicts, "item")
        yield paint.paint(paint.alarm, f"{left} left as before: the plan says why")
    if report.interrupted:
        yield paint.paint(paint.alarm, "stopped before the end; what was begun is recorded: run apply again to finish")
    told = [f"run {visible(report.run)}", number(report.requests, "request") if report.requests else ""]
    yield paint.paint(paint.quiet, join_words(told))


def report_data(report: Report) -> dict[str, Any]:
    """Return a report as data.

    `{run, exit_code, interrupted, adopted, cancelled, outcomes: {OUTCOME: number}, problems: [text],
    receipts: [{id, app, operation, item, way, outcome, detail, remote_id, requests}]}`.
    """
    return {
        "run": report.run,
        "exit_code": report.exit_code,
        "interrupted": report.interrupted,
        "adopted": report.adopted,
        "cancelled": report.cancelled,
        "outcomes": {outcome.value: count for outcome, count in report.counts().items()},
        "problems": list(report.problems),
        "receipts": [receipt_data(receipt) for receipt in report.receipts],
    }
