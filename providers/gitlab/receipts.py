"""How a change ended: done, refused, or looked up where its answer was lost."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import Answer, shorten
from reconciler.provider.change import Change, Outcome, Receipt

NOT_FOUND, CONFLICT, INVALID = 404, 409, 400
ALREADY: Final = "it is so already"
LOST: Final = "the answer was lost; it was done"
_WAITING: Final = "waits for an administrator of GitLab"


def done(change: Change, words: str = "", remote_id: str = "") -> Receipt:
    """Return the receipt of what is as it should be."""
    return Receipt(change, Outcome.DONE, words, remote_id or change.account_id)


def failed(change: Change, words: str) -> Receipt:
    """Return the receipt of what was not done."""
    return Receipt(change, Outcome.FAILED, words)


def settle(change: Change, answer: Answer, words: str = "", *, gone: bool = False) -> Receipt:
    """Return DONE for a success; with `gone`, also for what was not there.

    Raises:
        AnswerError: GitLab refused, in its own words.
    """
    if gone and answer.status == NOT_FOUND:
        return done(change, words or "it is gone already")
    answer.raise_for_refusal(f"{change.operation} {change.item}")
    if waiting := _queued(answer):
        return failed(change, f"{_WAITING}: {waiting}")
    return done(change, words)


async def look_after(
    change: Change, send: Callable[[], Awaitable[Receipt]], is_true: Callable[[], Awaitable[bool]]
) -> Receipt:
    """Send a write, and look where its answer was lost.

    Args:
        change: what it is for.
        send: does it.
        is_true: looks whether it is as the change wants it.

    Raises:
        AnswerError: GitLab refused, in its own words.
    """
    try:
        return await send()
    except AnswerError:
        raise
    except TransportError as error:
        if error.landed is False:
            return failed(change, error.message)
        try:
            seen = await is_true()
        except TransportError:
            seen = False
        return done(change, LOST) if seen else Receipt(change, Outcome.UNKNOWN, error.message)


def _queued(answer: Answer) -> str:
    """Return what waits for approval: such an answer is a success without a membership in it.

    Source: https://docs.gitlab.com/api/group_members/#add-a-member-to-a-group
    """
    if not answer.content.strip():
        return ""
    document = answer.json()
    if not isinstance(document, Mapping):
        return ""
    told: Any = document.get("queued_users") or document.get("message")
    if not isinstance(told, Mapping) or "access_level" in document:
        return ""
    return shorten(answer.redactor.clean("; ".join(str(words) for words in told.values())))
