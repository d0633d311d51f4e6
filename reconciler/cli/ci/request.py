"""`reconciler ci request`: an issue form becomes the pull request that asks for access."""

import os
import sys

import click

from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_lines

HELP = """Open the pull request that an issue form asks for, and answer the issue.

It does what `reconciler request` does, for people who never open an editor. Who, what, until when and why are read from
the issue; its author is named in the pull request.
"""


@click.command("request", help=HELP)
@shared_options()
@click.pass_obj
def command(common: Common) -> None:
    """Ask for what the form says."""
    from reconciler.ci.annotations import open_log
    from reconciler.ci.asking import file_request
    from reconciler.ci.proposing import root_of
    from reconciler.ci.runner import read_event
    from reconciler.render.escape import visible

    read_event(os.environ)
    open_log(os.environ, sys.stdout)
    print_lines([visible(file_request(root_of(common.config), os.environ))])
