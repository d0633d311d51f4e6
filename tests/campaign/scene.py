"""The company that the campaign is fought over: three apps, a first state that was applied, and a second one to reach.

`hub` speaks SCIM over the loopback, `wiki` is kept in files, `desk` is changed by people through tickets.
"""

import copy
import csv
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty_server import FaultyServer, Habits, run_faulty_server
from launching import Ended, Launcher
from proxy import Proxy, run_proxy
from wounds import allow

from providers.ticket.client import TicketDirectory
from providers.ticket.record import Status
from reconciler.items import Names
from reconciler.state.sqlite import SqliteStore

APPS = ("desk", "hub", "wiki")
DONE, TICKETS_ONLY = 0, 2
STAYING = ("ana", "ben", "cleo", "dan", "eva", "finn", "gil", "hal")
COMING = ("ida", "jon", "kim", "lou", "mia")

SETTINGS = "organization: Acme\ntimezone: Europe/Berlin\n"
POLICIES = "policies:\n  limits: {leavers: 3, removals_per_app: 12, minimum_admins: 1}\n"
APP_FILES = """\
apps:
  hub:
    owner: ana
    route:
      - scim: {{url: "{url}", token: {{env: SCIM_TOKEN}}, timeout: 1.5}}
    accounts: {{attributes: {{displayName: "{{{{ person.name }}}}", title: "{{{{ person.title }}}}"}}}}
    entitlements: {entitlements}
  wiki:
    owner: ben
    route:
      - file:
          path: wiki/accounts.csv
          writable: true
          complete: true
          columns: {{id: id, email: email, status: status, attributes: {{name: name}}}}
          grants: {{path: wiki/grants.csv, columns: {{level: level}}}}
          entitlements: {{path: wiki/entitlements.csv}}
          levels: {{space: [read, write, admin]}}
    accounts: {{attributes: {{name: "{{{{ person.name }}}}"}}}}
    entitlements: {spaces}
  desk: {{owner: cleo}}
"""
FIRST_ROLES = """\
roles:
  everybody:
    to: {groups: [all]}
    grants: {hub: [group:all], wiki: [{space:home: read}]}
  platform:
    to: {people: [ana, ben, cleo]}
    grants: {hub: [group:platform], wiki: [{space:ops: write}], desk: [key:front]}
  moving:
    to: {people: [dan, eva]}
    grants: {hub: [group:old], wiki: [{space:ops: read}], desk: [key:back]}
"""
SECOND_ROLES = """\
roles:
  everybody:
    to: {groups: [all]}
    grants: {hub: [group:all], wiki: [{space:home: read}]}
  platform:
    to: {people: [ana, ben, dan, ida, jon]}
    grants: {hub: [group:platform, group:data], wiki: [{space:ops: write}, {space:data: admin}], desk: [key:front]}
  moving:
    to: {people: [eva, kim]}
    grants: {hub: [group:renamed], wiki: [{space:ops: write}], desk: [key:back]}
"""
FOLDERS = {
    "wiki/accounts.csv": "id,email,status,name\n",
    "wiki/grants.csv": "holder,entitlement,level\n",
    "wiki/entitlements.csv": "entitlement\n",
}


def _people(*, second: bool) -> str:
    lines = ["people:"]
    for name in (*STAYING, *COMING) if second else STAYING:
        last = ", last_day: 2020-01-31" if name in ({"gil"} if second else {"finn"}) else ""
        title = "Lead" if second and name in {"ana", "ben"} else "Engineer"
        full = f"{name.title()} Oh" if second and name == "cleo" else f"{name.title()} Acme"
        lines.append(f"  {name}: {{name: {full}, email: {name}@acme.example, title: {title}{last}}}")
    outside = "hal" if second else "nobody"
    members = ", ".join(name for name in (*STAYING, *(COMING if second else ())) if name != outside)
    return "\n".join([*lines, "groups:", f"  all: {{people: [{members}]}}", ""])


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
    server: FaultyServer
    proxy: Proxy
    launcher: Launcher

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
        self.write("reconciler.yaml", SETTINGS)
        self.write("policies.yaml", POLICIES)
        self.write("people.yaml", _people(second=second))
        self.write("roles.yaml", SECOND_ROLES if second else FIRST_ROLES)
        groups = "{group:all: {}, group:platform: {}, group:old: {}}"
        spaces = "{space:home: {}, space:ops: {}}"
        if second:
            groups = "{group:all: {}, group:platform: {}, group:renamed: {formerly: [group:old]}, group:data: {}}"
            spaces = "{space:home: {}, space:ops: {}, space:data: {}}"
        text = APP_FILES.format(url=url or self.proxy.url, entitlements=groups, spaces=spaces)
        self.write("apps/apps.yaml", text)

    def heal(self) -> None:
        """End whatever was wrong around it: the network, the app's habits, permissions."""
        self.proxy.heal()
        self.server.habits = habits()
        allow(self.folder)

    def contents(self) -> Contents:
        """Return what all apps and the state hold."""
        store = self.server.store
        names = {remote: user["userName"] for remote, user in store.users.items()}
        users = [
            (user["userName"], bool(user.get("active")), str(user.get("displayName")), str(user.get("title")))
            for user in store.users.values()
        ]
        groups = [
            (group["displayName"], tuple(sorted(names.get(m["value"], "?") for m in group.get("members", []))))
            for group in store.groups.values()
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
        return tuple(sorted(Counter(r.change_id for r in records if r.status is Status.OPEN).items()))

    def _applied(self) -> tuple[tuple[str, tuple[Any, ...]], ...]:
        """Return what the state says is applied, without what may differ: ids and times."""
        with SqliteStore(self.folder / ".reconciler/state.db", read_only=True) as state:
            return tuple(sorted((app, _plain(state, app)) for app in state.apps()))

    def unsettled(self) -> int:
        """Count the intents whose outcome was never recorded."""
        with SqliteStore(self.folder / ".reconciler/state.db", read_only=True) as state:
            return len(state.unsettled())


def _plain(state: SqliteStore, app: str) -> tuple[Any, ...]:
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


def habits() -> Habits:
    """Return the habits of a good server, which also refuses two groups of one name."""
    return Habits(unique=("userName", "displayName"))


class Theatre:
    """Makes the company again and again, each time in the same first state, with the second one declared."""

    def __init__(self, scratch: Path, server: FaultyServer, proxy: Proxy, launcher: Launcher) -> None:
        self._scratch, self._server, self._proxy, self.launcher = scratch, server, proxy, launcher
        self._count = 0
        self._template = Company(scratch / "template", server, proxy, launcher)
        self._template.declare(second=False)
        for name, text in FOLDERS.items():
            self._template.write(name, text)
        self._first()
        self._store = copy.deepcopy({"users": server.store.users, "groups": server.store.groups})
        self._made = server.store._made
        undisturbed = self.company()
        proxy.counts.clear()
        ended = undisturbed.apply("--json", count=str(scratch / "moments"))
        assert ended.code == DONE, ended
        self.wanted = undisturbed.contents()
        self.counts = dict(proxy.counts)
        self.moments = (scratch / "moments").read_text(encoding="utf-8").splitlines()
        self.changes = ended.out.count('"event": "change"')
        assert undisturbed.plan("--detailed-exitcode").code == DONE

    def _first(self) -> None:
        """Reach the first state, by way of one in which finn has not left yet."""
        first = self._template
        first.replace("people.yaml", ", last_day: 2020-01-31", "")
        self._server.store.user("stranger@acme.example", displayName="Stranger", title="Guest")
        assert first.apply().code == DONE
        first.declare(second=False)
        ended = first.apply()
        assert ended.code == DONE, ended
        first.declare(second=True)

    @property
    def port(self) -> int:
        """The port of the app behind SCIM."""
        return int(self._proxy.url.rpartition(":")[2])

    def company(self) -> Company:
        """Return a fresh company in the first state, the second one declared; the server holds what belongs to it."""
        self._count += 1
        folder = self._scratch / f"company-{self._count}"
        shutil.copytree(self._template.folder, folder)
        self._server.store.users = copy.deepcopy(self._store["users"])
        self._server.store.groups = copy.deepcopy(self._store["groups"])
        self._server.store._made = self._made
        self._server.habits = habits()
        self._server.log.clear()
        self._proxy.heal()
        return Company(folder, self._server, self._proxy, self.launcher)

    def drop(self, company: Company) -> None:
        """Remove a company that is no longer needed."""
        shutil.rmtree(company.folder, ignore_errors=True)


@contextmanager
def theatre(scratch: Path) -> Iterator[Theatre]:
    """Start the servers and the forge, and reach the first state."""
    from launching import launcher  # noqa: PLC0415 - beside its one use

    scratch.chmod(0o755)
    with run_faulty_server() as server, run_proxy(server) as proxy, launcher(scratch / "forge") as forge:
        yield Theatre(scratch, server, proxy, forge)
