"""The lock as users meet it, on every back end: the real command waits, is refused, or stops in the middle."""

import json
import subprocess
import threading
import time
from pathlib import Path

import pytest
from cli_company import COMMAND, Company, environment
from faulty_server import SECRET, FaultyServer, Request, run_faulty_server
from other_process import holding, say
from support.state_back_ends import git, make_clone

from reconciler.cli.exits import Exit
from reconciler.model.company import Settings

HELD = "ana@laptop has held the state's lock since 2026-03-01 00:00 UTC (apply)"
PEOPLE = 60


def test_an_apply_waits_as_long_as_it_is_told_to(company: Company, company_settings: Settings) -> None:
    """It says whom it waits for, with what and since when; when the lock is free it applies."""
    with holding(company_settings) as holder:
        refused = company.run("apply", "--yes")
        assert (refused.returncode, HELD in refused.stderr) == (Exit.ERROR, True)
        assert "waiting" not in refused.stderr
        tired = company.run("apply", "--yes", "--lock-timeout", "1s")
        assert tired.returncode == Exit.ERROR
        assert "waiting up to 1 s" in tired.stderr
        assert tired.stderr.count(HELD) == 2
        waiting = subprocess.Popen(
            [*COMMAND, "apply", "--yes", "--lock-timeout", "2m"],
            cwd=company.folder,
            env=environment(),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        with waiting:
            assert waiting.stderr
            assert HELD in waiting.stderr.readline()
            say(holder)
            assert waiting.wait(60) == Exit.DONE, waiting.stderr.read()
            waiting.stderr.read()
    assert "3,omar" not in company.read("grants.csv")
    assert "1,space:web,write" in company.read("grants.csv")


@pytest.mark.parametrize("written", ["soon", "10", "-1s", "1d", ""])
def test_an_unusable_duration_is_a_usage_error(tmp_path: Path, written: str) -> None:
    """Nothing is read or locked."""
    done = Company(tmp_path).run("apply", "--yes", "--lock-timeout", written)
    assert done.returncode == Exit.ERROR
    assert "write it like 30s, 10m or 1h" in done.stderr


def grow(company: Company, server: FaultyServer) -> None:
    """Let so many people get an account in one SCIM app."""
    for name in ("people.yaml", "roles.yaml", "apps/wiki.yaml"):
        (company.folder / name).unlink()
    people = [f"  p{n}: {{name: P {n}, email: p{n}@acme.example}}" for n in range(PEOPLE)]
    company.write("people.yaml", "\n".join(["people:", *people, ""]))
    route = json.dumps([{"scim": {"url": server.url, "token": {"env": "SCIM_TOKEN"}}}])
    company.write(
        "apps/hub.yaml", f"apps: {{hub: {{owner: p0, accounts: {{to: {{everyone: true}}}}, route: {route}}}}}\n"
    )


def test_an_apply_on_a_branch_pushes_a_few_times(tmp_path: Path) -> None:
    """However many changes there are: intents together, outcomes at the branch's pace."""
    company = Company(tmp_path)
    bare = make_clone(tmp_path)
    with run_faulty_server() as server:
        grow(company, server)
        company.write("reconciler.yaml", "organization: Acme\nstate: {git: {}}\n")
        done = company.run("apply", "--yes", SCIM_TOKEN=SECRET)
        assert done.returncode == Exit.DONE, done.stderr
        assert len(server.store.users) == PEOPLE
    assert int(git(bare, "rev-list", "--count", "reconciler/state")) <= 12


def test_a_run_whose_lock_is_broken_sends_no_new_request(company: Company) -> None:
    """Its writes are refused, it ends with an error that says so, and the next apply does what is left, once."""
    with run_faulty_server() as server:
        grow(company, server)
        broken = threading.Event()

        def take_over(request: Request) -> None:
            if request.method == "POST" and len(server.requests("POST")) == 5:
                listed = json.loads(company.run("state", "list", "--json").stdout)
                done = company.run("state", "unlock", str(listed["lock"]["id"]), "--yes")
                assert "unlocked" in done.stdout, done.stderr
                broken.set()
            elif request.method == "POST":
                # On a branch the run looks at its lock every five seconds: it must not be done by then.
                time.sleep(1.5 if broken.is_set() else 0.3)

        server.habits.before = take_over
        lost = company.run("apply", "--yes", SCIM_TOKEN=SECRET)
        assert broken.wait(30)
        assert lost.returncode == Exit.ERROR
        assert "lock on the state was broken" in lost.stderr
        sent = len(server.requests("POST"))
        assert 5 <= sent < PEOPLE
        server.habits.before = lambda _: None
        again = company.run("apply", "--yes", SCIM_TOKEN=SECRET)
        assert again.returncode == Exit.DONE, again.stderr
        assert sorted(user["userName"] for user in server.store.users.values()) == sorted(
            f"p{n}@acme.example" for n in range(PEOPLE)
        )
        assert len(server.requests("POST")) == PEOPLE
