"""Somebody who can write the state, or who sends a hostile one, redirects no access and keeps nobody in."""

import json
import sqlite3
from contextlib import closing

import pytest
from cli_company import Company
from support.state_back_ends import git, make_clone

from reconciler.cli.exits import Exit

STATE = ".reconciler/state.db"
BRANCH = "reconciler/state"


def poison(company: Company, *statements: str) -> None:
    """Change the state as whoever can write its file can."""
    with closing(sqlite3.connect(company.folder / STATE, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def pin(holder: str, remote_id: str) -> str:
    """Return what sets somebody's pin."""
    return (
        f"UPDATE accounts SET remote_id = '{remote_id}' "  # noqa: S608 - ours
        f"WHERE holder = (SELECT id FROM names WHERE name = '{holder}')"
    )


@pytest.fixture
def applied(company: Company) -> Company:
    """Return the company after its first apply."""
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    return company


def id_of(company: Company, person: str) -> str:
    """Return the id of somebody's account in the wiki."""
    (row,) = (line for line in company.read("wiki.csv").splitlines() if f"{person}@acme.example" in line)
    return row.partition(",")[0]


def test_a_poisoned_pin_redirects_nobodys_grants(applied: Company) -> None:
    """Lee's pin points to the account of the attacker, who waits for the role: keys and pin disagree, so it blocks."""
    lee, ana = id_of(applied, "lee"), id_of(applied, "ana")
    grants = [line for line in applied.read("grants.csv").splitlines() if line != f"{lee},role:admin,"]
    applied.write("grants.csv", "\n".join(grants) + "\n")
    poison(applied, pin("lee", ana))
    done = applied.run("apply", "--yes")
    assert done.returncode in (Exit.REFUSED, Exit.PARTIAL)
    assert "conflict" in done.stdout
    assert f"{ana},role:admin" not in applied.read("grants.csv")


def test_a_poisoned_pin_suspends_no_colleague(applied: Company) -> None:
    """Omar has left; his pin points to lee."""
    applied.replace("people.yaml", "omar@acme.example,", "omar@acme.example, last_day: 2024-01-31,")
    lee = id_of(applied, "lee")
    poison(applied, pin("omar", lee))
    done = applied.run("apply", "--yes")
    assert f"{lee},lee@acme.example,active" in applied.read("wiki.csv")
    assert "conflict" in done.stdout
    assert done.returncode in (Exit.REFUSED, Exit.PARTIAL)


def test_ownership_that_is_taken_away_hides_no_leaver(applied: Company) -> None:
    """The rows of a leaver's account are gone from the state: what the YAML says of leavers does not need them."""
    applied.replace("people.yaml", "omar@acme.example,", "omar@acme.example, last_day: 2024-01-31,")
    poison(applied, "DELETE FROM accounts", "DELETE FROM grants", "DELETE FROM held")
    applied.run("apply", "--yes")
    assert "1,omar@acme.example,suspended" in applied.read("wiki.csv")


def clone(company: Company) -> None:
    """Make the company a clone of a bare repository."""
    people = company.read("people.yaml")
    make_clone(company.folder)
    company.write("people.yaml", people)


def in_git(company: Company) -> None:
    """Keep the state on a branch, and the anchor on another one; apply twice."""
    clone(company)
    company.write("reconciler.yaml", "organization: Acme\nstate: {git: {}}\naudit: {anchor: {git: {}}}\n")
    for _ in range(2):
        done = company.run("apply", "--yes")
        assert done.returncode == Exit.DONE, done.stderr


def test_an_older_state_that_is_pushed_by_force_is_noticed(company: Company) -> None:
    """A replay: every commit was ours once. The head that is anchored is missing; only leavers go."""
    in_git(company)
    bare = company.folder / ".remote.git"
    older = git(bare, "rev-parse", BRANCH)
    assert company.run("apply", "--yes").returncode == Exit.DONE
    git(bare, "update-ref", f"refs/heads/{BRANCH}", older)
    company.replace("people.yaml", "omar@acme.example,", "omar@acme.example, last_day: 2024-01-31,")
    company.replace("roles.yaml", "wiki: [role:admin]", "wiki: [role:admin, team:eng]")
    planned = company.run("plan")
    assert planned.returncode == Exit.REFUSED
    assert "the audit trail is in doubt" in planned.stdout
    company.run("apply", "--yes")
    assert "1,omar@acme.example,suspended" in company.read("wiki.csv")
    assert f"{id_of(company, 'lee')},team:eng" not in company.read("grants.csv")


def test_a_state_branch_that_is_deleted_is_noticed(company: Company) -> None:
    """Nothing is taken for ours, and nothing is made again."""
    in_git(company)
    git(company.folder / ".remote.git", "update-ref", "-d", f"refs/heads/{BRANCH}")
    before = company.read("wiki.csv")
    assert company.run("plan").returncode == Exit.REFUSED
    company.run("apply", "--yes")
    assert company.read("wiki.csv") == before


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '["state", 99, "x"]',
        '["state", 1, "x"]\n["sqlite_master", "x"]',
        '["state", 1, "x"]\n["accounts; DROP TABLE audit", 1]',
        '["state", 1, "x"]\n["accounts"]',
        '["state", 1, "x"]\n["accounts", {"a": 1}, [], null]',
        '{"state": 1}',
        "\x00",
    ],
)
def test_a_hostile_export_is_refused_whole(company: Company, line: str) -> None:
    """Nothing of it is kept, and there is no traceback."""
    company.write("rows.jsonl", line + "\n")
    done = company.run("state", "import", "rows.jsonl")
    assert done.returncode == Exit.ERROR
    assert "Traceback" not in done.stderr
    assert "a fault of" not in done.stderr
    assert "the state is empty" in company.run("state", "list").stdout
    assert company.run("audit", "verify").returncode == Exit.DONE


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00" + b"\xff" * 4096, b"#!/bin/sh\n", b"\x00" * 100_000])
def test_a_file_that_is_no_state_is_an_error(applied: Company, content: bytes) -> None:
    """It is neither overwritten nor taken for an empty one that would lose what is ours."""
    path = applied.folder / STATE
    path.write_bytes(content)
    before = applied.read("wiki.csv")
    done = applied.run("apply", "--yes")
    assert done.returncode in (Exit.ERROR, Exit.REFUSED), done.stdout
    assert "Traceback" not in done.stderr
    assert applied.read("wiki.csv") == before


def test_the_state_is_not_readable_by_others(applied: Company) -> None:
    """It names people and their remote ids."""
    for path in (applied.folder / STATE, applied.folder / ".reconciler/lineage"):
        assert path.stat().st_mode & 0o077 == 0 or path.parent.stat().st_mode & 0o077 == 0
    assert (applied.folder / ".reconciler/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("key", ["policies: {limits: {leavers: 100%}}", "apps: {evil: {owner: lee}}"])
def test_what_is_sensitive_stands_only_where_it_is_owned(company: Company, key: str) -> None:
    """A pull request puts it into a file that nobody owns."""
    company.write("docs/harmless.yaml", f"{key}\n")
    done = company.run("validate")
    assert done.returncode == Exit.ERROR
    assert "docs/harmless.yaml:1:1" in done.stderr + done.stdout


def test_a_hook_of_the_repository_is_not_run_by_the_anchor_or_the_state(company: Company) -> None:
    """Pushing and committing by plumbing: a hook that a pull request or a template brings stays where it is."""
    clone(company)
    pwned = company.folder / "pwned"
    hooks = company.folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "pre-commit", "post-commit", "commit-msg", "prepare-commit-msg", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{pwned}'\n")
        (hooks / name).chmod(0o755)
    company.write("reconciler.yaml", "organization: Acme\nstate: {git: {}}\naudit: {anchor: {git: {}}}\n")
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr
    assert not pwned.exists()


def test_the_trail_holds_no_secret_and_no_markup(applied: Company) -> None:
    """A reason is free text: what looks like a secret goes, and a spreadsheet computes nothing of it."""
    reason = "=HYPERLINK(1) token ghp_" + "a1B2c3D4e5" * 4
    done = applied.run("state", "unpin", "wiki", "lee", "--yes", "--reason", reason)
    assert done.returncode == Exit.DONE
    assert "a1B2c3D4e5" not in applied.run("state", "export").stdout
    entries = json.loads(applied.run("audit", "show", "--json").stdout)["entries"]
    assert entries[-1]["body"]["reason"].startswith("=HYPERLINK(1)")
    sheet = applied.run("audit", "export", "--format", "csv", "--part", "exceptions").stdout
    assert ',"=' not in sheet
