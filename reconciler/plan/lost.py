"""An app whose state was lost: nothing in it is treated as ours until somebody adopts a baseline by name. Pure."""

from dataclasses import replace

from reconciler.plan.basis import JudgedApp
from reconciler.plan.plan import Fact, Finding
from reconciler.provider.change import Cause, Change
from reconciler.state.contract import Adoption

_WHY = "the state that knew what is ours here is gone"


def hold_back(plan: JudgedApp) -> JudgedApp:
    """Block everything but what is taken from people past their last day; nothing is adopted, forgotten or cancelled.

    Without the state, what was removed from git looks like a stranger's, what was ours like new, and a recycled
    username like its former holder: a plan would be made of guesses. That somebody has left is none.
    """
    hint = f"look at what is there, then adopt it: apply --adopt-baseline {plan.app}"
    finding = Finding(Fact.CONFLICT, None, f"{_WHY}; only leavers go: {hint}", refuses=True)
    return replace(
        plan,
        changes=tuple(_hold(change) for change in plan.changes),
        findings=(finding, *plan.findings),
        adoption=Adoption(),
        cancellations=(),
    )


def _hold(change: Change) -> Change:
    if change.cause is Cause.LEAVER or change.blocked:
        return change
    return replace(change, blocked=_WHY)
