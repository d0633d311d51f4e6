"""What is to be told about open tickets: at half time, on the last day, and when whoever was asked has left. Pure."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from reconciler.provider.contract import Note, Ticket, TicketStatus

HALF: Final = "half-time"
DUE: Final = "due"


@dataclass(frozen=True, slots=True)
class Telling:
    """When it is, in which zone days begin, and what people are called.

    Attributes:
        name: an identity's id → its name with the id, for people to read.
    """

    moment: datetime
    zone: tzinfo
    name: Callable[[str], str]


def due_notes(ticket: Ticket, waits_for: str, telling: Telling) -> Iterator[Note]:
    """Yield what should have been told about a ticket by now; whoever tells it sees to it that it is told once.

    Args:
        ticket: as it was opened: its owner is who was asked first.
        waits_for: the id of whom it waits for by now.
        telling: when this is asked.
    """
    if ticket.status is not TicketStatus.OPEN:
        return
    if waits_for and ticket.owner != waits_for:
        yield _handover(ticket, waits_for, telling)
    if ticket.due is None:
        return
    opened = ticket.opened.astimezone(telling.zone)
    today = telling.moment.astimezone(telling.zone).date()
    end = datetime.combine(ticket.due + timedelta(days=1), time(), telling.zone)
    # What was asked for today, for today, is told of on the next day and not at once.
    if today > ticket.due or (today == ticket.due and opened.date() < ticket.due):
        when = f"was due on {ticket.due}" if today > ticket.due else f"is due today ({ticket.due})"
        yield Note(DUE, f"This {when}, and it is not done yet. {_ask(waits_for or ticket.owner, telling)}")
    elif opened.date() < ticket.due and telling.moment >= opened + (end - opened) / 2:
        text = f"Half of the time for this is over: it is due on {ticket.due}. "
        yield Note(HALF, text + _ask(waits_for or ticket.owner, telling))


def _handover(ticket: Ticket, waits_for: str, telling: Telling) -> Note:
    """Return a note of which there is one for each person to whom a ticket is handed over."""
    mark = f"now-{hashlib.sha256(waits_for.encode()).hexdigest()[:12]}"
    gone = f"{telling.name(ticket.owner)} is not here any more" if ticket.owner else "nobody was asked before"
    return Note(mark, f"This waits for {telling.name(waits_for)} now: {gone}.", waits_for)


def _ask(person: str, telling: Telling) -> str:
    whom = f"{telling.name(person)}: please" if person else "Please"
    return f"{whom} do it and close it, or close it as rejected and say why."
