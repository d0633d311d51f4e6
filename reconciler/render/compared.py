"""What the plan of a pull request says beside its changes: with what it was compared, and what that left out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.plan.plan import AppPlan, Comparison, Plan, Provenance
from reconciler.problems import Place
from reconciler.provider.change import Cause, Change, Why
from reconciler.render.escape import visible
from reconciler.render.words import join_words, number, with_place

_SHORT = 7
_DRIFT = frozenset({Cause.LOST, Cause.DRIFTED, Cause.CONFLICT, Cause.STRANGER})


def comparison_words(compared: Comparison) -> str:
    """Return with what a plan was compared, as a headline has it."""
    base = compared.base[:_SHORT] or "the time before the first commit"
    head = f", at {compared.head[:_SHORT]}" if compared.head else ", with what is not committed"
    return f"only what this checkout changes since {base}{head}"


def left_out_words(compared: Comparison) -> str:
    """Return how much a comparison left out, or empty."""
    before = [change for app in compared.before for change in app.changes]
    drift = sum(change.cause in _DRIFT for change in before)
    dropped = sum(len(app.changes) for app in compared.dropped)
    told = join_words(
        [
            f"{drift} of drift" if drift else "",
            f"{len(before) - drift} not yet applied" if len(before) > drift else "",
            f"{dropped} no longer wanted" if dropped else "",
        ]
    )
    count = len(before) + dropped
    return f"left out: {number(count, 'change')} of the base ({told})" if count else ""


def left_out(plan: Plan) -> Plan | None:
    """Return what was there before as a plan of its own, for whoever wants to see it all; None if it is nothing."""
    if plan.comparison is None or not plan.comparison.before:
        return None
    return replace(plan, apps=plan.comparison.before, comparison=None, verdicts=())


def name_commits(plan: Plan, *, whole: bool = False) -> Plan:
    """Return a plan whose reasons name the commits that their lines come from, where that is known.

    Args:
        plan: any plan.
        whole: the authors too.
    """
    if not plan.provenance:
        return plan
    known = dict(plan.provenance)
    return replace(plan, apps=tuple(_named(app, known, whole=whole) for app in plan.apps))


def _named(app: AppPlan, known: Mapping[Place, Provenance], *, whole: bool) -> AppPlan:
    changes = tuple(_name(change, known, whole=whole) for change in app.changes)
    findings = tuple(replace(one, why=tuple(_why(one.why, known, whole=whole))) for one in app.findings)
    return replace(app, changes=changes, findings=findings)


def _name(change: Change, known: Mapping[Place, Provenance], *, whole: bool) -> Change:
    return replace(change, why=tuple(_why(change.why, known, whole=whole)))


def _why(why: Iterable[Why], known: Mapping[Place, Provenance], *, whole: bool) -> Iterator[Why]:
    for one in why:
        found = known.get(one.place)
        where = f"({one.place.short}, {origin_words(found, whole=whole)})" if found else ""
        # What was removed names its line and commit in its text already.
        yield (
            replace(one, text=f"{one.text} {where}".strip())
            if where and with_place(one.text, one.place) != one.text
            else one
        )


def origin_words(origin: Provenance, *, whole: bool = False) -> str:
    """Return `3f2c1a9, #12`; with the author, if whole."""
    number_ = f"#{origin.pull_request}" if origin.pull_request else ""
    author = visible(origin.author) if whole else ""
    return ", ".join(filter(None, (origin.commit[:_SHORT], author, number_)))


def provenance_data(origin: Provenance) -> dict[str, Any]:
    """Return where a line comes from as data: `{commit, author, at, pull_request}`."""
    return {
        "commit": origin.commit,
        "author": origin.author,
        "at": origin.at.isoformat(),
        "pull_request": origin.pull_request,
    }
