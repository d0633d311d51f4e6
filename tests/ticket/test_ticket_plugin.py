"""A ticket system that this project has never heard of: added by a package of its own, and used by the real command."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from support.http_server import Reply, Request, http_server

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "examples" / "tracker-plugin"
CLOSED = "2026-03-31T08:00:00+00:00"
FILES = {
    "people.yaml": "people:\n  ana: {name: Ana Ruiz, email: ana@acme.example}\n  lee: {name: Lee}\n",
    "apps/badges.yaml": "apps:\n  badges: {owner: lee, route: []}\n",
    "grants.yaml": "grants:\n  - {to: {people: [ana]}, grants: {badges: [door:lab]}, reason: she works there}\n",
}


@dataclass
class Desk:
    """Acme Desk: a list of tickets with comments, two on a page."""

    tickets: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    url: str = ""

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.headers.get("authorization") != "Bearer a-token-of-a-test":
            return Reply(401, {"message": "who are you?"})
        path = request.path.removeprefix("/api/")
        if request.method == "GET" and path == "tickets":
            return self._page(request.query["queue"][0], int(request.query["page"][0]))
        if request.method == "POST" and path == "tickets":
            ticket = {**request.json(), "id": len(self.tickets) + 1, "state": "new"}
            self.tickets.append(ticket)
            return Reply(201, {"id": ticket["id"]})
        _, number, *rest = path.split("/")
        if request.method == "PATCH":
            self.tickets[int(number) - 1] |= {**request.json(), "closed_at": CLOSED, "closed_by": "a bot"}
        elif request.method == "POST":
            self.comments.setdefault(number, []).append(request.json())
        return Reply(200, {"comments": self.comments.get(number, [])} if rest else {})

    def _page(self, queue: str, page: int) -> Reply:
        ours = [one for one in self.tickets if one["queue"] == queue]
        return Reply(200, {"tickets": ours[2 * page - 2 : 2 * page], "pages": (len(ours) + 1) // 2})

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer requests for as long as the context lasts."""
        started, stop, loop = Event(), asyncio.Event(), asyncio.new_event_loop()

        async def serve() -> None:
            async with http_server(self) as server:
                self.url = server.url
                started.set()
                await stop.wait()

        thread = Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        started.wait(10)
        try:
            yield
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()
            loop.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A running one."""
    found = Desk()
    with found.serving():
        yield found


@dataclass
class Office:
    """A company whose tickets go to a tracker that a package adds."""

    folder: Path
    site: Path

    def install(self, module: str, text: str, name: str = "acme-desk", package: str = "acme") -> None:
        """Put a package where the interpreter finds it."""
        (self.site / f"{module}.py").write_text(text, encoding="utf-8")
        info = self.site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[reconciler.trackers]\n{name} = {module}\n", encoding="utf-8")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "DESK_TOKEN": "a-token-of-a-test"}
        environ["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, self.site)))
        command = [sys.executable, "-m", "reconciler.cli.main", *arguments]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def office(tmp_path: Path, desk: Desk) -> Office:
    """Its YAML, and nothing installed yet."""
    found = Office(tmp_path / "company", tmp_path / "site")
    (found.folder / "apps").mkdir(parents=True)
    found.site.mkdir()
    for name, text in FILES.items():
        (found.folder / name).write_text(text, encoding="utf-8")
    tickets = f"tickets: {{via: acme-desk, batch: 1, url: '{desk.url}', token: {{env: DESK_TOKEN}}}}\n"
    (found.folder / "reconciler.yaml").write_text(f"timezone: UTC\n{tickets}", encoding="utf-8")
    return found


def test_a_package_adds_a_tracker_that_does_all_that_ours_do(office: Office, desk: Desk) -> None:
    """Opened once, found again, reminded of once, attested by whoever closes it, cancelled when it is not wanted."""
    office.install("acme_desk", (PLUGIN / "acme_desk.py").read_text(encoding="utf-8"))
    for _ in range(2):
        done = office.run("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(desk.tickets) == 2
    assert "Give it the door **lab**, and nothing else" in desk.tickets[1]["text"]
    for one in desk.tickets:
        one["text"] = re.sub(r'"due": "[^"]*"', '"due": "2026\\\\u002d01\\\\u002d05"', one["text"])
    assert [office.run("tickets", "--remind").stderr.count("told: ") for _ in range(2)] == [2, 0]
    assert [len(said) for said in desk.comments.values()] == [1, 1]
    desk.tickets[0] |= {"state": "done", "closed_at": CLOSED, "closed_by": "Lee"}
    assert json.loads(office.run("plan", "--json").stdout)["apps"][0]["collections"]["accounts"]["attested"]
    (office.folder / "grants.yaml").write_text("grants: []\n", encoding="utf-8")
    done = office.run("apply", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["state"] for one in desk.tickets][1] == "cancelled"


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("Config = Tracker = object\n", "lacks `Config`, a TicketConfig, `Tracker.open`"),
        ("import a_package_that_nobody_has\n", "cannot be imported: No module named 'a_package_that_nobody_has'"),
    ],
)
def test_what_is_no_tracker_is_refused_by_its_name(office: Office, module: str, said: str) -> None:
    """With the place in the YAML."""
    office.install("acme_desk", module)
    done = office.run("validate")
    assert done.returncode == 1
    assert f"the tracker 'acme-desk' (acme_desk) {said}" in done.stdout + done.stderr
    assert "reconciler.yaml:2:" in done.stdout + done.stderr


def test_a_tracker_that_nobody_has_installed_is_told_with_those_that_there_are(office: Office) -> None:
    """Ours first."""
    done = office.run("validate")
    assert "tickets do not go via 'acme-desk': it is one of directory, email, github" in done.stdout + done.stderr


def test_two_packages_cannot_add_the_same_tracker_and_none_can_replace_ours(office: Office) -> None:
    """The first is an error; the second is not even imported."""
    office.install("acme_desk", "raise SystemExit(9)\n", name="directory")
    (office.folder / "reconciler.yaml").write_text("tickets: {via: directory}\n", encoding="utf-8")
    assert office.run("validate").returncode == 0
    for number in (1, 2):
        office.install(f"desk_{number}", "", package=f"desk{number}")
    (office.folder / "reconciler.yaml").write_text("tickets: {via: acme-desk}\n", encoding="utf-8")
    done = office.run("validate")
    assert "two packages add the tracker 'acme-desk': uninstall one of them" in done.stdout + done.stderr
