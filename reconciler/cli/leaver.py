"""`reconciler leaver`: one person who leaves or left, in every app."""

from typing import TYPE_CHECKING

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.audit.leaver import LeaverView

HELP = help_of(
    "leaver",
    "Every app is read, over connections that cannot write. Told of each: what was done by which way and when, what "
    "waits for whom until when, what is only attested, what a complete read verified that is newer than that, and of "
    "which apps nobody can say. Of somebody whose last day is to come: what there is to take away.",
)


@click.command("leaver", help=HELP)
@click.argument("identity")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a ticket or a mail.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if something is left.")
@shared_options()
@click.pass_obj
def command(common: Common, /, identity: str, *, markdown: bool, detailed_exitcode: bool) -> int:
    """Show what became of a leaver's access."""
    from zoneinfo import ZoneInfo

    from reconciler.cli.opening import open_company
    from reconciler.cli.watching import watch_reading
    from reconciler.plan.plan import Scope
    from reconciler.render.leaver import leaver_data, render_leaver, render_leaver_markdown
    from reconciler.run.leaving import look_at_leaver

    session = open_company(common)
    scope = Scope(identities=(identity,))
    view = look_at_leaver(session, identity, watch_reading(common, session, scope))
    zone = ZoneInfo(session.settings.timezone)
    if common.json:
        print_data(leaver_data(view))
    elif markdown:
        print_lines([render_leaver_markdown(view, zone).rstrip("\n")])
    else:
        print_lines(render_leaver(view, zone, width=common.width, colour=common.colour()))
    return _exit(view, detailed=detailed_exitcode)


def _exit(view: "LeaverView", *, detailed: bool) -> Exit:
    """Return 5 where an app could not be read, and 2 where something is left, if that is asked for."""
    from reconciler.audit.leaver import Standing

    if view.count(Standing.UNKNOWN):
        return Exit.UNREAD
    return Exit.PENDING if detailed and view.left else Exit.DONE
