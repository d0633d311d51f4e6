"""What an interrupted apply left behind: intents without an outcome are looked up in the app, before anything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.apply.edge import describe, guard
from reconciler.apply.judge import Judgement
from reconciler.apply.route import OpenedWay, Route
from reconciler.apply.verify import ReadBack, read_back
from reconciler.errors import ReconcilerError
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Ticket, TicketStatus
from reconciler.state.contract import AppliedAccount, JournalEntry

_INTERRUPTED: Final = "the run was interrupted"
_ONCE: Final = frozenset({Operation.CREATE_ACCOUNT, Operation.CREATE_ENTITLEMENT, *TRACELESS})
"""Doing these twice is not the same as once: where nobody can tell whether they were done, somebody must know."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the intents that an earlier run left open in one app.

    Attributes:
        receipts: (entry's number, receipt) each.
        read: what the app showed.
        doubts: (change's id, words) of what nobody can tell, and what doing twice is not the same as doing once.
        problems: what could not be read.
    """

    receipts: tuple[tuple[int, Receipt], ...] = ()
    read: ReadBack = field(default_factory=ReadBack)
    doubts: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


def recall(entries: Sequence[JournalEntry], accounts: Mapping[str, AppliedAccount]) -> list[JournalEntry]:
    """Return intents with what is known now of whose account they are about.

    An intent for an account that the same run was to make was recorded before there was one: without this, nobody could
    tell any more whose grant it was.

    Args:
        entries: what was left open.
        accounts: holder → the account as the state has it, as far as it has one.
    """
    return [replace(entry, change=_recalled(entry.change, accounts)) for entry in entries]


def _recalled(change: Change | None, accounts: Mapping[str, AppliedAccount]) -> Change | None:
    account = accounts.get(change.holder) if change and not (change.account_id or change.username) else None
    if change is None or account is None:
        return change
    return replace(change, account_id=account.remote_id, username=account.username)


async def look_up(route: Route, entries: Sequence[JournalEntry]) -> Recovered:
    """Find out what became of intents whose outcome was never recorded.

    Seen means VERIFIED. Certainly not there means FAILED: it never landed, and a plan will have it again. What nobody
    can tell stays UNKNOWN.
    """
    changes = {entry.number: entry.change for entry in entries if entry.change}
    visible = [Receipt(change, Outcome.UNKNOWN) for change in changes.values() if not _ticket_way(route, change)]
    read = await read_back(route, visible)
    tickets, problem = await _tickets(route, list(changes.values()))
    receipts = {
        number: _conclude_ticket(change, tickets, problem)
        if _ticket_way(route, change)
        else _conclude(change, read.judgements)
        for number, change in changes.items()
    }
    doubts = [(receipt.change.id, _doubt(receipt)) for receipt in receipts.values() if _must_be_told(receipt)]
    problems = tuple(filter(None, (read.problem, problem)))
    return Recovered(tuple(receipts.items()), read, tuple(doubts), problems)


def _conclude(change: Change, judgements: Mapping[str, Judgement]) -> Receipt:
    judgement = judgements.get(change.id)
    if judgement is None:
        return Receipt(change, Outcome.UNKNOWN, f"{_INTERRUPTED}; no reading shows whether it was done")
    if judgement.seen is None:
        return Receipt(change, Outcome.UNKNOWN, f"{_INTERRUPTED}; {judgement.words}")
    if judgement.seen:
        return Receipt(change, Outcome.VERIFIED, f"{_INTERRUPTED}; a later one saw it done", judgement.remote_id)
    return Receipt(change, Outcome.FAILED, f"{_INTERRUPTED} before it was done: the app shows {judgement.words}")


def _conclude_ticket(change: Change, tickets: Mapping[str, Ticket], problem: str) -> Receipt:
    """A ticket that was opened is found again by its key, so that opening it again opens no second one."""
    ticket = tickets.get(change.id)
    if ticket and ticket.status is TicketStatus.OPEN:
        return Receipt(change, Outcome.TICKET, ticket.address)
    if problem:
        return Receipt(change, Outcome.UNKNOWN, f"{_INTERRUPTED}; {problem}")
    return Receipt(change, Outcome.NOT_ATTEMPTED, f"{_INTERRUPTED}, and no ticket is open")


async def _tickets(route: Route, changes: Sequence[Change]) -> tuple[dict[str, Ticket], str]:
    """Read the tickets of those ways that were to open some."""
    found: dict[str, Ticket] = {}
    for way in {change.way: _ticket_way(route, change) for change in changes}.values():
        if way is None or way.ticket is None:
            continue
        try:
            listed = await guard(way.ticket.tickets, f"{route.app}: reading tickets")
        except ReconcilerError as error:
            return found, f"{route.app}: the tickets could not be read: {describe(error)}"
        found.update((ticket.change_id, ticket) for ticket in listed)
    return found, ""


def _ticket_way(route: Route, change: Change) -> OpenedWay | None:
    way = route.ways.get(change.way)
    return way if way and way.ticket else None


def _must_be_told(receipt: Receipt) -> bool:
    return receipt.outcome is Outcome.UNKNOWN and receipt.change.operation in _ONCE


def _doubt(receipt: Receipt) -> str:
    change = receipt.change
    return f"{change.app}: {change.operation} {change.item} may or may not have been done: {receipt.detail}"
