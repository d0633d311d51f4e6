"""A whole plan of 10k SCIM users beside fetching alone: `python tests/benchmarks/scim_latency.py [LATENCY]`.

Both are whole processes, one after the other in the same run: `fetch` opens the provider and reads, `plan` is the real
command (warm: the parsed YAML is cached; cold: it is not).
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import measure

USERS, PAGE, CONCURRENCY, ROUNDS = 10_000, 100, 8, 5
FETCH = """
import asyncio, datetime, pathlib, sys
from reconciler.provider.contract import Surroundings
from providers.scim.provider import ScimProvider
async def main():
    config = ScimProvider.Config.model_validate({"url": sys.argv[1], "token": {"env": "SCALE_TOKEN"}, "page_size": 100})
    near = Surroundings(app="hub", root=pathlib.Path("."), read_only=True, now=datetime.datetime.now(datetime.UTC))
    async with ScimProvider.open(config, near) as provider:
        snapshot = await provider.read()
    assert len(snapshot.accounts) == 10_000, len(snapshot.accounts)
    print(snapshot.requests)
asyncio.run(main())
"""


def main(latency: float) -> None:
    """Print walls and ratios, then the same with a quota."""
    floor = (1 + USERS / PAGE / CONCURRENCY) * latency
    print(f"10k SCIM users, pages of {PAGE}, {latency * 1000:.0f} ms a response; floor of the pages {floor:.2f} s")
    with tempfile.TemporaryDirectory() as name, scim(latency, 0) as (url, _):
        folder = write_company(Path(name), url)
        measure.run([*measure.reconciler(), "apply", "--yes", "--quiet"], folder=folder)
        rounds = [measure_round(folder, url) for _ in range(ROUNDS)]
    fetch, warm, cold = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"fetch alone {fetch:.2f} s (whole process)")
    print(f"plan, warm  {warm:.2f} s = {warm / fetch:.2f} x of fetch (aim 1.20)")
    print(f"plan, cold  {cold:.2f} s = {cold / fetch:.2f} x of fetch (aim 1.35)")
    with tempfile.TemporaryDirectory() as name, scim(0.02, 20) as (url, server):
        folder = write_company(Path(name), url)
        cost = measure.run([*measure.reconciler(), "plan", "--quiet"], folder=folder)
        server.terminate()
        served = server.communicate()[0].strip()
        print(f"with a quota of 20 a second: {cost.wall:.2f} s (floor {USERS / PAGE / 20:.2f} s); {served}")


def measure_round(folder: Path, url: str) -> tuple[float, float, float]:
    """Return the walls of fetching alone, a warm plan and a cold plan."""
    plan = [*measure.reconciler(), "plan", "--quiet"]
    fetch = measure.run([sys.executable, "-c", FETCH, url], folder=folder).wall
    shutil.rmtree(folder / ".reconciler" / "cache")
    cold = measure.run(plan, folder=folder).wall
    warm = measure.run(plan, folder=folder).wall
    return fetch, warm, cold


def write_company(folder: Path, url: str) -> Path:
    """Write 10k people who all have an account in one SCIM app."""
    (folder / "apps").mkdir()
    (folder / "reconciler.yaml").write_text("organization: Scale\n")
    with (folder / "people.yaml").open("w") as out:
        out.write("people:\n")
        for number in range(USERS):
            out.write(
                f"  p{number}:\n    name: Person {number}\n    email: p{number}@scale.example\n    type: employee\n"
                f"    department: D{number % 20}\n    title: Engineer {number % 7}\n    start: 2024-02-01\n"
                f"    attributes: {{desk: d{number}}}\n"
            )
    (folder / "apps" / "hub.yaml").write_text(
        "apps:\n  hub:\n    owner: p0\n"
        "    accounts:\n      to: {everyone: true}\n      attributes: {title: '{{ person.title }}'}\n"
        f"    route:\n      - scim: {{url: '{url}', token: {{env: SCALE_TOKEN}}, page_size: {PAGE}}}\n"
    )
    return folder


@contextlib.contextmanager
def scim(latency: float, quota: int) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the server on a free loopback port; yield its base URL and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Path(__file__).with_name("slow_scim.py")
    command = [sys.executable, server, str(port), str(USERS), str(PAGE), str(latency), str(quota)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v2", process
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    import os

    os.environ["SCALE_TOKEN"] = "not-checked"
    main(float(sys.argv[1]) if sys.argv[1:] else 0.1)
