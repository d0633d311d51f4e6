"""The life of a pull request with the real command: planned, merged in every way, applied; drift is left alone."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from checkout import Checkout, changes, findings, left_out
from cli_company import COMMAND, environment

from reconciler.cli.exits import Exit
from reconciler.state.sqlite import SqliteStore

ADMIN = "wiki/grant/omar/role:admin"
LOST = "wiki/grant/ana/team:eng"


def lose(checkout: Checkout) -> None:
    """Take something away from Ana in the app, behind git's back."""
    checkout.replace("grants.csv", "ana,team:eng,\n", "")


def test_only_what_the_pull_request_changes_is_in_its_plan(checkout: Checkout) -> None:
    """Drift is folded away, and told as what was there before."""
    lose(checkout)
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    head = checkout.commit("Make Omar an admin")
    plan = checkout.plan("main")
    assert changes(plan) == [ADMIN]
    assert left_out(plan) == [LOST]
    assert plan["comparison"]["base"] == checkout.git("rev-parse", "main")
    assert plan["comparison"]["head"] == head


def test_what_is_not_committed_counts_as_well(checkout: Checkout) -> None:
    """The work tree is what is compared, new files too; then no commit is named for it."""
    checkout.give("omar", "role:admin")
    plan = checkout.plan("HEAD")
    assert changes(plan) == [ADMIN]
    assert plan["comparison"]["head"] == ""
    assert plan["provenance"] == []


def test_drift_alone_is_nobodys_pull_request(checkout: Checkout) -> None:
    """A branch that changes no access has an empty plan, whatever happened in the apps."""
    lose(checkout)
    checkout.branch("request")
    checkout.write("README.yaml", "# nothing\n")
    checkout.commit("Say nothing")
    done = checkout.run("plan", "--base", "main", "--detailed-exitcode")
    assert done.returncode == Exit.DONE, done.stdout
    assert "this checkout changes no access" in done.stdout
    assert "1 of drift" in done.stdout


@pytest.mark.parametrize("way", ["merge", "squash", "rebase"])
def test_what_was_reviewed_is_applied_however_it_is_merged(checkout: Checkout, way: str) -> None:
    """The digest is kept; drift that came before or after the review is still there afterwards."""
    lose(checkout)
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    reviewed = checkout.pull_request()
    checkout.replace(
        "grants.csv",
        "omar,space:web,write\n" if "omar,space" in checkout.read("grants.csv") else "1,space:web,write\n",
        "",
    )
    checkout.git("checkout", "--quiet", "main")
    before = checkout.git("rev-parse", "HEAD")
    if way == "merge":
        checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #7 from ana/request", "request")
    elif way == "squash":
        checkout.git("merge", "--quiet", "--squash", "request")
        checkout.commit("Make Omar an admin (#7)")
    else:
        checkout.git("rebase", "--quiet", "request")
    done = checkout.run("apply", "--base", before, str(reviewed))
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "role:admin" in " ".join(row for row in checkout.live() if row.startswith("1 "))
    assert not any(row.startswith(("ana team:eng", "1 space:web")) for row in checkout.live())
    rest = json.loads(checkout.run("plan", "--json").stdout)
    assert sorted(changes(rest)) == [LOST, "wiki/grant/omar/space:web"]


def test_somebody_elses_merge_in_between_leaves_the_digest_as_it_is(checkout: Checkout) -> None:
    """Even one that adds lines to the same file; and the stale branch does not revert it."""
    checkout.branch("request")
    checkout.replace(
        "roles.yaml",
        "grants:\n  - to: {people: [lee]}",
        "grants:\n  - to: {people: [omar]}\n    grants: {wiki: [role:admin]}\n  - to: {people: [lee]}",
    )
    checkout.commit("Make Omar an admin")
    reviewed = checkout.pull_request()
    checkout.branch("other", "main")
    checkout.write(
        "roles.yaml",
        checkout.read("roles.yaml") + "  - to: {people: [lee]}\n    grants: {wiki: [team:eng]}\n    reason: other\n",
    )
    checkout.commit("Let Lee in")
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--ff-only", "other")
    checkout.run("apply", "--base", "HEAD^", "--yes")
    assert "lee team:eng" in checkout.live()
    checkout.git("checkout", "--quiet", "request")
    stale = checkout.plan("main")
    assert changes(stale) == [ADMIN]
    assert left_out(stale) == ["wiki/revoke/lee/team:eng"]
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-edit", "request")
    done = checkout.run("apply", "--base", "HEAD^1", str(reviewed))
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert {"lee team:eng", "1 role:admin"} <= set(checkout.live())


def test_a_plan_is_refused_once_something_that_it_relies_on_has_moved(checkout: Checkout) -> None:
    """Omar got the access by hand meanwhile: what was reviewed is not what would be done."""
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    reviewed = checkout.pull_request()
    checkout.write("grants.csv", checkout.read("grants.csv") + "1,role:admin,\n")
    done = checkout.run("apply", "--base", "main", str(reviewed))
    assert done.returncode == Exit.REFUSED
    assert f"no longer: {ADMIN}" in done.stderr


def test_a_plan_is_refused_if_other_lines_are_merged_than_were_reviewed(checkout: Checkout) -> None:
    """A line that has no effect yet was not in the review: the changes are the same, the lines are not."""
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    reviewed = checkout.pull_request()
    checkout.write(
        "later.yaml",
        "grants:\n  - to: {people: [ana]}\n    start: 2090-01-01\n    reason: x\n    grants: {wiki: [role:admin]}\n",
    )
    checkout.commit("And one more thing")
    assert changes(checkout.plan("main")) == [ADMIN]
    done = checkout.run("apply", "--base", "main", str(reviewed))
    assert done.returncode == Exit.REFUSED
    assert "the lines of YAML" in done.stderr


def test_a_plan_of_a_pull_request_is_not_applied_without_its_base(checkout: Checkout) -> None:
    """It would apply drift too; nor is a whole plan applied as a part."""
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    reviewed = checkout.pull_request()
    done = checkout.run("apply", str(reviewed))
    assert done.returncode == Exit.ERROR
    assert "--base" in done.stderr
    whole = checkout.folder / "whole.json"
    checkout.run("plan", "--out", str(whole))
    done = checkout.run("apply", "--base", "main", str(whole))
    assert done.returncode == Exit.ERROR
    assert "compared with no base" in done.stderr
    assert "1 role:admin" not in checkout.live()


def test_a_new_app_and_its_grants_are_not_called_nothing(checkout: Checkout) -> None:
    """What it will grant is told for the reviewer; the merge applies none of it, and the scheduled run does."""
    checkout.branch("new")
    checkout.write("blog.csv", "id,email,status\n1,ana@acme.example,active\n")
    checkout.write("be.csv", "entitlement\nteam:x\n")
    checkout.write("bg.csv", "holder,entitlement\n")
    more = "columns: {id: id, email: email, status: status}, grants: {path: bg.csv}, entitlements: {path: be.csv}"
    way = f"file: {{path: blog.csv, writable: true, complete: true, {more}}}"
    rules = "entitlements: {team:x: {privileged: true}}"
    checkout.write("apps/blog.yaml", f"apps:\n  blog:\n    owner: ana\n    {rules}\n    route:\n      - {way}\n")
    checkout.give("ana", "team:x", app="blog", file="bl.yaml")
    checkout.commit("Add the blog")
    said = checkout.run("plan", "--base", "main").stdout
    assert "nothing to apply yet · 1 waiting · 1 app planned only after the merge" in said
    [waits] = [one for app in checkout.plan("main")["apps"] for one in app["findings"] if one["fact"] == "waiting"]
    assert (waits["item"]["entitlement"], waits["privileged"]) == ("team:x", True), waits
    markdown = checkout.run("plan", "--base", "main", "--markdown").stdout
    assert markdown.startswith("## Nothing to apply yet\n")
    assert "`team:x`" in markdown
    reviewed = checkout.pull_request()
    assert checkout.run("apply", "--base", "main", str(reviewed)).returncode == 0
    assert "team:x" not in checkout.read("bg.csv")
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge", "new")
    due = checkout.run("apply", "--due", "--yes")
    assert due.returncode == 0, due.stdout + due.stderr
    assert "team:x" in checkout.read("bg.csv")


def test_whoever_was_offboarded_stays_gone_in_a_pull_request(checkout: Checkout) -> None:
    """A request that gives them more is planned and applied without it, as long as git has not agreed."""
    left = checkout.run("offboard", "omar", "--now", "--reason", "theft", "--yes", "--local")
    assert left.returncode == 0, left.stdout + left.stderr
    checkout.git("checkout", "--quiet", "--", ".")
    checkout.branch("more")
    checkout.give("omar", "role:admin")
    checkout.give("ana", "role:admin")
    checkout.commit("Make two admins")
    reviewed = checkout.pull_request()
    plan = checkout.plan("main")
    assert changes(plan) == ["wiki/grant/ana/role:admin"]
    assert [warning for warning in plan["warnings"] if "omar was offboarded" in warning]
    applied = checkout.run("apply", "--base", "main", str(reviewed))
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert not any("omar" in line for line in checkout.live())
    assert "omar@acme.example,suspended" in checkout.read("wiki.csv")


def test_what_is_asked_for_and_there_already_is_told_and_taken_on(checkout: Checkout) -> None:
    """Somebody clicked first: nothing to do, but from the merge on it is ours, and a later removal removes it."""
    checkout.write("grants.csv", checkout.read("grants.csv") + "1,role:admin,\n")
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    plan = checkout.plan("main")
    assert changes(plan) == []
    assert findings(plan, "adopted") == ["privileged, and held already: it becomes ours once this is applied"]
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--no-edit", "request")
    assert checkout.run("apply", "--base", "HEAD^", "--yes").returncode == Exit.DONE
    checkout.branch("back")
    checkout.git("rm", "--quiet", "omar.yaml")
    assert changes(checkout.plan("main")) == ["wiki/revoke/omar/role:admin"]


def test_what_was_changed_here_and_outside_is_a_conflict_that_is_told(checkout: Checkout) -> None:
    """Somebody raised a level by hand, and the pull request lowers it: its own is set, and the plan says so."""
    checkout.replace("grants.csv", "ana,space:web,write", "ana,space:web,admin")
    checkout.branch("request")
    checkout.replace("roles.yaml", "{space:web: write}", "{space:web: read}")
    checkout.commit("Read is enough")
    plan = checkout.plan("main")
    assert "wiki/set-level/ana/space:web" in changes(plan)
    [text] = findings(plan, "conflict")
    assert "outside git as well: live is level 'admin'" in text


def test_what_stands_on_something_that_is_not_yet_applied_waits_for_it(checkout: Checkout) -> None:
    """Lee's account was deleted in the app: making it anew is drift's affair, and the grant is told as waiting."""
    checkout.replace("wiki.csv", "lee,lee@acme.example,active\n", "")
    checkout.replace("grants.csv", "lee,role:admin,\n", "")
    checkout.branch("request")
    checkout.give("lee", "team:eng")
    checkout.commit("Let Lee in")
    plan = checkout.plan("main")
    assert changes(plan) == []
    assert findings(plan, "waiting") == ["would grant; waits for what was asked for before: create account lee"]
    assert "wiki/create-account/lee" in left_out(plan)


def test_removed_lines_are_named_with_the_commit_that_removed_them(checkout: Checkout) -> None:
    """And lines that are there with the one that they come from, its author and its pull request."""
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin (#41)")
    checkout.apply_all()
    checkout.branch("request")
    checkout.git("rm", "--quiet", "omar.yaml")
    gone = checkout.commit("Not any more")
    checkout.give("lee", "team:eng")
    new = checkout.commit("Let Lee in")
    checkout.write("notes.yaml", "# later\n")
    checkout.commit("Something else")
    done = checkout.run("plan", "--base", "main", "--verbose")
    assert f"removed from git (omar.yaml:3, {gone[:7]})" in done.stdout
    assert f"(lee.yaml:3, {new[:7]}, Ana Ruiz)" in done.stdout
    told = {(one["place"]["file"], one["commit"]) for one in checkout.plan("main")["provenance"]}
    assert told == {("omar.yaml", gone), ("lee.yaml", new)}


def test_what_follows_from_a_change_of_a_person_names_what_gave_it_before(checkout: Checkout) -> None:
    """The role's line is still there; the person's is not the same any more, and is the one that is named."""
    checkout.branch("request")
    checkout.replace(
        "people.yaml",
        "omar: {name: Omar Haddad, email: omar@acme.example, department: Engineering}",
        "omar: {name: Omar Haddad, email: omar@acme.example, department: IT}",
    )
    gone = checkout.commit("Omar moves")
    plan = checkout.plan("main")
    assert "wiki/revoke/omar/team:eng" in changes(plan)
    whys = [why for app in plan["apps"] for change in app["changes"] for why in change["why"]]
    assert {(why["place"]["file"], why["place"]["line"]) for why in whys} == {("people.yaml", 4)}
    assert all(why["text"].startswith("no longer role engineer") for why in whys)
    assert {one["commit"] for one in plan["provenance"]} == {gone}


def test_the_file_of_a_pull_requests_plan_fits_its_schema(checkout: Checkout) -> None:
    """With its comparison, what was there before, and the commits that it names."""
    lose(checkout)
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin (#41)")
    reviewed = json.loads(checkout.pull_request().read_text(encoding="utf-8"))
    schema = json.loads(checkout.run("schema", "plan").stdout)
    jsonschema.validate(reviewed, schema)
    assert {"comparison", "provenance"} <= set(reviewed["plan"])


def test_explain_names_commits(checkout: Checkout) -> None:
    """Where the YAML is in git, each line with its commit and its pull request."""
    checkout.give("omar", "role:admin")
    commit = checkout.commit("Make Omar an admin (#41)")
    done = checkout.run("explain", "omar", "wiki")
    assert f"omar.yaml:3, {commit[:7]}, #41" in done.stdout
    data = json.loads(checkout.run("who", "wiki/role:admin", "--json").stdout)
    origins = [
        place["origin"]
        for holder in data["holders"]
        for reason in holder["reasons"]
        for place in reason["places"]
        if "origin" in place
    ]
    assert {"commit": commit, "author": "Ana Ruiz", "pull_request": "41"} in [
        {name: one[name] for name in ("commit", "author", "pull_request")} for one in origins
    ]


def test_the_number_of_a_pull_request_is_taken_from_the_merge_that_brought_it(checkout: Checkout) -> None:
    """The commit itself does not tell; `Merge pull request #12` does, and no other."""
    checkout.branch("request")
    checkout.give("omar", "team:eng")
    checkout.commit("Let Omar in")
    checkout.git("checkout", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #12 from ana/request", "request")
    checkout.give("lee", "team:eng")
    checkout.commit("Straight to main")
    out = checkout.run("explain", "omar", "wiki").stdout + checkout.run("explain", "lee", "wiki").stdout
    assert "omar.yaml:3" in out
    assert "#12" in next(line for line in out.splitlines() if "omar.yaml:3" in line)
    assert "#" not in next(line for line in out.splitlines() if "lee.yaml:3" in line)


def test_who_waits_applies_what_is_due_when_the_waiting_ends(checkout: Checkout) -> None:
    """Somebody whose moment comes meanwhile is gone by then; the base is looked at in the same instant."""
    checkout.write("policies.yaml", "policies:\n  limits: {minimum_admins: 0}\n")
    checkout.commit("Nobody else is an admin")
    checkout.apply_all()
    left = datetime.now(UTC) + timedelta(seconds=8)
    checkout.replace("people.yaml", "department: IT}", f"department: IT, left: {left:%Y-%m-%d %H:%M:%S} UTC}}")
    checkout.commit("Lee leaves")
    store = SqliteStore(checkout.folder / ".reconciler/state.db")
    store.lock("eve", "apply", datetime.now(UTC))
    waiting = subprocess.Popen(
        [*COMMAND, "apply", "--yes", "--base", "HEAD^", "--lock-timeout", "2m"],
        cwd=checkout.folder,
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with waiting:
        assert waiting.stderr
        assert waiting.stdout
        assert "eve has held" in waiting.stderr.readline()
        assert datetime.now(UTC) < left
        time.sleep((left - datetime.now(UTC)).total_seconds() + 0.1)
        store.close()
        assert waiting.wait(60) == Exit.DONE, waiting.stderr.read()
        assert "suspend" in waiting.stdout.read()
        waiting.stderr.read()
