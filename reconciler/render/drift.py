"""Only what changed behind git's back, taken out of a plan: lost, drifted, in conflict, or never declared here."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from reconciler.plan.plan import AppPlan, Fact, Plan
from reconciler.provider.change import Cause, Change
from reconciler.render.colours import palette
from reconciler.render.tally import count_unmanaged
from reconciler.render.text import app_lines, plan_header
from reconciler.render.words import join_words, number
from reconciler.state.contract import Adoption

_CAUSES = frozenset({Cause.LOST, Cause.DRIFTED, Cause.CONFLICT})
_FACTS = frozenset({Fact.UNMANAGED, Fact.CONFLICT, Fact.HELD, Fact.RENAMED, Fact.UNREAD})


def drift_in(plan: Plan) -> Plan:
    """Return a plan with only what is drift; it has no digest, since nothing but the whole plan can be applied."""
    return replace(plan, apps=tuple(map(_drift_of, plan.apps)), verdicts=(), digest="")


def _drift_of(app: AppPlan) -> AppPlan:
    changes = tuple(change for change in app.changes if is_drift(change))
    findings = tuple(finding for finding in app.findings if finding.fact in _FACTS or finding.fails_drift)
    return replace(app, changes=changes, findings=findings, adoption=Adoption(), cancellations=())


def is_drift(change: Change) -> bool:
    """Say whether a change would undo what somebody did outside git."""
    return change.cause in _CAUSES


def has_drift(drift: Plan) -> bool:
    """Say whether a plan from `drift_in` holds anything that somebody changed or made outside git."""
    return any(True for _ in drift.changes()) or any(
        finding.fact not in {Fact.UNREAD, Fact.HELD} for _, finding in drift.findings()
    )


def render_drift(drift: Plan, *, width: int, colour: bool, verbose: bool = False) -> Iterator[str]:
    """Yield the lines of a plan from `drift_in`, without line breaks; the arguments are those of `render_text`."""
    paint = palette(colour=colour)
    yield from plan_header(drift, paint)
    yield from app_lines(drift, width=width, paint=paint, verbose=verbose)
    yield paint.paint(paint.strong, _summary(drift))


def _summary(drift: Plan) -> str:
    causes = Counter(change.cause for change in drift.changes())
    facts = Counter(finding.fact for _, finding in drift.findings())
    unread = sum(1 for app in drift.apps if not app.complete)
    alarms = sum(1 for _, finding in drift.findings() if finding.fails_drift)
    conflicts = causes[Cause.CONFLICT] + facts[Fact.CONFLICT]
    parts = [
        f"{causes[Cause.LOST]} lost" if causes[Cause.LOST] else "",
        f"{causes[Cause.DRIFTED]} changed" if causes[Cause.DRIFTED] else "",
        number(conflicts, "conflict") if conflicts else "",
        f"{facts[Fact.RENAMED]} renamed" if facts[Fact.RENAMED] else "",
        f"{facts[Fact.HELD]} held" if facts[Fact.HELD] else "",
        f"{unmanaged:,} unmanaged" if (unmanaged := count_unmanaged(drift)) else "",
        f"{alarms} privileged" if alarms else "",
        f"{number(unread, 'app')} not read completely" if unread else "",
    ]
    return f"Drift: {join_words(parts)}" if any(parts) else "no drift: every app is as it was last applied"
