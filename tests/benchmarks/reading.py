"""An organization that a provider reads on a server of this machine which answers at once.

A provider registers itself with a module beside this one, `reading_NAME.py`, that has::

    def start(people: int, teams: int) -> AbstractAsyncContextManager[Reading]
    def missing() -> str  # may be left out: what its server needs and this machine does not have, or empty

It fills an organization (`members` says who is in which team), serves it through `remember`, and yields the provider,
entered. It is read twice, and the second time counts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
EACH = 10
_LONG = 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One organization, ready to be read.

    Attributes:
        provider: a `reconciler.provider.contract.Provider`.
        least: the least number of requests that the vendor's API allows for it.
        why: how that is counted.
        served: returns how many requests the server has answered.
        waited: returns the seconds that the vendor's published limits have asked for so far; none is really waited for.
    """

    provider: object
    least: int
    why: str
    served: Callable[[], int]
    waited: Callable[[], float] = lambda: 0.0


class SkippingClock:
    """A clock that skips every wait, and so tells how long the waits were."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time with all waits."""
        return self.now

    def epoch(self) -> float:
        """Return the same since 1970."""
        return 1.8e9 + self.now

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Skip a wait; one that is for somebody else's answer ends with it."""
        if seconds > _LONG:
            await wake.wait()
            return
        await asyncio.sleep(0)
        self.now += max(seconds, 1e-6)  # a wait that rounding swallows would never end


def remember(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a handler that answers what was asked before at once, so that only the provider's own time is left."""
    known: dict[tuple[object, ...], Any] = {}

    def answered(request: Any) -> Any:
        said = request.headers.get("x-amz-target", "")
        key = (request.method, request.path, str(request.query), said, request.body)
        if key not in known:
            known[key] = answer(request)
        return known[key]

    return answered


def add_folders(*names: str) -> None:
    """Let the helpers of some folders of tests be imported."""
    sys.path[:0] = [str(TESTS.parent), str(TESTS), *(str(TESTS / name) for name in names)]


def members(people: int, teams: int) -> Iterator[tuple[int, int]]:
    """Yield (team, person): ten people in each team, and nobody in one twice."""
    for team in range(teams):
        yield from ((team, (team * 7 + number) % people) for number in range(min(EACH, people)))
