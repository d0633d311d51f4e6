"""The time that a transport waits by; tests bring their own."""

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """What a transport asks about time. All durations are seconds."""

    def monotonic(self) -> float:
        """Return a time that never goes back; only differences mean something."""
        ...

    def epoch(self) -> float:
        """Return the seconds since 1970, for headers that name an instant."""
        ...

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Return after so many seconds, or as soon as the event is set."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic(self) -> float:
        """Return the machine's monotonic time."""
        return time.monotonic()

    def epoch(self) -> float:
        """Return the machine's time of day."""
        return time.time()

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Sleep, unless woken."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()
