"""`reconciler ci`: what the GitHub actions call; they hand their inputs over in the environment."""

import click

from reconciler.cli.ci import apply, drift, fresh, plan, request
from reconciler.cli.group import help_of
from reconciler.cli.options import shared_options

HELP = help_of(
    "ci",
    "They read the runner's own variables and event, and are of no use elsewhere: by hand use plan, apply and drift.",
)


@click.group("ci", help=HELP)
@shared_options()
def command() -> None:
    """Hold the subcommands."""


for _command in (plan.command, apply.command, drift.command, fresh.command, request.command):
    command.add_command(_command)
