"""`reconciler offboard`: a person loses access in every app at once, and git learns of it by a pull request."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

if TYPE_CHECKING:
    from reconciler.apply.report import Report
    from reconciler.plan.guards import Override
    from reconciler.plan.plan import Plan
    from reconciler.run.offboarding import Leaving
    from reconciler.run.session import Session

_PATIENCE = 600.0
"""Seconds to wait for another run to end: whoever leaves now goes right after it."""

HELP = help_of(
    "offboard",
    "The plan of this person alone is shown and applied, under every guard; then a pull request writes the "
    "moment into the YAML (left:), so that no later run gives the access back. If that cannot be opened, "
    "the files here are changed instead: commit them.",
    "For a day to come, write last_day into the YAML.",
)


@click.command("offboard", help=HELP)
@click.argument("identity")
@click.option("--now", "when", flag_value="now", help="At once.")
@click.option("--undo", "when", flag_value="undo", help="They are here after all: git alone decides again.")
@click.option("--reason", metavar="TEXT", required=True, help="Why; recorded.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--override", metavar="DIGEST", help="Lift the limits of the plan with this digest.")
@click.option("--base", metavar="BRANCH", default="", help="Start from this branch, not from the default one.")
@click.option("--local", is_flag=True, help="Change the files here instead of opening a pull request.")
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    identity: str,
    when: str | None,
    reason: str,
    yes: bool,
    override: str | None,
    base: str,
    local: bool,
) -> int:
    """Apply first, then tell git."""
    from reconciler.cli.asking import need_terminal
    from reconciler.cli.opening import open_company
    from reconciler.run.offboarding import leave

    if not reason.strip():
        raise click.UsageError("say why: --reason TEXT")
    if when is None:
        raise click.UsageError("say --now; for a day to come, write last_day into the YAML")
    if when == "undo":
        return _undo(common, identity)
    if not yes:
        need_terminal()
    session = open_company(common, tell=False)
    leaving = leave(session, identity, reason.strip())
    report = _apply(common, session, leaving, _override(override, leaving), ask=not yes)
    if report is None:
        print_lines(["nothing was done"], sys.stderr)
        return Exit.DONE
    _tell(common, report)
    if report.all_refused:
        return report.exit_code
    if leaving.known:
        return report.exit_code
    agreed = _write_here(common, session, leaving) if local else _tell_git(common, session, leaving, base)
    return report.exit_code if agreed else Exit.PARTIAL


def _undo(common: Common, identity: str) -> int:
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import settings_of
    from reconciler.run.offboarding import take_back
    from reconciler.state.offboarded import read_offboarded
    from reconciler.state.open import open_state

    settings = settings_of(common)
    with open_state(settings, read_only=True) as state:
        check_names([identity], read_offboarded(state), "person who was offboarded ahead of git")
    take_back(settings, identity)
    print_lines([f"{identity}: the next apply does what the YAML says; close the pull request that says otherwise"])
    return Exit.DONE


def _override(digest: str | None, leaving: "Leaving") -> "Override | None":
    from reconciler.plan.guards import Override

    return Override(digest, leaving.reason) if digest else None


def _apply(
    common: Common, session: "Session", leaving: "Leaving", override: "Override | None", *, ask: bool
) -> "Report | None":
    from reconciler.cli.watching import watch_applying, watch_reading, watch_waiting
    from reconciler.plan.plan import Scope
    from reconciler.run.applying import apply_plan

    gone, scope = leaving.session(session), Scope(identities=(leaving.identity,))

    def confirm(plan: "Plan") -> bool:
        from reconciler.cli.plan import print_plan

        if not common.json:
            print_plan(plan, common)
            print_lines([""])
        return not ask or click.confirm(f"Offboard {leaving.identity} now?", err=True)

    return apply_plan(
        gone,
        scope,
        reviewed=None,
        confirm=confirm,
        progress=watch_applying(common),
        read_progress=watch_reading(common, gone, scope),
        override=override,
        reason=leaving.reason,
        wait=_PATIENCE,
        waiting=watch_waiting(common, _PATIENCE),
        offboard={} if leaving.known else {leaving.identity: leaving.at},
    )


def _tell(common: Common, report: "Report") -> None:
    from reconciler.render.report import render_report

    if not common.json:
        print_lines(render_report(report, width=common.width, colour=common.colour(), verbose=common.verbose))


def _tell_git(common: Common, session: "Session", leaving: "Leaving", base: str) -> bool:
    """Open the pull request; where that fails, say so and change the files here. Return whether it is open."""
    from contextlib import closing

    from reconciler.errors import ReconcilerError
    from reconciler.forge.branch import Clone
    from reconciler.run.drafting import draft
    from reconciler.run.proposing import propose

    root = session.settings.root
    try:
        with closing(Clone(root)) as clone:
            start = clone.base(base)
            drafted = draft(root, clone.files(start.commit), datetime.now(UTC), leaving.edit)
            proposed = propose(drafted.before.settings, clone, start, leaving.propose(drafted))
    except ReconcilerError as error:
        _shout(common, f"no pull request could be opened, so git still says that {leaving.identity} is here", error)
        _write_here(common, session, leaving)
        return False
    _say(common, "open already" if proposed.found else "opened", proposed.address)
    return True


def _write_here(common: Common, session: "Session", leaving: "Leaving") -> bool:
    from reconciler.errors import ReconcilerError
    from reconciler.run.drafting import draft, read_tree
    from reconciler.run.proposing import write_locally

    root = session.settings.root
    try:
        drafted = draft(root, read_tree(root), datetime.now(UTC), leaving.edit)
        write_locally(root, drafted.contents, drafted.changes)
    except ReconcilerError as error:
        line = f"left: {leaving.written}"
        _shout(common, f"the files here could not be changed either: write `{line}` to {leaving.identity}", error)
        return False
    _say(common, "changed here; commit and merge it", ", ".join(drafted.changes))
    return True


def _shout(common: Common, message: str, error: Exception) -> None:
    from reconciler.render.colours import palette
    from reconciler.render.escape import visible

    paint = palette(colour=common.colour(sys.stderr))
    said = [f"  {visible(line)}" for line in str(error).split("\n")]
    print_lines([paint.paint(paint.alarm, f"⚠ {visible(message)}:"), *said], sys.stderr)


def _say(common: Common, what: str, which: str) -> None:
    """Tell what became of git, as a line for people or an event for programs."""
    import json

    from reconciler.render.escape import visible

    if common.json:
        print_lines([json.dumps({"event": "git", "done": what, "where": which})])
    else:
        print_lines([f"{what}: {visible(which)}"])
