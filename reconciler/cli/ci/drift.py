"""`reconciler ci drift`: the scheduled run: what is due is applied, and drift becomes issues."""

import os
import sys
from pathlib import Path

import click

from reconciler.cli.ci.options import anchor_options, check_environment, environment_options
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

HELP = """Apply what is due, remind of open tickets, and keep one issue for each app with drift.

Issues are opened, updated, and closed when the drift is gone. With ACCESS_WEBHOOK_URL (Slack's or alike) or
ACCESS_SMTP_URL and ACCESS_MAIL_TO in the environment, news is sent there, too. Privileged access that nobody declared
is refused (3).
"""


@click.command("drift", help=HELP)
@environment_options
@anchor_options
@click.option("--apply-due/--only-report", "apply_due", default=True, help="Whether what is due is applied first.")
@click.option("--propose-expired", is_flag=True, help="Keep a pull request that removes expired access from the YAML.")
@click.option(
    "--propose-drift",
    is_flag=True,
    help="Keep a pull request for each app that takes its drift into the YAML; never what is or seems privileged.",
)
@shared_options()
@click.pass_obj
def command(
    common: Common,
    /,
    *,
    environment: str,
    oidc: bool,
    applies: tuple[str, ...],
    accept_state: str,
    anchor: Path | None,
    apply_due: bool,
    propose_expired: bool,
    propose_drift: bool,
) -> int:
    """Apply what is due, remind of tickets, tell drift, send notices."""
    import asyncio

    from reconciler.ci.anchoring import Anchoring
    from reconciler.ci.annotations import open_log
    from reconciler.ci.drifting import Night, run_night
    from reconciler.ci.notice import notify
    from reconciler.ci.offering import Offers
    from reconciler.ci.proposing import root_of
    from reconciler.ci.runner import read_event
    from reconciler.cli.watching import watch_applying

    kept = check_environment(environment, oidc=oidc)
    event = read_event(os.environ)
    open_log(os.environ, sys.stdout)
    anchoring = Anchoring(applies, accept_state, anchor)
    offers = Offers(propose_expired, propose_drift)
    night = Night(event, root_of(common.config), os.environ, kept, anchoring, apply_due, offers)
    told = run_night(night, watch_applying(common))
    if told.headline:
        text = f"{event.repository}: {told.headline}" + (f" {event.run_url}" if event.run_url else "")
        problems = asyncio.run(notify(os.environ, night.surroundings, text))
        print_lines((f"error: {problem}" for problem in problems), sys.stderr)
        return told.code or int(bool(problems))
    return told.code
