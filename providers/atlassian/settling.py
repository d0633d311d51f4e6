"""How a write ends: done, refused, or looked up where its answer was lost or says that it is so already."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Outcome, Receipt

LOST: Final = "the answer was lost; it was done"
ALREADY: Final = "it was so already"
GONE: Final = 404
_MAYBE_SO = frozenset({400, GONE, 409})
"""Statuses with which Atlassian answers what is so already: a member that is one, an actor that is gone."""


async def settle(
    change: Change,
    what: str,
    send: Callable[[], Awaitable[Any]],
    is_true: Callable[[], Awaitable[bool]],
    explain: Callable[[], Awaitable[str]] | None = None,
) -> Receipt:
    """Send a write, and say how it ended.

    Args:
        change: what it is for.
        what: it in words, for messages.
        send: does it.
        is_true: looks whether it is as the change wants it.
        explain: says why it may have been refused, or nothing.
    """
    try:
        await send()
    except AnswerError as error:
        if error.status in _MAYBE_SO and await _seen(is_true):
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)
        why = await _explained(explain) if explain else ""
        return Receipt(change, Outcome.FAILED, "; ".join(filter(None, (f"{what}: {error.message}", why))))
    except TransportError as error:
        if error.landed is False:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if await _seen(is_true):
            return Receipt(change, Outcome.DONE, LOST, change.account_id)
        return Receipt(change, Outcome.UNKNOWN, f"{what}: {error.message}")
    return Receipt(change, Outcome.DONE, remote_id=change.account_id)


async def _seen(is_true: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_true()
    except TransportError:
        return False


async def _explained(explain: Callable[[], Awaitable[str]]) -> str:
    try:
        return await explain()
    except TransportError:
        return ""
