"""`python3 tests/servers/setup.py`: install the SCIM servers that are written for Node, once for each lock file.

Needs nothing but Python, Node and npm. Without them it says so and succeeds: the tests name what they skip.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "npm"
MODULES = FOLDER / "node_modules"
MARK = MODULES / ".installed"
NODE_MAJOR = 22  # the first with `node:sqlite`; the lock file brings 24 where npm has it for this system


def find_node() -> str:
    """Return a Node that is new enough: the one that npm brought, or the system's; empty where there is none."""
    brought = sorted(MODULES.glob("node-*/bin/node"))
    for node in (*map(str, brought), shutil.which("node") or ""):
        if node and _major(node) >= NODE_MAJOR:
            return node
    return ""


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(version) if answer.returncode == 0 and version.isdigit() else 0


def missing() -> str:
    """Say why the servers for Node cannot run here; empty where they can."""
    if not MARK.exists() or MARK.read_text(encoding="utf-8") != _lock():
        if not (shutil.which("npm") and shutil.which("node")):
            return "SCIM servers for Node (no node and npm on this system)"
        return "SCIM servers for Node (run python3 tests/servers/setup.py)"
    return "" if find_node() else f"SCIM servers for Node (needs Node {NODE_MAJOR} or newer)"


def install() -> str:
    """Install what the lock file names, if it is not there yet; return what is missing, or nothing."""
    reason = missing()
    if not reason or not (shutil.which("npm") and shutil.which("node")):
        return reason
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    code = subprocess.run(command, cwd=FOLDER, env={**os.environ, "CI": "1"}, check=False).returncode
    if code:
        return "SCIM servers for Node (npm ci failed)"
    MARK.write_text(_lock(), encoding="utf-8")
    return missing()


def _lock() -> str:
    return (FOLDER / "package-lock.json").read_text(encoding="utf-8")


def clean_lock() -> None:
    """Take the addresses of packages out of the lock file: each machine has its own registry, the hashes stay."""
    file = FOLDER / "package-lock.json"
    lock = json.loads(file.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        for name in ("resolved", "funding"):
            package.pop(name, None)
    file.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--clean-lock"]:
        clean_lock()
    else:
        print(install() or f"the SCIM servers for Node are ready, on {find_node()}")
        import google_documents

        print(google_documents.install() or "Google's API descriptions are there")
