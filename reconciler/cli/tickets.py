"""`reconciler tickets`: what people were asked to do, app by app."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.provider.contract import Ticket
    from reconciler.run.session import Session

HELP = help_of(
    "tickets",
    "They are read where they are kept: each app's route says where.",
)


@click.command("tickets", help=HELP)
@click.option("--app", "-a", "apps", multiple=True, metavar="APP", help="Only this app (may be repeated).")
@click.option("--all", "everything", is_flag=True, help="Closed ones, too.")
@shared_options()
@click.pass_obj
def command(common: Common, /, apps: tuple[str, ...], everything: bool) -> None:
    """List tickets, the oldest first."""
    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.provider.contract import TicketStatus
    from reconciler.render.table import render_table

    session = open_company(common)
    check_names(apps, session.company.apps, "app")
    found = asyncio.run(_read(session, apps or tuple(session.company.apps)))
    tickets = sorted(
        ((app, ticket) for app, ticket in found if everything or ticket.status is TicketStatus.OPEN),
        key=lambda pair: (pair[1].opened, pair[0], pair[1].change_id),
    )
    if common.json:
        print_data({"tickets": [_data(app, ticket) for app, ticket in tickets]})
        return
    rows = [(f"{one.opened:%Y-%m-%d}", one.status.value, one.change_id, one.address) for _, one in tickets]
    print_lines(render_table(rows) if rows else ["no open tickets"])


async def _read(session: "Session", apps: tuple[str, ...]) -> "list[tuple[str, Ticket]]":
    from reconciler.provider.contract import TicketProvider
    from reconciler.run.ways import open_ways

    found: list[tuple[str, Ticket]] = []
    for name in apps:
        for way in open_ways(session, session.company.apps[name], read_only=True):
            provider = way.provider
            if isinstance(provider, TicketProvider):
                async with provider:
                    found += [(name, ticket) for ticket in await provider.tickets()]
    return found


def _data(app: str, ticket: "Ticket") -> dict[str, Any]:
    return {
        "app": app,
        "change_id": ticket.change_id,
        "key": ticket.key,
        "status": ticket.status.value,
        "address": ticket.address,
        "opened": ticket.opened.isoformat(),
        "closed": ticket.closed.isoformat() if ticket.closed else None,
    }
