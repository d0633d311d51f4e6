"""What an auditor asks about first: overrides, refusals, protections used, runs without a review, tickets overdue."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from reconciler.audit.history import ChangeStory, History, Period, RunStory
from reconciler.audit.kinds import Kind
from reconciler.audit.summary import describe_approval, describe_deed
from reconciler.provider.change import TRACELESS, Cause, Outcome
from reconciler.state.contract import AuditEntry

Row: TypeAlias = dict[str, Any]
"""One line of an export: column → plain value."""

_OURSELVES: Final = "this tool itself"


def list_exceptions(history: History, period: Period, deadline: timedelta, now: datetime) -> list[Row]:
    """Return the exceptions of a period, the oldest first.

    Args:
        history: of the whole trail.
        period: when they happened.
        deadline: how long a ticket may stay open; a leaver's is due on the day on which it was opened.
        now: when this is asked: what is still open is as old as that, or as the period's end.
    """
    rows = [
        *(_told(entry) for entry in history.told if entry.at in period),
        *(row for run in history.runs.values() if run.started.at in period for row in _of_run(run)),
        *(row for one in history.changes.values() if one.request.at in period for row in _of_change(one)),
        *(row for one in history.changes.values() for row in _overdue(one, period, deadline, now)),
    ]
    return sorted(rows, key=lambda row: row["entry"])


def _row(kind: str, entry: AuditEntry, detail: str, change: str = "") -> Row:
    return {
        "exception": kind,
        "at": entry.at.isoformat(),
        "run": entry.body.get("run", ""),
        "app": entry.body.get("app", ""),
        "change": change,
        "detail": detail,
        "entry": entry.number,
    }


def _told(entry: AuditEntry) -> Row:
    if entry.kind in {Kind.BY_HAND, Kind.ACCEPTED}:
        return _row(str(entry.kind), entry, describe_deed(entry.body))
    kind = "override" if entry.kind == Kind.LIFTED else "guard refused"
    return _row(kind, entry, f"{entry.body.get('guard', '')}: {entry.body.get('detail', '')}")


def _of_run(run: RunStory) -> Iterator[Row]:
    entry, approval = run.started, run.approval
    if approval.get("bypassed"):
        yield _row("protection of the branch bypassed", entry, describe_approval(approval))
    if approval.get("source") != "review" and entry.body.get("changes"):
        yield _row("applied without a review", entry, describe_approval(approval))
    if run.ended is None:
        yield _row("run never ended", entry, "it was interrupted; a later run looked up what it left open")
    for app in entry.body.get("apps", ()):
        if not app.get("complete"):
            yield _row("not read completely", entry, str(app.get("error") or "a part could not be read")) | {
                "app": app.get("app", "")
            }


def _of_change(one: ChangeStory) -> Iterator[Row]:
    change, blocked = str(one.asked.get("change", "")), str(one.asked.get("blocked", ""))
    if blocked:
        kind = "protection used" if "is protected" in blocked or _OURSELVES in blocked else "change blocked"
        yield _row(kind, one.request, blocked, change)
    elif one.outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
        yield _row(f"change {one.outcome}", one.request, one.detail, change)
    elif not one.outcome:
        yield _row("change without an outcome", one.request, "nothing was told of it since", change)
    elif one.outcome == Outcome.DONE and one.asked.get("operation") not in TRACELESS:
        yield _row("change not verified", one.request, one.detail, change)


def _overdue(one: ChangeStory, period: Period, deadline: timedelta, now: datetime) -> Iterator[Row]:
    """Yield a ticket that was, or is, open past its deadline within the period."""
    if not (one.ticket and one.answer):
        return
    opened = one.answer.at
    urgent = one.asked.get("cause") == Cause.LEAVER
    due = opened.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) if urgent else opened + deadline
    ended = one.seen or one.closed
    until = min([ended.at if ended else now, *([period.end] if period.end else [])])
    if until > due and (period.start is None or until >= period.start):
        state = f"closed {ended.at.isoformat()}" if ended and ended.at <= until else "still open"
        detail = f"opened {opened.isoformat()}, due {due.isoformat()}, {state}: {one.answer.body.get('detail', '')}"
        yield _row("ticket overdue", one.answer, detail, str(one.asked.get("change", ""))) | {
            "app": one.asked.get("app", "")
        }
