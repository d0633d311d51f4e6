"""Where the demo takes place: a copy of the example company under git, its chat, and the commands run in it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo_stage import Stage

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
START_SECONDS = 60.0


def set_up(stage: Stage) -> None:
    """Make the virtual environment and install the tool, once for each lock file."""
    lock = ROOT / "requirements.lock"
    wanted = (lock.read_bytes() if lock.exists() else b"") + sys.version.encode()
    mark = VENV / "installed.lock"
    if mark.exists() and mark.read_bytes() == wanted:
        return
    stage.aside("Setting up .venv (once; about a minute) …")
    if VENV.exists():
        shutil.rmtree(VENV)
    run_quietly([sys.executable, "-m", "venv", str(VENV)], "python3 has no venv: install it (apt install python3-venv)")
    pip = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if lock.exists():
        run_quietly([*pip, "--require-hashes", "-r", str(lock)], "pip could not install what requirements.lock names")
        locked = ["--no-build-isolation"] if b"\nhatchling==" in lock.read_bytes() else []
        run_quietly([*pip, "--no-deps", *locked, "-e", str(ROOT)], "pip could not install the project")
    else:
        run_quietly([*pip, "-e", f"{ROOT}[demo]"], "pip could not install the project")
    mark.write_bytes(wanted)


def run_quietly(command: Sequence[str], what: str) -> None:
    """Run a command that has nothing to say unless it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what}\n\n{(done.stderr or done.stdout)[-2000:]}")


class Demo:
    """The demo's folder, its chat, and the commands that are run in it.

    Args:
        folder: where the company is copied to.
        stage: prints.
    """

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder = folder
        self.stage = stage
        self.token = secrets.token_urlsafe(24)
        self.url = f"http://127.0.0.1:{free_port()}/v2"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("RECONCILER_", "GIT_"))},
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
            "COLUMNS": str(stage.width),
            "GIT_PAGER": "cat",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def copy(self) -> None:
        """Copy the company, write the chat's port and token into it, and put it under git."""
        ours = shutil.ignore_patterns(".reconciler", "tickets", "secrets")
        shutil.copytree(EXAMPLES / "company", self.folder, ignore=ours)
        self.edit("apps/chat.yaml", r"url: http://\S+", f"url: {self.url}")
        secret = self.folder / "secrets" / "chat-token"
        secret.parent.mkdir(mode=0o700)
        secret.write_text(self.token + "\n", encoding="utf-8")
        secret.chmod(0o600)
        ignored = ("secrets/", ".reconciler/", ".chat/", "start-server", "plan.json")
        (self.folder / ".gitignore").write_text("".join(f"/{name}\n" for name in ignored), encoding="utf-8")
        server = shlex.join([str(BIN / "python"), "-W", "ignore", str(EXAMPLES / "chat_server.py")])
        lines = (
            "#!/bin/sh",
            "# Starts the chat of this demo again, with what it held.",
            'cd "$(dirname "$0")" || exit',
        )
        start = self.folder / "start-server"
        start.write_text("\n".join((*lines, f"exec {server} .", "")), encoding="utf-8")
        start.chmod(0o755)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("The company as it is meant to be")

    def git(self, *arguments: str, show: bool = False) -> None:
        """Run git in the folder, as a user of its own."""
        who = ["-c", "user.name=Ada Admin", "-c", "user.email=ada@acme.example", "-c", "commit.gpgsign=false"]
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self._environment, check=False, capture_output=not show)
        if done.returncode:
            sys.exit(f"git {arguments[0]} failed" + (f":\n{done.stderr.decode()}" if not show else ""))

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Change one place of a file, and fail if it is not there."""
        file = self.folder / path
        text, count = re.subn(pattern, replacement, file.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
        if not count:
            sys.exit(f"{path} does not hold {pattern!r} any more")
        file.write_text(text, encoding="utf-8")

    def command(self, text: str, *, expect: Sequence[int] = (0,)) -> None:
        """Print and run a command; stop the demo if its exit code is none of those expected."""
        self.stage.prompt(text)
        done = subprocess.run(shlex.split(text), cwd=self.folder, env=self._environment, check=False)
        if done.returncode not in expect:
            sys.exit(f"\nthe demo ends here: `{text}` left with exit code {done.returncode}")

    def diff(self) -> None:
        """Show what was changed in the files."""
        self.stage.prompt("git diff --unified=2")
        colour = "always" if self.stage.style("", "1") else "never"
        self.git("--no-pager", "diff", "--unified=2", f"--color={colour}", show=True)

    @contextmanager
    def chat(self) -> Iterator[None]:
        """Run the chat for as long as the context lasts."""
        command = [str(BIN / "python"), "-W", "ignore", str(EXAMPLES / "chat_server.py"), str(self.folder)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            process.communicate()

    def _wait(self, process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.ask("GET", "/Users?count=1")
            except urllib.error.URLError:
                time.sleep(0.1)
            else:
                return
        process.terminate()
        sys.exit(f"the chat did not start:\n{process.communicate()[1][-2000:]}")

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Speak SCIM with the chat, past the reconciler: to seed it, and to tamper with it."""
        request = urllib.request.Request(  # noqa: S310 - always http, always this machine
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            text = answer.read()
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def seed(self) -> None:
        """Fill the chat with what it has before anybody wrote anything down."""
        seed = json.loads((EXAMPLES / "chat.json").read_text(encoding="utf-8"))
        ids: dict[str, str] = {}
        for person in seed["people"]:
            email, name = person["email"], person["name"]
            given, _, family = name.partition(" ")
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": email,
                "displayName": name,
                "name": {"formatted": name, "givenName": given, "familyName": family},
                "emails": [{"value": email, "type": "work", "primary": True}],
                "active": True,
                **({"title": person["title"]} if person["title"] else {}),
            }
            ids[email.partition("@")[0]] = self.ask("POST", "/Users", body)["id"]
        for channel, members in seed["channels"].items():
            body = {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": channel,
                "members": [{"value": ids[name]} for name in members],
            }
            self.ask("POST", "/Groups", body)

    def find(self, resource: str, attribute: str, value: str) -> str:
        """Return the id of a user or a channel."""
        query = urllib.parse.urlencode({"filter": f'{attribute} eq "{value}"'})
        found: str = self.ask("GET", f"/{resource}?{query}")["Resources"][0]["id"]
        return found

    def patch(self, resource: str, one: str, operation: dict[str, Any]) -> None:
        """Change one resource of the chat."""
        schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
        self.ask("PATCH", f"/{resource}/{one}", {"schemas": schemas, "Operations": [operation]})


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
