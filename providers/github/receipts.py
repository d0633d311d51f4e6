"""How a change ended, in few words."""

from reconciler.errors import AnswerError
from reconciler.provider.answer import Answer
from reconciler.provider.change import Change, Outcome, Receipt

NOT_FOUND, INVALID = 404, 422


def done(change: Change, words: str = "", remote_id: str = "") -> Receipt:
    """Return the receipt of what is as it should be."""
    return Receipt(change, Outcome.DONE, words, remote_id)


def failed(change: Change, words: str) -> Receipt:
    """Return the receipt of what was not done."""
    return Receipt(change, Outcome.FAILED, words)


def settle(change: Change, answer: Answer, words: str = "", remote_id: str = "") -> Receipt:
    """Return DONE for a success.

    Raises:
        AnswerError: GitHub refused, in its own words.
    """
    answer.raise_for_refusal(f"{change.operation} {change.item}")
    return done(change, words, remote_id)


def remove(change: Change, answer: Answer, words: str = "") -> Receipt:
    """Return DONE for a removal; what was not there is gone too.

    Raises:
        AnswerError: GitHub refused, in its own words.
    """
    if answer.status == NOT_FOUND:
        return done(change, words or "it is gone already")
    return settle(change, answer, words)


def is_taken(error: AnswerError) -> bool:
    """Say whether a refusal may mean that something is there already."""
    return error.status == INVALID
