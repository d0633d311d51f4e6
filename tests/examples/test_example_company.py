"""The example company is right, complete in what it shows, and the demo that tells its story runs."""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from reconciler.load.company import load_company
from reconciler.load.schema import json_schema
from reconciler.model.company import Company
from reconciler.resolve.company import resolve_company

ROOT = Path(__file__).resolve().parents[2]
COMPANY = ROOT / "examples" / "company"
BINARIES = Path(sys.executable).parent
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def load() -> Company:
    """Load the example."""
    loaded = load_company(COMPANY, moment=NOW)
    assert [str(warning) for warning in loaded.warnings] == []
    return loaded.company


def test_the_company_shows_what_a_company_has() -> None:
    """About 25 people with contractors and a leaver; listed, nested and rule-based groups; roles; three apps."""
    company = load()
    groups = company.groups.values()
    assert len(company.people) == 25
    assert sum(person.type == "contractor" for person in company.people.values()) == 3
    assert set(company.service_accounts) == {"ci-bot"}
    assert any(group.where for group in groups)
    assert any(group.expression for group in groups)
    assert any(group.groups for group in groups)
    assert any(group.excluded for group in groups)
    assert len(company.roles) >= 5
    assert {name: [way.provider for way in app.route] for name, app in company.apps.items()} == {
        "chat": ["scim"],
        "wiki": ["file"],
        "badges": [],
    }


def test_ben_is_the_only_leaver() -> None:
    """The demo tells so."""
    resolved = resolve_company(load(), NOW)
    assert set(resolved.leavers) == {"ben"}


def test_the_export_is_one_that_a_person_would_have() -> None:
    """It has columns that are not ours, a stranger, and the leaver."""
    with (COMPANY / "exports" / "wiki.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert "last seen" in rows[0]
    assert {"ben", "intern-2023"} <= {row["login"] for row in rows}


def test_every_yaml_file_names_its_schema() -> None:
    """So that editors complete it; the path leads to the schema beside `reconciler.yaml`."""
    files = [file for file in COMPANY.rglob("*.yaml") if file.name != "reconciler.yaml"]
    assert len(files) >= 8
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert match, file
        assert (file.parent / match[1]).resolve() == COMPANY / "schema.json"


def test_the_schema_beside_the_company_is_the_tools_own() -> None:
    """`reconciler schema > examples/company/schema.json` makes it anew."""
    kept = json.loads((COMPANY / "schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()


@pytest.fixture(name="demo")
def _demo(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the demo's script, with this Python's commands in place of a new `.venv`."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    place, demo = importlib.import_module("demo_place"), importlib.import_module("demo")
    monkeypatch.setattr(place, "BIN", BINARIES)
    monkeypatch.setattr(demo, "BIN", BINARIES)
    monkeypatch.setattr(demo, "set_up", lambda _: None)
    return demo


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_runs_from_its_first_step_to_its_last(
    demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], columns: int
) -> None:
    """With the real command and a real SCIM server; no line of its own is wider than the terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(sys, "argv", ["demo.py", "--folder", str(tmp_path / "demo")])
    assert demo.main() == 0
    out, _ = capfd.readouterr()
    assert "\x1b" not in out
    assert re.findall(r"^── (\d)\.", out, re.MULTILINE) == list("12345678")
    assert max(len(line) for line in out.splitlines() if line.startswith("── ")) <= columns
    for shown in ("ok: 25 people", "nothing to do", "by ticket", "leaver: the last day was 2026-01-30", "drift:"):
        assert shown in out
    _ensure_it_can_be_played_with(tmp_path / "demo")


def _ensure_it_can_be_played_with(folder: Path) -> None:
    """The chat starts again with what it held, and a plan is empty but for what nobody declares."""
    environment = {**os.environ, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen([str(folder / "start-server")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("The chat answers on")
        command = [str(BINARIES / "reconciler"), "plan", "--detailed-exitcode"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        server.terminate()
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_overwrites_nothing(demo: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is there is somebody's: it is refused, even with --fresh, unless a demo made it."""
    folder = tmp_path / "demo"
    shutil.copytree(COMPANY, folder)
    for more in ([], ["--fresh"]):
        monkeypatch.setattr(sys, "argv", ["demo.py", "--folder", str(folder), *more])
        with pytest.raises(SystemExit, match="is there already"):
            demo.main()
    assert (folder / "reconciler.yaml").exists()
