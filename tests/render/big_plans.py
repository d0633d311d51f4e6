"""Plans of any size, for what must fit into a page."""

from sample_plans import DIGEST, MOMENT

from reconciler.items import GrantItem
from reconciler.plan.plan import AppPlan, Plan
from reconciler.problems import Place
from reconciler.provider.change import Cause, Change, Operation, Why


def big_plan(changes: int, apps: int = 20, *, privileged: int = 0, leavers: int = 0, name: str = "person") -> Plan:
    """Return a plan with a number of changes spread over apps; the last ones are privileged and leavers' ones."""
    found: list[list[Change]] = [[] for _ in range(apps)]
    for at in range(changes):
        found[at % apps].append(_change(at, apps, changes - at <= privileged, changes - at <= leavers, name))
    return Plan(
        tool="0.1.0",
        moment=MOMENT,
        tree_digest="ab" * 32,
        apps=tuple(AppPlan(f"app-{n:03}", ways=("scim 0.1.0",), changes=tuple(one)) for n, one in enumerate(found)),
        digest=DIGEST,
    )


def _change(at: int, apps: int, privileged: bool, leaver: bool, name: str) -> Change:
    return Change(
        f"app-{at % apps:03}",
        Operation.REVOKE if at % 3 else Operation.GRANT,
        GrantItem(f"{name}-{at:05}", f"team:squad-{at % 97}"),
        "scim",
        cause=Cause.LEAVER if leaver else Cause.NEW if at % 5 else Cause.DRIFTED,
        why=(Why("role engineer, because group engineering", Place("roles/engineering.yaml", at + 1)),),
        privileged=privileged,
    )
