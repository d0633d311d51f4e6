"""`reconciler state`: moved between back ends, exported and imported, and people and pins forgotten."""

import json
import sqlite3
from pathlib import Path

import pytest
from cli_company import Company

from reconciler.cli.exits import Exit


@pytest.fixture
def applied(company: Company) -> Company:
    """Return a company after its first apply."""
    company.run("apply", "--yes")
    assert "wiki" in company.run("state", "list").stdout
    return company


def rows(company: Company) -> list[str]:
    """Return the exported state."""
    return company.run("state", "export").stdout.splitlines()


def counts(company: Company) -> list[dict[str, int]]:
    """Return what a plan counts in each app on each side."""
    return [app["counts"] for app in json.loads(company.run("plan", "--json").stdout)["apps"]]


def test_a_state_is_moved_and_used_from_there(applied: Company) -> None:
    """A plan from the new place has nothing to do, as from the old one."""
    before = rows(applied)
    done = applied.run("state", "move", "--to", "{sqlite: {path: elsewhere/state.db}}")
    assert done.returncode == 0, done.stderr
    assert "now write `state: {sqlite: {path: elsewhere/state.db}}`" in done.stdout
    planned = counts(applied)
    applied.write("reconciler.yaml", "organization: Acme\nstate: {sqlite: {path: elsewhere/state.db}}\n")
    *same, told = rows(applied)
    assert same == before
    assert "state move" in told
    assert counts(applied) == planned
    again = applied.run("state", "move", "--to", "{sqlite: {path: .reconciler/state.db}}")
    assert again.returncode == Exit.ERROR
    assert "not empty" in again.stderr


@pytest.mark.parametrize("target", ["nonsense", "{mongo: {}}", "{sqlite: {}, git: {}}", "{sqlite: {}}"])
def test_a_state_is_not_moved_to_nowhere(applied: Company, target: str) -> None:
    """An unknown back end, two of them, and the place where it is already are refused."""
    assert applied.run("state", "move", "--to", target).returncode == Exit.ERROR


def test_an_export_can_be_imported(applied: Company, tmp_path: Path) -> None:
    """Line by line the same."""
    file = tmp_path / "state.jsonl"
    file.write_text("\n".join(rows(applied)) + "\n")
    applied.write("reconciler.yaml", "organization: Acme\nstate: {sqlite: {path: elsewhere/state.db}}\n")
    assert applied.run("state", "import", str(file)).returncode == 0
    *same, told = rows(applied)
    assert same == file.read_text().splitlines()
    assert "state import" in told
    file.write_text("no json\n")
    assert "state.jsonl:1: this is no JSON" in applied.run("state", "import", str(file)).stderr


def test_a_person_is_forgotten_and_no_app_touched(applied: Company) -> None:
    """Only the audit trail still names them, as the question says."""
    wiki = applied.read("wiki.csv")
    assert applied.run("state", "forget", "--identity", "omar").returncode == Exit.ERROR
    assert applied.run("state", "forget", "--yes").returncode == Exit.ERROR
    done = applied.run("state", "forget", "--identity", "omar", "--yes")
    assert done.stdout.startswith("forgotten: "), done.stderr
    assert {json.loads(row)[0] for row in rows(applied) if "omar" in row} == {"audit"}
    assert applied.read("wiki.csv") == wiki


def test_pins_are_dropped_and_found_again(applied: Company) -> None:
    """One by name, or all of an app; the next apply adopts them, and then nothing is left to do."""
    pinned = applied.run("state", "show", "wiki", "--json").stdout
    for arguments in (("unpin", "wiki", "omar"), ("unpin", "wiki", "team:eng"), ("repair", "wiki")):
        assert applied.run("state", *arguments).returncode == Exit.ERROR
        done = applied.run("state", *arguments, "--yes")
        assert done.returncode == 0, done.stderr
        assert applied.run("state", "show", "wiki", "--json").stdout != pinned
    applied.run("apply", "--yes")
    ids = [
        [one["remote_id"] for one in json.loads(text)["accounts"]]
        for text in (pinned, applied.run("state", "show", "wiki", "--json").stdout)
    ]
    assert ids[0] == ids[1]
    assert "nothing is applied for nobody" in applied.run("state", "unpin", "wiki", "nobody", "--yes").stderr
    assert applied.run("state", "repair", "wikki", "--yes").returncode == Exit.ERROR


def test_unlocking_names_the_right_lock(applied: Company) -> None:
    """Another number than that of the lock that is held is refused."""
    with sqlite3.connect(applied.folder / ".reconciler" / "state.db") as database:
        database.execute("INSERT INTO lock VALUES (7, 'omar', 'apply', '2026-03-01T12:00:00+00:00')")
    database.close()
    assert "this is lock 7" in applied.run("state", "list").stdout
    refused = applied.run("state", "unlock", "6", "--yes")
    assert refused.returncode == Exit.ERROR
    assert "lock 6 is no longer held: omar (apply) holds lock 7" in refused.stderr
    assert "it was held by omar" in applied.run("state", "unlock", "7", "--yes").stdout
