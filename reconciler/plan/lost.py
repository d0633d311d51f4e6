"""An app whose state is not to be believed: nothing in it is treated as ours until somebody says otherwise. Pure.

A state may be gone or another one (its lineage says so), or it may have been rewritten (its audit trail does not fit
what is anchored outside of it). Either way a plan would be made of guesses, and all that still goes is who has left.
"""

from dataclasses import replace

from reconciler.plan.basis import JudgedApp
from reconciler.plan.inputs import AppInputs, Loss
from reconciler.plan.plan import Fact, Finding
from reconciler.plan.tickets import contrary_ids
from reconciler.provider.change import Cause, Change
from reconciler.state.contract import Adoption, Applied


def set_aside(inputs: AppInputs) -> AppInputs:
    """Return the inputs without what is recorded, but for where leavers were found last.

    Matching takes such a pin only where an identity's own keys find nothing, since it may have been planted.
    """
    leavers = inputs.declared.leavers
    accounts = {name: account for name, account in inputs.applied.accounts.items() if name in leavers}
    return replace(inputs, applied=Applied(accounts=accounts, known=True))


def hold_back(plan: JudgedApp, loss: Loss) -> JudgedApp:
    """Block everything but what is taken from people past their last day, and what would undo that; adopt nothing.

    Without the state, what was removed from git looks like a stranger's, what was ours like new, and a recycled
    username like its former holder. That somebody has left is no guess.
    """
    why = f"{loss.why}: {loss.detail}" if loss.detail else loss.why
    changes = tuple(_hold(change, loss.why) for change in plan.changes)
    # A ticket that gives back what a leaver loses is cancelled all the same: both would be open together.
    contrary = {one for change in changes if not change.blocked for one in contrary_ids(change)}
    finding = Finding(Fact.CONFLICT, None, f"{why}; only leavers go: {loss.hint}", refuses=True)
    return replace(
        plan,
        changes=changes,
        findings=(finding, *plan.findings),
        adoption=Adoption(),
        cancellations=tuple(one for one in plan.cancellations if one.change_id in contrary),
    )


def _hold(change: Change, why: str) -> Change:
    if change.cause is Cause.LEAVER or change.blocked:
        return change
    return replace(change, blocked=why)
