"""`reconciler audit`, and what `apply` tells it, with the real command."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from audit_worlds import tamper
from cli_company import Company

from reconciler.cli.exits import Exit

REVIEW = {"approvers": ["lee"], "commit": "3f" * 20, "pull_request": "https://git.example/it/pull/7", "bypassed": True}


@pytest.fixture
def applied(tmp_path: Path) -> Company:
    """Return a company that was applied once, with a review, and its head anchored."""
    company = Company(tmp_path)
    company.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\naudit: {anchor: log/heads}\n")
    company.write("approval.json", json.dumps(REVIEW))
    done = company.run("apply", "--yes", "--approval", "approval.json")
    assert done.returncode == Exit.DONE, done.stderr
    return company


def read_rows(text: str, record: str) -> list[dict[str, Any]]:
    """Return the rows of one part."""
    return [row for row in map(json.loads, text.splitlines()) if row["record"] == record]


def test_a_whole_trail_verifies_against_its_anchor(applied: Company) -> None:
    """Quietly, and as data."""
    done = applied.run("audit", "verify")
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert "the audit trail is whole" in done.stdout
    found = json.loads(applied.run("audit", "verify", "--json").stdout)
    assert (found["whole"], found["anchored"], found["faults"]) == (True, 1, [])
    assert applied.read("log/heads").startswith(found["head"])


def test_a_broken_trail_is_told_with_the_entry_and_its_own_exit_code(applied: Company) -> None:
    """An edit by its number; a cut only because a head was kept elsewhere; the export says so too."""
    state = applied.folder / ".reconciler" / "state.db"
    tamper(state, "UPDATE audit SET body = replace(replace(body, 'wiki', 'x'), 'figma', 'x') WHERE number = 4")
    done = applied.run("audit", "verify")
    assert done.returncode == Exit.REFUSED
    assert done.stdout.startswith("entry 4 was edited")
    assert applied.run("audit", "export").returncode == Exit.REFUSED
    head = json.loads(applied.run("audit", "verify", "--json").stdout)["head"]
    tamper(state, "DELETE FROM audit WHERE number >= 4")
    applied.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\n")
    unanchored = applied.run("audit", "verify")
    assert unanchored.returncode == Exit.DONE
    assert "no head is anchored" in unanchored.stderr
    cut = applied.run("audit", "verify", "--head", head)
    assert cut.returncode == Exit.REFUSED
    assert "cut off" in cut.stdout


def test_a_head_that_cannot_be_read_stops_all_but_leavers(tmp_path: Path) -> None:
    """Nobody can tell whether the state is what it was; the file that is no anchor is left alone."""
    company = Company(tmp_path)
    company.write("reconciler.yaml", "audit: {anchor: people.yaml}\n")
    before = company.read("people.yaml")
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.PARTIAL
    assert "is no head of an audit trail" in done.stdout + done.stderr
    assert company.read("people.yaml") == before
    assert "2,sam@acme.example,suspended" in company.read("wiki.csv")
    assert "ana" not in company.read("wiki.csv")


def test_the_last_entries_are_shown_in_a_terminal(applied: Company) -> None:
    """A line each, and all of it as data."""
    done = applied.run("audit", "show", "--last", "99")
    assert done.returncode == Exit.DONE
    assert "lee approved 3f3f3f3f3f3f in https://git.example/it/pull/7, past the branch's protection" in done.stdout
    assert "leaver: the last day was 2020-01-31 (people.yaml:" in done.stdout
    assert len(applied.run("audit", "show", "--last", "3").stdout.splitlines()) == 3
    entries = json.loads(applied.run("audit", "show", "--last", "2", "--json").stdout)["entries"]
    assert [entry["kind"] for entry in entries][-1] == "run ended"
    run = entries[-1]["body"]["run"]
    assert applied.run("audit", "show", "--run", run, "--last", "100").stdout.count("\n") == entries[-1]["number"]


def test_an_empty_trail_is_told(tmp_path: Path) -> None:
    """Before the first apply there is nothing to show, and nothing broken."""
    company = Company(tmp_path)
    assert "nothing was applied yet" in company.run("audit", "show").stdout
    assert company.run("audit", "verify").returncode == Exit.DONE


def test_everything_is_exported_as_json_lines(applied: Company) -> None:
    """With the approval in each change's row."""
    done = applied.run("audit", "export")
    assert done.returncode == Exit.DONE
    changes = read_rows(done.stdout, "changes")
    assert {(row["approvers"], row["reviewed_commit"], row["protection_bypassed"]) for row in changes} == {
        ("lee", "3f" * 20, True)
    }
    (sam,) = (row for row in read_rows(done.stdout, "leavers") if row["app"] == "wiki")
    assert (sam["person"], sam["last_day"], sam["outcome"]) == ("sam", "2020-01-31", "done and verified")
    assert "protection of the branch bypassed" in {row["exception"] for row in read_rows(done.stdout, "exceptions")}
    count = next(row for row in read_rows(done.stdout, "populations") if row["population"] == "changes")
    assert (count["count"], count["complete"]) == (len(changes), True)


def test_tables_are_exported_for_a_period(applied: Company) -> None:
    """A file for each part; a day means all of it; one table can be printed."""
    done = applied.run("audit", "export", "--format", "csv", "--out", "evidence")
    assert done.returncode == Exit.DONE
    names = {path.name for path in (applied.folder / "evidence").iterdir()}
    assert names == {f"{name}.csv" for name in ("populations", "runs", "changes", "leavers", "exceptions")}
    with (applied.folder / "evidence" / "changes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    day = rows[0]["requested_at"][:10]
    printed = applied.run(
        "audit", "export", "--format", "csv", "--part", "changes", "--from", day, "--to", "2099-01-01"
    )
    assert len(list(csv.reader(printed.stdout.splitlines()))) >= 2
    before = applied.run("audit", "export", "--to", "2020-01-01", "--part", "changes")
    assert (before.returncode, before.stdout) == (Exit.DONE, "")
    refused = applied.run("audit", "export", "--format", "csv")
    assert refused.returncode == Exit.ERROR
    assert "--part" in refused.stderr


def test_an_approval_that_is_none_stops_the_apply(tmp_path: Path) -> None:
    """Before anything is read or written."""
    company = Company(tmp_path)
    company.write("approval.json", json.dumps({**REVIEW, "author": "eve"}))
    done = company.run("apply", "--yes", "--approval", "approval.json")
    assert done.returncode == Exit.ERROR
    assert "author" in done.stderr
    assert not (company.folder / ".reconciler").exists()


def test_an_apply_by_hand_names_the_operator_and_the_machine(tmp_path: Path) -> None:
    """And is listed as one without a review."""
    company = Company(tmp_path)
    company.run("apply", "--yes")
    exported = company.run("audit", "export").stdout
    (run,) = read_rows(exported, "runs")
    assert (run["approval"], run["approvers"]) == ("by hand", "")
    assert run["operator"]
    assert run["machine"]
    assert "applied without a review" in {row["exception"] for row in read_rows(exported, "exceptions")}
