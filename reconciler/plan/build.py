"""The plans of all apps become one plan: guarded, ordered, with its digest. Pure."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

from reconciler.errors import RefusedError
from reconciler.model.policies import Policies
from reconciler.plan.admins import hand_over, judge_admins
from reconciler.plan.digest import digest_plan
from reconciler.plan.guards import Override, judge_limits, protect
from reconciler.plan.plan import AppPlan, Comparison, Plan, Scope, Verdict
from reconciler.plan.together import separate

_SHORTEST = 12
"""How much of a digest an override must name at least."""


def build_plan(  # noqa: PLR0913 - one value for everything that a plan is bound to
    app_plans: Sequence[AppPlan],
    *,
    moment: datetime,
    tool: str,
    tree_digest: str,
    policies: Sequence[Policies] = (Policies(),),
    population: int = 0,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    future: bool = False,
    overrides: Sequence[Override] = (),
    warnings: Sequence[str] = (),
    comparison: Comparison | None = None,
    refusals: Sequence[Verdict] = (),
) -> Plan:
    """Judge the plans of single apps by all guards and put them together.

    Args:
        app_plans: as `plan_app` gave them, or plain ones with an error for apps that could not even be opened.
        moment: the instant it is made for.
        tool: the tool's version.
        tree_digest: SHA-256 over the YAML.
        policies: of the base and of the head; all protections count, and the strictest limits.
        population: how many people the company has, for the share in the limit on leavers.
        scope: what the plan is limited to.
        future: whether the moment was asked for, so that the plan can be looked at and not applied.
        overrides: limits to lift; each must name this plan's digest.
        warnings: problems of the YAML that do not stop a plan.
        comparison: with what base it was compared; the plans of apps then hold only what is the pull request's own.
        refusals: what was found to refuse the plan before.

    Raises:
        RefusedError: an override names another plan, or gives no reason.
    """
    guarded = [protect(app, policies) for app in sorted(app_plans, key=lambda app: app.app)]
    guarded = [hand_over(app, policies) for app in separate(guarded, policies)]
    verdicts = [*refusals, *judge_limits(guarded, policies, population)]
    verdicts += [verdict for app in guarded for verdict in judge_admins(app, policies)]
    apps = tuple(map(_without_basis, guarded))
    plan = Plan(tool, moment, tree_digest, apps, tuple(verdicts), scope, future, tuple(warnings))
    plan = replace(plan, comparison=comparison and _compared(comparison))
    plan = replace(plan, digest=digest_plan(plan))
    return _override(plan, overrides)


def _compared(comparison: Comparison) -> Comparison:
    """Return a comparison of apps in which something is left out, by name."""
    before, dropped = (
        tuple(_without_basis(app) for app in sorted(apps, key=lambda app: app.app) if _says_something(app))
        for apps in (comparison.before, comparison.dropped)
    )
    return replace(comparison, before=before, dropped=dropped)


def _says_something(app: AppPlan) -> bool:
    return bool(app.changes or app.findings or app.cancellations)


def _without_basis(app: AppPlan) -> AppPlan:
    return AppPlan(**{part.name: getattr(app, part.name) for part in fields(AppPlan)})


def _override(plan: Plan, overrides: Sequence[Override]) -> Plan:
    for override in overrides:
        if len(override.digest) < _SHORTEST or not plan.digest.startswith(override.digest):
            raise RefusedError(
                f"the override names {override.digest or 'no plan'}, and this plan is {plan.digest[:_SHORTEST]}",
                hint="look at this plan again, and name its digest if its limits are to be lifted",
            )
        if not override.reason.strip():
            raise RefusedError("an override needs a reason", hint="say why this plan may exceed its limits")
        verdicts = tuple(_lift(verdict, override) for verdict in plan.verdicts)
        plan = replace(plan, verdicts=verdicts)
    return plan


def _lift(verdict: Verdict, override: Override) -> Verdict:
    if not verdict.refused or not verdict.overridable:
        return verdict
    return replace(verdict, refused=False, text=f"{verdict.text} (overridden: {override.reason.strip()})")
