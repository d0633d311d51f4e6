"""The real command on a GitLab: plan, apply, and nothing left to do; an instance, and one group of GitLab.com."""

import asyncio
import json
from pathlib import Path
from typing import Any

from cli.cli_company import Company
from fake_gitlab import TOKEN, FakeGitLab
from gitlab_driving import IN_GROUP, ON_INSTANCE, VARIABLE, settings
from gitlab_world import DEVELOPER, GUEST, MAINTAINER, OWNER, Membership
from support.http_server import http_server

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
  kim: {name: Kim Park, email: kim@acme.example, department: Engineering, usernames: {gitlab: kim}}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      gitlab: [{project: acme/web, level: developer}, {group: acme/sre, level: reporter}]
grants:
  - to: {people: [omar]}
    grants: {gitlab: [OMAR]}
    reason: runs it
"""
APP = """\
apps:
  gitlab:
    owner: omar
    route: [{gitlab: SETTINGS}]
    entitlements: {"group:acme/sre": {formerly: ["group:acme/ops"]}}
    leaver: [suspend]
"""


def make_company(folder: Path, url: str, omar: str, **more: Any) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES.replace("OMAR", omar))
    company.write("apps/gitlab.yaml", APP.replace("SETTINGS", json.dumps(settings(url, **more))))
    return company


def furnish(app: FakeGitLab) -> dict[str, int]:
    """Fill a GitLab, and return the numbers of what is in it."""
    world = app.world
    ids = {name: world.add_user(name, f"{name}@acme.example", public_email="") for name in ("kim", "omar", "sam")}
    ids["acme"] = world.add_group("acme", (ids["omar"], OWNER), (ids["sam"], GUEST))
    ids["ops"] = world.add_group("acme/ops", (ids["sam"], MAINTAINER))
    ids["web"] = world.add_project("acme/web", (ids["kim"], MAINTAINER), (ids["sam"], DEVELOPER))
    world.projects[ids["web"]].members[ids["kim"]].expires = "2030-01-31"
    return ids


def run_until_nothing_is_left(app: FakeGitLab, folder: Path, omar: str, **more: Any) -> None:
    """Plan, apply, and plan again."""

    async def run() -> None:
        async with http_server(app.answer) as server:
            company = make_company(folder, server.url, omar, **more)
            said = ""
            for asked in (("plan",), ("apply", "--yes"), ("plan", "--detailed-exitcode")):
                before = len(app.writes)
                ended = await asyncio.to_thread(company.run, *asked, **{VARIABLE: TOKEN})
                said = ended.stdout + ended.stderr
                assert TOKEN not in said
                assert ended.returncode == 0, said
                assert asked[0] != "plan" or len(app.writes) == before
            assert "nothing to do" in said

    asyncio.run(run())
    assert app.rest.violations == []


@ON_INSTANCE
def test_nothing_is_left_to_do_on_an_instance(tmp_path: Path, app: FakeGitLab) -> None:
    """A user is made, an administrator appointed, a group renamed, a level changed with its day, a leaver blocked."""
    ids = furnish(app)
    run_until_nothing_is_left(app, tmp_path, "role:administrator")
    world = app.world
    ana = world.user("ana")
    assert ana
    assert world.users[ids["omar"]]["is_admin"]
    assert world.users[ids["sam"]]["state"] == "blocked"
    assert world.groups[ids["ops"]].path == "acme/sre"
    assert world.projects[ids["web"]].members[ids["kim"]] == Membership(DEVELOPER, "2030-01-31")
    assert world.projects[ids["web"]].members[ana["id"]].level == DEVELOPER


@IN_GROUP
def test_nothing_is_left_to_do_in_a_group(tmp_path: Path, app: FakeGitLab) -> None:
    """Somebody is invited by address with what they will hold, and a leaver is removed from everything."""
    ids = furnish(app)
    for name in ("omar", "sam"):
        app.world.users[ids[name]]["enterprise"] = True
    app.world.groups[ids["acme"]].members[ids["kim"]] = Membership(GUEST)
    omar = "{group: acme, level: owner}"
    run_until_nothing_is_left(app, tmp_path, omar, group="acme", enterprise_users=True)
    world = app.world
    assert not [place.path for place in world.every_place() if ids["sam"] in place.members]
    assert world.groups[ids["acme"]].invited == {"ana@acme.example": Membership(GUEST)}
    assert world.projects[ids["web"]].invited == {"ana@acme.example": Membership(DEVELOPER)}
    assert world.projects[ids["web"]].members == {ids["kim"]: Membership(DEVELOPER, "2030-01-31")}
