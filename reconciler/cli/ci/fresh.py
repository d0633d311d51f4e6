"""`reconciler ci fresh`: an alarm when the scheduled run has not succeeded for too long."""

import os
import sys

import click

from reconciler.cli.ci.options import workflow_option
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

HELP = """Keep an issue open while the scheduled run has not succeeded for too long, and exit with 1.

Run it beside the scheduled run, and in another workflow as well: one that never starts cannot tell.
"""


@click.command("fresh", help=HELP)
@workflow_option("access-drift.yml", "The file in .github/workflows that is scheduled.")
@click.option(
    "--hours", type=click.FloatRange(1, 24 * 60), default=26.0, show_default=True, help="How long is too long."
)
@shared_options()
@click.pass_obj
def command(common: Common, /, workflow: str, hours: float) -> int:
    """Ask when it last succeeded."""
    import asyncio
    from datetime import UTC, datetime

    from reconciler.ci.annotations import open_log
    from reconciler.ci.drifting import check_fresh
    from reconciler.ci.proposing import root_of
    from reconciler.ci.runner import read_event
    from reconciler.forge.github import open_forge
    from reconciler.model.company import Settings

    read_event(os.environ)
    open_log(os.environ, sys.stdout)

    async def ask() -> tuple[bool, str]:
        async with open_forge(Settings(root_of(common.config)), environ=os.environ) as forge:
            own = os.environ.get("GITHUB_RUN_ID", "")
            run = int(own) if own.isdecimal() else 0
            return await check_fresh(forge, workflow, hours=hours, now=datetime.now(UTC), own_run=run)

    fresh, text = asyncio.run(ask())
    print_lines([text])
    return 0 if fresh else 1
