"""`reconciler apply --revert RUN`: the way back of an apply is planned, shown, and applied."""

import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Common
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from reconciler.plan.guards import Override
    from reconciler.plan.plan import Plan
    from reconciler.run.reverting import WayBack


def revert(common: Common, run: str, *, yes: bool, override: "Override | None") -> int:
    """Plan the way back, say what stays as it is and what git says, ask, and apply.

    Returns:
        The exit code.
    """
    from contextlib import closing

    from reconciler.cli.opening import open_company
    from reconciler.cli.watching import watch_applying, watch_reading
    from reconciler.forge.branch import Clone
    from reconciler.render.report import render_report
    from reconciler.run.applying import apply_plan
    from reconciler.run.reverting import find_way_back
    from reconciler.state.open import open_state

    session = open_company(common, tell=False)
    with closing(Clone(session.settings.root)) as clone, open_state(session.settings, read_only=True) as state:
        back = find_way_back(session, state, clone, run)

    def confirm(plan: "Plan") -> bool:
        _show(common, plan, back)
        return yes or plan.empty or click.confirm("Apply the way back?", err=True)

    report = apply_plan(
        back.session,
        back.scope,
        reviewed=None,
        confirm=confirm,
        progress=watch_applying(common),
        read_progress=watch_reading(common, back.session, back.scope),
        override=override,
        reason=override.reason if override else f"revert {run}",
        narrow=back.narrow,
    )
    if report is None:
        print_lines(["nothing was applied"], sys.stderr)
        return 0
    if not common.json:
        print_lines(render_report(report, width=common.width, colour=common.colour(), verbose=common.verbose))
    _warn(common, back)
    return report.exit_code


def _show(common: Common, plan: "Plan", back: "WayBack") -> None:
    from reconciler.cli.plan import print_plan
    from reconciler.render.escape import visible

    if common.json:
        import json

        from reconciler.render.data import plan_data

        left = [{"change": change.id, "why": why} for change, why in back.left_over(plan)]
        print_lines([json.dumps({"event": "plan", "plan": plan_data(plan), "left_over": left})])
        return
    print_lines([f"the way back of run {back.run}: as the YAML was at {back.commit[:12]}", ""])
    print_plan(plan, common)
    left_over = [f"  {visible(change.id)}: {why}" for change, why in back.left_over(plan)]
    print_lines(["", *(["not taken back:", *left_over, ""] if left_over else [])])


def _warn(common: Common, back: "WayBack") -> None:
    from reconciler.render.escape import visible

    if back.files and not common.quiet:
        files = ", ".join(map(visible, back.files))
        lines = [
            f"git still says otherwise ({files}): the next apply would do it all again.",
            f"change the YAML back: git diff {back.commit[:12]} HEAD shows what came since, git revert takes it back",
        ]
        print_lines(lines, sys.stderr)
