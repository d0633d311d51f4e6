"""A pull request that edits what it would be judged by, or where a secret is sent: the base decides."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from checkout import Checkout, changes, findings
from listening import Answer, Heard, Listener, scim

from reconciler.cli.exits import Exit

TOKEN = "tok-7d1f93c0aa"
HUB = """\
apps:
  hub:
    owner: lee
    route:
      - scim: {{url: "{url}/v2", token: {{env: HUB_TOKEN}}, timeout: 2}}
"""
OMAR: dict[str, object] = {
    "id": "1",
    "userName": "omar@acme.example",
    "active": True,
    "emails": [{"value": "omar@acme.example", "primary": True}],
}


def answer(heard: Heard) -> Answer:
    """Show Omar, and nothing else."""
    return scim([OMAR] if heard.path.startswith("/v2/Users") else [])


@pytest.fixture
def hub(checkout: Checkout, app: Listener) -> Checkout:
    """Return a repository with an app that a secret is sent to."""
    app.answer = answer
    checkout.write("apps/hub.yaml", HUB.format(url=app.url))
    checkout.write("hub.yaml", "grants:\n  - to: {people: [omar]}\n    grants: {hub: []}\n")
    checkout.commit("Add the hub")
    checkout.branch("request")
    return checkout


def elsewhere(checkout: Checkout, app: Listener, attacker: Listener) -> None:
    """Name another host."""
    checkout.replace("apps/hub.yaml", app.url, attacker.url)


def another_app(checkout: Checkout, _: Listener, attacker: Listener) -> None:
    """Add an app that asks for the same secret."""
    checkout.write("apps/new.yaml", HUB.replace("hub:", "new:").format(url=attacker.url))
    checkout.give("omar", "group:x", app="new")


def another_way(checkout: Checkout, _: Listener, attacker: Listener) -> None:
    """Add a way after the known one, which would read what that one does not."""
    checkout.write(
        "apps/hub.yaml",
        checkout.read("apps/hub.yaml")
        + f'      - scim: {{url: "{attacker.url}/v2", token: {{env: HUB_TOKEN}}, dialect: slack}}\n',
    )


def renamed_app(checkout: Checkout, _: Listener, attacker: Listener) -> None:
    """Call the app otherwise, at another host."""
    checkout.write("apps/hub.yaml", HUB.replace("hub:", "hub2:").format(url=attacker.url))
    checkout.replace("hub.yaml", "{hub: []}", "{hub2: []}")


def moved_file(checkout: Checkout, _: Listener, attacker: Listener) -> None:
    """Write the app into another file that is allowed by new settings, at another host."""
    checkout.git("rm", "--quiet", "apps/hub.yaml")
    checkout.write("reconciler.yaml", "organization: Acme\npaths: {apps: [apps, elsewhere]}\nsecrets: {env: ['*']}\n")
    checkout.write("elsewhere/hub.yaml", HUB.format(url=attacker.url))


@pytest.mark.parametrize("attack", [elsewhere, another_app, another_way, renamed_app, moved_file])
@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_a_secret_is_not_sent_to_a_host_that_the_base_does_not_name(
    hub: Checkout,
    app: Listener,
    attacker: Listener,
    attack: Callable[[Checkout, Listener, Listener], None],
    command: tuple[str, ...],
) -> None:
    """Neither for the plan nor, whoever runs it, for the apply of a pull request; not even a request without it."""
    attacker.answer = answer
    attack(hub, app, attacker)
    hub.commit("Look at this")
    done = hub.run(*command, "--base", "main", HUB_TOKEN=TOKEN)
    assert attacker.heard == []
    assert done.returncode in (Exit.DONE, Exit.REFUSED), done.stdout + done.stderr
    assert "no secret is sent" in done.stdout


def test_a_secret_goes_on_being_sent_where_the_base_sends_it(hub: Checkout, app: Listener, attacker: Listener) -> None:
    """An app whose route changed is asked by its old route, and what it would get waits for the merge."""
    elsewhere(hub, app, attacker)
    hub.give("lee", "[]", file="lee.yaml", app="hub")
    hub.write("lee.yaml", "grants:\n  - to: {people: [lee]}\n    grants: {hub: []}\n")
    hub.commit("Move the hub")
    plan = hub.plan("main", HUB_TOKEN=TOKEN)
    assert app.heard
    assert all(heard.headers["authorization"] == f"Bearer {TOKEN}" for heard in app.heard)
    assert attacker.heard == []
    assert plan["comparison"]["rerouted"] == ["hub"]
    assert not [change for change in changes(plan) if change.startswith("hub/")]
    assert "would create account: after the merge" in findings(plan, "waiting")
    assert any("the route changed" in text for text in findings(plan, "unread"))


def test_an_old_branch_does_not_bring_an_old_route_back(hub: Checkout, app: Listener, attacker: Listener) -> None:
    """The host was main's once, and is not any more: the tip of the base decides, not where the branch parted."""
    elsewhere(hub, app, attacker)
    hub.commit("Once")
    old = hub.git("rev-parse", "HEAD")
    hub.replace("apps/hub.yaml", attacker.url, app.url)
    hub.commit("Now")
    hub.git("branch", "--force", "main", "HEAD")
    hub.branch("stale", old)
    hub.give("omar", "role:admin")
    hub.commit("Make Omar an admin")
    hub.run("plan", "--base", "main", HUB_TOKEN=TOKEN)
    assert attacker.heard == []
    assert app.heard


def test_settings_of_the_base_say_which_secrets_may_be_read(hub: Checkout, app: Listener) -> None:
    """The pull request widens `secrets` itself: the old list holds."""
    hub.git("checkout", "--quiet", "main")
    hub.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\nsecrets: {env: [OTHER_*]}\n")
    hub.commit("Narrow it")
    hub.git("branch", "--quiet", "-D", "request")
    hub.branch("request")
    hub.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\nsecrets: {env: ['*']}\n")
    hub.commit("Widen it")
    done = hub.run("plan", "--base", "main", HUB_TOKEN=TOKEN)
    assert app.heard == []
    assert "may not be read" in done.stdout


def test_settings_of_the_base_say_who_decrypts(hub: Checkout) -> None:
    """A pull request that brings its own program does not get it run."""
    program = hub.write("bin/sops-mine", f"#!/bin/sh\ntouch {hub.folder}/ran\ncat\n")
    program.chmod(0o755)
    hub.write("reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\nsops: sops-mine\n")
    hub.write("more.yaml", 'people:\n  eve: {name: "ENC[x]"}\nsops:\n  mac: x\n  version: 3.9.0\n  lastmodified: x\n')
    hub.commit("Decrypt this")
    path = f"{hub.folder / 'bin'}:/usr/bin:/bin"
    done = hub.run("plan", "--base", "main", HUB_TOKEN=TOKEN, PATH=path)
    assert done.returncode == Exit.ERROR
    assert "encrypted with SOPS" in done.stderr
    assert not (hub.folder / "ran").exists()


def test_the_state_is_the_bases(checkout: Checkout) -> None:
    """Another state would make everything new again: nothing would be known to be ours, or protected by that."""
    checkout.branch("request")
    checkout.write(
        "reconciler.yaml", "organization: Acme\ntimezone: Europe/Berlin\nstate: {sqlite: {path: other.db}}\n"
    )
    checkout.write("roles.yaml", checkout.read("roles.yaml").replace("team:eng, ", ""))
    checkout.commit("Elsewhere")
    plan = checkout.plan("main")
    assert "wiki/revoke/ana/team:eng" in changes(plan)
    assert not (checkout.folder / "other.db").exists()


@pytest.mark.parametrize(
    "guard",
    [
        "protected: {people: [omar]}",
        "protected: {accounts: [wiki/omar@acme.example]}",
        "protected: {entitlements: ['wiki/team:eng']}",
    ],
)
def test_a_protection_that_the_pull_request_removes_still_protects(checkout: Checkout, guard: str) -> None:
    """The block of YAML is gone with the person: it would be the whole point of removing it."""
    checkout.write("policies.yaml", f"policies:\n  {guard}\n")
    checkout.commit("Protect")
    checkout.branch("request")
    checkout.git("rm", "--quiet", "policies.yaml")
    checkout.replace(
        "people.yaml",
        "{name: Omar Haddad, email: omar@acme.example, department: Engineering}",
        "{name: Omar Haddad, email: omar@acme.example, department: Other}",
    )
    checkout.commit("Remove")
    done = checkout.run("plan", "--base", "main")
    assert done.returncode == Exit.REFUSED
    assert "protected" in done.stdout
    assert checkout.run("apply", "--base", "main", "--yes").returncode in (Exit.REFUSED, Exit.PARTIAL)
    assert "1 team:eng" in checkout.live()


def test_a_limit_that_the_pull_request_raises_stays_as_it_was(checkout: Checkout) -> None:
    """And a share of people who were only just invented is no share."""
    checkout.write("policies.yaml", "policies:\n  limits: {leavers: 0 or 30%, removals_per_app: 50}\n")
    checkout.commit("Limit")
    checkout.apply_all()
    checkout.branch("request")
    checkout.write("policies.yaml", "policies:\n  limits: {leavers: 100 or 30%, removals_per_app: 50}\n")
    checkout.write("crowd.yaml", "people:\n" + "".join(f"  x{n}: {{name: X {n}}}\n" for n in range(100)))
    text = checkout.read("people.yaml")
    checkout.write(
        "people.yaml",
        text.replace("department: Engineering}", "department: Engineering, last_day: 2020-01-01}").replace(
            "last_day: 2090-08-31", "last_day: 2020-01-01"
        ),
    )
    checkout.commit("Everybody goes")
    done = checkout.run("plan", "--base", "main")
    assert done.returncode == Exit.REFUSED
    assert "2 of 1 leavers" in done.stdout


def test_managing_everything_removes_nobody_with_the_same_pull_request(checkout: Checkout) -> None:
    """`manage` is the stricter of both: strangers go by a plan of their own, once this was merged."""
    checkout.branch("request")
    checkout.replace("apps/wiki.yaml", "    owner: lee\n", "    owner: lee\n    manage: everything\n")
    checkout.commit("Take it all")
    plan = checkout.plan("main")
    assert changes(plan) == []
    assert any("manage: everything" in text for text in findings(plan, "note"))
    assert "wiki/suspend-account/@3" in checkout.run("plan", "--json").stdout


def test_what_is_not_privileged_any_more_is_judged_as_privileged(checkout: Checkout) -> None:
    """Unmarking an admin role and removing its holder in one go would leave nobody."""
    checkout.branch("request")
    checkout.replace("apps/wiki.yaml", "      role:admin: {privileged: true}\n", "      role:admin: {}\n")
    checkout.replace("roles.yaml", "    grants: {wiki: [role:admin]}", "    grants: {wiki: [team:eng]}")
    checkout.commit("Unmark")
    done = checkout.run("plan", "--base", "main")
    assert done.returncode == Exit.REFUSED
    assert "minimum_admins" in done.stdout


def test_a_plan_whose_file_was_edited_is_refused(checkout: Checkout) -> None:
    """What was left out is put among the changes: the digest does not fit any more."""
    checkout.replace("grants.csv", "ana,team:eng,\n", "")
    checkout.branch("request")
    checkout.give("omar", "role:admin")
    checkout.commit("Make Omar an admin")
    reviewed = checkout.pull_request()
    body = json.loads(reviewed.read_text())
    wiki = next(app for app in body["plan"]["apps"] if app["app"] == "wiki")
    wiki["changes"] += body["plan"]["comparison"]["before"][-1]["changes"]
    reviewed.write_text(json.dumps(body))
    done = checkout.run("apply", "--base", "main", str(reviewed))
    assert done.returncode == Exit.ERROR
    assert "ana team:eng" not in checkout.live()
