"""Tickets whose operation is no longer wanted are closed, with the reason."""

from collections.abc import Sequence

from reconciler.apply.edge import describe, guard
from reconciler.apply.route import Route
from reconciler.errors import ProviderError, ReconcilerError
from reconciler.plan.plan import TicketCancellation
from reconciler.provider.contract import Ticket, TicketProvider, TicketStatus


async def cancel_tickets(
    route: Route, wanted: Sequence[TicketCancellation]
) -> tuple[list[TicketCancellation], list[str]]:
    """Cancel tickets of one app; return those that were cancelled, and what went wrong with the others."""
    problems: list[str] = []
    done: list[TicketCancellation] = []
    for cancellation in wanted:
        way = route.ways.get(cancellation.way)
        try:
            if await _cancel(way.ticket if way else None, route.app, cancellation):
                done.append(cancellation)
        except ReconcilerError as error:
            problems.append(f"{route.app}: the ticket {cancellation.address} could not be cancelled: {describe(error)}")
    return done, problems


async def _cancel(provider: TicketProvider | None, app: str, cancellation: TicketCancellation) -> bool:
    """Cancel one ticket if it is still open, and say whether it was."""
    if provider is None:
        raise ProviderError(f"{cancellation.way} was not opened, or has no tickets")
    listed = await guard(provider.tickets, f"{app}: reading tickets")
    ticket = next((ticket for ticket in listed if ticket.key == cancellation.key), None)
    if ticket is None or ticket.status is not TicketStatus.OPEN:
        return False
    found: Ticket = ticket
    await guard(lambda: provider.cancel(found, cancellation.reason), f"{app}: cancelling {cancellation.key}")
    return True
