"""The real command on an organization: plan, apply, nothing left to do; and an import after which a plan is empty."""

import asyncio
from pathlib import Path

import pytest
from cli.cli_company import Company
from fake_organization import TOKEN, FakeOrganization
from github_driving import TOKEN_VARIABLE
from support.http_server import HttpServer, http_server

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering, usernames: {github: anaruiz}}
  kim: {name: Kim Park, email: kim@acme.example, department: Engineering}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT}
  eve: {name: Eve Stone, email: eve@agency.example, department: Agency, usernames: {github: eve}}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      github: [team:platform]
  platform:
    to: {entitlements: [github/team:platform]}
    grants:
      github: [team:engineering, {repo:web: push}]
grants:
  - to: {people: [omar]}
    grants: {github: [role:owner]}
    reason: runs the organization
  - to: {people: [kim]}
    grants: {github: [{repo:api: maintain}]}
    reason: keeps the API
  - to: {people: [eve]}
    grants: {github: [{repo:web: triage}]}
    reason: sorts the issues
"""
APP = """\
apps:
  github:
    owner: omar
    route:
      - github: {organization: acme, url: "URL", token: {env: GITHUB_CANARY_TOKEN}, outside: [web]}
    accounts: {attributes: {membership: "{{ 'outside' if person.department == 'Agency' else 'member' }}"}}
    entitlements:
      team:platform: {formerly: [team:plattform]}
      role:owner: {privileged: true}
    leaver: [suspend]
"""


def make_company(folder: Path, url: str, *, app: str = APP) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES if app else "roles: {}\n")
    if app:
        company.write("apps/github.yaml", app.replace("URL", url))
    return company


async def say(company: Company, *asked: str) -> str:
    """Run the command, which must succeed and keep its secret; return what it said."""
    ended = await asyncio.to_thread(company.run, *asked, **{TOKEN_VARIABLE: TOKEN})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert TOKEN not in ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def furnish(app: FakeOrganization) -> dict[str, int]:
    """Fill an organization, and return everybody's and everything's numbers."""
    world = app.world
    ids = {"ana": world.add_user("anaruiz"), "eve": world.add_user("eve")}
    ids["kim"] = world.add_member("kimpark", email="kim@acme.example")
    ids["omar"] = world.add_member("omar", role="admin", email="omar@acme.example")
    ids["sam"] = world.add_member("sam-old", email="sam@acme.example")
    ids["engineering"], ids["plattform"] = world.add_team("engineering"), world.add_team("plattform")
    ids["web"], ids["api"] = world.add_repository("web"), world.add_repository("api")
    world.teams[ids["engineering"]].repositories = {ids["api"]: "pull"}
    world.teams[ids["plattform"]].members = {ids["sam"]: "maintainer"}
    world.repositories[ids["api"]].direct = {ids["kim"]: "push", ids["sam"]: "admin"}
    return ids


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: FakeOrganization) -> None:
    """A new member is invited with their team, the team is renamed and nested, a leaver goes; then a plan is empty."""
    ids = furnish(app)
    world = app.world

    async def run() -> None:
        async with http_server(app.answer) as server:
            company = make_company(tmp_path, server.url)
            plan = await say(company, "plan")
            applied = await say(company, "apply", "--yes")
            assert "administered alone (beside the owners): repo:api" in applied, plan + applied
            assert "nothing to do" in await say(company, "plan"), plan + applied

    asyncio.run(run())
    assert app.rest.violations == []
    platform = world.teams[ids["plattform"]]
    assert (platform.slug, platform.parent) == ("platform", ids["engineering"])
    assert (platform.members, platform.pending) == ({ids["kim"]: "member"}, {ids["ana"]: "member"})
    assert platform.repositories == {ids["web"]: "push"}
    assert world.repositories[ids["api"]].direct == {ids["kim"]: "maintain"}
    assert list(world.repositories[ids["web"]].invitations.values()) == [(ids["eve"], "triage")]
    assert ids["sam"] not in world.members


def test_an_organization_is_imported_to_an_empty_plan(tmp_path: Path, app: FakeOrganization) -> None:
    """`import` writes the app, its people's logins and what they hold; a plan then has nothing to do."""
    furnish(app)
    world = app.world
    world.teams[world.add_team("docs")].members = {world.viewer: "maintainer"}

    async def run(server: HttpServer) -> None:
        company = make_company(tmp_path, server.url, app="")
        company.replace("people.yaml", ", last_day: 2020-01-31", "")
        asked = ("--provider", "github", "--set", "organization=acme", "--set", f"token.env={TOKEN_VARIABLE}")
        said = await say(
            company, "import", "github", *asked, "--set", f"url={server.url}", "--owner", "omar", "--unmatched"
        )
        grants = company.read("grants/github.yaml")
        assert "team:plattform: maintainer" in grants
        assert "github/team:engineering" in grants
        assert "role:owner" in grants
        assert "nothing to do" in await say(company, "plan"), said

    async def serve() -> None:
        async with http_server(app.answer) as server:
            await run(server)

    asyncio.run(serve())
    assert app.writes == []
