"""`who --at` for the past, on every back end: what complete reads found, since when, and what nobody knows."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cli_company import Company

from reconciler.cli.exits import Exit


def now() -> str:
    """Return an instant between what was done and what will be."""
    time.sleep(0.01)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.01)
    return moment


def who(company: Company, asked: str, at: str) -> dict[str, Any]:
    """Ask for a moment, and return the answer as data."""
    done = company.run("who", asked, "--at", at, "--json")
    assert done.returncode == Exit.DONE, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def held(answer: dict[str, Any], app: str = "wiki") -> set[tuple[str, str | None, str | None]]:
    """Return who held what at which level, of one app; an account is nothing at its status."""
    (found,) = [one for one in answer["apps"] if one["app"] == app]
    return {(one["holder"], one["entitlement"], one["level"] or one["account"]) for one in found["held"]}


def apply(company: Company) -> None:
    """Apply, with whatever tickets stay open."""
    done = company.run("apply", "--yes")
    assert done.returncode == Exit.DONE, done.stderr


def test_the_past_is_what_complete_reads_found(company: Company) -> None:
    """Before an apply, after it, and after the next one: each time what was live then, not what is declared now."""
    before = now()
    apply(company)
    between = now()
    company.replace("roles.yaml", "wiki: [team:eng, {space:web: write}]", "wiki: [team:eng]")
    apply(company)
    after = now()
    assert who(company, "wiki/space:web", before)["apps"][0]["held"] is None
    then = who(company, "wiki/space:web", between)
    assert (then["basis"], then["entitlement"]) == ("live", "wiki/space:web")
    assert held(then) == {("omar", "space:web", "write"), ("ana", "space:web", "write")}
    (app,) = then["apps"]
    assert before < app["read"] < between < app["next_read"] < after
    assert app["unknown"] == ""
    assert all(app["read"] >= one["first_seen"] > before for one in app["held"])
    assert all(between < one["seen_gone"] < after for one in app["held"])
    assert held(who(company, "wiki/space:web", after)) == set()
    assert held(who(company, "omar", between)) == {
        ("omar", None, "active"),
        ("omar", "team:eng", None),
        ("omar", "space:web", "write"),
    }
    assert held(who(company, "sam", between)) == {("sam", None, "suspended")}
    told = company.run("who", "wiki/space:web", "--at", between).stdout
    assert "wiki/space:web  live at" in told
    assert "(not: declared)" in told
    assert "· omar at write  first seen" in told
    assert ", seen gone 2" in told


def test_what_an_apply_found_is_told_from_what_it_made(company: Company) -> None:
    """The read that an apply begins with is remembered as it was: sam was active until then."""
    begun = datetime.now(UTC)
    apply(company)
    answer = who(company, "sam", now())
    (account,) = [one for one in answer["apps"][1]["held"] if one["account"]]
    assert account["account"] == "suspended"
    first = datetime.fromisoformat(account["first_seen"])
    found = who(company, "sam", (first - timedelta(microseconds=1)).isoformat())
    assert ("sam", None, "active") in held(found)
    assert begun < datetime.fromisoformat(found["apps"][1]["read"]) < first


def test_a_nightly_drift_remembers_only_if_told_to(company: Company) -> None:
    """What somebody did by hand is in the answer from the first recorded read on; nothing else is written."""
    apply(company)
    company.write("grants.csv", company.read("grants.csv") + "3,team:eng,\n")
    exported = company.run("state", "export").stdout
    company.run("drift")
    assert company.run("state", "export").stdout == exported
    unseen = now()
    done = company.run("drift", "--record", "--detailed-exitcode")
    assert done.returncode == Exit.PENDING, done.stderr
    assert ("@3", "team:eng", None) not in held(who(company, "wiki/team:eng", unseen))
    assert ("@3", "team:eng", None) in held(who(company, "wiki/team:eng", now()))
    tables = {
        json.loads(row)[0]
        for row in set(company.run("state", "export").stdout.splitlines()) - set(exported.splitlines())
    }
    assert tables <= {"readings", "held", "state"}


def test_what_was_not_read_completely_is_not_remembered(company: Company) -> None:
    """The answer says that nobody knows, and from when the last complete read is."""
    company.write("grants.csv", company.read("grants.csv") + "9,team:eng,\n")
    assert company.run("drift", "--record").returncode == Exit.UNREAD
    (app,) = who(company, "wiki/team:eng", now())["apps"]
    assert (app["held"], app["read"]) == (None, None)
    assert "no complete read of wiki is remembered" in app["unknown"]
    told = company.run("who", "omar", "--at", now()).stdout
    assert "nothing is known: no complete read of figma is remembered from before" in told


def test_a_moment_long_after_the_last_read_is_told_as_such(company: Company) -> None:
    """An answer from an old read says how old it is."""
    company.write("wiki.csv", company.read("wiki.csv"))
    apply(company)
    rows = [json.loads(row) for row in company.run("state", "export").stdout.splitlines()]
    for row in rows:
        if row[0] == "readings":
            row[3] = (datetime.fromisoformat(row[3]) - timedelta(days=9)).isoformat()
    company.write("old.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    company.write("reconciler.yaml", "organization: Acme\nstate: {sqlite: {path: old/state.db}}\n")
    assert company.run("state", "import", "old.jsonl").returncode == 0
    (app,) = who(company, "wiki/team:eng", now())["apps"]
    assert app["held"]
    assert app["unknown"] == (
        "no complete read in the 9 days before, and none came after: what changed meanwhile is not known"
    )


@pytest.mark.parametrize(("at", "presences"), [("2090-08-01", ["present"]), ("2090-10-01", [])])
def test_the_future_is_what_is_declared(company: Company, at: str, presences: list[str]) -> None:
    """No history is asked; ana has left by October 2090."""
    answer = who(company, "wiki/team:eng", at)
    assert answer["basis"] == "declared"
    assert [one["presence"] for one in answer["holders"] if one["item"]["holder"] == "ana"] == presences
    of_ana = who(company, "ana", at)
    assert of_ana["basis"] == "declared"
    grants = [
        item for app in of_ana["apps"] if app["app"] == "wiki" for item in app["items"] if "entitlement" in item["item"]
    ]
    assert [one["presence"] for one in grants] == presences * 2


def test_what_was_asked_for_must_be_something(company: Company) -> None:
    """An unknown app or identity is told with the nearest name; a person who was forgotten is nobody."""
    assert "did you mean wiki?" in company.run("who", "wikki/team:eng", "--at", "2020-01-01").stderr
    assert "did you mean omar?" in company.run("who", "omarr").stderr
    assert company.run("who", "wiki/").returncode == Exit.ERROR
    assert company.run("who", "team:eng").returncode == Exit.ERROR


def close_all(company: Company) -> None:
    """Close every open ticket as done."""
    values = {"status": "done", "closed": datetime.now(UTC).isoformat(), "attested_by": "Omar Haddad"}
    for file in (company.folder / "tickets").glob("*.md"):
        text = file.read_text(encoding="utf-8")
        if re.search(r"^status: open$", text, re.MULTILINE):
            for name, value in values.items():
                text = re.sub(rf"^{name}:.*$", f"{name}: {value}", text, count=1, flags=re.MULTILINE)
            file.write_text(text, encoding="utf-8")


def test_what_only_tickets_told_is_attested_in_the_past_too(company: Company) -> None:
    """From the apply on that read the closed tickets; until then nothing is known, and afterwards it is gone again."""
    apply(company)
    asked = now()
    close_all(company)
    apply(company)
    closed = now()
    company.replace("roles.yaml", "figma: [license:full]", "figma: []")
    apply(company)
    close_all(company)
    apply(company)
    (app,) = who(company, "figma/license:full", asked)["apps"]
    assert (app["held"], app["attested_at"]) == (None, None)
    assert "nothing is known" in app["unknown"]
    (app,) = who(company, "figma/license:full", closed)["apps"]
    assert (app["read"], app["unknown"]) == (None, "")
    assert asked < app["attested_at"] < closed
    assert {(one["holder"], one["attested"]) for one in app["held"]} == {("ana", True), ("omar", True)}
    assert held(who(company, "figma/license:full", now()), "figma") == set()
    found = {one["app"]: one for one in who(company, "omar", closed)["apps"]}
    assert all(one["attested"] for one in found["figma"]["held"])
    assert not any(one["attested"] for one in found["wiki"]["held"])
    assert set(found) == {"figma", "wiki"}
    told = company.run("who", "figma/license:full", "--at", closed).stdout
    assert re.search(r"figma, attested by tickets as of .*, never seen\n  · ana  ", told)


def test_accounts_that_were_seen_stay_apart_from_grants_that_tickets_attest(company: Company) -> None:
    """An export of accounts only, beside tickets: the one is seen, the other attested."""
    company.replace("apps/wiki.yaml", "          grants: {path: grants.csv, columns: {level: level}}\n", "")
    company.replace("apps/wiki.yaml", "          entitlements: {path: entitlements.csv}\n", "")
    apply(company)
    close_all(company)
    apply(company)
    (app,) = who(company, "wiki/team:eng", now())["apps"]
    assert app["read"]
    assert {(one["holder"], one["attested"]) for one in app["held"]} == {("ana", True), ("omar", True)}
    found = {one["app"]: one for one in who(company, "ana", now())["apps"]}["wiki"]["held"]
    assert {(one["entitlement"] or "account", one["attested"]) for one in found} == {
        ("account", False),
        ("space:web", True),
        ("team:eng", True),
    }
