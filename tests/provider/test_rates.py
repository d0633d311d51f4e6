"""The rate gate against a real server that enforces its quota, and against a clock that a test moves."""

import asyncio
import time
from dataclasses import replace

import pytest
from support.http_server import MeteredHandler, Reply, Request, http_server
from support.surroundings import surroundings

from reconciler.errors import TransportError
from reconciler.provider.quota import Quota, read_quotas, spent_wait, told_wait
from reconciler.provider.rates import Gate, Rate, TooLongError
from reconciler.provider.transport import Limits, Transport


class ManualClock:
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
        """Let others run; jump ahead unless one of them wakes us."""
        for _ in range(20):
            await asyncio.sleep(0)
            if wake.is_set():
                return
        self.now += seconds


def fetch(handler: MeteredHandler, count: int, rates: tuple[Rate, ...] = ()) -> float:
    """Send so many requests at once and return the seconds that they took."""

    async def run() -> float:
        async with (
            http_server(handler) as server,
            Transport(server.url, surroundings(), name="acme", rates=rates) as transport,
        ):
            started = time.monotonic()
            answers = await asyncio.gather(*(transport.request("GET", f"/{n}") for n in range(count)))
            assert all(answer.status == 200 for answer in answers)
            return time.monotonic() - started

    return asyncio.run(run())


@pytest.mark.parametrize("style", ["epoch", "seconds", "exact", "draft"])
def test_an_app_that_tells_its_quota_never_has_to_refuse(style: str) -> None:
    """Three windows' worth of requests, told in each style: not one 429, and no faster than the quota allows."""
    handler = MeteredHandler(limit=40, window=1.5, style=style, latency=0.01)
    took = fetch(handler, 115)
    assert handler.refused == 0
    assert 2 * handler.window <= took < 10 * handler.window


def test_a_small_quota_is_not_overrun_by_the_first_requests() -> None:
    """Nobody knows the quota before the first answer: eight workers wait for it instead of overrunning a quota of 3."""
    handler = MeteredHandler(limit=3, window=1.2, style="exact", latency=0.05)
    fetch(handler, 6)
    assert handler.refused == 0


def test_an_app_that_tells_nothing_is_believed_when_it_refuses() -> None:
    """Without headers there are refusals; every request is done in the end all the same."""
    handler = MeteredHandler(limit=10, window=1.0, style="none")
    fetch(handler, 25)
    assert handler.refused > 0


def test_a_declared_rate_is_kept_without_any_header() -> None:
    """A burst goes at once, the rest at the declared pace."""

    async def run() -> list[float]:
        clock = ManualClock()
        gate = Gate(Rate("write", per_minute=60, burst=5), clock)
        passed = []
        for _ in range(8):
            asked = await gate.enter(clock.now + 100)
            passed.append(clock.now - 1000)
            gate.leave(asked)
        return passed

    assert asyncio.run(run()) == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3])


def test_no_more_go_in_a_window_than_were_declared() -> None:
    """Two in ten seconds, however fast the rate: the third waits for the first to fall out of the window."""

    async def run() -> list[float]:
        clock = ManualClock()
        gate = Gate(Rate("write", per_minute=60, burst=3, most=2, window=10), clock)
        passed = []
        for _ in range(5):
            asked = await gate.enter(clock.now + 100)
            passed.append(clock.now - 1000)
            gate.leave(asked)
        return passed

    assert asyncio.run(run()) == pytest.approx([0, 0, 10, 10, 20])


def test_a_provider_can_ask_for_a_pause() -> None:
    """What an app says in words that only its provider knows holds back the class, and no other."""

    async def run() -> tuple[float, float]:
        clock = ManualClock()
        rates = (Rate("query"), Rate("write"))
        async with (
            http_server(lambda _: Reply(body={})) as server,
            Transport(server.url, surroundings(), name="acme", rates=rates, clock=clock) as transport,
        ):
            transport.pause("query", 25)
            await transport.request("GET", "/write", rate="write")
            between = clock.now
            await transport.request("GET", "/query", rate="query")
            return between - 1000, clock.now - 1000

    assert asyncio.run(run()) == pytest.approx((0, 25))


def test_a_class_that_nobody_declared_shares_the_common_gate() -> None:
    """A made-up class does not slip past a wait that the app asked for."""

    async def run() -> None:
        replies = iter([Reply(429, headers={"Retry-After": "1"}), *[Reply(body={})] * 3])
        async with (
            http_server(lambda _: next(replies)) as server,
            Transport(server.url, surroundings(), name="acme") as transport,
        ):
            await asyncio.gather(transport.request("GET", "/a"), transport.request("GET", "/b", rate="made-up"))
            assert [request.path for request in server.requests].count("/b") == 1

    asyncio.run(run())


def test_a_pause_holds_for_all_workers() -> None:
    """One 429 stops everybody in its class: the seven others do not each learn it by being refused."""

    async def run() -> int:
        seen: list[Request] = []

        def handle(request: Request) -> Reply:
            seen.append(request)
            return Reply(429, headers={"Retry-After": "1"}) if len(seen) == 1 else Reply(body={})

        async with (
            http_server(handle) as server,
            Transport(server.url, surroundings(), name="acme") as transport,
        ):
            await asyncio.gather(*(transport.request("GET", f"/{n}") for n in range(8)))
        return len(seen)

    assert asyncio.run(run()) == 9


def test_a_quota_that_fills_up_too_late_is_an_error_that_says_so() -> None:
    """A quota that is used up for an hour: the next request fails at once, and was never sent."""

    async def run() -> None:
        headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600"}
        async with (
            http_server(lambda _: Reply(body={}, headers=headers)) as server,
            Transport(server.url, surroundings(), name="acme", limits=Limits(deadline=5)) as transport,
        ):
            await transport.request("GET", "/first")
            with pytest.raises(TransportError, match=r"would have to wait 36\d\d s for the app's quota") as caught:
                await transport.request("POST", "/second", json={})
            assert caught.value.landed is False
            assert len(server.requests) == 1

    asyncio.run(run())


def test_late_answers_do_not_add_to_the_quota() -> None:
    """Answers overtake each other: of requests that were on their way together, the smallest remainder counts."""

    async def run() -> None:
        clock = ManualClock()
        gate = Gate(Rate(), clock)
        gate.leave(await gate.enter(clock.now), [left(3)])
        together = [await gate.enter(clock.now) for _ in range(3)]
        for asked, remaining in zip(together, (0, 2, 1), strict=True):
            gate.leave(asked, [left(remaining)])
        with pytest.raises(TooLongError, match="50 s"):
            await gate.enter(clock.now + 10)

    asyncio.run(run())


def pass_through(rate: Rate, costs: list[int]) -> list[float]:
    """Return the seconds at which requests of such costs go, one after the other, answered at once."""

    async def run() -> list[float]:
        clock, times = ManualClock(), []
        gate, started = Gate(rate, clock), clock.now
        for cost in costs:
            asked = await gate.enter(clock.now + 1000, cost)
            times.append(round(clock.now - started, 3))
            gate.leave(asked)
        return times

    return asyncio.run(run())


def test_no_window_ever_holds_more_requests_than_it_may() -> None:
    """Three at once, and the fourth when the first is a whole window ago; a plain rate would not hold that."""
    assert pass_through(Rate(most=3, window=10.0), [1] * 7) == [0, 0, 0, 10, 10, 10, 20]


def test_a_request_that_counts_as_several_takes_the_place_of_several() -> None:
    """A batch of four and one of three do not fit into a window of six; one larger than the window goes alone."""
    assert pass_through(Rate(most=6, window=10.0), [4, 3, 3, 9, 1]) == [0, 10, 10, 20, 30]
    assert pass_through(Rate(per_minute=60, burst=5), [5, 3, 1]) == [0, 3, 4]


def test_a_quota_that_was_filled_up_early_is_used_at_once() -> None:
    """A larger remainder, told to a request that was sent after the smaller one was known, is news."""

    async def run() -> None:
        clock = ManualClock()
        gate = Gate(Rate(), clock)
        gate.leave(await gate.enter(clock.now), [left(1)])
        gate.leave(await gate.enter(clock.now), [left(60)])
        for _ in range(60):
            await gate.enter(clock.now)

    asyncio.run(run())


def left(remaining: int) -> Quota:
    """Return a quota of 100 that is filled up in 50 seconds."""
    return Quota("", remaining=remaining, reset_in=50.0, limit=100, exact=True)


def test_every_one_of_several_policies_holds() -> None:
    """A burst policy with room does not let through what the daily one forbids."""

    async def run() -> None:
        clock = ManualClock()
        gate = Gate(Rate(), clock)
        asked = await gate.enter(clock.now)
        gate.leave(asked, [Quota("burst", 50, 10.0, 50, exact=True), Quota("daily", 0, 4000.0, 1000, exact=True)])
        with pytest.raises(TooLongError, match="4000 s"):
            await gate.enter(clock.now + 60)

    asyncio.run(run())


NOW = 1_800_000_000.0
TRIPLE = Quota("", remaining=5, reset_in=30.0, limit=100)


@pytest.mark.parametrize(
    ("headers", "quotas"),
    [
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "30"}, [TRIPLE]),
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "1800000030"}, [TRIPLE]),
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "1800000030500"},
            [replace(TRIPLE, reset_in=30.5, exact=True)],
        ),
        (
            {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "2027-01-15T08:00:30Z"},
            [replace(TRIPLE, limit=None)],
        ),
        ({"x-rate-limit-limit": "100", "x-rate-limit-remaining": "5", "x-rate-limit-reset": "1800000030"}, [TRIPLE]),
        (
            {"x-ratelimit-remaining": "5", "x-ratelimit-reset-after": "2.25"},
            [replace(TRIPLE, limit=None, reset_in=2.25, exact=True)],
        ),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "5", "ratelimit-reset": "30"}, [TRIPLE]),
        ({"ratelimit": "limit=100, remaining=5, reset=30"}, [TRIPLE]),
        (
            {
                "ratelimit": '"burst";r=5;t=30, "day";r=9;t=500',
                "ratelimit-policy": '"burst";q=100;w=60,"day";q=900;w=9',
            },
            [replace(TRIPLE, name="burst"), Quota("day", 9, 500.0, 900)],
        ),
        ({"ratelimit": "soon"}, []),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "30"}, []),
        ({"x-ratelimit-remaining": "5"}, []),
        ({}, []),
    ],
)
def test_quota_headers_of_each_style_are_read(headers: dict[str, str], quotas: list[Quota]) -> None:
    """Vendors write the same three numbers in a dozen ways; nonsense is no quota."""
    assert read_quotas(headers, NOW) == quotas


def test_an_instant_is_compared_with_the_apps_own_clock() -> None:
    """A reset that names an instant is counted from the app's `Date` where its clock is not ours."""
    headers = {"date": "Fri, 15 Jan 2027 10:00:00 GMT", "x-ratelimit-remaining": "5", "x-ratelimit-reset": "1800007230"}
    assert read_quotas(headers, NOW) == [replace(TRIPLE, limit=None)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"x-retry-after": "7"}, 7),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:09 GMT"}, 9),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"retry-after": "1800000012"}, 12),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_waits_that_the_app_asks_for_are_read(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, a date, an instant; anything else is as if it had not been said."""
    assert told_wait(headers, NOW) == seconds


def test_a_used_up_quota_is_a_wait() -> None:
    """Where 429 comes without Retry-After, the quota that is used up says when; whole seconds are rounded up."""
    assert spent_wait([Quota("a", 0, 3.0), Quota("b", 4, 90.0)]) == 4.0
    assert spent_wait([Quota("b", 4, 90.0)]) is None
