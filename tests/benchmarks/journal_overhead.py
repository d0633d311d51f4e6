"""What the journal costs an apply: `python tests/benchmarks/journal_overhead.py [CHANGES] [ROUNDS]`.

The same apply (that many new accounts over SCIM, in a process of its own, against a server over loopback that answers
at once) with a state in SQLite, in PostgreSQL, on a git branch, and with one that keeps everything in memory only: same
tables, same statements, no disk and no server. Rounds take turns; the fastest of each counts, since noise only adds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.postgres_server import find_binaries, running_postgres
from support.state_back_ends import make_clone

AIMS = {"sqlite": "aim 10 %", "postgres": "aim 25 %"}
STEP = """
import json, os, sys, time
from pathlib import Path
from reconciler.apply.progress import Silence
from reconciler.plan.plan import Scope
from reconciler.run import applying
from reconciler.run.session import open_session
from reconciler.state.file import writable_in_memory
from reconciler.state.history import held_blocks
from reconciler.state.lock import TableLock
from reconciler.state.names import FileNames
from reconciler.state.sqlite import SqliteStore

class MemoryStore(SqliteStore):
    def __init__(self, settings):
        self.path, self._read_only, self._database = Path("memory"), False, writable_in_memory()
        self._names, self._lock = FileNames(self._database), TableLock(self._database)
        self._held = held_blocks(self._database)

if sys.argv[2] == "memory":
    applying.open_state = MemoryStore
session = open_session(Path(sys.argv[1]))
began, used = time.perf_counter(), sum(os.times()[:4])
report = applying.apply_plan(session, Scope(), reviewed=None, confirm=lambda _: True, progress=Silence())
print(time.perf_counter() - began, sum(os.times()[:4]) - used)
assert report.exit_code == 0, (report.counts(), report.receipts[0].detail, report.problems)
assert len(report.receipts) == int(sys.argv[3]), len(report.receipts)
"""


def main(changes: int, rounds: int) -> None:
    """Print the fastest apply with each state, and how much longer than in memory it takes."""
    print(f"calibration loop: {measure.calibrate():.2f} CPU-s; an apply of {changes:,} changes, fastest of {rounds}")
    with contextlib.ExitStack() as stack:
        names = ["memory", "sqlite", "git"]
        dsn = ""
        if binaries := find_binaries():
            dsn = stack.enter_context(running_postgres(binaries))
            names.append("postgres")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for number in range(rounds):
            for name in names:
                found[name].append(_measure(name, changes, dsn, number))
    least = min(wall for wall, _ in found["memory"])
    for name, costs in found.items():
        wall, cpu = min(cost[0] for cost in costs), min(cost[1] for cost in costs)
        told = " ".join(f"{cost[0]:.2f}" for cost in costs)
        print(f"{name:<9} {wall:6.2f} s  {cpu:6.2f} CPU-s  {wall / least - 1:+7.1%}  {AIMS.get(name, ''):<9} ({told})")


def _measure(name: str, changes: int, dsn: str, number: int) -> tuple[float, float]:
    """Apply once to a new server with a new state; return the seconds by the clock and of CPU."""
    with tempfile.TemporaryDirectory() as made, _server() as port:
        folder = Path(made)
        states: dict[str, Any] = {"postgres": {"dsn": dsn, "schema": f"round{number}"}, "git": {}}
        if name == "git":
            make_clone(folder)
        state = f"state: {json.dumps({name: states[name]})}\n" if name in states else ""
        _write_company(folder, changes, port, state)
        command = [sys.executable, "-c", STEP, str(folder), name, str(changes)]
        more = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "SCALE_TOKEN": "not-checked"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **more})
        if done.returncode:
            raise RuntimeError(done.stderr)
        wall, cpu = map(float, done.stdout.split()[-2:])
        return wall, cpu


def _write_company(folder: Path, people: int, port: int, state: str) -> None:
    (folder / "apps").mkdir()
    (folder / "reconciler.yaml").write_text(f"organization: Scale\n{state}")
    lines = [f"  p{n}: {{name: Person {n}, email: p{n}@scale.example, title: Engineer}}\n" for n in range(people)]
    (folder / "people.yaml").write_text("people:\n" + "".join(lines))
    (folder / "apps" / "hub.yaml").write_text(
        "apps:\n  hub:\n    owner: p0\n"
        "    accounts:\n      to: {everyone: true}\n      attributes: {title: '{{ person.title }}'}\n"
        f"    route:\n      - scim: {{url: 'http://127.0.0.1:{port}/v2', token: {{env: SCALE_TOKEN}}}}\n"
    )


@contextlib.contextmanager
def _server() -> Iterator[int]:
    """Start the server on a free loopback port; yield it."""
    process = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


class Server:
    """Keeps users in a list, and answers at once."""

    def __init__(self) -> None:
        self.users: list[dict[str, object]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it closes."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                length = 0
                while header := (await reader.readline()).strip():
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                status, body = self.answer(*line.split()[:2], await reader.readexactly(length))
                head = (
                    f"HTTP/1.1 {status}\r\nContent-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    def answer(self, method: bytes, target: bytes, body: bytes) -> tuple[str, bytes]:
        """Return status and body."""
        url = urlsplit(target.decode())
        if method == b"POST":
            number = len(self.users)
            self.users.append({**json.loads(body), "id": f"u{number}", "meta": {"resourceType": "User"}})
            return "201 Created", json.dumps(self.users[-1]).encode()
        if "/Users/u" in url.path:
            return "200 OK", json.dumps(self.users[int(url.path.rpartition("/u")[2])]).encode()
        if not url.path.endswith(("/Users", "/Groups")):
            return "404 Not Found", b"{}"
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        found = self.users if url.path.endswith("/Users") else []
        if "filter" in query:
            attribute, _, wanted = query["filter"].split(" ", 2)
            found = [user for user in found if str(user.get(attribute)).lower() == json.loads(wanted).lower()]
        start, count = int(query.get("startIndex", "1")), int(query.get("count", "100"))
        page = found[start - 1 : start - 1 + count]
        listed = {"totalResults": len(found), "startIndex": start, "itemsPerPage": len(page), "Resources": page}
        return "200 OK", json.dumps(listed).encode()


async def serve() -> None:
    """Serve until the process is ended; print the port."""
    listening = await asyncio.start_server(Server().serve, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    words = sys.argv[1:]
    if words == ["serve"]:
        asyncio.run(serve())
    else:
        main(int(words[0]) if words else 2000, int(words[1]) if words[1:] else 5)
