"""A small company on disk, and the real command run in it: quickly in this process, or as a process of its own."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import reconciler
from reconciler.cli.main import run

ROOT = Path(reconciler.__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "reconciler.cli.main"]
TOKEN_NAME = "HUB_TOKEN"


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that it said."""
        return self.out + self.err

    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def digest(self) -> str:
        """The digest that an override would have to name."""
        found = re.search(r"digest ([0-9a-f]{12,64})", self.out)
        assert found, self.out
        return found[1]


class Company:
    """A repository in a folder.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dump("reconciler.yaml", {"organization": "Acme", "timezone": "Europe/Berlin"})

    def write(self, name: str, text: str) -> Path:
        """Write one of its files."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def dump(self, name: str, data: Any) -> Path:
        """Write one of its YAML files."""
        return self.write(name, yaml.safe_dump(data, sort_keys=False, allow_unicode=True))

    def read(self, name: str) -> str:
        """Read one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a piece of one of its files, which must be there."""
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def people(self, *ids: str, **more: dict[str, Any]) -> None:
        """Write people: plain ones by their ids, others with what differs."""
        known = {name: {} for name in ids} | more
        people = {name: {"name": name.title(), "email": f"{name}@acme.example", **own} for name, own in known.items()}
        self.dump("people.yaml", {"people": {name: strip(own) for name, own in people.items()}})

    def grants(self, *blocks: tuple[Any, dict[str, list[Any]]], **more: Any) -> None:
        """Write grants: to whom (ids, or a mapping), and what in which app."""
        written = [{"to": to if isinstance(to, dict) else {"people": list(to)}, "grants": what} for to, what in blocks]
        self.dump("grants.yaml", {"grants": [block | more for block in written]})

    def app(self, name: str, **parts: Any) -> None:
        """Write an app; its owner is `omar`, whom the test must write."""
        self.dump(f"apps/{name}.yaml", {"apps": {name: {"owner": "omar", **parts}}})

    def hub(self, url: str, *, scim: dict[str, Any] | None = None, name: str = "hub", **parts: Any) -> None:
        """Write an app behind a SCIM server."""
        way = {"url": url, "token": {"env": TOKEN_NAME}, **(scim or {})}
        self.app(name, route=[{"scim": way}], **parts)

    def policies(self, **policies: Any) -> None:
        """Write policies."""
        self.dump("policies.yaml", {"policies": policies})

    def wiki(
        self, rows: str, grants: str, entitlements: str = "team:eng\nteam:ops\nrole:admin\n", **parts: Any
    ) -> None:
        """Write an app in writable CSV files: accounts (id, email, status), grants (holder, entitlement, level)."""
        self.write("wiki.csv", "id,email,status\n" + rows)
        self.write("wiki-grants.csv", "holder,entitlement,level\n" + grants)
        self.write("wiki-entitlements.csv", "entitlement\n" + entitlements)
        way = {
            "path": "wiki.csv",
            "writable": True,
            "complete": True,
            "columns": {"id": "id", "email": "email", "status": "status"},
            "grants": {"path": "wiki-grants.csv", "columns": {"level": "level"}},
            "entitlements": {"path": "wiki-entitlements.csv"},
        }
        self.app("wiki", route=[{"file": way}], **parts)

    def run(self, *arguments: str) -> Ended:
        """Run the command in this process, from its entry point on."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run([arguments[0], "--config", str(self.folder), *arguments[1:]])
        return Ended(code, out.getvalue(), err.getvalue())

    def spawn(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """Start the command as a process of its own."""
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "TMPDIR", TOKEN_NAME}}
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env={**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run_process(self, *arguments: str, **more: str) -> Ended:
        """Run the command as a process of its own."""
        with self.spawn(*arguments, **more) as process:
            out, err = process.communicate(timeout=60)
            return Ended(process.returncode, out, err)

    def plan(self, *arguments: str) -> Ended:
        """Plan, with an exit code of its own for pending changes."""
        return self.run("plan", "--detailed-exitcode", *arguments)

    def apply(self, *arguments: str) -> Ended:
        """Plan and apply without asking."""
        return self.run("apply", "--yes", *arguments)

    def settle(self, *arguments: str) -> Ended:
        """Apply, which must succeed and leave nothing to do."""
        done = self.apply(*arguments)
        assert done.code == 0, done.said
        again = self.plan()
        assert (again.code, "nothing to do" in again.out) == (0, True), again.said
        assert "adoption" not in again.out, again.said
        return done

    def changes(self, *arguments: str) -> list[str]:
        """The ids of all changes that a plan would do."""
        apps = self.run("plan", "--json", *arguments).data()["apps"]
        return sorted(change["id"] for app in apps for change in app["changes"] if not change.get("blocked"))

    def findings(self, fact: str, *arguments: str) -> list[str]:
        """The texts of all findings of one sort in a plan, each after its item."""
        apps = self.run("plan", "--json", *arguments).data()["apps"]
        found = [finding for app in apps for finding in app["findings"] if finding["fact"] == fact]
        return [" ".join([*(finding["item"] or {}).values(), finding["text"]]) for finding in found]

    def tree(self, *, state: bool = False) -> dict[str, str]:
        """Every file's hash, without `.reconciler` unless the state is wanted too."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        named = {path.relative_to(self.folder).as_posix(): path for path in files}
        kept = {name: path for name, path in named.items() if state or not name.startswith(".reconciler/")}
        return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in kept.items()}


def strip(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in values.items() if value is not None}
