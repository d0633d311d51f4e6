"""Speed and noise: plans that write nothing, do little, and repeat themselves never."""

import json

import pytest
from faulty_server import FaultyServer
from pains_company import Company
from pains_server import is_active, names, throw_out

QUIET = [
    ["plan"],
    ["plan", "--json"],
    ["plan", "--markdown"],
    ["plan", "--at", "2090-01-01"],
    ["plan", "--due"],
    ["plan", "--verbose"],
    ["drift"],
    ["validate"],
    ["explain", "ana"],
    ["who", "hub/group:eng"],
    ["tickets"],
    ["state", "list"],
    ["state", "show", "hub"],
    ["providers", "--app", "hub"],
    ["schema", "config"],
]


@pytest.fixture
def busy(hub: Company, server: FaultyServer) -> Company:
    """Three apps (SCIM, files, tickets) in which something is to be added, changed and removed."""
    hub.wiki("1,ana@acme.example,active\n2,sam@acme.example,active\n", "1,team:ops,\n2,team:eng,\n")
    hub.app("figma")
    hub.people("omar", "ana", "kim", "lee", sam={"last_day": "2020-01-01"})
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:eng"], "wiki": ["team:ops"], "figma": ["license:pro"]}))
    server.store.user("sam@acme.example", emails=[{"value": "sam@acme.example"}])
    return hub


@pytest.mark.parametrize("arguments", QUIET, ids=" ".join)
def test_whatever_only_looks_writes_nothing_anywhere(busy: Company, server: FaultyServer, arguments: list[str]) -> None:
    """Every file keeps its bytes, the server sees only GET; before and after there was an apply."""
    for _ in range(2):
        before, state = busy.tree(), state_of(busy)
        server.log.clear()
        done = busy.run(*arguments)
        assert done.code in {0, 1, 3}, done.said
        assert "Traceback" not in done.said
        assert "a fault of" not in done.said
        assert (busy.tree(), state_of(busy)) == (before, state)
        assert {request.method for request in server.log} <= {"GET"}
        busy.apply()


def state_of(company: Company) -> dict[str, str]:
    """The hashes of what is remembered, without the cache of parsed files."""
    return {name: digest for name, digest in company.tree(state=True).items() if "/state" in name}


def test_a_plan_leaves_no_file_behind_but_the_one_it_was_asked_for(busy: Company) -> None:
    """The first plan in a fresh clone makes no state, no tickets, nothing that git would show."""
    before = set(busy.tree())
    busy.run("plan", "--out", str(busy.folder / "plan.json"))
    assert set(busy.tree()) == before | {"plan.json"}
    assert not (busy.folder / ".reconciler" / "state.db").exists()
    assert not (busy.folder / "tickets").exists()


def test_a_clone_that_cannot_be_written_can_be_planned(busy: Company) -> None:
    """A plan job without a writable checkout: the cache is skipped without a word."""
    (busy.folder / ".reconciler").write_text("in the way")
    done = busy.plan()
    assert done.code in {1, 2}, done.said
    assert "a fault of" not in done.said


def test_a_second_run_has_nothing_to_do_in_any_app(busy: Company, server: FaultyServer) -> None:
    """SCIM, files and tickets: one apply, then none; tickets are pending and no change."""
    done = busy.apply()
    assert done.code == 0, done.said
    again = busy.plan()
    assert (again.code, busy.changes()) == (0, [])
    assert "nothing to do" in again.out
    before = busy.tree()
    server.log.clear()
    assert busy.apply().code == 0
    assert busy.tree() == before
    assert {request.method for request in server.log} == {"GET"}
    assert busy.run("drift", "--detailed-exitcode").code == 0


def test_a_plan_tells_how_many_requests_it_took(busy: Company, server: FaultyServer) -> None:
    """The number that is printed is the number that the server saw."""
    data = busy.run("plan", "--json").data()
    told = next(app["requests"] for app in data["apps"] if app["app"] == "hub")
    assert told == len(server.log)


def test_drift_that_git_did_not_cause_is_told_apart(hub: Company, server: FaultyServer) -> None:
    """Somebody takes kim out of the group by hand while git adds lee: each has its own cause."""
    hub.settle()
    throw_out(server, "kim")
    hub.grants((["ana", "kim", "omar", "lee"], {"hub": ["group:eng"]}))
    [app] = hub.run("plan", "--json").data()["apps"]
    causes = {change["id"]: change["cause"] for change in app["changes"]}
    assert causes == {
        "hub/create-account/lee": "new",
        "hub/grant/lee/group:eng": "new",
        "hub/grant/kim/group:eng": "drift: lost outside git",
    }
    assert "lee" not in hub.run("drift").out


def test_due_runs_do_not_correct_drift(hub: Company, server: FaultyServer) -> None:
    """Only what dates make due, and what was merged: a hand-made change waits for a reviewed plan."""
    hub.settle()
    throw_out(server, "kim")
    hub.people("omar", "kim", "lee", ana={"last_day": "2020-01-01"})
    done = hub.apply("--due")
    assert done.code == 0, done.said
    assert not is_active(server, "ana")
    assert names(server) == ["omar@acme.example"]


def test_nothing_is_cut_off_in_a_large_markdown_plan(company: Company, server: FaultyServer) -> None:
    """500 changes in Markdown: each is named, or it says how many are left out; never silence."""
    ids = [f"p{number:03}" for number in range(250)]
    company.people("omar", *ids)
    company.hub(server.url)
    server.store.group("eng")
    company.grants((ids, {"hub": ["group:eng"]}))
    shown = company.run("plan", "--markdown").out
    assert "500 to add" in shown
    missing = [name for name in ids if name not in shown]
    assert not missing or f"{len(missing)}" in shown


def test_the_same_plan_twice_has_the_same_digest(busy: Company) -> None:
    """Nothing about time, order or timing is in it."""
    digests = {json.loads(busy.run("plan", "--json").out)["digest"] for _ in range(3)}
    assert len(digests) == 1
