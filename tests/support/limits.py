"""Vendors' limits for fakes: counted as documented, refused as the vendor refuses, every overrun remembered.

A fake asks `Limits.refuse(request)` before anything else and sends what it returns. A test then expects `overruns` to
be empty: whoever waits only after having been refused has exceeded the limit all the same.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from support.http_server import Reply, Request

from reconciler.provider.clock import Clock

Says = Callable[["Refusal"], Reply]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal tells.

    Attributes:
        limit: the name of the limit that was exceeded.
        most: requests in its window.
        wait: seconds until one more request fits.
        at: the seconds since 1970 at which that will be.
    """

    limit: str
    most: float
    wait: float
    at: float


class Counter(Protocol):
    """Counts what a limit covers."""

    most: float

    def wait(self, now: float) -> float:
        """Return the seconds until one more request fits; 0 where it fits now."""
        ...

    def take(self, now: float) -> None:
        """Count one request."""
        ...


@dataclass(slots=True)
class Window:
    """At most so many requests in so many seconds: any (`sliding`), or those between two strokes of its clock.

    Attributes:
        aligned: whether it begins anew at each multiple of its length, whatever came before.
    """

    most: float
    seconds: float = 60.0
    aligned: bool = False
    _seen: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """See `Counter.wait`."""
        while self._seen and self._ends(self._seen[0]) <= now:
            self._seen.popleft()
        return 0.0 if len(self._seen) < self.most else self._ends(self._seen[0]) - now

    def take(self, now: float) -> None:
        """See `Counter.take`."""
        self._seen.append(now)

    def _ends(self, at: float) -> float:
        """Return when a request of an instant counts no more."""
        return (at - at % self.seconds if self.aligned else at) + self.seconds


@dataclass(slots=True)
class Bucket:
    """A token bucket: `burst` requests at once, filled evenly with `most` in so many seconds."""

    most: float
    seconds: float = 60.0
    burst: float = 1
    _tokens: float = math.inf
    _updated: float = 0.0

    def wait(self, now: float) -> float:
        """See `Counter.wait`."""
        filled = (now - self._updated) * self.most / self.seconds
        self._tokens, self._updated = min(self.burst, self._tokens + filled), now
        return max(0.0, 1 - self._tokens) * self.seconds / self.most

    def take(self, now: float) -> None:
        """See `Counter.take`."""
        self._updated = max(self._updated, now)
        self._tokens -= 1


@dataclass(slots=True)
class Limit:
    """One documented limit.

    Attributes:
        name: for messages.
        counter: how it counts.
        covers: which requests it counts.
        says: how the vendor refuses; None for 429 with `Retry-After`.
        apart: what has a count of its own (a workspace, a path); all share one by default.
    """

    name: str
    counter: Callable[[], Counter]
    covers: Callable[[Request], bool] = lambda _: True
    says: Says | None = None
    apart: Callable[[Request], str] = lambda _: ""
    counts: dict[str, Counter] = field(default_factory=dict)


class Limits:
    """The limits of one fake.

    Args:
        limits: all are counted; the one with the longest wait refuses.
        clock: the time by which they count: that of the provider under test.

    Attributes:
        overruns: the name of the limit of each request that was one too many.
        counted: how many requests came.
    """

    def __init__(self, *limits: Limit, clock: Clock) -> None:
        self.overruns: list[str] = []
        self.counted = 0
        self._limits = limits
        self._clock = clock

    def refuse(self, request: Request) -> Reply | None:
        """Count a request; return the refusal where it is one too many. What is refused counts no further."""
        now = self._clock.monotonic()
        self.counted += 1
        found = [(each, self._counter(each, request)) for each in self._limits if each.covers(request)]
        waits = [(counter.wait(now), limit, counter) for limit, counter in found]
        wait, limit, counter = max(waits, key=lambda one: one[0], default=(0.0, None, None))
        if limit is not None and counter is not None and wait > 0:
            self.overruns.append(limit.name)
            return (limit.says or says_retry_after)(Refusal(limit.name, counter.most, wait, self._clock.epoch() + wait))
        for _, _, each in waits:
            each.take(now)
        return None

    @staticmethod
    def _counter(limit: Limit, request: Request) -> Counter:
        name = limit.apart(request)
        return limit.counts.setdefault(name, limit.counter())


def writes(request: Request) -> bool:
    """Cover what changes something."""
    return request.method not in {"GET", "HEAD", "OPTIONS"}


def says_retry_after(refusal: Refusal) -> Reply:
    """Refuse with 429 and whole seconds to wait, as Slack does (https://docs.slack.dev/apis/web-api/rate-limits)."""
    return Reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(math.ceil(refusal.wait))})


def says_github(refusal: Refusal) -> Reply:
    """Refuse as GitHub does beyond a secondary limit.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api (403 or 429, `retry-after`).
    """
    words = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return Reply(403, {"message": words}, {"retry-after": str(math.ceil(refusal.wait))})


def says_okta(refusal: Refusal) -> Reply:
    """Refuse as Okta does: no `Retry-After`, but when the window is over.

    https://developer.okta.com/docs/reference/rl-best-practices/ (429, `X-Rate-Limit-*`, E0000047).
    """
    headers = {"X-Rate-Limit-Limit": f"{refusal.most:g}", "X-Rate-Limit-Remaining": "0"}
    headers["X-Rate-Limit-Reset"] = str(math.ceil(refusal.at))
    return Reply(429, {"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit"}, headers)


def says_aws(refusal: Refusal) -> Reply:
    """Refuse as AWS's JSON protocol does: 400, and the kind of the error in its body."""
    return Reply(400, {"__type": "ThrottlingException", "message": f"Rate exceeded ({refusal.limit})"})
