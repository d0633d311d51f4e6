"""`reconciler coverage`: what each app's route does by itself, and what a person is asked to do."""

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

HELP = help_of(
    "coverage",
    "It counts the operations that the YAML can call for in an app, by what the ways of its route say they can do. "
    "No app is asked, and no secret is read. With --app: each operation and each read, by which way, and why no "
    "earlier one can.",
)


@click.command("coverage", help=HELP)
@click.option("--app", "-a", "apps", multiple=True, metavar="APP", help="This app in detail (may be repeated).")
@shared_options()
@click.pass_obj
def command(common: Common, /, apps: tuple[str, ...]) -> None:
    """Tell who does what."""
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.render.coverage import coverage_data, render_coverage, render_details
    from reconciler.run.covering import cover

    session = open_company(common)
    check_names(apps, session.company.apps, "app")
    coverage = cover(session, apps)
    if common.json:
        print_data(coverage_data(coverage))
    elif apps or common.verbose:
        for app in coverage.apps:
            print_lines(render_details(app, width=common.width, colour=common.colour()))
    else:
        print_lines(render_coverage(coverage, width=common.width, colour=common.colour()))
