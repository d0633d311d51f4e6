"""One leaver in a company of 106 apps: what is to do, asked for, claimed, verified, and what nobody can say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPANY = ROOT / "examples" / "company-106"
HERE = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
UNREAD = 5
WHO = "rosa-frank"


@pytest.fixture(name="company")
def _company(tmp_path: Path) -> Path:
    """Return a copy of the company, in which access is changed and not only observed."""
    folder = copytree(COMPANY, tmp_path / "company", ignore=ignore_patterns(".reconciler", "__pycache__"))
    for file in (folder / "apps").iterdir():
        file.write_text(file.read_text(encoding="utf-8").replace("    manage: observe\n", ""), encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str, code: int, **more: str) -> str:
    """Run the command and return what it prints."""
    command = [sys.executable, "-m", "reconciler.cli.main", *arguments, "--quiet"]
    done = subprocess.run(
        command, cwd=folder, env={**HERE, **more}, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def view(folder: Path) -> dict[str, Any]:
    """Return the view as data."""
    found: dict[str, Any] = json.loads(run(folder, "leaver", WHO, "--json", code=UNREAD))
    return found


def standings(folder: Path) -> dict[str, str]:
    """Return how far the two apps have come in which something is left at first."""
    return {one["app"]: one["standing"] for one in view(folder)["apps"] if one["app"] in {"intercom", "segment"}}


def close(file: Path, at: datetime) -> None:
    """Close a ticket as its owner does."""
    text = file.read_text(encoding="utf-8")
    for name, value in {"status": "done", "closed": at.isoformat(), "attested_by": "Kim Ito"}.items():
        text = re.sub(rf"^{name}:.*$", f"{name}: {value}", text, count=1, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")


def upload(folder: Path, app: str, at: datetime) -> None:
    """Upload a newer export, in which the leaver is suspended."""
    file = folder / "exports" / f"{app}.json"
    export = json.loads(file.read_text(encoding="utf-8"))
    for user in export["users"]:
        if user["email"] == "rosa.frank@acme.example":
            user["state"] = "suspended"
    file.write_text(json.dumps(export), encoding="utf-8")
    apps = folder / "apps" / "api.yaml"
    text = re.sub(rf"({app}\.json.*?exported_at: )'[^']*'", rf"\1'{at.isoformat()}'", apps.read_text(encoding="utf-8"))
    apps.write_text(text, encoding="utf-8")


def test_a_leaver_is_followed_from_the_first_plan_to_a_newer_read(company: Path) -> None:
    """Left, pending, claimed, and verified only in the app of which a newer export was uploaded."""
    before = view(company)
    assert (before["left"], before["all_gone"], len(before["apps"])) == (2, False, 106)
    assert before["apps_by_standing"] == {"left": 2, "nobody can say": 84, "nothing there": 20}
    run(company, "apply", "--yes", "--identity", WHO, code=UNREAD)
    assert standings(company) == {"intercom": "pending", "segment": "pending"}
    closed = datetime.now(UTC) - timedelta(minutes=2)
    for file in (company / "tickets").iterdir():
        close(file, closed)
    assert standings(company) == {"intercom": "claimed done", "segment": "claimed done"}
    upload(company, "intercom", closed + timedelta(minutes=1))
    assert standings(company) == {"intercom": "verified", "segment": "claimed done"}
    after = view(company)
    assert (after["left"], after["all_gone"]) == (1, False)
    (step,) = next(one["steps"] for one in after["apps"] if one["app"] == "intercom")
    assert (step["way"], step["who"], step["what"]) == ("ticket", "Kim Ito", "suspend account")


def test_the_head_line_counts_what_is_left_and_what_nobody_can_say(company: Path) -> None:
    """On the terminal, wide and narrow, and as Markdown; nothing is cut off in a narrow one."""
    run(company, "apply", "--yes", "--identity", WHO, code=UNREAD)
    ticket = next((company / "tickets").glob("intercom-*.md"))
    text = re.sub(r"^due:.*$", 'due: "2026-01-05"', ticket.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ticket.write_text(text, encoding="utf-8")
    head = "2 things left in 2 apps: 2 pending (1 overdue) · nobody can say of 84 apps · 20 with nothing there"
    wide = run(company, "leaver", WHO, code=UNREAD)
    narrow = run(company, "leaver", WHO, code=UNREAD, COLUMNS="60")
    markdown = run(company, "leaver", WHO, "--markdown", code=UNREAD)
    assert wide.splitlines()[1] == head
    assert head in re.sub(r"\s+", " ", narrow)
    assert head in markdown
    for shown in (wide, re.sub(r"\s+", " ", narrow), markdown):
        assert "waits for cleo-frank, until 2026-01-05, overdue for" in shown
        assert "no ticket ever named them; ask the owner (64)" in shown


def test_whoever_does_not_leave_has_no_such_view(company: Path) -> None:
    """The message says what to write."""
    command = [sys.executable, "-m", "reconciler.cli.main", "leaver", "cleo-frank"]
    done = subprocess.run(command, cwd=company, env=HERE, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert "nothing says that cleo-frank leaves" in done.stderr


def test_of_a_last_day_to_come_the_view_tells_what_there_is_to_take_away(company: Path) -> None:
    """Nothing is due yet, and the head says so."""
    people = company / "people.yaml"
    text = people.read_text(encoding="utf-8")
    people.write_text(text.replace("last_day: 2026-01-31", "last_day: 2090-01-31", 1), encoding="utf-8")
    first, second, *_ = run(company, "leaver", WHO, code=UNREAD).splitlines()
    assert first == "rosa-frank  Rosa Frank, leaves after 2090-01-31"
    assert second.startswith("2 things to take away in 2 apps: 2 to do")
