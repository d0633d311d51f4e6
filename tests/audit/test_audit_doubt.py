"""A state that was rewritten, cut off or poisoned: only leavers go, until somebody looked at it and accepted it."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from audit_worlds import NOW, make_entries, tamper
from cli_company import Company

from reconciler.audit.anchor import Anchored, FileAnchor, Head
from reconciler.audit.chain import digest_entry
from reconciler.audit.doubt import find_doubt
from reconciler.audit.verify import verify_trail
from reconciler.cli.exits import Exit
from reconciler.state.sqlite import SqliteStore

SETTINGS = "organization: Acme\ntimezone: Europe/Berlin\naudit: {anchor: log/heads}\n"
LEAVES = "omar: {name: Omar Haddad, email: omar@acme.example, department: Engineering"
STATE = Path(".reconciler/state.db")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return a company that was applied twice and anchored; since then omar has left, and lee is to get more."""
    company = Company(tmp_path)
    company.write("reconciler.yaml", SETTINGS)
    for _ in range(2):
        done = company.run("apply", "--yes")
        assert done.returncode == Exit.DONE, done.stderr
    company.replace("people.yaml", LEAVES, f"{LEAVES}, last_day: 2024-01-31")
    company.replace("roles.yaml", "wiki: [role:admin]", "wiki: [role:admin, team:eng]")
    return company


def rewrite(path: Path) -> None:
    """Take the last entries away and write others with right digests: a chain that is whole, and another one."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT number, at, kind, body, previous FROM audit ORDER BY number").fetchall()
    number, at, kind, body, previous = rows[-1]
    forged = json.loads(body) | {"detail": "nothing to see"}
    text = json.dumps(forged, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = digest_entry(number, datetime.fromisoformat(at), kind, forged, previous)
    escaped = text.replace("'", "''")
    tamper(path, f"UPDATE audit SET body = '{escaped}', digest = '{digest}' WHERE number = {number}")  # noqa: S608 - ours


ATTACKS = {
    "edited": lambda path: tamper(path, "UPDATE audit SET body = '{}' WHERE number = 2"),
    "cut off": lambda path: tamper(path, "DELETE FROM audit WHERE number > 5"),
    "emptied": lambda path: tamper(path, "DELETE FROM audit"),
    "with a hole": lambda path: tamper(path, "DELETE FROM audit WHERE number = 7"),
    "rewritten": rewrite,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_poisoned_state_stops_everything_but_leavers(company: Company, attack: str) -> None:
    """The plan says what differs and what to do; leavers are suspended; nothing else moves, nothing is confirmed."""
    ATTACKS[attack](company.folder / STATE)
    heads, grants = company.read("log/heads"), company.read("grants.csv")
    planned = company.run("plan")
    assert planned.returncode == Exit.REFUSED
    assert "the audit trail is in doubt" in planned.stdout
    assert "reconciler audit accept" in planned.stdout
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.PARTIAL, done.stderr
    assert "1,omar@acme.example,suspended" in company.read("wiki.csv")
    kept = [line for line in grants.splitlines() if not line.startswith("1,")]
    assert company.read("grants.csv").splitlines() == kept
    assert company.read("log/heads") == heads
    again = company.run("apply", "--yes")
    assert again.returncode == Exit.REFUSED, again.stdout
    assert company.run("audit", "verify").returncode == Exit.REFUSED


def test_a_reviewed_plan_of_a_state_that_is_poisoned_afterwards_is_stale(company: Company) -> None:
    """What was agreed to is not what would be done any more."""
    assert company.run("plan", "--out", "plan.json").returncode == Exit.DONE
    ATTACKS["rewritten"](company.folder / STATE)
    done = company.run("apply", "plan.json")
    assert done.returncode == Exit.REFUSED, done.stderr
    assert "no longer what would be done" in done.stderr


def test_a_planted_pin_takes_nothing_from_a_colleague(company: Company) -> None:
    """The leaver's pin was set to a colleague's account: in doubt, the keys of the leaver count."""
    accounts = company.read("wiki.csv").splitlines()
    (lee,) = (line.partition(",")[0] for line in accounts if "lee@" in line)
    path = company.folder / STATE
    tamper(
        path,
        f"UPDATE accounts SET remote_id = '{lee}' WHERE holder = (SELECT id FROM names WHERE name = 'omar')",  # noqa: S608 - ours
    )
    ATTACKS["cut off"](path)
    assert company.run("apply", "--yes").returncode == Exit.PARTIAL
    after = company.read("wiki.csv")
    assert f"{lee},lee@acme.example,active" in after
    assert "1,omar@acme.example,suspended" in after


def test_a_leaver_whom_only_the_pin_finds_is_still_suspended(company: Company) -> None:
    """The address in the app is another one by now."""
    company.replace("wiki.csv", "1,omar@acme.example", "1,o.haddad@acme.example")
    ATTACKS["cut off"](company.folder / STATE)
    assert company.run("apply", "--yes").returncode == Exit.PARTIAL
    assert "1,o.haddad@acme.example,suspended" in company.read("wiki.csv")


def head_of(company: Company) -> str:
    """Return the head that the trail has now, as `audit accept` takes it."""
    head: str = json.loads(company.run("audit", "verify", "--json").stdout)["head"]
    return head


@pytest.mark.parametrize("attack", ["edited", "cut off", "rewritten"])
def test_a_trail_is_accepted_by_name_with_a_reason(company: Company, attack: str) -> None:
    """Then it goes on; who did that, where, why and what was wrong is told for ever."""
    ATTACKS[attack](company.folder / STATE)
    head = head_of(company)
    done = company.run("audit", "accept", head[:16], "--reason", "restored from the backup of Monday", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    assert "the audit trail is in doubt" in done.stdout
    verified = company.run("audit", "verify")
    assert verified.returncode == Exit.DONE, verified.stdout
    assert ("(accepted since)" in verified.stdout) is (attack == "edited")
    assert company.read("log/heads").splitlines()[-1].endswith(" accepted")
    assert company.run("apply", "--yes").returncode == Exit.DONE
    (lee,) = (line.partition(",")[0] for line in company.read("wiki.csv").splitlines() if "lee@" in line)
    assert f"{lee},team:eng," in company.read("grants.csv")
    rows = [json.loads(line) for line in company.run("audit", "export", "--part", "exceptions").stdout.splitlines()]
    (row,) = (row for row in rows if row["exception"] == "trail accepted")
    assert "because: restored from the backup of Monday" in row["detail"]
    assert "by hand, " in row["detail"]
    tamper(company.folder / STATE, f"DELETE FROM audit WHERE number > {row['entry']}")  # noqa: S608 - a number
    assert company.run("plan").returncode == Exit.REFUSED


def test_only_the_head_that_was_looked_at_is_accepted(company: Company) -> None:
    """Not another one, not a short name, not without a reason, and not where nothing is wrong."""
    number, _, digest = head_of(company).partition(":")
    whole = company.run("audit", "accept", f"{number}:{digest}", "--reason", "why not", "--yes")
    assert whole.returncode == Exit.REFUSED
    assert "nothing to accept" in whole.stderr
    ATTACKS["rewritten"](company.folder / STATE)
    for wrong in (f"{number}:{digest}", f"{number}:", number, "empty", f"{number}:{'0' * 12}"):
        refused = company.run("audit", "accept", wrong, "--reason", "because", "--yes")
        assert refused.returncode == Exit.REFUSED, wrong
    head = head_of(company)
    assert company.run("audit", "accept", head, "--yes").returncode == Exit.ERROR
    assert company.run("audit", "accept", head, "--reason", " ", "--yes").returncode == Exit.REFUSED
    assert company.run("audit", "accept", head, "--reason", "because").returncode == Exit.ERROR
    assert company.run("plan").returncode == Exit.REFUSED


def test_an_emptied_trail_is_accepted_as_empty(company: Company) -> None:
    """It has no head to name."""
    ATTACKS["emptied"](company.folder / STATE)
    assert "audit accept empty" in company.run("plan").stdout
    assert company.run("audit", "accept", "empty", "--reason", "begun anew", "--yes").returncode == Exit.DONE
    assert company.run("plan").returncode == Exit.DONE


def test_a_damaged_trail_is_noticed_and_accepted_without_an_anchor(company: Company) -> None:
    """Its own digests show that much."""
    company.write("reconciler.yaml", SETTINGS.replace("audit: {anchor: log/heads}\n", ""))
    ATTACKS["edited"](company.folder / STATE)
    company.run("plan")
    (company.folder / "log/heads.lineage").rename(company.folder / ".reconciler/lineage")
    assert "entry 2 was edited" in company.run("plan").stdout
    accepted = company.run("audit", "accept", head_of(company), "--reason", "a disk was bad", "--yes")
    assert accepted.returncode == Exit.DONE
    assert company.run("plan").returncode == Exit.DONE
    assert company.run("audit", "verify").returncode == Exit.DONE


def test_what_was_before_an_accepted_head_binds_no_more(tmp_path: Path) -> None:
    """But the accepted one and all after it do."""
    entries = make_entries(6)
    anchor = FileAnchor(tmp_path / "heads")
    anchor.add(Head(3, "00" * 32), NOW, "run-1")
    anchor.add(Head(4, entries[3].digest), NOW, "accepted")
    anchor.add(Head(6, entries[5].digest), NOW, "run-2")
    anchored = anchor.read()
    assert anchored == Anchored((Head(4, entries[3].digest), Head(6, entries[5].digest)), 4)
    with SqliteStore(tmp_path / "state.db") as store:
        store.append_audit(entries)
        assert find_doubt(store, anchor) == ""
    found = verify_trail(entries[1:], anchored.heads, since=anchored.since)
    assert [fault.number for fault in found.accepted] == [1]
    assert found.faults == ()
    assert verify_trail(entries[:5], anchored.heads, since=anchored.since).faults


def test_only_the_end_of_a_long_trail_is_read_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the last anchored head on, and some more; the whole is for `audit verify`."""
    monkeypatch.setattr("reconciler.audit.doubt._LOOKED_AT", 3)
    entries = make_entries(20)
    anchor = FileAnchor(tmp_path / "heads")
    anchor.add(Head(19, entries[18].digest), NOW, "run-1")
    with SqliteStore(tmp_path / "state.db") as store:
        store.append_audit(entries)
    tamper(tmp_path / "state.db", "UPDATE audit SET body = '{}' WHERE number = 4")
    with SqliteStore(tmp_path / "state.db") as store:
        assert find_doubt(store, anchor) == ""
    tamper(tmp_path / "state.db", "UPDATE audit SET body = '{}' WHERE number = 18")
    with SqliteStore(tmp_path / "state.db") as store:
        assert "entry 18 was edited" in find_doubt(store, anchor)
