"""A clock that jumps ahead instead of waiting, for providers of a server of this machine."""

import asyncio

LONG = 60.0


class JumpingClock:
    """A clock that jumps ahead instead of waiting."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the test's time."""
        return self.now

    def epoch(self) -> float:
        """Return the test's time of day."""
        return 1.8e9 + self.now

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Jump ahead, unless something happens meanwhile."""
        if seconds > LONG:  # until somebody else's answer: that is no time that passes
            await wake.wait()
            return
        for _ in range(20):
            await asyncio.sleep(0)
            if wake.is_set():
                return
        self.now += max(seconds, 1e-6)  # a wait that rounding swallows would never end
