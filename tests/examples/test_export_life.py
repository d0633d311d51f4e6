"""A leaver in an app that only its owner can change: asked by ticket, claimed, and verified by a newer export alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
from support.real_command import run_command

ROOT = Path(__file__).resolve().parents[2]
HERE = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
FILES = {
    "reconciler.yaml": "timezone: UTC\n",
    "people.yaml": "people:\n"
    "  lee: {name: Lee Wong, email: lee@acme.example}\n"
    "  sam: {name: Sam Poe, email: sam@acme.example, last_day: 2026-01-30}\n",
    "apps/payroll.yaml": "apps:\n"
    "  payroll:\n"
    "    owner: lee\n"
    "    accounts: {to: {people: [lee]}}\n"
    "    route:\n"
    "      - file:\n"
    "          path: payroll.xlsx\n"
    "          complete: true\n"
    "          exported_at: {column: Exported, timezone: UTC}\n"
    "          max_age: 30d\n"
    "          columns: {id: Id, email: Mail, status: State}\n",
}


class App:
    """The repository, the export that was uploaded last, and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def upload(self, state: str, at: datetime) -> None:
        """Upload an export in which Sam's account has a state."""
        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        moment = at.replace(tzinfo=None)
        for row in (
            ("Id", "Mail", "State", "Exported"),
            (1, "lee@acme.example", "active", moment),
            (2, "sam@acme.example", state, moment),
        ):
            sheet.append(row)
        book.save(self.folder / "payroll.xlsx")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return run_command([*arguments], self.folder, HERE)

    def plan(self) -> tuple[list[str], str]:
        """Return the ids of the changes, and what is pending."""
        data = json.loads(self.run("plan", "--json").stdout)
        (app,) = data["apps"]
        pending = "; ".join(found["text"] for found in app["findings"] if found["fact"] == "pending")
        return [change["id"] for change in app["changes"]], pending

    def apply(self) -> None:
        """Apply without asking."""
        done = self.run("apply", "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def tickets(self) -> list[dict[str, Any]]:
        """Return the open tickets."""
        found: list[dict[str, Any]] = json.loads(self.run("tickets", "--json").stdout)["tickets"]
        return found

    def close(self) -> datetime:
        """Close the one open ticket as its text asks for, and return when."""
        (ticket,) = self.tickets()
        file = self.folder / ticket["address"]
        now = datetime.now(UTC)
        text = re.sub(r"(?m)^status: .*$", "status: done", file.read_text(encoding="utf-8"))
        text = re.sub(r"(?m)^closed:.*$", f"closed: {now.isoformat()}", text)
        file.write_text(re.sub(r"(?m)^attested_by:.*$", "attested_by: lee", text), encoding="utf-8")
        return now


def test_a_leaver_is_suspended_when_a_newer_export_shows_it(tmp_path: Path) -> None:
    """Older exports prove nothing, a claim that was wrong is asked again, and the end is an empty plan."""
    app = App(tmp_path)
    suspend = "payroll/suspend-account/sam"
    app.upload("active", datetime.now(UTC) - timedelta(hours=1))
    assert app.plan()[0] == [suspend]
    app.apply()
    assert [ticket["change_id"] for ticket in app.tickets()] == [suspend]
    changes, pending = app.plan()
    assert (changes, "ticket open" in pending) == ([], True)
    closed = app.close()
    changes, pending = app.plan()
    assert (changes, "waiting for a newer read" in pending) == ([], True)
    app.upload("active", closed + timedelta(microseconds=1000))
    assert app.plan()[0] == [suspend]
    app.apply()
    closed = app.close()
    app.upload("active", closed - timedelta(hours=2))
    assert "waiting for a newer read" in app.plan()[1]
    app.upload("suspended", closed + timedelta(microseconds=1000))
    assert app.plan() == ([], "")
    assert app.tickets() == []


def test_an_old_export_proves_nothing_at_all(tmp_path: Path) -> None:
    """Past `max_age` nobody is removed by it, and the plan says how old it is and exits with 5."""
    app = App(tmp_path)
    app.upload("active", datetime.now(UTC) - timedelta(days=31))
    done = app.run("plan")
    assert done.returncode == 5, done.stdout
    assert "older than 30 days: export it again" in done.stdout
    assert app.plan()[0] == []


def test_what_only_tickets_tell_is_shown_as_attested(tmp_path: Path) -> None:
    """In the plan as text, Markdown and data, and by `who` and `explain`; what an export shows is not."""
    app = App(tmp_path)
    app.upload("suspended", datetime.now(UTC))
    (tmp_path / "apps" / "doors.yaml").write_text(
        "apps:\n  doors: {owner: lee}\nroles:\n  all: {to: {everyone: true}, grants: {doors: [door:front]}}\n",
        encoding="utf-8",
    )
    told = "attested by tickets, not verified"
    for form in ((), ("--markdown",)):
        text = app.run("plan", *form).stdout
        assert told in text
        assert told not in app.run("plan", "--verbose", "--app", "payroll", *form).stdout
    data = json.loads(app.run("plan", "--json").stdout)
    attested = {one["app"]: [part["attested"] for part in one["collections"].values()] for one in data["apps"]}
    assert all(attested["doors"])
    assert not any(attested["payroll"])
    assert "door:front (only tickets tell of it, never seen)" in app.run("explain", "lee").stdout
    assert "lee (only tickets tell of it, never seen)" in app.run("who", "doors/door:front").stdout
    items = {
        one["app"]: {item["attested"] for item in one["items"]}
        for one in json.loads(app.run("explain", "lee", "--json").stdout)["apps"]
    }
    assert items == {"doors": {True}, "payroll": {False}}
