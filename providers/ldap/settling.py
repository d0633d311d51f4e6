"""How a write ends: done, refused, or looked up where its answer was lost or says that it is so already."""

from collections.abc import Awaitable, Callable
from typing import Final

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Outcome, Receipt

LOST: Final = "the answer was lost; it was done"
ALREADY: Final = "it was so already"


async def settle(
    change: Change, what: str, send: Callable[[], Awaitable[None]], is_true: Callable[[], Awaitable[bool]]
) -> Receipt:
    """Send a write, and say how it ended; what a directory refuses is looked up, since it refuses what is so already.

    Args:
        change: what it is for.
        what: it in words, for messages.
        send: does it.
        is_true: looks whether it is as the change wants it.
    """
    try:
        await send()
    except TransportError as error:
        words = f"{what}: {error.message}"
        refused = isinstance(error, AnswerError)
        if error.landed is False and not refused:
            return Receipt(change, Outcome.FAILED, words)
        if await _seen(is_true):
            return Receipt(change, Outcome.DONE, ALREADY if refused else LOST, change.account_id)
        return Receipt(change, Outcome.FAILED if refused else Outcome.UNKNOWN, words)
    return Receipt(change, Outcome.DONE, remote_id=change.account_id)


async def _seen(is_true: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_true()
    except TransportError:
        return False
