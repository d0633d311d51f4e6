"""The edge between the core and a provider: whatever it does becomes a receipt, an answer or a problem in words."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from reconciler.errors import ReconcilerError, TransportError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.contract import BatchProvider, Provider
from reconciler.provider.redaction import REVEALED

_log = logging.getLogger(__name__)
_PROVIDERS_MAY_SAY: Final = frozenset({Outcome.DONE, Outcome.TICKET, Outcome.FAILED, Outcome.UNKNOWN})
_LONGEST_DETAIL: Final = 500

Answer = TypeVar("Answer")


class UnexpectedError(ReconcilerError):
    """A provider raised something that its contract does not know: a fault of the provider."""


async def guard(work: Callable[[], Awaitable[Answer]], doing: str) -> Answer:
    """Run a provider's method; anything that is not one of our errors becomes an UnexpectedError.

    Its message names only the type: what a stranger's exception says may hold a secret. The log has the rest, redacted.

    Raises:
        ReconcilerError: the provider failed, in its own words; or UnexpectedError.
    """
    try:
        return await work()
    except ReconcilerError:
        raise
    except Exception as error:  # noqa: BLE001 - a third party's code: one app's fault must never stop the other apps
        _log.error("%s: unexpected %s\n%s", doing, type(error).__name__, _trace(error))
        raise UnexpectedError(
            f"the provider raised {type(error).__name__}, which it should not",
            hint="see the log; report it to its author",
        ) from None


def _trace(error: BaseException) -> str:
    return REVEALED.clean("".join(traceback.format_exception(error)))


async def perform(provider: Provider, change: Change) -> Receipt:
    """Do one change; the receipt is about this change and has an outcome that a provider may say."""
    try:
        receipt = await guard(lambda: provider.perform(change), change.id)
    except ReconcilerError as error:
        return _failure(change, error)
    return _checked(change, receipt)


async def perform_batch(provider: BatchProvider, changes: Sequence[Change]) -> list[Receipt]:
    """Do several changes of one entitlement together; a receipt each, in their order."""
    first = changes[0]
    try:
        receipts = await guard(lambda: provider.perform_batch(changes), f"{first.id} and {len(changes) - 1} more")
    except ReconcilerError as error:
        return [_failure(change, error) for change in changes]
    if len(receipts) != len(changes):
        detail = f"the provider answered {len(changes)} changes with {len(receipts)} receipts"
        return [Receipt(change, Outcome.UNKNOWN, detail) for change in changes]
    return [_checked(change, receipt) for change, receipt in zip(changes, receipts, strict=True)]


def describe(error: ReconcilerError) -> str:
    """Return an error's words in one line, without anything that looks like a secret."""
    words = REVEALED.clean("; ".join(" ".join(part.split()) for part in (error.message, error.hint) if part))
    return words if len(words) <= _LONGEST_DETAIL else words[: _LONGEST_DETAIL - 1] + "…"


def _failure(change: Change, error: ReconcilerError) -> Receipt:
    """Tell a certain failure from an unknown one: only what may have landed is unknown."""
    undecided = isinstance(error, UnexpectedError) or (isinstance(error, TransportError) and error.landed is not False)
    return Receipt(change, Outcome.UNKNOWN if undecided else Outcome.FAILED, describe(error))


def _checked(change: Change, receipt: object) -> Receipt:
    """Take a provider's receipt for what it may say: it never verifies itself."""
    if not isinstance(receipt, Receipt):
        detail = f"the provider answered with a {type(receipt).__name__} in place of a receipt"
        return Receipt(change, Outcome.UNKNOWN, detail)
    outcome = receipt.outcome if receipt.outcome in _PROVIDERS_MAY_SAY else Outcome.UNKNOWN
    if receipt.outcome is Outcome.VERIFIED:
        outcome = Outcome.DONE
    return replace(receipt, change=change, outcome=outcome, detail=REVEALED.clean(receipt.detail))
