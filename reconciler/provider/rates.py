"""How fast an app may be asked: declared rates, what its quota headers leave, and the waits that it asked for.

One `Gate` stands before each rate class and is shared by all workers. A request passes when the declared rate has a
token for it and the quota that the app last told, minus what is in flight, is not used up. So an app that tells its
quota is never driven into answering 429.
"""

import asyncio
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.provider.change import Operation
from reconciler.provider.clock import Clock
from reconciler.provider.pace import Pace
from reconciler.provider.quota import Quota

_MARGIN = 0.02
_ROUNDING = 1.0
_SAME_WINDOW = 1.1
_SAME_EXACT_WINDOW = 0.25
_MOST_PROBES = 4
_REQUESTS_PER_PROBE = 50


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate class that a vendor publishes.

    Attributes:
        name: what `Transport.request(rate=…)` calls it; the empty name is that of every request that names none.
        per_minute: requests a minute; infinite where only the headers tell.
        burst: requests that may follow each other at once after a pause; at least 1.
        most, window: at most so many requests in any so many seconds, beside the rate; 0 means any number.
    """

    name: str = ""
    per_minute: float = math.inf
    burst: int = 1
    most: int = 0
    window: float = 60.0


def paces_of(rate: Rate, *operations: Operation, kinds: tuple[str, ...] = (), alone: bool = False) -> tuple[Pace, ...]:
    """Return what a rate class means for the estimate before an apply.

    Args:
        rate: the class that changes go through, a request each.
        *operations: those that do; none for all.
        kinds: those whose changes do; none for all.
        alone: whether each change takes its own request, whatever else goes in batches.
    """
    found = []
    if not math.isinf(rate.per_minute):
        found.append(Pace(rate.per_minute, at_once=rate.burst, operations=operations, kinds=kinds, alone=alone))
    if rate.most:
        found.append(Pace(rate.most, rate.window, operations=operations, kinds=kinds, alone=alone))
    return tuple(found)


class Bucket:
    """A token bucket: `burst` tokens at most, `per_minute` new ones a minute; and a window that slides."""

    __slots__ = ("_burst", "_per_second", "_sent", "_tokens", "_updated", "_window")

    def __init__(self, rate: Rate, now: float) -> None:
        self._burst = float(max(1, rate.burst))
        self._per_second = rate.per_minute / 60
        self._tokens = self._burst
        self._updated = now
        self._sent: deque[float] = deque(maxlen=rate.most)
        self._window = rate.window

    def delay(self, now: float, cost: int = 1) -> float:
        """Return the seconds until there is a token for each of so many requests (as far as so many fit at all)."""
        room = self._room(now, cost)
        if math.isinf(self._per_second):
            return room
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._per_second)
        self._updated = now
        return max(room, (min(cost, self._burst) - self._tokens) / self._per_second)

    def _room(self, now: float, cost: int) -> float:
        """Return the seconds until so many more requests fit into the window."""
        most = self._sent.maxlen
        surplus = len(self._sent) + min(cost, most) - most if most else 0
        return max(0.0, self._sent[surplus - 1] + self._window - now) if surplus > 0 else 0.0

    def take(self, now: float, cost: int = 1) -> None:
        """Use a token for each of so many requests."""
        self._tokens -= cost
        self._sent.extend([now] * min(cost, self._sent.maxlen or 0))


class Window:
    """One quota of an app, from its answers.

    A reset told in whole seconds may be rounded either way. So between the second that it names and the next, only
    single requests go, out of a few that were held back for this: their answers say whether the window is over, and
    none of them can be one too many.
    """

    __slots__ = ("_noted", "_probe_at", "limit", "remaining", "reset_at", "sure_at")

    def __init__(self, quota: Quota, now: float, heard: int) -> None:
        self.limit = quota.limit
        self.remaining = quota.remaining
        self.reset_at = self.sure_at = self._probe_at = now
        self._noted = heard
        self._start(quota, now, heard)

    def note(self, quota: Quota, now: float, asked: int, heard: int) -> None:
        """Learn from an answer.

        Answers overtake each other: within one window, the smallest remainder counts, unless a larger one was told to
        a request that was sent after the smallest was known. Then the quota was filled up in between.

        Args:
            quota: what the answer said.
            now: when it arrived.
            asked: how many answers had been heard when its request was sent.
            heard: how many have been heard, this one included.
        """
        reset_at = now + quota.reset_in
        tolerance = _SAME_EXACT_WINDOW if quota.exact else _SAME_WINDOW
        filled = quota.remaining > self.remaining and asked >= self._noted
        if filled or now >= self.sure_at or reset_at > self.reset_at + tolerance:
            self._start(quota, now, heard)
        elif reset_at >= self.reset_at - tolerance:
            if quota.remaining < self.remaining:
                self.remaining, self._noted = quota.remaining, heard
            self.reset_at = max(self.reset_at, reset_at)
            self.sure_at = max(self.sure_at, _sure(quota, reset_at))

    def delay(self, now: float, in_flight: int) -> float:
        """Return the seconds until one more request may go; answers that arrive before may change it."""
        if now >= self.sure_at:
            free = (self.limit or 1) - in_flight
            return 0.0 if free > 0 else math.inf
        if now >= self.reset_at + _MARGIN:
            if self.remaining > 0 and not in_flight:
                return max(0.0, self._probe_at - now)
            return self.sure_at - now
        free = self.remaining - in_flight - self._held_back
        return 0.0 if free > 0 else self.reset_at + _MARGIN - now

    def take(self, now: float) -> None:
        """Count one request that goes now."""
        if now >= self.reset_at + _MARGIN:
            self._probe_at = now + max(0.0, self.sure_at - now) / max(1, self.remaining)

    @property
    def _held_back(self) -> int:
        """Requests kept for asking whether the window is over: about one in fifty, none where the reset is exact."""
        if self.sure_at - self.reset_at < _ROUNDING or not self.limit:
            return 0
        return min(_MOST_PROBES, math.ceil(self.limit / _REQUESTS_PER_PROBE), self.limit - 1)

    def _start(self, quota: Quota, now: float, heard: int) -> None:
        """Begin a window with what an answer told."""
        self.limit = quota.limit if quota.limit is not None else self.limit
        self.remaining = quota.remaining
        self.reset_at = now + quota.reset_in
        self.sure_at = _sure(quota, self.reset_at)
        self._probe_at = self.reset_at + _MARGIN
        self._noted = heard


def _sure(quota: Quota, reset_at: float) -> float:
    """Return when a window is over for certain."""
    return reset_at + (0.0 if quota.exact else _ROUNDING) + _MARGIN


class TooLongError(Exception):
    """Waiting for one's turn would take longer than the request may. Never leaves the transport.

    Args:
        seconds: how long it would take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"{seconds:.0f} s")
        self.seconds = seconds


class Gate:
    """The one way through which the requests of a rate class go, in the order in which they came.

    Until the first answer only one request is on its way: nobody knows yet how many more there may be.
    """

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._clock = clock
        self._bucket = Bucket(rate, clock.monotonic())
        self._windows: dict[str, Window] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._in_flight = 0
        self._not_before = 0.0
        self._heard = 0

    async def enter(self, until: float, cost: int = 1) -> int:
        """Wait for one's turn, and count as in flight from then on.

        Args:
            until: the monotonic time after which waiting is useless.
            cost: how many requests the app counts it as.

        Returns:
            A number to give back to `leave`.

        Raises:
            TooLongError: it would take too long; nothing is counted then.
        """
        async with self._turn:
            while (delay := self._delay(now := self._clock.monotonic(), cost)) > 0:
                if now >= until or (now + delay > until and not math.isinf(delay)):
                    raise TooLongError(delay if not math.isinf(delay) else 0.0)
                self._changed.clear()
                await self._clock.wait(min(delay, until - now), self._changed)
            self._take(now, cost)
            return self._heard

    def leave(self, asked: int, quotas: Iterable[Quota] = (), *, heard: bool = True) -> None:
        """Count a request as answered, or as given up.

        Args:
            asked: what `enter` returned.
            quotas: what the answer said.
            heard: whether there was an answer.
        """
        self._in_flight -= 1
        self._heard += heard
        now = self._clock.monotonic()
        for quota in quotas:
            window = self._windows.get(quota.name)
            if window is None:
                self._windows[quota.name] = Window(quota, now, self._heard)
            else:
                window.note(quota, now, asked, self._heard)
        self._changed.set()

    def pause(self, seconds: float) -> None:
        """Let nobody pass for so long: the app asked for it."""
        self._not_before = max(self._not_before, self._clock.monotonic() + seconds)

    def _delay(self, now: float, cost: int) -> float:
        """Return the seconds until the next request may go (infinite: until an answer arrives)."""
        if not self._heard and self._in_flight:
            return math.inf
        delay = max(0.0, self._not_before - now, self._bucket.delay(now, cost))
        for window in self._windows.values():
            delay = max(delay, window.delay(now, self._in_flight))
        return delay

    def _take(self, now: float, cost: int) -> None:
        """Count one request as on its way."""
        self._in_flight += 1
        self._bucket.take(now, cost)
        for window in self._windows.values():
            window.take(now)


class Gates:
    """The gates of one app, by rate class; a class that nobody declared is the one without a name."""

    def __init__(self, rates: Iterable[Rate], clock: Clock) -> None:
        self._gates = {rate.name: Gate(rate, clock) for rate in (Rate(), *rates)}

    def __getitem__(self, name: str) -> Gate:
        return self._gates.get(name) or self._gates[""]
