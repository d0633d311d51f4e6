"""Tickets that ask for several operations of one holder: closed as a whole, and nothing in them is forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.items import kind_of
from reconciler.plan.draft import Draft
from reconciler.plan.plan import TicketCancellation
from reconciler.plan.tickets import named_items
from reconciler.provider.change import Operation, Why
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.provider.snapshot import AccountStatus, LiveAccount

_OTHERWISE: Final = "something else is wanted by now"
_SLUGS: Final[Mapping[str, Operation]] = {operation.replace(" ", "-"): operation for operation in Operation}


def settle_tickets(draft: Draft, undecided: set[str]) -> tuple[TicketCancellation, ...]:
    """Say which open tickets are to be closed, and propose anew what else those ask for.

    A ticket of several operations stays as long as what is no longer wanted of it has been done: whoever has done a
    part of it goes on with the rest.

    Args:
        draft: with everything that is wanted; gets the changes that are asked for again.
        undecided: ids of operations about which nothing can be said now.
    """
    unwanted = list(draft.tickets.unwanted(draft.considered, undecided, draft.contrary))
    open_ones = {(way, ticket.address): ticket for way, ticket in _open_tickets(draft) if ticket.together}
    single = [one for one in unwanted if (one.way, one.address) not in open_ones]
    by_place: dict[tuple[str, str], list[TicketCancellation]] = {}
    for one in (*unwanted, *_asked_otherwise(draft)):
        by_place.setdefault((one.way, one.address), []).append(one)
    several: list[TicketCancellation] = []
    for place in sorted(by_place.keys() & open_ones.keys()):
        ticket, dropped = open_ones[place], by_place[place]
        gone = {one.change_id for one in dropped}
        kept = [id_ for id_ in ticket.together if id_ not in gone and _is_in(draft, id_, ticket)]
        if not (kept and all(_is_done(draft, one) for one in dropped)):
            several += _close(dropped, kept)
            _ask_again(draft, kept, ticket)
    return tuple(sorted((*single, *several), key=lambda one: (one.change_id, one.key)))


def _open_tickets(draft: Draft) -> Sequence[tuple[str, Ticket]]:
    every = (*draft.tickets.by_change.values(), *draft.tickets.spare)
    return [(way, ticket) for way, ticket in every if ticket.status is TicketStatus.OPEN]


def _is_in(draft: Draft, change_id: str, ticket: Ticket) -> bool:
    """Say whether a ticket is the one that counts for one of the operations it asks for."""
    known = draft.tickets.open(change_id)
    return known is not None and known.address == ticket.address


def _asked_otherwise(draft: Draft) -> list[TicketCancellation]:
    """Return the tickets of several operations of which one is planned with another value."""
    found = []
    for change in draft.changes:
        way, ticket = draft.tickets.by_change.get(change.id, ("", None))
        if ticket and ticket.together and ticket.status is TicketStatus.OPEN:
            found.append(TicketCancellation(way, change.id, ticket.key, ticket.address, _OTHERWISE))
    return found


def _close(dropped: Sequence[TicketCancellation], kept: Sequence[str]) -> list[TicketCancellation]:
    """Say to whoever does a ticket which part of it is meant, and what becomes of the rest."""
    rest = "; what else it asks for is asked for again" if kept else ""
    return [replace(one, reason=f"{one.reason}: {_name(one)}{rest}") for one in dropped]


def _name(one: TicketCancellation) -> str:
    slug, _, rest = one.change_id.partition("/")[2].partition("/")
    return f"{slug.replace('-', ' ')} {rest}"


def _ask_again(draft: Draft, kept: Sequence[str], ticket: Ticket) -> None:
    note = Why(f"asked again: something else in its ticket is no longer wanted: {ticket.address or ticket.key}")
    for change_id in kept:
        change, finding = draft.asked.get(change_id, (None, None))
        if change and finding:
            draft.changes.append(replace(change, why=(*change.why, note)))
            draft.findings.remove(finding)


def _is_done(draft: Draft, one: TicketCancellation) -> bool:
    """Say whether what a ticket asks for, and nobody wants to be done any more, was seen to have been done."""
    _, ticket = draft.tickets.by_change.get(one.change_id, ("", None))
    wanted_anew = one.change_id in draft.contrary or one.change_id in draft.considered
    if wanted_anew or ticket is None or ticket.key != one.key:
        return False
    operation = _SLUGS.get(one.change_id.partition("/")[2].partition("/")[0])
    names = named_items(one.change_id, draft.sides.inputs.app)
    wanted = ticket.wanted or {}
    if operation in {Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE}:
        held = [_level_held(draft, holder, key) for holder, key in names]
        if operation is Operation.REVOKE:
            return not any(held)
        return any(levels and (wanted.get("level") or None) in levels for levels in held)
    account = next((draft.sides.account_of(holder) for holder, _ in names), None)
    return _is_as_asked(operation, account)


def _level_held(draft: Draft, holder: str, key: str) -> tuple[str | None, ...]:
    """Return what the level of a live grant may be called; empty where there is no such grant."""
    sides = draft.sides
    number = sides.granted.get(sides.names.grant(holder, key))
    if number is None:
        return ()
    if number:
        return (sides.names.levels[number],)
    return (None, *sides.levels.get(kind_of(key), ())[:1])


def _is_as_asked(operation: Operation | None, account: LiveAccount | None) -> bool:
    match operation:
        case Operation.CREATE_ACCOUNT | Operation.REACTIVATE_ACCOUNT:
            return account is not None and account.status is AccountStatus.ACTIVE
        case Operation.SUSPEND_ACCOUNT:
            return account is None or account.status is AccountStatus.SUSPENDED
        case Operation.DELETE_ACCOUNT:
            return account is None
        case _:
            return False
