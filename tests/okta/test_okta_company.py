"""The real command on an organization: plan, apply, and nothing left to do."""

import asyncio
import subprocess
from pathlib import Path

import pytest
from cli.cli_company import Company
from okta_api import TOKEN, FakeOkta, serve

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT}
  lee: {name: Lee Wong, email: lee@acme.example, department: IT}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      okta: [group:engineers, app:Wiki]
  engineers:
    to: {entitlements: [okta/group:engineers]}
    grants:
      okta: [app:Mail]
  admins:
    to: {people: [omar, lee]}
    grants:
      okta: [role:SUPER_ADMIN]
"""
APP = """\
apps:
  okta:
    owner: omar
    route:
      - okta: {url: "URL", token: {env: OKTA_TOKEN}}
    accounts: {attributes: {department: "{{ person.department }}"}}
    entitlements:
      group:engineers: {}
      role:SUPER_ADMIN: {privileged: true}
    leaver: [end_sessions, suspend]
"""


def make_company(folder: Path, url: str) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/okta.yaml", APP.replace("URL", url))
    company.write("policies.yaml", "policies:\n  limits: {minimum_admins: 2}\n")
    return company


async def run(company: Company, *asked: str) -> subprocess.CompletedProcess[str]:
    """Run the command beside the server; its output never has the token."""
    ended = await asyncio.to_thread(company.run, *asked, OKTA_TOKEN=TOKEN)
    assert TOKEN not in ended.stdout + ended.stderr
    return ended


@pytest.fixture
def app() -> FakeOkta:
    """An organization with two super admins, one of whom left, and a leaver with an app."""
    app = FakeOkta()
    omar, lee = (app.add_user(f"{name}@acme.example", department="IT") for name in ("omar", "lee"))
    for one in (omar, lee):
        app.add_role(one, "SUPER_ADMIN")
    sam = app.add_user("sam@acme.example", department="IT")
    app.add_app("Mail")
    app.app_users.add((app.add_app("Wiki"), sam))
    return app


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: FakeOkta) -> None:
    """A person, a group, a membership and assignments are made, a leaver goes out; then a plan is empty."""

    async def work() -> None:
        async with serve(app) as server:
            company = make_company(tmp_path, server.url)
            said = [await run(company, *asked) for asked in (("plan",), ("apply", "--yes"), ("plan",))]
            assert [one.returncode for one in said] == [0, 0, 0], [one.stdout + one.stderr for one in said]
            assert "nothing to do" in said[2].stdout

    asyncio.run(work())
    ana, sam = app.find("ana@acme.example"), app.find("sam@acme.example")
    (group,) = app.groups
    labels = {app_id: one["label"] for app_id, one in app.apps.items()}
    assert app.members == {(group, ana)}
    assert {(labels[one], user) for one, user in app.app_users} == {("Wiki", ana)}
    assert {(labels[one], its) for one, its in app.app_groups} == {("Mail", group)}
    assert app.users[sam]["status"] == "DEPROVISIONED"
    assert app.sessions == [(sam, True)]
    assert app.users[ana]["profile"]["department"] == "Engineering"


def test_the_last_super_admins_stay(tmp_path: Path, app: FakeOkta) -> None:
    """Taking the role from one of two is refused where there must be two; Okta is not asked to."""

    async def work() -> None:
        async with serve(app) as server:
            company = make_company(tmp_path, server.url)
            assert (await run(company, "apply", "--yes")).returncode == 0
            company.replace("roles.yaml", "[omar, lee]", "[omar]")
            refused = await run(company, "apply", "--yes")
            assert refused.returncode == 3, refused.stdout + refused.stderr
            assert "role:SUPER_ADMIN" in refused.stdout

    asyncio.run(work())
    assert sum(one["type"] == "SUPER_ADMIN" for one in app.roles.values()) == 2


def test_the_example_of_the_page_is_valid(tmp_path: Path) -> None:
    """What people copy from the provider's page works as it stands there."""
    page = Path(__file__).resolve().parents[2] / "providers/okta/README.md"
    example = page.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    company = make_company(tmp_path, "https://acme.okta.com")
    company.write("apps/okta.yaml", example)
    company.write("roles.yaml", "roles: {}\n")
    ended = company.run("validate")
    assert ended.returncode == 0, ended.stdout + ended.stderr
