"""The command `reconciler` itself: what it says of the whole, and the options that every command shares."""

import click

from reconciler.cli.exits import EPILOG
from reconciler.cli.group import LazyGroup
from reconciler.cli.options import shared_options


def _print_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's
    if value and not ctx.resilient_parsing:
        from reconciler.cli.main import version_line

        click.echo(version_line())
        ctx.exit()


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    no_args_is_help=False,
    invoke_without_command=True,
    context_settings={
        "help_option_names": ["--help", "-h"],
        "auto_envvar_prefix": "RECONCILER",
        "max_content_width": 100,
    },
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@shared_options(environment=True)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Identities and their access as code: YAML in git, planned, reviewed and made true.

    Data goes to stdout, progress and messages to stderr. Every option can be given in the environment, too:
    RECONCILER_CONFIG, RECONCILER_PLAN_OUT and so on.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
