"""What every tracker does with a note, whatever it is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from providers.ticket.provider import TicketProvider
from reconciler.provider.contract import Note

HALF = Note("half-time", "Half of the time is over, *really*: Lee Wong (lee): please do it.")
MOVED = Note("now-0123456789ab", "This waits for Ana Ruiz (ana) now: Lee Wong (lee) is not here any more.", "ana")

Ask = Callable[[Callable[[TicketProvider], Awaitable[Any]]], Any]


def tell(ask: Ask, note: Note = HALF) -> bool:
    """Tell something about the one ticket, in a run of its own, and return whether it was told."""

    async def talk(provider: TicketProvider) -> bool:
        (ticket,) = await provider.tickets()
        return await provider.note(ticket, note)

    return bool(ask(talk))


def tell_twice(ask: Ask) -> list[bool]:
    """Tell one thing in two runs, and another one in two more: each is told once."""
    return [tell(ask), tell(ask), tell(ask, MOVED), tell(ask, MOVED)]


ONCE = [True, False, True, False]
