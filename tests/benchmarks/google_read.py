"""Reading Google Workspace, with batches and without: `python tests/benchmarks/google_read.py [LATENCY]`.

The imitation of the tests runs in a process of its own and answers each HTTP request after a latency; what is measured
is the provider's read. Another tool takes 2 requests a group and 39 s for 1,000 groups on a server without latency.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "google"), str(TESTS.parent)]

from google_fake import TOKEN, FakeGoogle  # noqa: E402 - the folders of the tests are not installed
from google_harness import DOMAIN  # noqa: E402 - same
from support.http_server import Reply, Request, http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.google.config import GoogleConfig  # noqa: E402 - same
from providers.google.provider import GoogleProvider  # noqa: E402 - same

USERS, ROUNDS, MEMBERS = 1000, 3, 10


def main(latency: float) -> None:
    """Print the seconds and requests of a read for several sizes."""
    for delay in (0.0, latency):
        for groups in (200, 1000):
            for batches in (True, False):
                seconds, requests = measure(groups, delay, batches=batches)
                way = "in batches" if batches else "one by one"
                sizes = f"{USERS} users, {groups} groups, {delay * 1000:.0f} ms"
                print(f"{sizes}, {way}: {seconds:.2f} s, {requests} requests")


def measure(groups: int, latency: float, *, batches: bool) -> tuple[float, int]:
    """Return the median of the seconds that a read takes, and its requests."""
    with serve(groups, latency, batches=batches) as url:
        found = [asyncio.run(read(url)) for _ in range(ROUNDS)]
    return statistics.median(seconds for seconds, _ in found), found[0][1]


async def read(url: str) -> tuple[float, int]:
    """Read once, and check that it was all."""
    config = {"subject": f"admin@{DOMAIN}", "token": {"env": "GOOGLE_TOKEN"}, "domain": DOMAIN, "directory_url": url}
    os.environ["GOOGLE_TOKEN"] = TOKEN
    near = surroundings(read_only=True)
    async with GoogleProvider.open(GoogleConfig.model_validate(config), near) as provider:
        started = time.monotonic()
        snapshot = await provider.read()
        took = time.monotonic() - started
    assert all(each.complete for each in snapshot.collections.values()), snapshot.collections
    return took, snapshot.requests


@contextmanager
def serve(groups: int, latency: float, *, batches: bool) -> Iterator[str]:
    """Run the imitation in a process of its own, and return its address."""
    command = [sys.executable, __file__, "serve", str(groups), str(latency), str(int(batches))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()


async def answer_for_ever(groups: int, latency: float, *, batches: bool) -> None:
    """Be the imitation."""
    app = FakeGoogle(limit=10**9)
    made = [app.add_user(f"p{number}@{DOMAIN}") for number in range(USERS)]
    for number in range(groups):
        held = app.members[app.add_group(f"g{number}@{DOMAIN}")["id"]]
        for user in (made[(number * 7 + step) % USERS] for step in range(MEMBERS)):
            held[user["id"]] = {"id": user["id"], "email": user["primaryEmail"], "role": "MEMBER", "type": "USER"}
    if not batches:
        app.batch_fault = lambda _: Reply(404)

    def answer(request: Request) -> Reply:
        return replace(app.answer(request), delay=latency)

    async with http_server(answer) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        asyncio.run(answer_for_ever(int(sys.argv[2]), float(sys.argv[3]), batches=sys.argv[4] == "1"))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)
