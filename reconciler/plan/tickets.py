"""Open tickets are pending, not changes; a ticket that somebody closed is a claim until a newer read shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.items import AccountItem, GrantItem, Value
from reconciler.plan.inputs import TICKET, AppInputs
from reconciler.plan.live import Live
from reconciler.plan.plan import Fact, TicketCancellation
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.provider.snapshot import ACCOUNTS, entitlements_of, grants_of

_UNSEEN = "waiting for a newer read"
_FAMILIES = (
    frozenset({Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE}),
    frozenset(
        {
            Operation.CREATE_ACCOUNT,
            Operation.REACTIVATE_ACCOUNT,
            Operation.SUSPEND_ACCOUNT,
            Operation.DELETE_ACCOUNT,
        }
    ),
)
"""Operations of which at most one may be asked for at a time: two people would undo each other's work."""


def contrary_ids(change: Change) -> frozenset[str]:
    """Return the ids of the operations that may not be asked for beside a change."""
    family = next((family for family in _FAMILIES if change.operation in family), frozenset())
    rest = change.id.removeprefix(f"{change.app}/").partition("/")[2]
    return frozenset(f"{change.app}/{slug}/{rest}" for slug in _slugs(*family - {change.operation}))


@dataclass
class Tickets:
    """The tickets of one app.

    Attributes:
        by_change: operation's id → (way, its ticket): the newest that is open or claimed done, else the newest.
        spare: further open tickets of the same operation, which somebody opened again.
    """

    live: Live
    moment: datetime
    by_change: dict[str, tuple[str, Ticket]] = field(default_factory=dict)
    spare: list[tuple[str, Ticket]] = field(default_factory=list)

    def open(self, change_id: str) -> Ticket | None:
        """Return the open ticket of an operation."""
        _, ticket = self.by_change.get(change_id, ("", None))
        return ticket if ticket and ticket.status is TicketStatus.OPEN else None

    def judge(self, change: Change) -> tuple[Fact, str] | None:
        """Say what the ticket of a wanted change means, None if the change is to be done."""
        _, ticket = self.by_change.get(change.id, ("", None))
        if ticket is None:
            return None
        match ticket.status:
            case TicketStatus.OPEN if not _asks_otherwise(ticket, change):
                return Fact.PENDING, f"{change.operation}: {self.tell_open(ticket)}"
            case TicketStatus.CLAIMED if doubt := self._doubt(_collection(change), ticket):
                return Fact.PENDING, f"{change.operation}: claimed done, {doubt}: {_address(ticket)}"
            case TicketStatus.REJECTED if ticket.together:
                return None  # which of its parts was meant, nobody knows: each is asked for on its own
            case TicketStatus.REJECTED if not _asks_otherwise(ticket, change):
                return Fact.BLOCKED, f"{change.operation}: the ticket was rejected: {_address(ticket)}"
            case _:
                return None

    def tell_open(self, ticket: Ticket) -> str:
        """Return where an open ticket is, whom it waits for and until when."""
        whom = f", waits for {ticket.owner}" if ticket.owner else ""
        until = f", due {ticket.due}" if ticket.due else ""
        late = " (overdue)" if ticket.due and ticket.due < self.moment.date() else ""
        return f"ticket open: {_address(ticket)}{whom}{until}{late}"

    def history(self, change: Change) -> str:
        """Say what an earlier ticket has to do with a change that is asked for (again); empty for nothing."""
        _, ticket = self.by_change.get(change.id, ("", None))
        match ticket.status if ticket else None:
            case TicketStatus.CLAIMED if ticket and ticket.closed:
                day = f"{ticket.closed:%Y-%m-%d}"
                return f"asked again: closed as done on {day}, and a newer read shows otherwise: {_address(ticket)}"
            case TicketStatus.REJECTED if ticket and ticket.together:
                return f"asked for on its own: a ticket for several changes was rejected: {_address(ticket)}"
            case TicketStatus.OPEN | TicketStatus.REJECTED:
                return f"instead of a ticket that asks for something else: {_address(ticket)}"
            case _:
                return ""

    def was_handled(self, operation: Operation, rest: str, app: str) -> bool:
        """Say whether people were asked to give or take an item, and it was not refused or taken back.

        Args:
            operation: one of those that give or take it.
            rest: the item as ids of changes end: the holder, or holder/entitlement.
            app: its name.
        """
        family = next((family for family in _FAMILIES if operation in family), frozenset())
        found = (self.by_change.get(f"{app}/{slug}/{rest}") for slug in _slugs(*family))
        return any(pair and pair[1].status in {TicketStatus.OPEN, TicketStatus.CLAIMED} for pair in found)

    def _doubt(self, collection: str, ticket: Ticket) -> str:
        """Say why what was read proves nothing about a ticket that was closed; empty if it does."""
        way = self.live.way(collection)
        if way is None or way.snapshot is None:
            return _UNSEEN
        if way.name == TICKET:
            return ""  # what people attest is never older than itself
        if way.snapshot.undated:
            return f"and nobody says when what {way.name} reads was true: say it with `exported_at`"
        read = way.snapshot.as_of or self.moment  # an app's own answer is as old as the run
        return _UNSEEN if ticket.closed is not None and read < ticket.closed else ""

    def unseen(self, app: str, considered: set[str]) -> Iterator[tuple[AccountItem | GrantItem, Ticket]]:
        """Yield the items of which somebody claims something that no read is new enough to show, with the last claim.

        What the older read shows of them is not to be built on: it is neither adopted nor forgotten.
        """
        last: dict[AccountItem | GrantItem, Ticket] = {}
        for change_id, (_, ticket) in sorted(self.by_change.items()):
            if ticket.status is TicketStatus.CLAIMED and change_id not in considered:
                for item, collection in _items(change_id, app):
                    if self._doubt(collection, ticket) and (item not in last or _closed(last[item]) < _closed(ticket)):
                        last[item] = ticket
        yield from last.items()

    def unwanted(
        self, considered: set[str], undecided: set[str], contrary: Mapping[str, Change]
    ) -> Iterator[TicketCancellation]:
        """Yield a cancellation for each open ticket that no change wants any more.

        Args:
            considered: ids of the changes that are wanted.
            undecided: ids about which nothing can be said (unread, blocked, out of scope): those tickets stay.
            contrary: id of an operation → the planned change beside which it may not be asked for.
        """
        for change_id, (way, ticket) in sorted(self.by_change.items()):
            if ticket.status is not TicketStatus.OPEN or change_id in considered:
                continue
            if change_id in contrary:
                reason = f"no longer wanted: now to {contrary[change_id].operation}"
                yield TicketCancellation(way, change_id, ticket.key, ticket.address, reason)
            elif change_id not in undecided:
                yield TicketCancellation(way, change_id, ticket.key, ticket.address, "no longer wanted")
        for way, ticket in self.spare:
            reason = f"there is a newer ticket: {_address(self.by_change[ticket.change_id][1])}"
            yield TicketCancellation(way, ticket.change_id, ticket.key, ticket.address, reason)


def sort_tickets(inputs: AppInputs, live: Live) -> Tickets:
    """Keep one ticket of each operation: the newest that is open or claimed done, else the newest."""
    tickets = Tickets(live, inputs.moment)
    for way, ticket in sorted(inputs.tickets, key=_rank):
        known = tickets.by_change.get(ticket.change_id)
        if known and known[1].status is TicketStatus.OPEN:
            tickets.spare.append(known)
        tickets.by_change[ticket.change_id] = (way, ticket)
    return tickets


def _rank(pair: tuple[str, Ticket]) -> tuple[bool, datetime, str]:
    return pair[1].status in {TicketStatus.OPEN, TicketStatus.CLAIMED}, pair[1].opened, pair[1].key


def _closed(ticket: Ticket) -> datetime:
    return ticket.closed or ticket.opened


def _asks_otherwise(ticket: Ticket, change: Change) -> bool:
    """Say whether a ticket asks for the same operation with other values: another level, another name."""
    if ticket.wanted is None or change.operation is Operation.RENAME_ENTITLEMENT:
        return False
    return _plain(ticket.wanted) != _plain(change.after)


def _plain(values: Mapping[str, Value]) -> dict[str, str | tuple[str, ...]]:
    """Return values as every tracker can keep them."""
    return {
        name: tuple(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
        if value not in (None, "", ())
    }


def _items(change_id: str, app: str) -> Iterator[tuple[AccountItem | GrantItem, str]]:
    """Yield what the id of an account's or a grant's change may mean, with the collection that shows it."""
    for holder, key in named_items(change_id, app):
        if holder:
            yield (GrantItem(holder, key), grants_of(key.partition(":")[0])) if key else (AccountItem(holder), ACCOUNTS)


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
