"""`reconciler show`: a plan from its file, as it would have been printed when it was made."""

from pathlib import Path

import click

from reconciler.cli.exits import exit_of_plan
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.plan import html_option

HELP = help_of(
    "show",
    "FILE was written by `reconciler plan --out FILE`.",
)


@click.command("show", help=HELP)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@html_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with the code that `plan` would give.")
@shared_options()
@click.pass_obj
def command(common: Common, /, *, file: Path, markdown: bool, html: Path | None, detailed_exitcode: bool) -> int:
    """Show a plan's file."""
    from reconciler.cli.plan import print_plan, read_plan, write_page

    plan = read_plan(file)
    if html:
        write_page(plan, html)
    print_plan(plan, common, markdown=markdown)
    return exit_of_plan(plan, detailed=True) if detailed_exitcode else 0
