"""`reconciler ci apply`: a merge is applied, if it is what was reviewed, and its pull request is told."""

import os
import sys
from pathlib import Path

import click

from reconciler.cli.ci.options import anchor_options, check_environment, environment_options, workflow_option
from reconciler.cli.options import Common, shared_options

HELP = """Apply what a push to the default branch merged, if it is what was reviewed.

The pull request that was merged as the pushed commit is found, with its approvals and the digest that the plan's
workflow kept. Everything is read and planned again; anything but the reviewed plan is told and not applied. The outcome
goes to the pull request, the approvers into the audit trail.
"""


@click.command("apply", help=HELP)
@environment_options
@anchor_options
@workflow_option("access-plan.yml", "The file in .github/workflows that makes the plans.")
@click.option(
    "--approvals", type=click.IntRange(0, 10), default=1, show_default=True, help="How many must have approved."
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
    workflow: str,
    approvals: int,
) -> int:
    """Apply, and tell."""
    from reconciler.ci.anchoring import Anchoring
    from reconciler.ci.annotations import open_log
    from reconciler.ci.applying import Merge, apply_merge
    from reconciler.ci.proposing import root_of
    from reconciler.ci.runner import read_event
    from reconciler.cli.watching import watch_applying

    kept = check_environment(environment, oidc=oidc)
    event = read_event(os.environ)
    open_log(os.environ, sys.stdout)
    anchoring = Anchoring(applies, accept_state, anchor)
    merge = Merge(event, root_of(common.config), os.environ, workflow, kept, approvals, anchoring)
    return apply_merge(merge, watch_applying(common))
