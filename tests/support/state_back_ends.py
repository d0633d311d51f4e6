"""The back ends that every state test can run on, and what `reconciler.yaml` says of a new state in each."""

import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

BACK_ENDS = ("sqlite", "git", "postgres")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it said."""
    command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@acme.example", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def make_clone(folder: Path) -> Path:
    """Make a folder a clone of a new bare repository with one commit, and return the latter's path."""
    bare = folder / ".remote.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", str(bare))
    (folder / "people.yaml").write_text("people: {}\n")
    git(folder, "add", "people.yaml")
    git(folder, "commit", "--quiet", "-m", "Begin")
    git(folder, "push", "--quiet", "origin", "main")
    return bare


def options_of(name: str, request: pytest.FixtureRequest, folder: Path) -> dict[str, Any]:
    """Return what `state` says for a new state of a back end."""
    if name == "sqlite":
        return {"path": f"{uuid.uuid4().hex}/state.db"}
    if name == "git":
        folder.mkdir(exist_ok=True)
        make_clone(folder)
        return {}
    return {"dsn": request.getfixturevalue("postgres_dsn"), "schema": f"s{uuid.uuid4().hex}"}
