"""`reconciler apply`: a reviewed plan is made true, or a fresh one after it was shown and agreed to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, Duration, base_option, scope_options, shared_options
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.audit.approval import Review
    from reconciler.plan.guards import Override
    from reconciler.plan.plan import Plan, Scope

HELP = help_of(
    "apply",
    "With FILE, exactly what was reviewed is applied: everything is read and planned again, and if "
    "anything that matters has moved, it is refused. Without FILE it plans, shows the plan and asks.",
    "With --base only what the checkout changes is applied, never drift: after a merge, name the commit before "
    "it (HEAD^).",
    "Every change ends as verified, done, ticket open, failed, unknown or not attempted; nothing is left out.",
)


@click.command("apply", help=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@scope_options
@base_option
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--override", metavar="DIGEST", help="Lift the limits of the plan with this digest.")
@click.option("--reason", metavar="TEXT", help="Why they are lifted; recorded.")
@click.option(
    "--approval",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who approved it, as JSON from the forge; else by hand. Recorded.",
)
@click.option("--revert", metavar="RUN", help="Plan and apply the way back of an earlier apply, and let git agree.")
@click.option(
    "--lock-timeout",
    type=Duration(),
    default=0.0,
    metavar="DURATION",
    help="Wait so long (30s, 10m, 1h) for another run to end.",
)
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    file: Path | None,
    base: str | None,
    yes: bool,
    override: str | None,
    reason: str | None,
    approval: Path | None,
    revert: str | None,
    lock_timeout: float,
    **asked: Any,
) -> int:
    """Apply, and report what came of every change."""
    from reconciler.cli.asking import need_terminal
    from reconciler.cli.opening import make_scope, open_company
    from reconciler.cli.plan import read_plan
    from reconciler.cli.watching import watch_applying, watch_reading, watch_waiting
    from reconciler.run.applying import apply_plan

    lifted = _override(override, reason)
    review = _review(approval)
    reviewed = read_plan(file) if file else None
    _check_now(reviewed)
    _check_base(reviewed, base)
    if reviewed is None and not yes:
        need_terminal()
    if revert:
        return _revert(
            common, revert, lifted, alone=not (file or review or base is not None or any(asked.values())), yes=yes
        )
    scope = _scope_of(reviewed, make_scope(**asked))
    if base is not None and scope.due:
        raise click.UsageError("--base and --due exclude each other: what is due is nobody's pull request")
    session = open_company(common, tell=False, base=base)
    report = apply_plan(
        session,
        scope,
        reviewed=reviewed,
        confirm=_confirmation(common, reviewed=reviewed, ask=reviewed is None and not yes),
        progress=watch_applying(common),
        read_progress=watch_reading(common, session, scope),
        override=lifted,
        review=review,
        wait=lock_timeout,
        waiting=watch_waiting(common, lock_timeout),
    )
    if report is None:
        print_lines(["nothing was applied"], sys.stderr)
        return 0
    if not common.json:
        from reconciler.render.report import render_report

        lines = render_report(report, width=common.width, colour=common.colour(), verbose=common.verbose)
        print_lines(lines)
    return report.exit_code


def _revert(common: Common, run: str, lifted: "Override | None", *, alone: bool, yes: bool) -> int:
    from reconciler.cli.revert import revert

    if not alone:
        raise click.UsageError("--revert stands alone: what the run did says what is touched")
    return revert(common, run, yes=yes, override=lifted)


def _check_now(reviewed: "Plan | None") -> None:
    from reconciler.errors import PlanError

    if reviewed and reviewed.future:
        at = f"{reviewed.moment:%Y-%m-%d %H:%M %Z}".strip()
        raise PlanError(f"this plan is of {at} and cannot be applied", hint="make one without --at: what is due now")


def _check_base(reviewed: "Plan | None", base: str | None) -> None:
    """Refuse a pull request's plan without its base, and any other plan with one: it would do more, or less."""
    from reconciler.errors import PlanError

    if reviewed is None or (reviewed.comparison is None) is (base is None):
        return
    if base is None:
        raise PlanError("this is the plan of a pull request", hint="name what it is compared with: --base HEAD^")
    raise PlanError("this plan was compared with no base", hint="leave --base out, or make the plan with it, too")


def _override(digest: str | None, reason: str | None) -> "Override | None":
    if not digest and not reason:
        return None
    if not (digest and reason):
        raise click.UsageError("--override and --reason go together: which plan, and why")
    from reconciler.plan.guards import Override

    return Override(digest, reason)


def _review(approval: Path | None) -> "Review | None":
    if approval is None:
        return None
    from reconciler.audit.approval import read_review

    return read_review(approval)


def _scope_of(reviewed: "Plan | None", asked: "Scope") -> "Scope":
    """Return the scope of the plan that was reviewed; nothing else may be asked for beside it."""
    from reconciler.plan.plan import Scope

    if reviewed is None:
        return asked
    if asked not in (Scope(), reviewed.scope):
        raise click.UsageError("a reviewed plan is applied as it is: leave --app, --identity and the like out")
    return reviewed.scope


def _confirmation(common: Common, *, reviewed: "Plan | None", ask: bool) -> "Callable[[Plan], bool]":
    """Return what shows the fresh plan and asks, where there is something to agree to.

    A plan that was reviewed, and is the same still, is not told all over again.
    """

    def confirm(plan: "Plan") -> bool:
        if reviewed is None or common.json or common.verbose:
            _show(plan, common)
        else:
            print_lines([f"as reviewed: plan {plan.digest[:12]}"])
        _tell_wait(plan, common)
        if not ask or plan.empty:
            return True
        return click.confirm("Apply these changes?", err=True)

    return confirm


def _tell_wait(plan: "Plan", common: Common) -> None:
    from reconciler.render.forecast import wait_words

    if not common.quiet and (words := wait_words(plan)):
        print_lines([words], sys.stderr)


def _show(plan: "Plan", common: Common) -> None:
    from reconciler.cli.plan import print_plan

    if common.json:
        import json

        from reconciler.render.data import plan_data

        print_lines([json.dumps({"event": "plan", "plan": plan_data(plan)})])
        return
    print_plan(plan, common)
    print_lines([""])
