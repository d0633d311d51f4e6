#!/usr/bin/env python3
"""The whole of it in two minutes: `python3 examples/demo.py`. Needs Python, pip and git, and nothing else.

Makes `.venv` in the checkout, copies the example company to `demo/`, starts a chat that speaks SCIM on a free port of
this machine, and runs the real `reconciler` command step by step, as a user would. Only pip goes out to the network.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
START_SECONDS = 60.0
OLDEST = (3, 11)


# ── what is printed ─────────────────────────────────────────────────────────────────────────────────────────────────


class Stage:
    """Prints the story: headlines, narration, and commands as a user would type them.

    Args:
        pause: wait for Enter before each step.
    """

    def __init__(self, *, pause: bool = False) -> None:
        self._pause = pause
        self._number = 0
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 120)

    def style(self, text: str, code: str) -> str:
        """Return a text in a style, where the terminal shows it."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def step(self, headline: str) -> None:
        """Begin a step."""
        if self._pause and self._number:
            input(self.style("\n   Enter goes on … ", "2"))
        self._number += 1
        text = f"── {self._number}. {headline} "
        print("\n" + self.style(text + "─" * max(0, self.width - len(text)), "1;36"), flush=True)

    def say(self, text: str) -> None:
        """Narrate, wrapped to the terminal."""
        for paragraph in textwrap.dedent(text).strip().split("\n\n"):
            print("\n" + textwrap.fill(" ".join(paragraph.split()), self.width - 2), flush=True)

    def prompt(self, command: str) -> None:
        """Print a command as it would be typed."""
        print("\n" + self.style("$ ", "2") + self.style(command, "1"), flush=True)

    def aside(self, text: str) -> None:
        """Print a remark that is no output of a command."""
        print(self.style(text, "2"), flush=True)


# ── what is set up ──────────────────────────────────────────────────────────────────────────────────────────────────


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
        run_quietly([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], "pip could not install the project")
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


def today() -> date:
    """Return the day where the user is."""
    return date.today()  # noqa: DTZ011 - a person would write the same


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ── the story ───────────────────────────────────────────────────────────────────────────────────────────────────────


def show_files(demo: Demo) -> None:
    """The company is written down in YAML."""
    demo.stage.step("A company, written down")
    demo.stage.say(
        """Acme has 25 people and three apps: a chat that speaks SCIM, a wiki whose permissions are kept in a CSV file,
        and door badges that a person programs by hand. Who should have what is written in YAML, in a git repository.
        This is the chat:"""
    )
    demo.stage.prompt("cat apps/chat.yaml")
    print((demo.folder / "apps" / "chat.yaml").read_text(encoding="utf-8").strip())
    demo.stage.say("First: does all of it make sense? Every mistake would be named with its file, line and column.")
    demo.command("reconciler validate")


def first_plan(demo: Demo) -> None:
    """What is written is compared with what the apps answer."""
    demo.stage.step("What is different from what is written?")
    demo.stage.say(
        """A plan reads every app and changes nothing. Most is right already: it is adopted, and only counted. The rest
        has grown over the years. Ben left in January and still has his accounts; Ana is new."""
    )
    demo.command("reconciler plan --out plan.json")


def first_apply(demo: Demo) -> None:
    """The plan is applied, and a second run has nothing to do."""
    demo.stage.step("Make it true")
    demo.stage.say(
        """Exactly this plan is applied: if anything that it relies on had moved since, it would be refused. Each change is
        read back before it counts as done. Leavers come first; what only a person can do becomes a ticket."""
    )
    demo.command("reconciler apply plan.json --yes")
    demo.stage.say("And once more: nothing is left to do but what waits for a person.")
    demo.command("reconciler plan")


def tickets(demo: Demo) -> None:
    """A person does what no API can, and attests it."""
    demo.stage.step("What only a person can do")
    demo.stage.say("Badges have no API. Each open ticket is a file, for the owner of the app:")
    demo.command("reconciler tickets")
    ticket = next(iter(sorted((demo.folder / "tickets").glob("badges-grant-*.md"))))
    demo.stage.prompt(f"cat tickets/{ticket.name}")
    print(ticket.read_text(encoding="utf-8").strip())
    demo.stage.say(
        """Xenia programs the badge, and says so at the top of both files. From then on it counts as granted. (Whoever
        closes a ticket is on record in git.)"""
    )
    closed = f"status: done\nclosed: {today()}\nattested_by: Xenia Popova"
    for file in (demo.folder / "tickets").glob("badges-*.md"):
        demo.edit(f"tickets/{file.name}", r"status: open\nclosed:\nattested_by:", closed)
    demo.commit("Access applied, a badge programmed")
    demo.stage.aside(
        f"(done: status, closed and attested_by are filled in, in {len(list((demo.folder / 'tickets').iterdir()))} files)"
    )


def mover_and_leaver(demo: Demo) -> None:
    """People move and leave: two edits."""
    demo.stage.step("Somebody moves, somebody leaves")
    demo.edit(
        "people/employees.yaml",
        r"(  mia:\n.*?title: )Backend Engineer\n(    department: )Engineering\n(    manager: )omar\n",
        r"\1Product Designer\n\2Design\n\3zoe\n",
    )
    demo.edit(
        "people/employees.yaml",
        r"(  paul:\n.*?    manager: lena\n)",
        rf"\1    last_day: {today() - timedelta(days=2)}\n",
    )
    demo.stage.say(
        """Mia becomes a designer, and Paul had his last day. That is all that anybody writes; in a company,
        this is a pull request, and the plan below is what its reviewers see."""
    )
    demo.diff()
    demo.command("reconciler plan")
    demo.stage.say("Everything that follows from it, in all three apps, each change with its reason. Apply it:")
    demo.command("reconciler apply --yes")
    demo.commit("Mia moves to Design, Paul leaves")


def explain(demo: Demo) -> None:
    """Each grant knows why it is there."""
    demo.stage.step("Why does somebody have this? Who has that?")
    demo.command("reconciler explain ana chat")
    demo.command("reconciler who wiki/space:design")


def drift(demo: Demo) -> None:
    """Somebody clicks in the chat's admin console."""
    demo.stage.step("Behind git's back")
    demo.stage.say(
        """Now somebody clicks in the chat's admin console (here: over SCIM, past the reconciler). Kim is thrown out of
        the incidents channel, the old bot gets into the leads' channel, and Noah promotes himself."""
    )
    leads, incidents = (demo.find("Groups", "displayName", name) for name in ("leads", "incidents"))
    kim, bot, noah = (demo.find("Users", "userName", f"{name}@acme.example") for name in ("kim", "old-bot", "noah"))
    demo.patch("Groups", incidents, {"op": "remove", "path": f'members[value eq "{kim}"]'})
    demo.patch("Groups", leads, {"op": "add", "path": "members", "value": [{"value": bot}]})
    demo.patch("Users", noah, {"op": "replace", "path": "title", "value": "Chief Engineer"})
    demo.command("reconciler drift", expect=(0, 1, 2, 3))
    demo.stage.say("What was lost or changed is put right; what was never declared is shown, and left alone.")
    demo.command("reconciler apply --yes")


def farewell(demo: Demo) -> None:
    """The folder stays."""
    demo.stage.step("Yours to play with")
    folder = os.path.relpath(demo.folder)
    demo.stage.say(f"The company stays in {folder}/. The chat has been stopped; it starts again with what it held:")
    for command in (
        f"source {os.path.relpath(BIN)}/activate",
        f"cd {folder}",
        "./start-server &",
        "reconciler plan",
    ):
        print("    " + demo.stage.style(command, "1"))
    demo.stage.say("Edit people/, roles.yaml or exports/wiki.csv, close a ticket in tickets/, and plan again.")


def main() -> int:
    """Tell the story."""
    parser = argparse.ArgumentParser(description="The example company, set up and reconciled before your eyes.")
    parser.add_argument("--folder", type=Path, default=ROOT / "demo", help="where the company is copied to (demo)")
    parser.add_argument("--fresh", action="store_true", help="begin again: remove that folder first")
    parser.add_argument("--pause", action="store_true", help="wait for Enter before each step")
    options = parser.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(f"the reconciler needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    if not shutil.which("git"):
        sys.exit("the demo needs git, and there is none")
    folder: Path = options.folder.resolve()
    if folder.exists():
        if not (options.fresh and (folder / "start-server").exists()):
            sys.exit(f"{os.path.relpath(folder)}/ is there already: go on playing in it, or add --fresh to begin again")
        shutil.rmtree(folder)
    stage = Stage(pause=options.pause)
    set_up(stage)
    demo = Demo(folder, stage)
    demo.copy()
    with demo.chat():
        demo.seed()
        for part in (show_files, first_plan, first_apply, tickets, mover_and_leaver, explain, drift):
            part(demo)
    farewell(demo)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
