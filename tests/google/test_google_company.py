"""The real command on a Google Workspace, as a service account: plan, apply, and nothing left to do."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli.cli_company import Company
from google_fake import FakeGoogle
from google_harness import DOMAIN, PRODUCT
from google_tokens import key_file
from support.http_server import http_server

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

SCOPE = "https://www.googleapis.com/auth/"
READING = {
    "admin.directory.user.readonly",
    "admin.directory.group.readonly",
    "admin.directory.rolemanagement.readonly",
    "admin.directory.orgunit.readonly",
}
WRITING = {
    "admin.directory.user",
    "admin.directory.user.security",
    "admin.datatransfer",
    "admin.directory.group",
    "admin.directory.rolemanagement",
    "admin.directory.orgunit.readonly",
}
PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering, manager: omar}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, manager: omar, last_day: 2020-01-31}
groups:
  engineering: {people: [ana]}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      google: [group:engineers, {group:oncall: manager}, role:_HELP_DESK_ADMIN_ROLE@/Sales, license:standard]
  nested:
    to: {entitlements: [google/group:engineers]}
    grants:
      google: [group:everybody]
"""
APP = """\
apps:
  google:
    owner: omar
    route:
      - google:
          subject: admin@acme.example
          service_account: {file: key.json}
          domain: acme.example
          licenses: {standard: Google-Apps/1, plus: Google-Apps/2}
          role_units: [/Sales]
          transfer_wait: 0
          directory_url: URL
          licensing_url: URL
          token_url: URL/token
    accounts:
      attributes: {title: "{{ person.department }}", aliases: ["{{ person.id }}.alias@acme.example"]}
    leaver: [end_sessions, suspend, transfer_files: {to: manager}, remove_licenses]
"""

Run = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]


def in_company(folder: Path, app: FakeGoogle, work: Callable[[Company, Run], Awaitable[None]]) -> None:
    """Write a company with one app, and do something in it."""

    async def run() -> None:
        async with http_server(app.answer) as server:
            company = Company(folder)
            for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
                (folder / name).unlink()
            for name, text in {"people": PEOPLE, "roles": ROLES, "apps/google": APP.replace("URL", server.url)}.items():
                company.write(f"{name}.yaml", text)
            company.write("key.json", key_file())
            app.tokens_given.url, app.tokens_given.subject = f"{server.url}/token", "admin@acme.example"

            async def command(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
                ended = await asyncio.to_thread(company.run, *arguments)
                assert ended.returncode == code, ended.stdout + ended.stderr
                assert "canary" not in ended.stdout + ended.stderr
                assert "PRIVATE KEY" not in ended.stdout + ended.stderr
                return ended

            await work(company, command)

    asyncio.run(run())
    assert app.violated == []


def seed() -> FakeGoogle:
    """Return a customer with an administrator, a manager, somebody who has left, groups, a role, a unit."""
    app = FakeGoogle(today=datetime.now(UTC).isoformat())
    app.add_user(f"admin@{DOMAIN}")
    app.add_user(f"omar@{DOMAIN}", organizations=[{"title": "IT"}], aliases=[f"omar.alias@{DOMAIN}"])
    sam = app.add_user(f"sam@{DOMAIN}")
    for name in ("engineers", "oncall", "everybody"):
        app.add_group(f"{name}@{DOMAIN}")
    app.roles["r1"] = "_HELP_DESK_ADMIN_ROLE"
    app.units["ou1"] = "/Sales"
    app.skus = {(PRODUCT, "1"), (PRODUCT, "2")}
    app.licenses.add((PRODUCT, "2", f"sam@{DOMAIN}"))
    app.tokens[sam["id"]] = {"shadow.apps": "Shadow"}
    app.passwords[sam["id"]] = {7}
    return app


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path) -> None:
    """Accounts, memberships with and without a level, nesting, a role in a unit, a licence, a leaver: then no more.

    The transfer of the leaver's files outlasts the first run, and so does the leaver's licence.
    """
    app = seed()
    app.looks = 1

    async def work(_: Company, command: Run) -> None:
        planned = await command("plan")
        assert "6 to add, 2 to remove, 3 leaver steps" in planned.stdout
        assert_scopes(app, READING)
        app.tokens_given.given.clear()
        applied = await command("apply", "--yes", code=4)
        assert "7 done and verified · 1 done, not verified · 1 unknown · 2 not attempted" in applied.stdout
        assert_scopes(app, READING, WRITING)
        assert (PRODUCT, "2", f"sam@{DOMAIN}") in app.licenses
        applied = await command("apply", "--yes")
        assert "1 done and verified · 2 done, not verified" in applied.stdout
        assert "nothing to do: 1 account and 5 grants are as declared" in (await command("plan")).stdout

    in_company(tmp_path, app, work)
    assert_whole(app)
    assert_gone(app)


def assert_whole(app: FakeGoogle) -> None:
    """Whoever came has everything that was declared, and nothing else."""
    ana = app.find(f"ana@{DOMAIN}")
    assert ana
    assert (ana["aliases"], ana["organizations"]) == (
        [f"ana.alias@{DOMAIN}"],
        [{"title": "Engineering", "primary": True}],
    )
    assert {
        (group["email"], member["email"], member["role"])
        for group in app.groups.values()
        for member in app.members[group["id"]].values()
    } == {
        (f"engineers@{DOMAIN}", f"ana@{DOMAIN}", "MEMBER"),
        (f"oncall@{DOMAIN}", f"ana@{DOMAIN}", "MANAGER"),
        (f"everybody@{DOMAIN}", f"engineers@{DOMAIN}", "MEMBER"),
    }
    held = [(each["roleId"], each["assignedTo"], each["orgUnitId"]) for each in app.assignments.values()]
    assert held == [("r1", ana["id"], "ou1")]
    assert app.licenses == {(PRODUCT, "1", f"ana@{DOMAIN}")}


def assert_gone(app: FakeGoogle) -> None:
    """Whoever left is suspended and signed out, nothing can act for them, and their manager has what they had."""
    sam, omar = app.find(f"sam@{DOMAIN}"), app.find(f"omar@{DOMAIN}")
    assert sam
    assert omar
    assert sam["suspended"]
    assert app.signed_out == [sam["id"]]
    assert (app.tokens[sam["id"]], app.passwords[sam["id"]]) == ({}, set())
    assert [(t["oldOwnerUserId"], t["newOwnerUserId"]) for t in app.transfers.values()] == [(sam["id"], omar["id"])]


def assert_scopes(app: FakeGoogle, *wanted: set[str]) -> None:
    """The tokens that were given out so far are good for these and nothing else, but for licences."""
    given = set(app.tokens_given.given.values())
    assert given == {frozenset(SCOPE + name for name in names) for names in (*wanted, {"apps.licensing"})}
