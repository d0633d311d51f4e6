"""`reconciler apply --revert RUN`: the way back of an apply is planned, shown, and applied."""

import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.exits import Exit
from reconciler.cli.options import Common
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from reconciler.plan.guards import Override
    from reconciler.plan.plan import Plan
    from reconciler.run.reverting import WayBack
    from reconciler.run.session import Session


def revert(common: Common, run: str, *, yes: bool, override: "Override | None") -> int:
    """Plan the way back, say what stays as it is, ask, apply, and open the pull request that makes git agree.

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
    if report.all_refused or not back.files:
        return report.exit_code
    return report.exit_code if _tell_git(common, session, back) else Exit.PARTIAL


def _tell_git(common: Common, session: "Session", back: "WayBack") -> bool:
    """Open the pull request that makes git agree; where that fails, say what to do. Return whether git will agree."""
    import json
    from contextlib import closing
    from datetime import UTC, datetime

    from reconciler.errors import ReconcilerError
    from reconciler.forge.branch import Clone
    from reconciler.render.escape import visible
    from reconciler.run.proposing import propose
    from reconciler.run.reverting import draft_back, propose_back

    root = session.settings.root
    try:
        with closing(Clone(root)) as clone:
            start = clone.base()
            drafted = draft_back(root, clone, start, back, datetime.now(UTC))
            if not drafted.changes:
                return True
            proposed = propose(drafted.before.settings, clone, start, propose_back(back, drafted))
    except ReconcilerError as error:
        said = [f"  {visible(line)}" for line in str(error).split("\n")]
        print_lines(["⚠ no pull request could be opened that makes git agree:", *said], sys.stderr)
        _warn(common, back)
        return False
    what = "open already" if proposed.found else "opened"
    if common.json:
        print_lines([json.dumps({"event": "git", "done": what, "where": proposed.address})])
    else:
        print_lines([f"{what}: {visible(proposed.address)}"])
    return True


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
