"""The company that the campaign is fought over: three apps, a first state that was applied, and a second one to reach.

`hub` speaks SCIM over the loopback, `wiki` is kept in files, `desk` is changed by people through tickets.
"""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from declarations import FIRST_ROLES, FOLDERS, POLICIES, SECOND_ROLES, apps_yaml, people_yaml
from faulty_server import FaultyServer
from hubs import HUBS, FaultyHub, Hub
from launching import CANARY, Ended, Launcher
from memory import MEMORIES, Memory
from proxy import Proxy, run_proxy
from wounds import allow, repair

from providers.ticket.client import TicketDirectory
from providers.ticket.record import Status, each_of
from reconciler.items import Names
from reconciler.state.contract import StateStore

APPS = ("desk", "hub", "wiki")
ANCHOR = "trail/heads.txt"
DONE = 0


@dataclass(frozen=True)
class Contents:
    """What all apps and the state hold, in a form in which two companies can be compared."""

    users: tuple[tuple[str, bool, str, str], ...]
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    files: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
    tickets: tuple[tuple[str, int], ...]
    applied: tuple[tuple[str, tuple[Any, ...]], ...]

    def differences(self, other: "Contents") -> list[str]:
        """Say what `other` has differently, as lines."""
        lines = []
        for name in ("users", "groups", "files", "tickets", "applied"):
            mine, its = Counter(getattr(self, name)), Counter(getattr(other, name))
            lines += [f"{name}: lost {one}" for one in (mine - its).elements()]
            lines += [f"{name}: not wanted {one}" for one in (its - mine).elements()]
        return lines


@dataclass
class Company:
    """One company on disk, with the server behind its SCIM app."""

    folder: Path
    hub: Hub
    proxy: Proxy
    launcher: Launcher
    memory: Memory
    anchored: bool = False

    @property
    def server(self) -> FaultyServer:
        """The server with habits, where it is that one."""
        assert isinstance(self.hub, FaultyHub)
        return self.hub.server

    def run(self, *arguments: str, **wounds: Any) -> Ended:
        """Run the command in it."""
        return self.launcher.run(self.folder, *arguments, **wounds)

    def apply(self, *arguments: str, **wounds: Any) -> Ended:
        """Run `apply --yes`."""
        return self.run("apply", "--yes", "--no-color", *arguments, **wounds)

    def plan(self, *arguments: str, **wounds: Any) -> Ended:
        """Run `plan`."""
        return self.run("plan", "--no-color", *arguments, **wounds)

    def write(self, name: str, text: str) -> Path:
        """Write a file of its repository."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name: str) -> str:
        """Read a file of its repository."""
        return (self.folder / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a piece of a file, which must be there."""
        text = self.read(name)
        assert old in text, (name, old)
        self.write(name, text.replace(old, new))

    def declare(self, *, second: bool, url: str = "") -> None:
        """Write the YAML of the first or of the second state."""
        self.settle()
        self.write("policies.yaml", POLICIES)
        self.write("people.yaml", people_yaml(second=second))
        self.write("roles.yaml", SECOND_ROLES if second else FIRST_ROLES)
        text = apps_yaml(second=second, url=url or self.proxy.url, timeout=self.hub.patience)
        self.write("apps/apps.yaml", text)

    def settle(self) -> None:
        """Write its reconciler.yaml."""
        lines = {"organization": "Acme", "timezone": "Europe/Berlin", "state": self.memory.options(self.folder)}
        lines |= {"audit": {"anchor": ANCHOR}} if self.anchored else {}
        self.write("reconciler.yaml", "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items() if value))

    def heal(self) -> None:
        """End whatever was wrong around it: the network, the app's habits, permissions, the database."""
        self.proxy.heal()
        self.hub.calm()
        self.memory.heal(self.folder)
        allow(self.folder)
        repair(self.folder)

    def contents(self) -> Contents:
        """Return what all apps and the state hold."""
        everybody = self.hub.users()
        names = {user["id"]: user["userName"] for user in everybody}
        users = [
            (user["userName"], bool(user.get("active")), str(user.get("displayName")), str(user.get("title")))
            for user in everybody
        ]
        groups = [
            (group["displayName"], tuple(sorted(names.get(m["value"], "?") for m in group.get("members") or ())))
            for group in self.hub.groups()
        ]
        return Contents(
            tuple(sorted(users)), tuple(sorted(groups)), tuple(self._files()), self._tickets(), self._applied()
        )

    def _files(self) -> Iterator[tuple[str, tuple[tuple[str, ...], ...]]]:
        """Yield each file's rows, sorted, every account's id replaced by its address."""
        with (self.folder / "wiki/accounts.csv").open(encoding="utf-8", newline="") as file:
            mails = {row[0]: row[1] for row in csv.reader(file)}
        for name in FOLDERS:
            with (self.folder / name).open(encoding="utf-8", newline="") as file:
                yield name, tuple(sorted((mails.get(row[0], row[0]), *row[1:]) for row in csv.reader(file)))

    def _tickets(self) -> tuple[tuple[str, int], ...]:
        """Count the tickets that are open, by what they ask for."""
        records = TicketDirectory(self.folder, "tickets").records("desk")
        opened = [one.change_id for r in records if r.status is Status.OPEN for one in each_of(r)]
        return tuple(sorted(Counter(opened).items()))

    def _applied(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """Return what the state says is applied, without what may differ: ids and times."""
        with self.state() as state:
            return tuple(sorted((app, _plain(state, app)) for app in state.apps()))

    def moments(self) -> list[str]:
        """Return the moments that its last watched command lived to, which are forgotten with this."""
        path = self.folder / ".moments"
        found = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    def unsettled(self) -> int:
        """Count the intents whose outcome was never recorded."""
        with self.state() as state:
            return len(state.unsettled())

    def state(self) -> StateStore:
        """Open its state for reading."""
        return self.memory.open(self.folder)


def _plain(state: StateStore, app: str) -> tuple[Any, ...]:
    names = Names()
    applied = state.load(app, names)
    items = [("account", name, one.status.value, one.pending) for name, one in applied.accounts.items()]
    items += [("entitlement", key, "", one.pending) for key, one in applied.entitlements.items()]
    items += [
        ("grant", f"{names.item(grant).holder} {names.item(grant).entitlement}", str(names.levels[level]),
         grant in applied.pending)
        for grant, level in applied.grants.items()
    ]  # fmt: skip
    return tuple(sorted(items))


class Theatre:
    """Makes the company again and again, each time in the same first state, with the second one declared."""

    def __init__(self, scratch: Path, template: Company) -> None:
        self._scratch, self._template = scratch, template
        self._count = 0
        template.memory.begin(template.folder)
        template.declare(second=False)
        for name, text in FOLDERS.items():
            template.write(name, text)
        self._first()
        self._kept = template.hub.keep()
        undisturbed = self.company()
        template.proxy.counts.clear()
        ended = undisturbed.apply("--json", count=str(scratch / "moments"))
        assert ended.code == DONE, ended
        self.wanted = undisturbed.contents()
        self.counts = dict(template.proxy.counts)
        self.moments = (scratch / "moments").read_text(encoding="utf-8").splitlines()
        self.changes = {line["id"] for line in map(json.loads, ended.out.splitlines()) if line["event"] == "change"}
        assert undisturbed.plan("--detailed-exitcode").code == DONE

    def _first(self) -> None:
        """Reach the first state, by way of one in which finn has not left yet."""
        first = self._template
        first.replace("people.yaml", ", last_day: 2020-01-31", "")
        stranger = {"userName": "stranger@acme.example", "displayName": "Stranger", "title": "Guest", "active": True}
        schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
        headers = {"Authorization": f"Bearer {CANARY}", "Content-Type": "application/scim+json"}
        url = f"{first.hub.url}/Users"
        httpx.post(url, json={"schemas": schemas, **stranger}, headers=headers, trust_env=False).raise_for_status()
        ended = first.apply()
        assert ended.code == DONE, ended
        first.declare(second=False)
        ended = first.apply()
        assert ended.code == DONE, ended
        first.declare(second=True)

    @property
    def port(self) -> int:
        """The port of the app behind SCIM."""
        return int(self._template.proxy.url.rpartition(":")[2])

    @property
    def launcher(self) -> Launcher:
        """What runs the command."""
        return self._template.launcher

    @property
    def memory(self) -> Memory:
        """Where the state is kept."""
        return self._template.memory

    @property
    def hub(self) -> Hub:
        """The server behind the SCIM app."""
        return self._template.hub

    def company(self) -> Company:
        """Return a fresh company in the first state, the second one declared; the server holds what belongs to it."""
        self._count += 1
        folder = self._scratch / f"company-{self._count}"
        shutil.copytree(self._template.folder, folder)
        self.memory.copy(self._template.folder, folder)
        self.hub.restore(self._kept)
        self._template.proxy.heal()
        company = replace(self._template, folder=folder)
        company.settle()
        return company

    def drop(self, company: Company) -> None:
        """Remove a company that is no longer needed."""
        self.memory.drop(company.folder)
        shutil.rmtree(company.folder, ignore_errors=True)


@contextmanager
def theatre(scratch: Path, *, hub: str = "faulty", state: str = "sqlite", anchored: bool = False) -> Iterator[Theatre]:
    """Start the servers and the forge, and reach the first state.

    Args:
        scratch: for everything that is written.
        hub: one of `hubs.HUBS`.
        state: one of `memory.MEMORIES`.
        anchored: whether the audit trail is anchored outside the state.
    """
    from launching import launcher  # noqa: PLC0415 - beside its one use

    scratch.chmod(0o755)
    with ExitStack() as stack:
        behind, kept = stack.enter_context(HUBS[hub]()), stack.enter_context(MEMORIES[state]())
        front = stack.enter_context(run_proxy(behind))
        forge = stack.enter_context(launcher(scratch / "forge"))
        yield Theatre(scratch, Company(scratch / "template", behind, front, forge, kept, anchored))
