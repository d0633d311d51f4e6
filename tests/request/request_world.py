"""A company in a clone of a bare repository, a fake GitHub beside it, and the real command run in it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.fake_github import WRITER, FakeGitHub, Token, running
from support.real_command import run_command

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "planted-forge-token"

FILES = {
    "reconciler.yaml": "organization: Acme\ntimezone: Europe/Berlin\n",
    "people.yaml": """\
people:
  ana:
    name: Ana Ruiz            # design systems
    email: ana@acme.example
    department: Engineering
  omar: {name: Omar Haddad, email: omar@acme.example, department: Engineering, usernames: {github: omarh}}
  lee: {name: Lee Wong, email: lee@acme.example, department: IT, usernames: {github: leew}}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
  security: {people: [lee]}
""",
    "roles.yaml": """\
roles:
  # Everybody who builds.
  engineer:
    to: {groups: [engineering]}
    grants:
      wiki: [team:eng, {space:web: write}]
""",
    "grants.yaml": """\
# Single grants.
grants:
  - to: {people: [omar]}     # leads
    grants: {figma: [role:editor]}
    until: 2090-03-31
    reason: "Design system"

  # Two of them at once.
  - to:
      people: [ana, omar]
    grants:
      wiki: [space:finance]
      figma: [role:viewer]
    until: 2090-01-31
    reason: Audit
""",
    "apps/all.yaml": """\
apps:
  wiki:
    owner: lee
    route:
      - file:
          path: wiki.csv
          writable: true
          complete: true
          columns: {id: id, email: email, status: status}
          grants: {path: grants.csv, columns: {level: level}}
          entitlements: {path: entitlements.csv}
    entitlements:
      role:admin: {privileged: true, approvers: [owner, security]}
  figma:
    owner: omar
    entitlements:
      role:admin: {privileged: true, approvers: [owner, security]}
""",
    "wiki.csv": "id,email,status\n1,omar@acme.example,active\n2,ana@acme.example,active\n3,lee@acme.example,active\n",
    "grants.csv": "holder,entitlement,level\n1,team:eng,\n2,team:eng,\n1,space:web,write\n2,space:web,write\n",
    "entitlements.csv": "entitlement\nteam:eng\nspace:web\nspace:finance\nrole:admin\n",
    ".gitignore": ".reconciler/\ntickets/\n",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it says."""
    settings = ["-c", "user.name=Test", "-c", "user.email=test@acme.example", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class World:
    """A clone, its remote, and a forge.

    Attributes:
        folder: the clone's work tree.
        remote: the bare repository.
        github: the forge; its heads are those of the remote.
    """

    def __init__(self, place: Path, github: FakeGitHub) -> None:
        self.remote = place / "remote.git"
        self.folder = place / "clone"
        self.home = place / "home"
        self.github = github
        self.home.mkdir()
        git(place, "init", "--quiet", "--bare", str(self.remote))
        git(place, "clone", "--quiet", str(self.remote), str(self.folder))
        for name, text in FILES.items():
            self.write(name, text)
        self.commit("First")
        git(self.remote, "symbolic-ref", "HEAD", "refs/heads/main")
        github.head_of = self.head_of

    def head_of(self, branch: str) -> str:
        """Return the newest commit of a branch of the remote, empty if there is none."""
        found = git(self.remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
        return found.strip()

    def commit(self, message: str) -> None:
        """Commit everything, and push it to the default branch."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "--quiet", "-m", message)
        git(self.folder, "push", "--quiet", "origin", "HEAD:main")

    def write(self, name: str, text: str) -> None:
        """Write a file of the work tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        """Read a file of the work tree."""
        return (self.folder / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a piece of a file, which must be there."""
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def show(self, branch: str, name: str) -> str:
        """Return a file as a branch of the remote has it."""
        return git(self.remote, "show", f"{branch}:{name}")

    def diff(self, branch: str) -> list[str]:
        """Return the lines that a branch adds and removes, with their signs."""
        lines = git(self.remote, "diff", "-U0", f"main...{branch}").splitlines()
        return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a process of its own."""
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "COVERAGE_PROCESS_START")
        }
        forge = {"GITHUB_REPOSITORY": "acme/access", "GITHUB_API_URL": self.github.url, "GITHUB_TOKEN": TOKEN}
        environment = {**kept, "HOME": str(self.home), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **forge, **more}
        return run_command([*arguments], self.folder, environment)


@contextmanager
def make_world(place: Path) -> Iterator[World]:
    """Make all of it; nothing that is sent to the forge is against its reference."""
    writer = {**WRITER, "contents": "write"}
    fake = FakeGitHub(tokens={TOKEN: Token("anaruiz", writer, user=True)}, collaborators={"leew", "omarh"})
    with running(fake):
        yield World(place, fake)
    assert fake.violations == []
