"""What an auditor asks for, as rows: populations with counts and completeness, runs, changes, leavers, exceptions."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from reconciler.audit.anchor import Anchored
from reconciler.audit.exceptions import Row, list_exceptions
from reconciler.audit.history import ChangeStory, History, Period, RunStory
from reconciler.audit.kinds import Kind
from reconciler.audit.verify import TrailCheck, Verified
from reconciler.provider.change import Cause, Operation
from reconciler.state.contract import AuditEntry

PARTS: Final = ("populations", "runs", "changes", "leavers", "exceptions")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for.

    Attributes:
        period: of requests, runs and exceptions; a change that was asked in it is told to its end.
        last_days: everybody in the YAML, with the last day where there is one.
        deadline: how long a ticket may stay open.
        now: when this is asked.
        tool: the version of this tool.
    """

    period: Period
    last_days: Mapping[str, date | None]
    deadline: timedelta
    now: datetime
    tool: str


@dataclass(frozen=True, slots=True)
class Export:
    """The answer: part → rows, all of one part with the same columns; and what checking the trail came to."""

    parts: Mapping[str, Sequence[Row]]
    verified: Verified


def make_export(
    entries: Iterable[AuditEntry], anchored: Anchored, question: Question, *, anchor: bool = True
) -> Export:
    """Read a whole trail once, checking it on the way, and return what is asked for.

    Args:
        entries: of the whole trail.
        anchored: what is kept outside of it.
        question: what is asked for.
        anchor: whether there is an anchor at all.
    """
    check = TrailCheck(anchored.heads, since=anchored.since, anchored=anchor)
    history = History(question.period)
    numbers: list[int] = []
    for entry in entries:
        check.look_at(entry)
        history.take(entry)
        if entry.at in question.period:
            numbers.append(entry.number)
    verified = check.finish()
    period = question.period
    parts: dict[str, list[Row]] = {
        "runs": [_run(run) for run in history.runs.values() if run.started.at in period],
        "changes": [_change(one, history) for one in history.changes.values() if one.request.at in period],
        "leavers": _leavers(history, question),
        "exceptions": list_exceptions(history, period, question.deadline, question.now),
    }
    populations = [*_counted(parts, numbers, verified, question), *_sides(history, period)]
    return Export({name: populations if name == "populations" else parts[name] for name in PARTS}, verified)


def _run(run: RunStory) -> Row:
    body, ended = run.started.body, run.ended
    return {
        "run": body.get("run", ""),
        "started_at": run.started.at.isoformat(),
        "ended_at": ended.at.isoformat() if ended else "",
        "plan": body.get("plan", ""),
        "tree": body.get("tree", ""),
        "tool": body.get("tool", ""),
        **_approved(run),
        "override_reason": body.get("reason", ""),
        "changes": body.get("changes", 0),
        "summary": ended.body.get("detail", "") if ended else "",
        "problems": "; ".join(map(str, ended.body.get("problems", ()))) if ended else "",
        "entry": run.started.number,
    }


def _approved(run: RunStory | None) -> Row:
    approval = run.approval if run else {}
    return {
        "approval": approval.get("source", ""),
        "approvers": ", ".join(map(str, approval.get("approvers", ()))),
        "reviewed_commit": approval.get("commit", ""),
        "pull_request": approval.get("pull_request", ""),
        "protection_bypassed": bool(approval.get("bypassed", False)),
        "operator": approval.get("operator", ""),
        "machine": approval.get("machine", ""),
    }


def _change(one: ChangeStory, history: History) -> Row:
    asked, answer, seen = one.asked, one.answer, one.seen
    said: Mapping[str, Any] = answer.body if answer else {}
    whys = [f"{text} ({place})" if place else str(text) for text, place in asked.get("why", ())]
    return {
        "change": asked.get("change", ""),
        "app": asked.get("app", ""),
        "operation": asked.get("operation", ""),
        "holder": "" if one.item[:1] == ("entitlement",) else "".join(one.item[1:2]),
        "entitlement": "" if one.item[:1] == ("account",) else "".join(one.item[-1:]),
        "username": asked.get("username", ""),
        "privileged": bool(asked.get("privileged", False)),
        "cause": asked.get("cause", ""),
        "reasons": "; ".join(whys),
        "before": _json(asked.get("before")),
        "after": _json(asked.get("after")),
        "run": asked.get("run", ""),
        **_approved(history.runs.get(str(asked.get("run", "")))),
        "requested_at": one.request.at.isoformat(),
        "way": said.get("way") or asked.get("way", ""),
        "sent_to": _json(said.get("to")),
        "requests": said.get("requests", 0),
        "answered_at": answer.at.isoformat() if answer else "",
        "answer": said.get("outcome", ""),
        "verified_at": seen.at.isoformat() if seen else "",
        "outcome": one.outcome,
        "detail": one.detail,
        "ticket_cancelled_at": one.closed.at.isoformat() if one.closed else "",
        "request_entry": one.request.number,
        "answer_entry": answer.number if answer else "",
        "verified_entry": seen.number if seen else "",
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""


def _leavers(history: History, question: Question) -> list[Row]:
    """Return a row for each leaver and app; one without an app where nothing was ever asked for somebody."""
    asked: dict[str, dict[str, list[ChangeStory]]] = {}
    for one in history.changes.values():
        if one.asked.get("cause") == Cause.LEAVER and one.item:
            asked.setdefault(one.item[1], {}).setdefault(str(one.asked.get("app", "")), []).append(one)
    rows = []
    for person in sorted(_who_left(asked, question)):
        day = question.last_days.get(person)
        apps = asked.get(person) or {"": []}
        rows += [_leaver(person, day, app, changes) for app, changes in sorted(apps.items())]
    return rows


def _who_left(asked: Mapping[str, Mapping[str, Sequence[ChangeStory]]], question: Question) -> set[str]:
    """Return whose last day is in the period, and of whom something was asked in it because they left."""
    start, end = question.period.start, question.period.end
    by_day = {
        person
        for person, day in question.last_days.items()
        if day and day < question.now.date() and (not start or start.date() <= day) and (not end or day < end.date())
    }
    by_trail = {
        person
        for person, apps in asked.items()
        if any(one.request.at in question.period for changes in apps.values() for one in changes)
    }
    return by_day | by_trail


def _leaver(person: str, day: date | None, app: str, changes: Sequence[ChangeStory]) -> Row:
    """Return what became of one leaver in one app: the last attempt to suspend, and the first time it was seen."""
    suspended = [one for one in changes if one.asked.get("operation") == Operation.SUSPEND_ACCOUNT]
    last = suspended[-1] if suspended else None
    seen = next((one.seen for one in suspended if one.seen), None)
    answer = next((one.answer for one in suspended if one.answer and one.seen), last.answer if last else None)
    return {
        "person": person,
        "last_day": day.isoformat() if day else "",
        "app": app,
        "requested_at": suspended[0].request.at.isoformat() if suspended else "",
        "suspended_at": answer.at.isoformat() if answer else "",
        "verified_at": seen.at.isoformat() if seen else "",
        "outcome": last.outcome if last else "nothing was to be suspended" if app else "nothing was ever asked",
        "detail": last.detail if last else "",
        "other_changes": sum(1 for one in changes if one not in suspended),
        "verified_entry": seen.number if seen else "",
    }


def _counted(
    parts: Mapping[str, Sequence[Row]], numbers: Sequence[int], verified: Verified, question: Question
) -> list[Row]:
    """Return how many there are of everything, and what proves that none is missing."""
    whole = not verified.faults
    against = f"head {verified.head}, compared with {verified.anchored} anchored heads"
    state = f"the trail is whole, {against}" if whole else f"the trail is broken: {verified.faults[0].text}; {against}"
    proven = whole and verified.furthest >= max(numbers, default=1)
    span = f"entries {numbers[0]} to {numbers[-1]}; " if numbers else ""
    outcomes = Counter(row["outcome"] or "no outcome" for row in parts["changes"])
    made = f"made {question.now.isoformat()} by reconciler {question.tool}"
    return [
        _population("audit entries", len(numbers), proven, f"{span}{state}; {made}"),
        *(_population(name, len(parts[name]), proven, f"from {span.strip('; ') or 'no entry'}") for name in PARTS[1:]),
        *(_population(f"changes: {name}", count, proven, "") for name, count in sorted(outcomes.items())),
        _population("people in the YAML", len(question.last_days), complete=True, detail="now"),
    ]


def _population(name: str, count: int, complete: bool, detail: str, app: str = "") -> Row:
    return {"population": name, "app": app, "count": count, "complete": complete, "detail": detail}


def _sides(history: History, period: Period) -> list[Row]:
    """Return how many accounts and grants each app had when a run of the period last read it, and whether all were."""
    newest: dict[str, tuple[AuditEntry, Mapping[str, Any]]] = {}
    for run in history.runs.values():
        if run.started.at in period and run.started.kind == Kind.STARTED:
            newest.update((str(app.get("app", "")), (run.started, app)) for app in run.started.body.get("apps", ()))
    rows = []
    for name, (entry, app) in sorted(newest.items()):
        whys = [f"{part}: {said.get('why')}" for part, said in app.get("collections", {}).items() if said.get("why")]
        detail = "; ".join([f"as read for the run of {entry.at.isoformat()}", *whys, str(app.get("error", ""))])
        for side, count in app.get("counts", {}).items():
            words = side.replace("_", " ")
            rows.append(_population(words, count, bool(app.get("complete")), detail.rstrip("; "), name))
    return rows
