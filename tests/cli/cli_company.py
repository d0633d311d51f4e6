"""A small company in a folder of its own, and the real command run in it."""

import os
import subprocess
import sys
from pathlib import Path

from support.real_command import run_command

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "reconciler.cli.main"]

FILES = {
    "reconciler.yaml": "organization: Acme\ntimezone: Europe/Berlin\n",
    "people.yaml": """\
people:
  ana:
    {name: Ana Ruiz, email: ana@acme.example, department: Engineering, type: contractor, last_day: 2090-08-31}
  omar: {name: Omar Haddad, email: omar@acme.example, department: Engineering}
  lee: {name: Lee Wong, email: lee@acme.example, department: IT}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
""",
    "roles.yaml": """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      wiki: [team:eng, {space:web: write}]
      figma: [license:full]
grants:
  - to: {people: [lee]}
    grants: {wiki: [role:admin]}
    reason: runs the wiki
""",
    "apps/wiki.yaml": """\
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
      role:admin: {privileged: true}
  figma: {owner: omar}
""",
    "wiki.csv": "id,email,status\n1,omar@acme.example,active\n2,sam@acme.example,active\n3,bot@acme.example,active\n",
    "grants.csv": "holder,entitlement,level\n1,team:eng,\n1,space:web,read\n2,team:eng,\n",
    "entitlements.csv": "entitlement\nteam:eng\nspace:web\nrole:admin\n",
}


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which only what a test says changes how the command behaves."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "TMPDIR", "COVERAGE_PROCESS_START")
    }
    return {**kept, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "TERM": "xterm-256color", **more}


class Company:
    """A repository on disk, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> Path:
        """Write one of its files."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name: str) -> str:
        """Read one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a piece of one of its files, which must be there."""
        text = self.read(name)
        assert old in text
        self.write(name, text.replace(old, new))

    def run(self, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a process of its own, with pipes for its streams."""
        return run_command([*arguments], cwd or self.folder, environment(**more))
