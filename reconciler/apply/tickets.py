"""Tickets whose operation is no longer wanted are closed, with the reason, before the opposite is asked for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.apply.edge import describe, guard
from reconciler.apply.route import Route
from reconciler.errors import ProviderError, ReconcilerError
from reconciler.plan.plan import TicketCancellation
from reconciler.plan.tickets import contrary_ids
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.contract import Ticket, TicketProvider, TicketStatus


@dataclass
class Cancelled:
    """What came of cancelling tickets of one app.

    Attributes:
        done: those that were open, and are no longer.
        left: those of which that is not known.
        problems: why, for people.
    """

    done: list[TicketCancellation] = field(default_factory=list)
    left: list[TicketCancellation] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def hold_back(self, changes: Iterable[Change], route: Route) -> Iterator[Receipt]:
        """Yield the receipts of what may not be asked for while a ticket that asks for the opposite may be open.

        What an app does itself is done all the same: nobody is kept in because a tracker is down.
        """
        left = {one.change_id: one.address for one in self.left}
        for change in changes if left else ():
            way = route.ways.get(change.way)
            address = next((left[one] for one in (change.id, *sorted(contrary_ids(change))) if one in left), "")
            if address and way and way.ticket:
                yield Receipt(
                    change, Outcome.NOT_ATTEMPTED, f"because the ticket {address} could not be cancelled first"
                )


async def cancel_tickets(route: Route, wanted: Sequence[TicketCancellation]) -> Cancelled:
    """Cancel tickets of one app; each way's tickets are listed once."""
    found = Cancelled()
    listed: dict[str, Mapping[str, Ticket]] = {}
    for cancellation in wanted:
        way = route.ways.get(cancellation.way)
        try:
            if await _cancel(way.ticket if way else None, route.app, cancellation, listed):
                found.done.append(cancellation)
        except ReconcilerError as error:
            found.left.append(cancellation)
            where = f"{route.app}: the ticket {cancellation.address}"
            found.problems.append(f"{where} could not be cancelled: {describe(error)}")
    return found


async def _cancel(
    provider: TicketProvider | None,
    app: str,
    cancellation: TicketCancellation,
    listed: dict[str, Mapping[str, Ticket]],
) -> bool:
    """Cancel one ticket if it is still open, and say whether it was."""
    if provider is None:
        raise ProviderError(f"{cancellation.way} was not opened, or has no tickets")
    if cancellation.way not in listed:
        tickets = await guard(provider.tickets, f"{app}: reading tickets")
        listed[cancellation.way] = {ticket.key: ticket for ticket in tickets}
    ticket = listed[cancellation.way].get(cancellation.key)
    if ticket is None or ticket.status is not TicketStatus.OPEN:
        return False
    found: Ticket = ticket
    await guard(lambda: provider.cancel(found, cancellation.reason), f"{app}: cancelling {cancellation.key}")
    return True
