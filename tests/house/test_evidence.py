"""What the README says that providers were run against is what tests saw them do, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from house import claims
from house.matrix import CANNOT, EVIDENCE, MARKS, known_abilities, make_matrix
from support.evidence import STRENGTHS, read_evidence, render_evidence

ROOT = Path(__file__).resolve().parents[2]
MARKED = """
import asyncio
import pytest
from datetime import UTC, datetime
from pathlib import Path
from providers.file.config import FileConfig
from providers.file.provider import FileProvider
from reconciler.items import AccountItem, GrantItem
from reconciler.provider.change import Change, Operation
from reconciler.provider.contract import Surroundings

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")


def do(tmp_path, operation, item):
    (tmp_path / "app.csv").write_text("id,status,spaces\\n1,active,\\n")
    columns = {"id": "id", "status": "status", "grants": "spaces"}
    config = FileConfig.model_validate({"path": "app.csv", "complete": True, "writable": True, "columns": columns})
    near = Surroundings(app="wiki", root=tmp_path, read_only=False, now=datetime(2026, 3, 1, tzinfo=UTC))
    provider = FileProvider.open(config, near)

    async def run():
        await provider.read()
        return await provider.perform(Change("wiki", operation, item, "file", account_id="1"))

    return asyncio.run(run())


def test_granting(tmp_path):
    assert do(tmp_path, Operation.GRANT, GrantItem("1", "space:web")).outcome == "done, not verified"


def test_an_operation_that_is_refused(tmp_path):
    assert do(tmp_path, Operation.END_SESSIONS, AccountItem("1")).outcome == "failed"


def test_that_fails(tmp_path):
    do(tmp_path, Operation.SUSPEND_ACCOUNT, AccountItem("1"))
    assert False


@pytest.mark.evidence("file", against="our own fake", of="a file of a test")
def test_a_nearer_mark(tmp_path):
    do(tmp_path, Operation.DELETE_ACCOUNT, AccountItem("1"))
"""


def run_marked(folder: Path, *options: str, text: str = MARKED) -> subprocess.CompletedProcess[str]:
    """Run marked tests in a session of their own."""
    (folder / "test_marked.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "support.evidence", *options, "test_marked.py"]
    markers = ["-o", "markers=evidence: what", "-p", "no:cacheprovider"]
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [*command, *markers], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_file_claims_only_what_the_providers_say_they_can_do() -> None:
    """Every ability is one of a typical configuration, every strength one of three, and nothing is claimed empty."""
    for provider, abilities in read_evidence(EVIDENCE).items():
        assert set(abilities) <= known_abilities(provider), provider
        for ability, found in abilities.items():
            assert found, ability
            assert set(found) <= set(STRENGTHS), ability
            assert all(found.values()), ability


def test_the_file_is_written_by_the_machine() -> None:
    """Sorted, a line an ability: an edit by hand that says more is not what a run writes."""
    assert EVIDENCE.read_text(encoding="utf-8") == render_evidence(read_evidence(EVIDENCE))


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_what_a_passing_test_saw_is_written_and_nothing_else(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Reads and done operations count, with the nearest mark; refused operations and failing tests do not."""
    answer = run_marked(tmp_path, "--evidence", "seen.json", *options)
    assert "1 failed, 3 passed" in answer.stdout, answer.stdout + answer.stderr
    real, fake = {"real product": ["files on disk"]}, {"our own fake": ["a file of a test"]}
    assert read_evidence(tmp_path / "seen.json")["file"] == {
        "delete account": fake,
        "grant *": real,
        "read accounts": real | fake,
        "read grants:*": real | fake,
    }


def test_a_session_that_was_not_asked_writes_nothing(tmp_path: Path) -> None:
    """Ordinary runs leave the evidence alone."""
    run_marked(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == []


def test_a_part_of_the_tests_run_alone_takes_nothing_away(tmp_path: Path) -> None:
    """A run only adds: to other providers nothing, to its own what it saw."""
    old = {"file": {"grant *": {"our own fake": ["x"]}}, "scim": {"create account": {"our own fake": ["y"]}}}
    (tmp_path / "seen.json").write_text(render_evidence(old), encoding="utf-8")
    run_marked(tmp_path, "-k", "granting", "--evidence", "seen.json")
    now = read_evidence(tmp_path / "seen.json")
    assert now["scim"] == old["scim"]
    assert now["file"]["grant *"] == {"real product": ["files on disk"], "our own fake": ["x"]}


def test_a_provider_that_the_matrix_does_not_know_is_told(tmp_path: Path) -> None:
    """What cannot be shown is not kept, and whoever recorded it hears why."""
    (tmp_path / "conftest.py").write_text("from house.matrix import TYPICAL\n\nTYPICAL.clear()\n", encoding="utf-8")
    answer = run_marked(tmp_path, "-k", "granting", "--evidence", "seen.json")
    assert "evidence: file: nothing kept: name it in tests/house/matrix.py" in answer.stdout, answer.stdout
    assert read_evidence(tmp_path / "seen.json") == {}


def test_a_mark_that_says_something_else_is_refused(tmp_path: Path) -> None:
    """A word that the legend does not have would stand for nothing."""
    answer = run_marked(tmp_path, text=MARKED.replace("our own fake", "a mock"))
    assert answer.returncode == pytest.ExitCode.USAGE_ERROR
    assert "against one of: real product, third party's server, our own fake" in answer.stderr


def test_a_claim_that_was_not_seen_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that the file claims must have been seen, of each server; what was seen beyond is only said."""
    claimed = read_evidence(EVIDENCE)
    seen = tmp_path / "seen.json"
    seen.write_text(render_evidence(claimed), encoding="utf-8")
    assert claims.main(seen) == 0
    claimed["scim"]["create account"]["third party's server"].remove("scimmy")
    claimed["scim"]["create account"]["third party's server"].append("another")
    seen.write_text(render_evidence(claimed), encoding="utf-8")
    capsys.readouterr()
    assert claims.main(seen) == 1
    said = capsys.readouterr().out
    assert "(gone for good? delete it): scim: create account: third party's server: scimmy" in said
    assert "scim: create account: third party's server: another" in said


def test_the_matrix_shows_the_strongest_and_what_was_never_run() -> None:
    """One mark for each ability: of the strongest kind, or of none; what a way cannot do has no mark."""
    found = {"our own fake": ["a"], "third party's server": ["b"]}
    lines = make_matrix({"scim": {"create account": found}}).splitlines()
    accounts = next(line for line in lines if line.startswith("| **scim** "))
    cells = [cell.strip() for cell in accounts.split("|")[2:-1]]
    assert cells == [MARKS["reference only"], MARKS["third party's server"], *"????", *[CANNOT] * 3]
