"""What somebody does to the state by hand is in the audit trail: who, where, what and why."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_company import Company

from reconciler.audit.anchor import FileAnchor
from reconciler.audit.approval import BY_HAND, Approval
from reconciler.audit.by_hand import Deed, do_by_hand
from reconciler.cli.exits import Exit
from reconciler.errors import StateError
from reconciler.state.contract import Adoption, AppliedAccount, StateStore
from reconciler.state.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = "organization: Acme\ntimezone: Europe/Berlin\naudit: {anchor: log/heads}\n"
ANA = Approval(BY_HAND, "ana", "laptop")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return a company that was applied once and anchored."""
    company = Company(tmp_path)
    company.write("reconciler.yaml", SETTINGS)
    assert company.run("apply", "--yes").returncode == Exit.DONE
    return company


def deeds(company: Company) -> list[dict[str, Any]]:
    """Return what the trail tells of deeds by hand, with who and where checked."""
    shown = json.loads(company.run("audit", "show", "--last", "500", "--json").stdout)["entries"]
    bodies = [entry["body"] for entry in shown if entry["kind"] == "state changed by hand"]
    for body in bodies:
        approval = body.pop("approval")
        assert approval["source"] == "by hand"
        assert approval["operator"]
        assert approval["machine"]
    return bodies


def test_each_command_that_changes_the_state_is_told(company: Company) -> None:
    """With its reason where one is given, and anchored: cutting it off is noticed."""
    why = ("--reason", "ticket IT-7")
    assert company.run("state", "unpin", "wiki", "omar", "--yes", *why).returncode == Exit.DONE
    assert company.run("state", "repair", "wiki", "--yes").returncode == Exit.DONE
    assert company.run("state", "forget", "wiki", "--identity", "omar", "--yes", *why).returncode == Exit.DONE
    company.replace("apps/wiki.yaml", "  figma: {owner: omar}\n", "")
    company.replace("roles.yaml", "      figma: [license:full]\n", "")
    assert company.run("state", "forget", "figma", "--yes").returncode == Exit.DONE
    assert company.run("state", "move", "--to", "{sqlite: {path: new/state.db}}", *why).returncode == Exit.DONE
    company.write("reconciler.yaml", f"{SETTINGS}state: {{sqlite: {{path: new/state.db}}}}\n")
    told = deeds(company)
    assert [(one["command"], one["reason"]) for one in told] == [
        ("state unpin", "ticket IT-7"),
        ("state repair", ""),
        ("state forget", "ticket IT-7"),
        ("state forget", ""),
        ("state move", "ticket IT-7"),
    ]
    assert (told[0]["app"], told[0]["item"]) == ("wiki", "omar")
    assert (told[2]["app"], told[2]["identity"]) == ("wiki", "omar")
    assert told[1]["count"] >= 3
    assert company.read("log/heads").count("by-hand") == 5
    verified = company.run("audit", "verify", "--json")
    assert verified.returncode == Exit.DONE
    assert company.read("log/heads").splitlines()[-1].startswith(json.loads(verified.stdout)["head"])


def test_an_import_is_told_in_the_trail_that_it_brought(company: Company) -> None:
    """After everything that was before."""
    rows = company.run("state", "export").stdout
    company.write("state.jsonl", rows)
    company.write("reconciler.yaml", f"{SETTINGS}state: {{sqlite: {{path: new/state.db}}}}\n")
    assert company.run("state", "import", "state.jsonl", "--reason", "a new disk").returncode == Exit.DONE
    (told,) = deeds(company)
    assert (told["command"], told["item"], told["reason"]) == ("state import", "state.jsonl", "a new disk")
    assert told["count"] == len(rows.splitlines()) - 1
    assert company.run("audit", "verify").returncode == Exit.DONE


def test_taking_a_lock_away_is_told(company: Company) -> None:
    """With whose it was."""
    store = SqliteStore(company.folder / ".reconciler/state.db")
    store.lock("eve", "apply", NOW)
    fence = store.holder()
    assert fence is not None
    done = company.run("state", "unlock", str(fence.fence), "--yes", "--reason", "eve's laptop is gone")
    assert done.returncode == Exit.DONE, done.stderr
    (told,) = deeds(company)
    assert (told["command"], told["reason"]) == ("state unlock", "eve's laptop is gone")
    assert told["item"] == f"lock {fence.fence}"
    assert "held by eve (apply)" in told["detail"]
    with pytest.raises(StateError):
        store.adopt("wiki", Adoption({"x": AppliedAccount("u1")}))
    store.close()


def test_what_is_not_done_is_not_told(company: Company) -> None:
    """A pin that is not there, a state that is not empty, an app that is still in use."""
    before = company.run("state", "export").stdout
    company.write("state.jsonl", before)
    for refused in (
        ("state", "unpin", "wiki", "nobody", "--yes"),
        ("state", "import", "state.jsonl"),
        ("state", "forget", "wiki", "--yes"),
        ("state", "unlock", "7", "--yes"),
    ):
        company.run(*refused)
    assert company.run("state", "export").stdout == before


def test_deeds_are_exceptions_of_an_export(company: Company) -> None:
    """An auditor asks about them first."""
    company.run("state", "unpin", "wiki", "omar", "--yes", "--reason", "the account was made anew")
    rows = map(json.loads, company.run("audit", "export", "--part", "exceptions").stdout.splitlines())
    (row,) = (row for row in rows if row["exception"] == "state changed by hand")
    assert row["app"] == "wiki"
    assert row["detail"].startswith("state unpin: wiki omar; by hand, ")
    assert row["detail"].endswith("because: the account was made anew")
    assert "state unpin: wiki omar" in company.run("audit", "show").stdout


def test_a_deed_on_a_doubted_trail_confirms_nothing(tmp_path: Path) -> None:
    """It is done and told; the anchor keeps the head that does not fit."""
    anchor = FileAnchor(tmp_path / "heads")
    with SqliteStore(tmp_path / "old.db") as old:
        _do(old, anchor, "state repair")
    before = (tmp_path / "heads").read_text()
    with SqliteStore(tmp_path / "new.db") as new:
        problems = _do(new, anchor, "state unpin")
        assert [entry.body["command"] for entry in new.audit()] == ["state unpin"]
    assert "not anchored" in problems[0]
    assert (tmp_path / "heads").read_text() == before


def _do(state: StateStore, anchor: FileAnchor, command: str) -> list[str]:
    return do_by_hand(state, anchor, Deed(command, {"app": "wiki"}, ANA), NOW, lambda: None)[1]
