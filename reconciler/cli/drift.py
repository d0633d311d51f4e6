"""`reconciler drift`: what was changed behind git's back, app by app."""

from typing import Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, scope_options, shared_options
from reconciler.cli.output import print_data, print_lines

_PATIENCE = 60.0
"""Seconds to wait with what was read for an apply to end."""

HELP = help_of(
    "drift",
    "Lost, changed or made outside git, in conflict, or never declared. Access that is privileged and "
    "that nobody declared is refused (3) even without --detailed-exitcode.",
    "With --record, what every completely read app showed is added to the history that `who --at` "
    "answers from, as an apply does too; nothing else is written.",
)


@click.command("drift", help=HELP)
@scope_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there is any drift.")
@click.option("--record", is_flag=True, help="Remember what was live, for `who --at`.")
@shared_options()
@click.pass_obj
def command(common: Common, /, detailed_exitcode: bool, record: bool, **asked: Any) -> int:
    """Plan, and show only the drift in it."""
    from datetime import UTC, datetime

    from reconciler.cli.opening import make_scope, open_company
    from reconciler.cli.state_opening import locked
    from reconciler.cli.watching import watch_reading
    from reconciler.render.drift import drift_in, has_drift, render_drift
    from reconciler.run.planning import make_plan
    from reconciler.run.remembering import Readings
    from reconciler.state.open import open_state

    session = open_company(common)
    scope = make_scope(**asked)
    readings = Readings(lambda: datetime.now(UTC))
    drift = drift_in(make_plan(session, scope, progress=watch_reading(common, session, scope), watch=readings.see))
    if common.json:
        from reconciler.render.data import plan_data

        print_data({**plan_data(drift), "drift": has_drift(drift)})
    else:
        print_lines(render_drift(drift, width=common.width, colour=common.colour(), verbose=common.verbose))
    if record:
        with locked(open_state(session.settings), "drift --record", _PATIENCE) as state:
            readings.remember(state)
    if not drift.complete:
        return Exit.UNREAD
    if any(finding.fails_drift for _, finding in drift.findings()):
        return Exit.REFUSED
    return Exit.PENDING if detailed_exitcode and has_drift(drift) else Exit.DONE
