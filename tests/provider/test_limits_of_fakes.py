"""Fakes count requests as vendors document it, and never forget one too many."""

from dataclasses import dataclass

import pytest
from support.http_server import Request
from support.limits import Bucket, Limit, Limits, Window, says_aws, says_github, says_okta, writes


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 0.0

    def monotonic(self) -> float:
        """Return the test's time."""
        return self.now

    def epoch(self) -> float:
        """Return the same since 1970."""
        return 1.8e9 + self.now

    async def wait(self, seconds: float, wake: object) -> None:
        """Nobody waits here."""
        raise NotImplementedError


def ask(limits: Limits, times: int = 1, method: str = "POST", path: str = "/x") -> list[int]:
    """Send so many requests; return the numbers of those that were refused."""
    request = Request(method, path, {}, {}, b"")
    return [number for number in range(times) if limits.refuse(request)]


def test_a_sliding_window_counts_any_so_many_seconds() -> None:
    """Eighty in a minute, and the next one when the first is a minute ago."""
    clock = Clock()
    limits = Limits(Limit("80 a minute", lambda: Window(80)), clock=clock)
    assert ask(limits, 40) == []
    clock.now = 30
    assert ask(limits, 41) == [40]
    clock.now = 60
    assert ask(limits, 41) == [40]
    assert limits.overruns == ["80 a minute"] * 2


def test_an_aligned_window_begins_anew_on_its_stroke() -> None:
    """Twice as many pass around the stroke, and the wait is told until then."""
    clock = Clock(59)
    limits = Limits(Limit("2", lambda: Window(2, aligned=True)), clock=clock)
    assert ask(limits, 3) == [2]
    clock.now = 60
    assert ask(limits, 3) == [2]
    refused = limits.refuse(Request("POST", "/x", {}, {}, b""))
    assert refused is not None
    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")


def test_a_bucket_gives_its_burst_and_then_an_even_flow() -> None:
    """Twenty at once, then three a second."""
    clock = Clock()
    limits = Limits(Limit("180", lambda: Bucket(180, burst=20)), clock=clock)
    assert ask(limits, 21) == [20]
    clock.now = 1
    assert ask(limits, 4) == [3]


def test_limits_cover_what_they_are_about_and_count_apart() -> None:
    """Reads are free here, and each path has a count of its own."""
    limits = Limits(
        Limit("writes", lambda: Window(1), covers=writes, apart=lambda request: request.path), clock=Clock()
    )
    assert ask(limits, 5, "GET") == []
    assert ask(limits, 1, path="/a") == ask(limits, 1, path="/b") == []
    assert ask(limits, 1, path="/a") == [0]
    assert limits.counted == 8


@pytest.mark.parametrize(
    ("says", "status", "header", "value"),
    [
        (says_github, 403, "retry-after", "60"),
        (says_okta, 429, "X-Rate-Limit-Reset", "1800000060"),
        (says_aws, 400, "", ""),
    ],
)
def test_each_vendor_refuses_in_its_own_way(says: object, status: int, header: str, value: str) -> None:
    """The status and the header that the vendor documents."""
    limits = Limits(Limit("1", lambda: Window(1), says=says), clock=Clock())  # type: ignore[arg-type]
    ask(limits)
    refused = limits.refuse(Request("POST", "/x", {}, {}, b""))
    assert refused is not None
    assert refused.status == status
    assert refused.headers.get(header, "") == value
