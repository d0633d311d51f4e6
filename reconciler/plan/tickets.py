"""Open tickets are pending, not changes; a ticket that somebody closed is a claim until a newer read shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.plan.inputs import AppInputs
from reconciler.plan.live import Live
from reconciler.plan.plan import Fact, TicketCancellation
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_UNSEEN = "waiting for a newer read"


@dataclass
class Tickets:
    """The newest ticket of each operation of one app."""

    live: Live
    by_change: dict[str, tuple[str, Ticket]] = field(default_factory=dict)

    def open(self, change_id: str) -> Ticket | None:
        """Return the open ticket of an operation."""
        _, ticket = self.by_change.get(change_id, ("", None))
        return ticket if ticket and ticket.status is TicketStatus.OPEN else None

    def judge(self, change: Change) -> tuple[Fact, str] | None:
        """Say what the ticket of a wanted change means, None if the change is to be done."""
        _, ticket = self.by_change.get(change.id, ("", None))
        match ticket.status if ticket else None:
            case TicketStatus.OPEN:
                return Fact.PENDING, f"{change.operation}: ticket open: {_address(ticket)}"
            case TicketStatus.CLAIMED if doubt := self._doubt(change, ticket):
                return Fact.PENDING, f"{change.operation}: claimed done, {doubt}: {_address(ticket)}"
            case TicketStatus.REJECTED:
                return Fact.BLOCKED, f"{change.operation}: the ticket was rejected: {_address(ticket)}"
            case _:
                return None

    def _doubt(self, change: Change, ticket: Ticket | None) -> str:
        """Say why what was read proves nothing about a ticket that was closed; empty if it does."""
        way = self.live.way(_collection(change))
        if way is None or way.snapshot is None:
            return _UNSEEN
        if way.snapshot.undated:
            return f"and nobody says when what {way.name} reads was true"
        read, closed = way.snapshot.as_of, ticket.closed if ticket else None
        return _UNSEEN if read is not None and closed is not None and read < closed else ""

    def unwanted(self, considered: set[str], unknown: set[str]) -> Iterator[TicketCancellation]:
        """Yield a cancellation for each open ticket that no change wants any more.

        Args:
            considered: ids of the changes that are wanted.
            unknown: ids about which nothing can be said (unread, blocked, out of scope): those tickets stay.
        """
        for change_id, (way, ticket) in sorted(self.by_change.items()):
            if ticket.status is TicketStatus.OPEN and change_id not in considered and change_id not in unknown:
                yield TicketCancellation(way, change_id, ticket.key, ticket.address, "no longer wanted")


def sort_tickets(inputs: AppInputs, live: Live) -> Tickets:
    """Keep the newest ticket of each operation."""
    found: dict[str, tuple[str, Ticket]] = {}
    for way, ticket in sorted(inputs.tickets, key=_age):
        found[ticket.change_id] = (way, ticket)
    return Tickets(live, found)


def _age(pair: tuple[str, Ticket]) -> tuple[datetime, str]:
    return pair[1].opened, pair[1].key


def _address(ticket: Ticket | None) -> str:
    return ticket.address or ticket.key if ticket else ""


def _collection(change: Change) -> str:
    if change.kind == "accounts":
        return ACCOUNTS
    return grants_of(change.kind) if change.holder else entitlements_of(change.kind)


def named_items(change_id: str, app: str) -> Sequence[tuple[str, str]]:
    """Return every (holder, entitlement) that the id of a change may mean; names may hold slashes.

    An account's operation has no entitlement, an entitlement's no holder.
    """
    operation, _, rest = change_id.removeprefix(f"{app}/").partition("/")
    if operation in _OF_ACCOUNTS:
        return [(rest, "")]
    if operation in _OF_ENTITLEMENTS:
        return [("", rest)]
    parts = rest.split("/")
    splits = [("/".join(parts[:n]), "/".join(parts[n:])) for n in range(1, len(parts))]
    return [(holder, entitlement) for holder, entitlement in splits if ":" in entitlement]


def _slugs(*operations: Operation) -> frozenset[str]:
    return frozenset(operation.replace(" ", "-") for operation in operations)


_OF_ENTITLEMENTS = _slugs(Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.UPDATE_ENTITLEMENT)
_OF_ACCOUNTS = _slugs(*Operation) - _OF_ENTITLEMENTS - _slugs(Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE)
