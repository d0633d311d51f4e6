"""`reconciler ci plan`: a pull request is checked and planned, and its reviewers are told."""

import os
import sys
from pathlib import Path

import click

from reconciler.cli.ci.options import workflow_option
from reconciler.cli.options import Common, shared_options

HELP = """Check and plan a pull request: annotations, one comment, the run's page, a commit status.

Errors of the YAML are put beside their lines. The plan is compared with the base of the pull request. Its digest is
handed over as the output `record`, for the action to keep. Pull requests from forks are only checked: they get no
secrets. In a merge queue, a plan that is no longer the reviewed one fails.
"""


@click.command("plan", help=HELP)
@workflow_option("access-plan.yml", "The file in .github/workflows that this runs in.")
@click.option(
    "--record", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the digest there, too."
)
@shared_options()
@click.pass_obj
def command(common: Common, /, workflow: str, record: Path | None) -> int:
    """Plan, and tell."""
    from reconciler.ci.annotations import open_log
    from reconciler.ci.proposing import Proposal, propose, root_of
    from reconciler.ci.runner import read_event

    event = read_event(os.environ)
    log = open_log(os.environ, sys.stdout)
    return propose(Proposal(event, root_of(common.config), os.environ, log, workflow, record))
