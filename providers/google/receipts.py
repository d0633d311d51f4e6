"""How a change ends: the receipts that every operation answers with."""

from collections.abc import Awaitable, Callable

from providers.google.client import refusal
from reconciler.errors import TransportError
from reconciler.provider.answer import Answer
from reconciler.provider.change import Change, Outcome, Receipt

Lookup = Callable[[], Awaitable[bool]]


def done(change: Change, detail: str = "", *, remote_id: str = "") -> Receipt:
    """Return the receipt of something that is as it should be."""
    return Receipt(change, Outcome.DONE, detail, remote_id)


def failed(change: Change, detail: str) -> Receipt:
    """Return the receipt of something that Google, or good sense, refused."""
    return Receipt(change, Outcome.FAILED, detail)


def refused(change: Change, answer: Answer) -> Receipt:
    """Return the receipt of a refusal, in Google's words."""
    return failed(change, refusal(answer, describe(change)))


def gone(change: Change, what: str) -> Receipt:
    """Return the receipt of something that cannot be given to who or what does not exist any more."""
    return failed(change, f"{describe(change)}: {what} does not exist any more")


def describe(change: Change) -> str:
    """Return a change in a few words, for messages: `grant ana group:eng`."""
    return f"{change.operation} {change.item}"


def lost(change: Change, error: TransportError) -> Receipt:
    """Return the receipt of a request without a usable answer."""
    outcome = Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
    return Receipt(change, outcome, f"{describe(change)}: {error.message}")
