"""Leavers who still have accounts are found in the first hour, as the README tells it, and in a company of 106 apps."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest
from support.real_command import run_command

from reconciler.load.company import load_company

ROOT = Path(__file__).resolve().parents[2]
COMPANY = ROOT / "examples" / "company-106"
HERE = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run the command and return what it prints."""
    done = run_command([*arguments], folder, HERE)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(name="company")
def _company(tmp_path: Path) -> Path:
    """Return a copy of the company, for whatever a run leaves behind."""
    return copytree(COMPANY, tmp_path / "company", ignore=ignore_patterns(".reconciler", "__pycache__"))


def active_leavers(company: Path) -> set[tuple[str, str]]:
    """Return (app, person) of every active account of somebody who left, by reading the exports plainly."""
    with (company / "hr.csv").open(encoding="utf-8", newline="") as file:
        left = {row["email"]: row["id"] for row in csv.DictReader(file) if row["last_day"]}
    found = set()
    for export in (company / "exports").iterdir():
        text = export.read_text(encoding="utf-8")
        rows: list[dict[str, Any]]
        if export.suffix == ".json":
            rows = [{"Mail": one["email"], "State": one["state"]} for one in json.loads(text)["users"]]
        else:
            rows = list(csv.DictReader(text.splitlines()))
        found |= {(export.stem, left[row["Mail"]]) for row in rows if row["Mail"] in left and row["State"] == "active"}
    return found


def test_the_company_is_what_its_script_writes(tmp_path: Path) -> None:
    """The script stays, so that nobody has to edit 106 apps."""
    subprocess.run([sys.executable, COMPANY / "make.py", tmp_path], check=True, env=HERE)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(written) == 6 + 22
    for name in written:
        assert (tmp_path / name).read_bytes() == (COMPANY / name).read_bytes(), name


def test_the_company_loads_without_a_warning() -> None:
    """100 people; 20 apps with SCIM, 10 with a nightly file, 12 with an export, 64 with only an owner."""
    loaded = load_company(COMPANY, moment=datetime(2026, 3, 3, tzinfo=UTC))
    assert [str(warning) for warning in loaded.warnings] == []
    routes = [tuple(way.provider for way in app.route) for app in loaded.company.apps.values()]
    assert len(loaded.company.people) == 100
    assert (routes.count(("scim",)), routes.count(("file",)), routes.count(())) == (20, 22, 64)


def test_validate_and_coverage_tell_of_106_apps(company: Path) -> None:
    """A fifth is automated, and the rest is asked of people."""
    assert run(company, "validate") == "ok: 100 people, 106 apps\n"
    told = run(company, "coverage")
    assert "Of 106 apps: 20 automated, 0 in part, 86 by ticket." in told
    assert "Accounts are seen in 42 apps, and only attested by tickets in 64." in told


def test_every_leaver_with_an_account_is_found_and_nobody_else(company: Path) -> None:
    """In all 22 exports; the 20 apps that cannot be read are said not to be, and nothing would be changed."""
    plan = json.loads(run(company, "plan", "--leavers", "--json", code=5))
    found = {
        (app["app"], finding["item"]["holder"])
        for app in plan["apps"]
        for finding in app["findings"]
        if finding["fact"] == "observed"
    }
    assert found == active_leavers(company)
    assert len(found) > 10
    assert not any(app["changes"] for app in plan["apps"])
    assert sum(not app["complete"] for app in plan["apps"]) == 20


def test_without_leavers_the_plan_of_leavers_is_refused(tmp_path: Path) -> None:
    """It would else be a plan of everybody."""
    (tmp_path / "reconciler.yaml").write_text("timezone: UTC\n", encoding="utf-8")
    (tmp_path / "people.yaml").write_text("people:\n  ana: {name: Ana}\n", encoding="utf-8")
    run(tmp_path, "plan", "--leavers", code=1)


def test_the_first_hour_of_the_readme_is_literally_true(tmp_path: Path) -> None:
    """Its files are written, its commands run, and what it shows is what they print."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## The first useful hour")[2].partition("\n## ")[0]
    (tmp_path / "reconciler.yaml").write_text("timezone: Europe/Berlin\n", encoding="utf-8")
    files = re.findall(r"`([^`\s]+\.(?:yaml|csv))`:\n\n```\w+\n(.*?)```", section, re.DOTALL)
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert [name for name, _ in files] == ["people.yaml", "apps/apps.yaml", "exports/payroll-2026-03-02.csv"]
    shown = re.findall(r"```console\n\$ reconciler ([^\n]+)\n(.*?)```", section, re.DOTALL)
    assert [command for command, _ in shown] == ["plan --leavers", "coverage"]
    for command, lines in shown:
        printed = run(tmp_path, *command.split()).splitlines()
        assert set(filter(None, lines.splitlines())) <= set(printed), printed
