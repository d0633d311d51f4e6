"""A company in a git repository, and pull requests against it, with the real git and the real command."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from cli_company import Company

_PLACES = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
_SOMEBODY = {"GIT_AUTHOR_NAME": "Ana Ruiz", "GIT_AUTHOR_EMAIL": "ana@acme.example"}
_COMMITTER = {"GIT_COMMITTER_NAME": "Ana Ruiz", "GIT_COMMITTER_EMAIL": "ana@acme.example"}


def run_git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, without anybody's settings."""
    environment = {"PATH": os.environ["PATH"], **_PLACES, **_SOMEBODY, **_COMMITTER}
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Checkout(Company):
    """A company whose YAML is committed on `main`; what its apps show is not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write(".gitignore", ".reconciler/\n*.csv\n*.json\ntickets/\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("Begin")

    def git(self, *arguments: str) -> str:
        """Run git here."""
        return run_git(self.folder, *arguments)

    def commit(self, message: str) -> str:
        """Commit everything and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def apply_all(self) -> None:
        """Make everything that is declared true, so that nothing is left to do."""
        done = self.run("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def branch(self, name: str, start: str = "main") -> None:
        """Begin a pull request."""
        self.git("checkout", "--quiet", "-b", name, start)

    def give(self, person: str, entitlement: str, *, file: str = "", app: str = "wiki") -> None:
        """Grant something in a file of its own."""
        text = f"grants:\n  - to: {{people: [{person}]}}\n    grants: {{{app}: [{entitlement}]}}\n    reason: asked\n"
        self.write(file or f"{person}.yaml", text)

    def plan(self, base: str, *more: str, **environment: str) -> dict[str, Any]:
        """Plan against a base and return the data."""
        done = self.run("plan", "--base", base, "--json", *more, **environment)
        assert done.stdout, done.stderr
        return dict(json.loads(done.stdout))

    def pull_request(self) -> Path:
        """Plan the checkout against main and keep the plan."""
        file = self.folder / "reviewed.json"
        done = self.run("plan", "--base", "main", "--out", str(file))
        assert done.returncode == 0, done.stdout + done.stderr
        return file

    def live(self) -> list[str]:
        """Return the grants that the wiki shows, as `holder entitlement level`."""
        return sorted(line.replace(",", " ").strip() for line in self.read("grants.csv").splitlines()[1:])


def changes(plan: dict[str, Any]) -> list[str]:
    """Return the ids of a plan's own changes."""
    return [change["id"] for app in plan["apps"] for change in app["changes"]]


def left_out(plan: dict[str, Any], part: str = "before") -> list[str]:
    """Return the ids of the changes that a comparison left out."""
    return [change["id"] for app in plan["comparison"][part] for change in app["changes"]]


def findings(plan: dict[str, Any], fact: str) -> list[str]:
    """Return the texts of a plan's own findings of one sort."""
    return [found["text"] for app in plan["apps"] for found in app["findings"] if found["fact"] == fact]
