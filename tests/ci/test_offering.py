"""The scheduled run proposes what it may, as `init --propose` writes it, and never what is privileged."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from life import CHAT, KIM, PEOPLE, PIN, Life

pytestmark = pytest.mark.slow

GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
KEPT = "  - {to: {people: [kim]}, grants: {chat: [group:design]}}\n"
RULES = """\
    entitlements:
      group:design: {}
      group:vault: {privileged: true}
"""


def fill(life: Life, name: str, *members: str) -> None:
    """Say who is in a group of the app, behind git's back; a group that is not there is made.

    Members are usernames, or `#` and another group's name.
    """
    url, headers = f"{life.chat.url}/Groups", life.chat.headers
    groups = {one["displayName"]: one for one in httpx.get(url, headers=headers).json().get("Resources", [])}
    users = life.users()
    ids = [groups[one[1:]]["id"] if one.startswith("#") else users[f"{one}@acme.example"]["id"] for one in members]
    there = groups.get(name, {"schemas": [GROUP], "displayName": name})
    body = json.dumps({**there, "members": [{"value": one} for one in ids]})
    if "id" in there:
        answer = httpx.put(f"{url}/{there['id']}", headers=headers, content=body)
    else:
        answer = httpx.post(url, headers=headers, content=body)
    assert answer.status_code in (200, 201), answer.text


@pytest.fixture
def proposing(empty: Life) -> Life:
    """A company whose scheduled run proposes both; an app with an ordinary and a privileged group."""
    assert empty.command("init", "--actions", PIN).returncode == 0
    empty.write(people=PEOPLE, apps__chat=CHAT.format(url=empty.chat.url) + RULES)
    empty.write(basics="grants:\n  - {to: {people: [lee]}, grants: {chat: [group:vault]}}\n")
    empty.replace("reconciler.yaml", "env: []", "env: [CHAT_TOKEN]")
    done = empty.command("init", "--actions", PIN, "--propose", "expired", "--propose", "drift")
    assert ".github/workflows/access-drift.yml: updated" in done.stdout, done.stderr
    empty.push("main", "Begin")
    done = empty.command("apply", "--yes")
    assert done.returncode == 0, done.stderr
    return empty


def open_pulls(life: Life) -> list[dict[str, Any]]:
    """Return the open pull requests."""
    return [one for one in life.github.pulls.values() if one["state"] == "open"]


def file_in(life: Life, branch: str, path: str) -> str:
    """Return a file of a branch on the forge."""
    return life.git("show", f"{branch}:{path}", at=life.remote)


def test_expired_access_is_proposed_for_removal_once_and_kept_up_to_date(proposing: Life) -> None:
    """Found the next night, given what has expired since, and closed when nothing is left."""
    life = proposing
    grants = "grants:\n  - to: {{people: [ana]}}\n    grants: {{chat: [group:design]}}\n    until: {}\n    reason: A\n"
    life.begin("one")
    life.write(grants=grants.format("2020-01-01"))
    life.push("main", "A grant that is over")
    done = life.night()
    assert done.code == 0, done.log + done.summary
    (pull,) = open_pulls(life)
    assert pull["title"] == "Remove expired grants"
    assert "group:design" not in file_in(life, pull["head"]["ref"], "grants.yaml")
    first = life.head(pull["head"]["ref"])
    assert life.night().code == 0
    assert (len(life.github.pulls), life.head(pull["head"]["ref"])) == (1, first)
    life.begin("two")
    life.write(more_grants=grants.format("2020-02-02").replace("[ana]", "[lee]"))
    life.push("main", "Another one")
    assert life.night().code == 0
    assert len(life.github.pulls) == 1
    assert "group:design" not in file_in(life, pull["head"]["ref"], "more_grants.yaml")
    life.begin("three")
    life.write(grants="grants: []\n", more_grants="grants: []\n")
    life.push("main", "By hand")
    assert life.night().code == 0
    assert open_pulls(life) == []
    assert life.head(pull["head"]["ref"]) == ""


def test_what_somebody_added_to_the_branch_of_a_proposal_does_not_stay(proposing: Life) -> None:
    """Such a pull request is a program's: whoever adds to it could approve it, too."""
    life = proposing
    fill(life, "design", "ana")
    assert life.night().code == 0
    (pull,) = open_pulls(life)
    branch = pull["head"]["ref"]
    life.git("fetch", "--quiet", "origin")
    life.git("checkout", "--quiet", "-B", "evil", f"origin/{branch}")
    path = "grants/chat.yaml"
    life.write(evil="grants:\n  - {to: {people: [ana]}, grants: {chat: [group:vault]}}\n")
    kept = (life.desk / path).read_text()
    (life.desk / path).write_text("grants: []\n")
    life.push(branch, "Hide")
    (life.desk / path).write_text(kept)
    life.push(branch, "Seek")
    assert life.night().code == 0
    names = life.git("diff", "--name-only", f"main...{branch}", at=life.remote).splitlines()
    assert names == [path]
    assert len(life.github.pulls) == 1


def test_drift_that_is_not_privileged_is_proposed_for_the_yaml(proposing: Life) -> None:
    """One pull request for the app, with its owner as reviewer; not again; closed when the drift is gone."""
    life = proposing
    fill(life, "misc", "ana")
    done = life.night()
    assert done.code == 0, done.log + done.summary
    (pull,) = open_pulls(life)
    assert pull["title"] == "Accept drift in chat"
    assert life.github.asked[pull["number"]] == ["lee"]
    assert "`group:misc`" in pull["body"]
    branch = pull["head"]["ref"]
    assert "- to: {people: [ana]}\n    grants: {chat: [group:misc]}" in file_in(life, branch, "grants/chat.yaml")
    first = life.head(branch)
    assert life.night().code == 0
    assert (len(life.github.pulls), life.head(branch)) == (1, first)
    fill(life, "misc", "ana", "lee")
    assert life.night().code == 0
    assert "[ana, lee]" in file_in(life, branch, "grants/chat.yaml")
    assert "`lee`" in pull["body"]
    life.begin("by-hand")
    life.write(by_hand="grants:\n  - {to: {people: [ana, lee]}, grants: {chat: [group:misc]}}\n")
    life.push("main", "Declared by somebody")
    assert life.night().code == 0
    assert (open_pulls(life), life.head(branch), len(life.github.pulls)) == ([], "", 1)


def test_a_proposal_that_somebody_closed_stays_closed_until_it_says_something_else(proposing: Life) -> None:
    """Nobody is asked the same every night."""
    life = proposing
    fill(life, "design", "ana")
    assert life.night().code == 0
    (pull,) = open_pulls(life)
    pull["state"] = "closed"
    done = life.night()
    assert "closed by somebody, and still the same" in done.summary
    assert open_pulls(life) == []
    fill(life, "design", "ana", "lee")
    assert life.night().code == 0
    assert len(open_pulls(life)) == 1


def test_access_that_was_taken_away_in_the_app_is_proposed_to_leave_the_yaml(proposing: Life) -> None:
    """What a person wrote goes; what comes from a role is left to people, and told."""
    life = proposing
    life.begin("one")
    role = "roles:\n  designer: {to: {people: [lee]}, grants: {chat: [group:design]}}\n"
    life.write(
        grants="grants:\n  - {to: {people: [ana]}, grants: {chat: [group:design]}}\n" + KEPT, more=KIM, roles=role
    )
    life.push("main", "Two ways")
    life.git("checkout", "--quiet", "-B", "main", "origin/main")
    assert life.command("apply", "--yes").returncode == 0
    fill(life, "design", "kim")
    done = life.night()
    assert done.code == 0, done.log + done.summary
    (pull,) = open_pulls(life)
    assert "[ana]" not in file_in(life, pull["head"]["ref"], "grants.yaml")
    assert "role designer" in pull["body"]
    assert len(life.open_issues()) == 1


def test_privileged_drift_is_never_proposed_whoever_made_it(proposing: Life) -> None:
    """Declared so, protected, sounding so though nobody declared it, or leading there: an issue says it."""
    life = proposing
    life.begin("guard")
    life.replace("policies.yaml", "accounts: []", "accounts: [], entitlements: [chat/group:keys]")
    life.push("main", "A guard")
    fill(life, "design", "ana")
    fill(life, "helpers", "ana")
    fill(life, "vault", "ana", "lee", "#helpers")
    fill(life, "keys", "ana")
    fill(life, "Workspace-SuperAdmins", "ana")
    done = life.night()
    assert done.code == 3, done.log
    (pull,) = open_pulls(life)
    text = life.git("diff", f"main...{pull['head']['ref']}", at=life.remote)
    assert "group:design" in text
    for name in ("vault", "keys", "Admins", "helpers"):
        assert name not in text
    (issue,) = life.open_issues()
    assert issue["title"] == "Privileged access outside git in chat"
    for told in (
        "group:vault",
        "ana/group:keys`: protected",
        "SuperAdmins`: it sounds privileged",
        "it leads to group:vault",
        "never proposed",
    ):
        assert told in issue["body"]
