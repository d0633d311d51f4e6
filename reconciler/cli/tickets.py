"""`reconciler tickets`: what people were asked to do, app by app."""

import asyncio
import sys
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.exits import Exit
from reconciler.cli.group import help_of
from reconciler.cli.options import Common, shared_options
from reconciler.cli.output import print_data, print_lines

if TYPE_CHECKING:
    from reconciler.provider.contract import Ticket
    from reconciler.run.session import Session

    Found = tuple[str, str, Ticket]

HELP = help_of(
    "tickets",
    "They are read where they are kept: each app's route says where. Overdue ones come first, then what is due next; "
    "each with its age, the day it is due, whom it waits for, its app and way, what it is about, and its address. "
    "With --remind, a comment (or a mail, or a message) first tells whoever is asked that half of the time is over, "
    "that the last day has come, or that the ticket waits for somebody else, because who was asked has left. "
    "`ci drift` does that every night.",
)


@click.command("tickets", help=HELP)
@click.option("--app", "-a", "apps", multiple=True, metavar="APP", help="Only this app (may be repeated).")
@click.option("--remind", is_flag=True, help="First tell whoever is asked what is due to be told, each thing once.")
@click.option("--all", "everything", is_flag=True, help="Closed ones, too.")
@shared_options()
@click.pass_obj
def command(common: Common, /, apps: tuple[str, ...], everything: bool, remind: bool) -> int:
    """List tickets, the overdue first."""
    from zoneinfo import ZoneInfo

    from reconciler.cli.names import check_names
    from reconciler.cli.opening import open_company
    from reconciler.provider.contract import TicketStatus
    from reconciler.render.table import render_table

    session = open_company(common)
    check_names(apps, session.company.apps, "app")
    problems = _remind(session, apps) if remind else []
    found = asyncio.run(_read(session, apps or tuple(session.company.apps)))
    today = session.moment.astimezone(ZoneInfo(session.settings.timezone)).date()
    shown = [one for one in found if everything or one[2].status is TicketStatus.OPEN]
    shown.sort(key=lambda one: _urgency(one, today))
    if common.json:
        print_data({"tickets": [_data(one, today) for one in shown]})
    else:
        print_lines(render_table([_row(one, today) for one in shown]) if shown else ["no open tickets"])
    return Exit.PARTIAL if problems else Exit.DONE


def _remind(session: "Session", apps: tuple[str, ...]) -> list[str]:
    """Remind of what is due, say of what on stderr, and return what could not be told."""
    from reconciler.render.reminders import reminder_lines
    from reconciler.run.reminding import remind

    done = asyncio.run(remind(session, apps))
    print_lines(reminder_lines(done.told), sys.stderr)
    print_lines((f"error: {problem}" for problem in done.problems), sys.stderr)
    return done.problems


def _is_overdue(ticket: "Ticket", today: date) -> bool:
    """Say whether a ticket is open after the day on which it was due."""
    return ticket.closed is None and ticket.due is not None and ticket.due < today


def _age(ticket: "Ticket", today: date) -> int:
    """Return for how many days a ticket has been open, or was."""
    return max(((ticket.closed.date() if ticket.closed else today) - ticket.opened.date()) // timedelta(days=1), 0)


def _urgency(one: "Found", today: date) -> tuple[Any, ...]:
    app, _, ticket = one
    rank = 2 if ticket.closed else 0 if _is_overdue(ticket, today) else 1
    return rank, ticket.due or date.max, ticket.opened, app, ticket.change_id


def _row(one: "Found", today: date) -> tuple[str, ...]:
    _, way, ticket = one
    status = "overdue" if _is_overdue(ticket, today) else ticket.status.value
    due = f"due {ticket.due}" if ticket.due else ""
    age = _age(ticket, today)
    days = "1 day" if age == 1 else f"{age} days"
    return status, days, due, ticket.owner, way, ticket.change_id, ticket.address


async def _read(session: "Session", apps: tuple[str, ...]) -> "list[Found]":
    from reconciler.provider.contract import TicketProvider
    from reconciler.run.gathering import asked_now
    from reconciler.run.ways import open_ways

    found: list[Found] = []
    for name in apps:
        for way in open_ways(session, session.company.apps[name], read_only=True):
            provider = way.provider
            if isinstance(provider, TicketProvider):
                async with provider:
                    app = session.company.apps[name]
                    found += [(name, way.name, asked_now(session, app, one)) for one in await provider.tickets()]
    return found


def _data(one: "Found", today: date) -> dict[str, Any]:
    app, way, ticket = one
    return {
        "app": app,
        "way": way,
        "change_id": ticket.change_id,
        "key": ticket.key,
        "title": ticket.title,
        "status": ticket.status.value,
        "overdue": _is_overdue(ticket, today),
        "waits_for": ticket.owner,
        "address": ticket.address,
        "opened": ticket.opened.isoformat(),
        "age_days": _age(ticket, today),
        "due": ticket.due.isoformat() if ticket.due else None,
        "closed": ticket.closed.isoformat() if ticket.closed else None,
    }
