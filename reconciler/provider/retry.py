"""When a request is tried again, and after how long.

stamina runs the loop and, where the app says nothing, picks the jittered exponential wait. Waits that the app asks for
are served by the rate gate instead, so that they hold for all workers at once; stamina is then told to wait 0 s.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import stamina

from reconciler.errors import TransportError
from reconciler.provider.clock import Clock

# What is retried is in our own debug log, redacted; stamina's own warnings would land between progress and results.
logging.getLogger("stamina").setLevel(logging.ERROR)

_TOLD_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a transport puts up with, for one logical request.

    Attributes:
        deadline: seconds from its turn to its final answer, retries and waits for quotas included.
        attempts: tries where the app does not say how long to wait.
        first_wait, longest_wait: seconds between tries; they double from the first to the longest, with jitter.
        jitter: seconds at most that are added at random.
        max_bytes: the largest body that is read, decompressed.
    """

    deadline: float = 300.0
    attempts: int = 5
    first_wait: float = 0.25
    longest_wait: float = 10.0
    jitter: float = 0.5
    max_bytes: int = 64 * 1024 * 1024


class TokenError(TransportError):
    """No token could be had, so that the request was not sent.

    Args:
        message: what was asked, and what went wrong.
        again: whether another try can help.
    """

    def __init__(self, message: str, *, hint: str = "", again: bool = False) -> None:
        super().__init__(message, hint=hint, landed=False)
        self.again = again


class FailedError(Exception):
    """One try failed. Never leaves the transport.

    Args:
        error: what the caller sees if this was the last try.
        again: whether another try can help and cannot harm.
        told: whether the app itself said when to come back (the gate waits for that).
    """

    def __init__(self, error: TransportError, *, again: bool, told: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.told = told


class Patience:
    """What one logical request may still cost: decides on each failure whether to go on.

    Args:
        limits: as configured.
        clock: where the time comes from.
        hopeful: False sends one try only (and waits for an app that says how long): the app seems to be gone.

    Attributes:
        until: the monotonic time at which the request must have its answer.
        may_have_landed: whether any of the tries may have reached the app, whatever the last one says.
    """

    __slots__ = ("_attempts", "_clock", "_limits", "_told", "_tries", "may_have_landed", "until")

    def __init__(self, limits: Limits, clock: Clock, *, hopeful: bool = True) -> None:
        self._limits = limits
        self._clock = clock
        self._attempts = limits.attempts if hopeful else 1
        self._tries = 0
        self._told = 0
        self.may_have_landed = False
        self.until = clock.monotonic() + limits.deadline

    def tries(self) -> AsyncIterator[stamina.Attempt]:
        """Return stamina's attempts; each is a context manager around one try."""
        return stamina.retry_context(
            on=self.judge,
            attempts=None,
            timeout=None,
            wait_initial=self._limits.first_wait,
            wait_max=self._limits.longest_wait,
            wait_jitter=self._limits.jitter,
        ).__aiter__()

    def judge(self, error: Exception) -> bool | float:
        """Say whether to try again: False, True (after stamina's wait), or 0.0 (the gate waits)."""
        if not isinstance(error, FailedError):
            return False
        self.may_have_landed = self.may_have_landed or error.error.landed is None
        if not error.again:
            return False
        if error.told:
            self._told += 1
            return 0.0 if self._told < _TOLD_ATTEMPTS else False
        self._tries += 1
        wait = min(self._limits.longest_wait, self._limits.first_wait * 2 ** (self._tries - 1))
        return self._tries < self._attempts and self._clock.monotonic() + wait < self.until
