"""A company on a forge: a bare repository, a fake GitHub, a real SCIM server, and people who push, review and merge."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from servers.running import Server, scim2_server
from support.actions_runner import ROOT, Outcome, Runner
from support.fake_github import FakeGitHub, running
from support.real_command import run_command

PIN = "acme-tools/reconciler@" + "a" * 40
ENVIRONMENT = "access"
PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering, usernames: {github: ana}}
  lee: {name: Lee Wong, email: lee@acme.example, department: IT, usernames: {github: lee}}
"""
KIM = "people:\n  kim: {name: Kim Lee, email: kim@acme.example}\n"
CHAT = """\
apps:
  chat:
    owner: lee
    route: [scim: {{url: "{url}", token: {{env: CHAT_TOKEN}}}}]
    accounts:
      to: {{everyone: true}}
      attributes: {{displayName: "{{{{ person.name }}}}"}}
"""


@dataclass
class Life:
    """A company, from outside.

    Attributes:
        desk: somebody's clone.
    """

    github: FakeGitHub
    remote: Path
    desk: Path
    runner: Runner
    chat: Server
    pulls: dict[int, str] = field(default_factory=dict)

    # At the desk

    def git(self, *arguments: str, at: Path | None = None) -> str:
        """Run git, as ana."""
        who = ["-c", "user.name=Ana Ruiz", "-c", "user.email=ana@acme.example", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=at or self.desk, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tool at the desk."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_START") if name in os.environ}
        environ = {**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "CHAT_TOKEN": self.chat.token}
        return run_command([*arguments], self.desk, environ)

    def write(self, **files: str) -> None:
        """Write files; `__` in a name is a slash, the ending is .yaml."""
        for name, text in files.items():
            path = self.desk / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def replace(self, file: str, old: str, new: str) -> None:
        """Change a piece of a file, which must be there."""
        path = self.desk / file
        text = path.read_text(encoding="utf-8")
        assert old in text, text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def push(self, branch: str, message: str = "Change access") -> str:
        """Commit everything, and push it as a branch; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def begin(self, branch: str) -> None:
        """Begin a branch at what is merged."""
        self.git("fetch", "--quiet", "origin")
        self.git("checkout", "--quiet", "-B", branch, "origin/main")

    def messages(self, number: int) -> list[str]:
        """Return the messages of a pull request's commits, the oldest first."""
        pull = self.github.pulls[number]
        span = f"{pull['base']['sha']}..{pull['head']['sha']}"
        return self.git("log", "--reverse", "--format=%B%x00", span, at=self.remote).split("\0")[:-1]

    # On the forge

    def head(self, branch: str) -> str:
        """Return a branch's commit, empty where there is none."""
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}"],
            cwd=self.remote, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def propose(self, branch: str, *, author: str = "ana", base: str = "main") -> int:
        """Open a pull request of a pushed branch."""
        number = self.github.open_pull(branch, author=author, base=base)
        self.pulls[number] = branch
        self.refresh(number)
        return number

    def refresh(self, number: int) -> str:
        """Do what GitHub does after each push: merge it into its base for a test, and list its files."""
        pull = self.github.pulls[number]
        base, head = self.head(pull["base"]["ref"]), self.head(pull["head"]["ref"])
        self.github.push(number, head)
        pull["base"]["sha"] = base
        work = self.remote.parent / f"merge-{number}"
        if not work.exists():
            self.git("clone", "--quiet", "--no-checkout", str(self.remote), str(work))
        self.git("fetch", "--quiet", "origin", at=work)
        self.git("checkout", "--quiet", "--force", "--detach", base, at=work)
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {head} into {base}", head, at=work)
        merge = self.git("rev-parse", "HEAD", at=work)
        self.git("push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/merge", at=work)
        names = self.git("diff", "--name-only", f"{base}...{head}", at=work).splitlines()
        self.github.files[number] = [{"filename": name, "status": "modified"} for name in names]
        return merge

    def plan(self, number: int) -> Outcome:
        """Let the plan's workflow run, as it is written in the pull request's merge."""
        merge = self.refresh(number)
        return self.run_job("access-plan.yml", "plan", event="pull_request", ref=f"refs/pull/{number}/merge", sha=merge)

    def merge(self, number: int, how: str = "merge", *, by: str = "lee") -> Outcome:
        """Merge a pull request, and let the apply's workflow run."""
        before, pull = self.head("main"), self.github.pulls[number]
        head = pull["head"]["sha"]
        work = self.remote.parent / f"merge-{number}"
        self.git("fetch", "--quiet", "origin", at=work)
        self.git("checkout", "--quiet", "--force", "--detach", before, at=work)
        if how == "merge":
            self.git("merge", "--quiet", "--no-ff", "--message", f"Merge pull request #{number}", head, at=work)
        elif how == "squash":
            self.git("merge", "--quiet", "--squash", head, at=work)
            self.git("commit", "--quiet", "--message", f"A change (#{number})", at=work)
        else:
            self.git("checkout", "--quiet", "--force", "--detach", head, at=work)
            self.git("rebase", "--quiet", "--force-rebase", before, at=work)
        after = self.git("rev-parse", "HEAD", at=work)
        self.git("push", "--quiet", "origin", "HEAD:refs/heads/main", at=work)
        commits = self.git("rev-list", "--first-parent", f"{before}..{after}", at=work).splitlines()
        self.github.merged(number, after, by=by, commits=[one for one in commits if one != after])
        return self.pushed(before, after)

    def pushed(self, before: str, after: str) -> Outcome:
        """Let the apply's workflow run for a push to the default branch."""
        return self.run_job("access-apply.yml", "apply", event="push", ref="refs/heads/main", sha=after, before=before)

    def night(self, job: str = "drift") -> Outcome:
        """Let the scheduled workflow run."""
        sha = self.head("main")
        return self.run_job("access-drift.yml", job, event="schedule", ref="refs/heads/main", sha=sha)

    def run_job(self, file: str, job: str, *, event: str, ref: str, sha: str, **more: Any) -> Outcome:
        """Run a job of a workflow as it is written at a commit."""
        path = f".github/workflows/{file}"
        payload: dict[str, Any] = {"repository": {"default_branch": "main"}, **more}
        if event == "pull_request":
            payload["pull_request"] = self.github.pulls[int(ref.split("/")[2])]
        text = self.git("show", f"{sha}:{path}", at=self.remote)
        return self.runner.run_job(text, job, path=path, event=event, payload=payload, ref=ref, sha=sha)

    def comment(self, number: int, name: str) -> str:
        """Return our comment of a name on a pull request; there is one at most."""
        start = f"<!-- reconciler:{name} -->"
        found = [one["body"] for one in self.github.comments.values() if one["issue"] == number]
        ours = [body for body in found if body.startswith(start)]
        assert len(ours) <= 1
        return ours[0] if ours else ""

    def open_issues(self) -> list[dict[str, Any]]:
        """Return the open issues."""
        return [one for one in self.github.issues.values() if one["state"] == "open" and "pull_request" not in one]

    # In the app

    def users(self) -> dict[str, dict[str, Any]]:
        """Return the accounts of the real SCIM server, by username."""
        answer = httpx.get(f"{self.chat.url}/Users", headers=self.chat.headers, params={"count": 100})
        return {one["userName"]: one for one in answer.json().get("Resources", [])}

    def change_user(self, name: str, values: Mapping[str, Any]) -> None:
        """Change an account behind git's back."""
        user = self.users()[name]
        answer = httpx.put(
            f"{self.chat.url}/Users/{user['id']}", headers=self.chat.headers, content=json.dumps({**user, **values})
        )
        assert answer.status_code == 200, answer.text


@contextmanager
def living(folder: Path) -> Iterator[Life]:
    """Return an empty repository on a forge, with its servers running."""
    remote, desk = folder / "origin.git", folder / "desk"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)], check=True)
    subprocess.run(["git", "clone", "--quiet", str(remote), str(desk)], check=True, capture_output=True)
    named = {"protected_branches": False, "custom_branch_policies": True}
    github = FakeGitHub(
        environments={
            ENVIRONMENT: {"deployment_branch_policy": named},
            "access-read": {"deployment_branch_policy": None},
        },
        branch_policies={ENVIRONMENT: [("branch", "main")]},
        collaborators={"lee", "ana"},
    )
    with ExitStack() as stack:
        chat = stack.enter_context(scim2_server())
        stack.enter_context(running(github))
        tokens = {"CHAT_TOKEN": chat.token}
        runner = Runner(github, remote, folder / "jobs", {ENVIRONMENT: tokens, "access-read": tokens})
        life = Life(github, remote, desk, runner, chat)
        github.head_of = life.head
        github.messages_of = life.messages
        yield life
    assert github.violations == []
