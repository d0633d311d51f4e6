"""Open tickets are told of once more where it is time: at half time, on the last day, when who was asked has left.

Each thing is told once: what was told is kept in the state, and looked for below the ticket before it is told, so that
a run that was killed in between tells nothing twice. An app that cannot be asked keeps nobody from hearing of others.
"""

import getpass
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from reconciler.apply.edge import describe, guard
from reconciler.errors import ReconcilerError
from reconciler.model.apps import App
from reconciler.plan.notes import Telling, due_notes
from reconciler.provider.contract import Note, NotingProvider, Ticket, TicketStatus
from reconciler.resolve.asked import waits_for
from reconciler.run.holding import keep_gone
from reconciler.run.session import Session
from reconciler.run.ways import open_ways
from reconciler.state.open import open_state
from reconciler.state.told import keep_told, read_told

_COMMAND = "tickets --remind"


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something that was told now."""

    app: str
    ticket: Ticket
    note: Note


@dataclass
class Reminders:
    """What is to be told, and what came of it.

    Attributes:
        telling: when this is.
        known: `KEY/mark` of what was told before.
        told: what was told now.
        problems: what could not be told, and why, for people.
        done: `KEY/mark` → when, of what was told by now or was found below its ticket.
        over: `KEY/mark` of tickets that are open no more.
    """

    telling: Telling
    known: Collection[str] = frozenset()
    told: list[Reminder] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    done: dict[str, datetime] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    async def tell_of(self, provider: NotingProvider, app: str, tickets: Sequence[tuple[Ticket, str]]) -> None:
        """Tell what is due about one app's tickets.

        Args:
            provider: of the tickets, opened for writing.
            app: its name.
            tickets: the app's, closed ones too, each with the id of whom it waits for by now.
        """
        closed = {ticket.key for ticket, _ in tickets if ticket.status is not TicketStatus.OPEN}
        self.over |= {name for name in self.known if name.partition("/")[0] in closed}
        for ticket, person in _one_of_each(tickets):
            for note in due_notes(ticket, person, self.telling):
                if f"{ticket.key}/{note.mark}" not in self.known:
                    await self._tell(provider, Reminder(app, ticket, note))

    async def _tell(self, provider: NotingProvider, one: Reminder) -> None:
        what = f"{one.app}: {one.ticket.address or one.ticket.key}"
        try:
            if await guard(lambda: provider.note(one.ticket, one.note), what):
                self.told.append(one)
            self.done[f"{one.ticket.key}/{one.note.mark}"] = self.telling.moment
        except ReconcilerError as error:
            self.problems.append(f"{what}: not told: {describe(error)}")


def _one_of_each(tickets: Sequence[tuple[Ticket, str]]) -> Sequence[tuple[Ticket, str]]:
    """Return one operation of each open ticket that asks for several: whoever does it is told once."""
    found: dict[tuple[str, ...], tuple[Ticket, str]] = {}
    for ticket, person in sorted(tickets, key=lambda pair: pair[0].key):
        if ticket.status is TicketStatus.OPEN:
            found.setdefault((ticket.address,) if ticket.together else (ticket.address, ticket.key), (ticket, person))
    return [pair for pair in tickets if pair in found.values()]


async def remind(session: Session, apps: Sequence[str] = (), *, wait: float = 0.0) -> Reminders:
    """Tell what is due about the open tickets of apps, and remember it.

    Args:
        session: the company, now.
        apps: their names; none means all.
        wait: seconds to wait for an apply to end.

    Raises:
        LockError: an apply is at work.
        StateError: the state cannot be read or written.
    """
    with open_state(session.settings) as state:
        state.lock(getpass.getuser(), _COMMAND, session.moment, wait)
        found = Reminders(_telling(session), frozenset(read_told(state)))
        try:
            session = keep_gone(session, state)
            for app in apps or sorted(session.company.apps):
                await _remind_app(session, session.company.apps[app], found)
        finally:
            keep_told(state, found.done, found.over)
            state.unlock()
    return found


def _telling(session: Session) -> Telling:
    people = session.company.people

    def name(person: str) -> str:
        return f"{people[person].name} ({person})" if person in people else person

    return Telling(session.moment, ZoneInfo(session.settings.timezone), name)


async def _remind_app(session: Session, app: App, found: Reminders) -> None:
    """Tell what is due in one app; what goes wrong with it is told of it alone."""
    try:
        for way in open_ways(session, app, read_only=False):
            provider = way.provider
            if isinstance(provider, NotingProvider):
                async with provider:
                    tickets = await guard(provider.tickets, f"{app.name}: reading tickets")
                    waiting = [(ticket, waits_for(session.resolved, app, ticket.owner)) for ticket in tickets]
                    await found.tell_of(provider, app.name, waiting)
    except ReconcilerError as error:
        found.problems.append(f"{app.name}: {describe(error)}")
