"""Promises: apps do not stop each other, the reviewed is what is applied, leavers go, interruptions are survived."""

import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from faulty_server import FaultyServer
from faulty_store import ScimError
from pains_company import Company
from pains_server import active, id_of, is_active, writes

PLAN = "plan.json"


@pytest.fixture
def two(hub: Company) -> Company:
    """An app behind the server and one in files, with something to do in both."""
    hub.wiki("1,ana@acme.example,active\n2,kim@acme.example,active\n", "1,team:eng,\n")
    hub.grants((["ana", "kim", "omar"], {"hub": ["group:eng"], "wiki": ["team:ops"]}))
    return hub


def review(company: Company) -> None:
    """Keep a plan in a file."""
    done = company.run("plan", "--out", str(company.folder / PLAN))
    assert done.code == 0, done.said


def apply_reviewed(company: Company) -> Any:
    """Apply the kept plan."""
    return company.run("apply", str(company.folder / PLAN))


@pytest.mark.parametrize("trouble", ["refused", "forbidden", "html", "lost token", "nobody there"])
def test_an_app_that_cannot_be_read_stops_no_other(
    two: Company, server: FaultyServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Exit 5 (4 where something is left), nothing in that app, everything in the other."""
    match trouble:
        case "refused":
            server.habits.before = lambda _: (_ for _ in ()).throw(ScimError(403, "suspended: unpaid invoice"))
        case "forbidden":
            server.habits.forbid = {"/Users", "/Groups"}
        case "html":
            server.serve = lambda _: (200, "<html>maintenance</html>", {})  # type: ignore[method-assign]
        case "lost token":
            monkeypatch.delenv("HUB_TOKEN")
        case "nobody there":
            two.edit("apps/hub.yaml", server.url, "http://127.0.0.1:9")
    done = two.apply()
    assert done.code == 5, done.said
    assert "2,team:ops," in two.read("wiki-grants.csv")
    assert server.store.users == {}
    assert writes(server) == []


def test_a_refused_app_stops_no_other(two: Company, server: FaultyServer) -> None:
    """Too many removals in one app: it is refused whole, the other is applied, exit 3 or 4."""
    two.settle()
    two.policies(limits={"removals_per_app": 0})
    two.grants(
        (["omar", "ana"], {"hub": ["group:eng"], "wiki": ["team:ops"]}), (["kim", "lee"], {"wiki": ["team:ops"]})
    )
    server.log.clear()
    done = two.apply()
    assert done.code in {3, 4}, done.said
    assert writes(server) == []
    assert "lee@acme.example" in two.read("wiki.csv")


def test_a_pinned_leaver_is_suspended_although_the_list_cannot_be_read(two: Company, server: FaultyServer) -> None:
    """The list answers 403, single accounts are fine: kim's account is suspended, nobody else is touched, exit 5."""
    two.settle()
    two.people("omar", "ana", "lee", "zoe", kim={"last_day": "2020-01-01"})
    two.grants((["ana", "kim", "omar", "zoe"], {"hub": ["group:eng"]}))
    server.habits.forbid = {"/Users"}
    server.log.clear()
    done = two.apply()
    assert done.code in {4, 5}, done.said
    assert not is_active(server, "kim")
    assert writes(server) == [f"PATCH /Users/{id_of(server, 'kim')}"]


def test_a_pinned_leaver_is_suspended_although_the_list_is_suddenly_short(two: Company, server: FaultyServer) -> None:
    """A list that hides everybody is not believed, and does not save a leaver."""
    two.settle()
    two.people("omar", "ana", "lee", kim={"last_day": "2020-01-01"})
    server.habits.shorten, server.habits.totals = lambda *_: 0, lambda *_: 0
    done = two.apply()
    assert done.code in {4, 5}, done.said
    assert active(server) == ["ana@acme.example", "omar@acme.example"]


def test_a_reviewed_plan_is_applied_as_it_was(two: Company) -> None:
    """Nothing moved: applied, and then there is nothing left."""
    review(two)
    assert apply_reviewed(two).code == 0
    assert two.plan("--app", "hub").code == 0


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ("yaml edited", "the YAML: tree"),
        ("yaml commented", "the YAML: tree"),
        ("live moved", "hub: no longer: hub/create-account/ana"),
        ("live level", "wiki: no longer: wiki/grant/kim/team:ops"),
        ("app config", "hub: how it is reached and managed"),
        ("another plan file", "this is no plan"),
        ("a plan by hand", ""),
    ],
)
def test_a_stale_plan_is_refused_and_says_what_moved(two: Company, server: FaultyServer, moved: str, said: str) -> None:
    """Nothing is written in any app, not even in the one where nothing moved."""
    review(two)
    match moved:
        case "yaml edited":
            two.grants((["ana", "omar"], {"hub": ["group:eng"], "wiki": ["team:ops"]}))
        case "yaml commented":
            two.write("people.yaml", two.read("people.yaml") + "# a remark\n")
        case "live moved":
            server.store.user("ana@acme.example", externalId="ana", emails=[{"value": "ana@acme.example"}])
        case "live level":
            two.write("wiki-grants.csv", two.read("wiki-grants.csv") + "2,team:ops,\n")
        case "app config":
            two.edit("apps/hub.yaml", "hub:\n", "hub:\n    delete_after: 1d\n")
        case "another plan file":
            two.write(PLAN, "{}")
        case "a plan by hand":
            two.edit(PLAN, "kim@acme.example", "eve@acme.example")
    rows, server.log[:] = two.read("wiki-grants.csv"), []
    done = apply_reviewed(two)
    assert done.code in ({1} if "plan" in moved else {3}), done.said
    assert done.err.startswith("read ") or done.err.startswith("error: "), done.err
    assert said in done.err
    assert two.read("wiki-grants.csv") == rows
    assert writes(server) == []


def test_a_plan_that_time_has_passed_is_refused(two: Company, server: FaultyServer) -> None:
    """An `until` passes between review and apply: what it granted is no longer what would be done."""
    until = datetime.now(UTC) + timedelta(seconds=4)
    stamp = until.astimezone(ZoneInfo("Europe/Berlin")).strftime("%Y-%m-%d %H:%M:%S Europe/Berlin")
    two.grants((["ana"], {"hub": ["group:eng"]}), until=stamp)
    validated = two.run("validate")
    if validated.code:
        pytest.fail(f"seconds are not taken: {validated.err}")
    review(two)
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 0.1)
    done = apply_reviewed(two)
    assert done.code == 3, done.said
    assert "hub/grant/ana/group:eng" in done.err
    assert server.store.users == {}


def test_a_plan_of_the_future_cannot_be_applied(two: Company, server: FaultyServer) -> None:
    """Looking at a date is not doing it."""
    assert two.run("plan", "--at", "2090-01-01", "--out", str(two.folder / PLAN)).code == 0
    done = apply_reviewed(two)
    assert done.code == 1
    assert "cannot be applied" in done.err
    assert server.store.users == {}


def test_a_reviewed_plan_cannot_be_applied_twice(two: Company, server: FaultyServer) -> None:
    """The second time it is stale: refused, and nothing happens."""
    review(two)
    assert apply_reviewed(two).code == 0
    server.log.clear()
    done = apply_reviewed(two)
    assert done.code == 3
    assert "no longer" in done.err
    assert writes(server) == []


def test_one_identity_alone_is_touched_where_one_is_named(two: Company, server: FaultyServer) -> None:
    """`--identity kim --app wiki`: nothing else moves, is adopted or forgotten."""
    done = two.apply("--identity", "kim", "--app", "wiki")
    assert done.code == 0, done.said
    assert "2,team:ops," in two.read("wiki-grants.csv")
    assert "1,team:ops," not in two.read("wiki-grants.csv")
    assert server.log == []
    assert "wiki/grant/ana/team:ops" in two.changes()
    assert "hub/create-account/kim" in two.changes()


def test_an_interrupted_apply_says_so_and_is_finished_by_the_next(company: Company, server: FaultyServer) -> None:
    """Ctrl-C in the middle of 60 creations: no traceback, truthful counts, and the next run completes it."""
    ids = [f"p{number:02}" for number in range(60)]
    company.people("omar", *ids)
    company.hub(server.url)
    company.grants((ids, {"hub": ["group:eng"]}))
    server.store.group("eng")
    server.habits.before = lambda request: time.sleep(0.05 if request.method == "POST" else 0)
    with company.spawn("apply", "--yes") as process:
        deadline = time.monotonic() + 20
        while len(server.store.users) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    server.habits.before = lambda _: None
    assert process.returncode in {4, 130}, (process.returncode, out, err)
    assert "Traceback" not in out + err
    assert "not attempted" in out or "interrupted" in err
    made = len(server.store.users)
    assert 5 <= made < 60
    company.settle()
    assert len(server.store.users) == len(server.store.members("g-00001")) == 60


def test_killed_in_the_middle_nothing_is_done_twice(company: Company, server: FaultyServer) -> None:
    """SIGKILL, no goodbye: the next run breaks no lock by itself silently, finds what landed, and completes."""
    ids = [f"p{number:02}" for number in range(40)]
    company.people("omar", *ids)
    company.hub(server.url)
    company.grants((ids, {"hub": ["group:eng"]}))
    server.store.group("eng")
    server.habits.unique = ()
    server.habits.before = lambda request: time.sleep(0.05 if request.method == "POST" else 0)
    with company.spawn("apply", "--yes") as process:
        deadline = time.monotonic() + 20
        while len(server.store.users) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.communicate(timeout=30)
    time.sleep(0.2)
    server.habits.before = lambda _: None
    done = company.apply()
    if done.code == 1:
        assert "lock" in done.err
        assert company.run("state", "unlock", "--yes").code == 0
        done = company.apply()
    assert done.code in {0, 4}, done.said
    assert company.apply().code == 0
    usernames = [user["userName"] for user in server.store.users.values()]
    assert len(usernames) == len(set(usernames)) == 40
    assert company.plan().code == 0


def test_two_applies_at_once_do_not_both_write(company: Company, server: FaultyServer) -> None:
    """The second one is told whose turn it is, and changes nothing."""
    ids = [f"p{number:02}" for number in range(30)]
    company.people("omar", *ids)
    company.hub(server.url)
    company.grants((ids, {"hub": ["group:eng"]}))
    server.store.group("eng")
    server.habits.unique = ()
    server.habits.before = lambda request: time.sleep(0.1 if request.method == "POST" else 0)
    with company.spawn("apply", "--yes") as first:
        deadline = time.monotonic() + 20
        while not server.store.users and time.monotonic() < deadline:
            time.sleep(0.01)
        second = company.apply()
        out, err = first.communicate(timeout=60)
    assert second.code == 1, second.said
    assert "reconciler state unlock" in second.err
    assert first.returncode == 0, out + err
    assert len(server.store.users) == 30


def test_the_real_command_does_the_main_job(two: Company, server: FaultyServer) -> None:
    """As a process: plan to a file, show, apply, nothing left; data on stdout, progress on stderr."""
    planned = two.run_process("plan", "--out", PLAN, "--detailed-exitcode")
    assert planned.code == 2, planned.said
    assert two.run_process("show", PLAN).out == planned.out
    done = two.run_process("apply", PLAN)
    assert done.code == 0, done.said
    again = two.run_process("plan", "--detailed-exitcode")
    assert (again.code, "nothing to do" in again.out) == (0, True)
    assert len(server.store.members("g-00001")) == 3
    assert two.run_process("plan", "--detailed-exitcode", "--json").data()["empty"] is True
