"""What was reviewed is what is applied: a fresh plan that would do anything else is refused."""

from reconciler.errors import StalePlanError
from reconciler.plan.difference import explain_difference
from reconciler.plan.digest import digest_plan
from reconciler.plan.plan import Plan


def refuse_stale(reviewed: Plan, fresh: Plan) -> None:
    """Refuse to apply a reviewed plan if a fresh one would do something else, or rely on something else.

    Both digests are computed here: one that only stands in a file proves nothing.

    Raises:
        StalePlanError: they differ; the message lists what moved.
    """
    if digest_plan(reviewed) == digest_plan(fresh):
        return
    moved = "\n".join(f"  {line}" for line in explain_difference(reviewed, fresh))
    raise StalePlanError(
        f"the reviewed plan {reviewed.digest[:12]} is no longer what would be done:\n{moved or '  its digest'}",
        hint="plan again, and have the new plan reviewed",
    )
