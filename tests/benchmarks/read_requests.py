"""What a whole read takes, provider by provider: `python tests/benchmarks/read_requests.py [NAME …]`.

Requests for 1,000 people in 200 teams beside the least that the vendor's API allows (at most 1.3 times as many, or this
fails), and the time for 1,000 teams on a server that answers at once: another tool takes 2 requests a team and 39 s.
The time is that of the CPU, the server's sending included: nothing else is waited for, and other work on the machine
does not count. The waits that a vendor's limits ask for are told apart.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

MOST = 1.3
PEER_SECONDS, PEER_REQUESTS = 39.0, 2000


def registered() -> list[str]:
    """Return the names of the providers that have a module here."""
    return sorted(path.stem.removeprefix("reading_") for path in HERE.glob("reading_*.py"))


def missing(module: ModuleType) -> str:
    """Return what a reading needs and this machine does not have; empty where it can be made."""
    return str(getattr(module, "missing", str)())


async def read(module: ModuleType, people: int, teams: int) -> tuple[int, int, float, float]:
    """Read once; return the requests, the least possible, the CPU seconds, and those that the limits would add."""
    async with module.start(people, teams) as reading:
        await reading.provider.read()
        served, waited, began = reading.served(), reading.waited(), time.process_time()
        snapshot = await reading.provider.read()
        took = time.process_time() - began
        incomplete = [name for name, found in snapshot.collections.items() if not found.complete]
        assert not incomplete, incomplete
        assert len(snapshot.accounts) == people, len(snapshot.accounts)
        return reading.served() - served, reading.least, took, reading.waited() - waited


def main(names: list[str]) -> int:
    """Print a line for each provider and size; return how many take too many requests."""
    bad = 0
    print(f"peer (iambic 0.11, its whole plan): 1,000 teams in {PEER_REQUESTS:,} requests and {PEER_SECONDS:.0f} s")
    for name in names or registered():
        module = importlib.import_module(f"reading_{name}")
        if reason := missing(module):
            print(f"{name}: not read: needs {reason}")
            continue
        for people, teams in ((1000, 200), (1000, 1000)):
            requests, least, took, waited = asyncio.run(read(module, people, teams))
            share = requests / least
            bad += share > MOST
            limits = f"; {waited:.0f} s of waiting by the vendor's limits" if waited >= 1 else ""
            faster = f", {PEER_SECONDS / took:.0f} x as fast as the peer" if teams == 1000 else ""
            counted = f"{requests} requests, least {least} ({share:.2f} x)"
            print(
                f"{name}: {people:,} people, {teams:,} teams: {counted}, {took:.2f} CPU-s{faster}{limits}", flush=True
            )
    return bad


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
