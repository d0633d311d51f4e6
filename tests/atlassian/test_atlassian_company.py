"""The real command on an organization and its Jira site, and on a site alone: plan, apply, and nothing left to do."""

import asyncio
import json
from pathlib import Path

import pytest
from atlassian_driving import ENVIRONMENT, Settings, site, with_account_key
from atlassian_world import ACCOUNT_KEY, API_KEY, API_TOKEN
from cli.cli_company import Company
from fake_atlassian import FakeAtlassian
from support.http_server import http_server

SEEN = {"against": "our own fake", "of": "Jira's requests checked against jira.js"}
SECRETS = {ENVIRONMENT["org"]: API_KEY, ENVIRONMENT["account"]: ACCOUNT_KEY, ENVIRONMENT["site"]: API_TOKEN}
PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
  noa: {name: Noa Levi, email: noa@acme.example, department: Engineering}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT, usernames: {jira: "HIDDEN"}}
  sam: {name: Sam Old, email: sam@acme.example, department: IT, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      jira: [group:engineers]
  admin:
    to: {people: [omar]}
    grants:
      jira: [project-role:ENG/Administrators]
  engineers:
    to: {entitlements: [jira/group:engineers]}
    grants:
      jira: [project-role:ENG/Developers]
"""
APP = """\
apps:
  jira:
    owner: omar
    route: [{atlassian: SETTINGS}]
    entitlements: {"group:engineers": {}}
    LEAVER
"""


def make_company(folder: Path, settings: dict[str, object], hidden: str, leaver: str) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE.replace("HIDDEN", hidden))
    company.write("roles.yaml", ROLES)
    company.write("apps/jira.yaml", APP.replace("SETTINGS", json.dumps(settings)).replace("LEAVER", leaver))
    return company


@pytest.mark.parametrize(
    ("settings", "leaver"),
    [
        pytest.param(with_account_key, "leaver: [suspend]", marks=pytest.mark.evidence("atlassian", **SEEN)),
        pytest.param(site, "leaver: []", marks=pytest.mark.evidence("atlassian, a Jira site alone", **SEEN)),
    ],
    ids=["organization", "site"],
)
def test_nothing_is_left_to_do_after_an_apply(
    tmp_path: Path, app: FakeAtlassian, settings: Settings, leaver: str
) -> None:
    """A group, members, roles of people and of the group are made, somebody is invited, a leaver loses all of it."""
    world = app.world
    ana = world.add_user("ana@acme.example", claimStatus="managed")
    omar = world.add_user("omar@acme.example", shown=settings is not site)
    sam = world.add_user("sam@acme.example", claimStatus="managed")
    old, eng = world.add_group("contractors", sam), world.add_project("ENG")
    developers, administrators = world.add_role("Developers"), world.add_role("Administrators")
    world.act(eng, administrators, user=sam)

    async def run() -> None:
        async with http_server(app.answer) as server:
            hidden = omar if settings is site else "omar@acme.example"
            company = make_company(tmp_path, settings(server.url), hidden, leaver)
            ended = []
            for asked in (("plan",), ("apply", "--yes"), ("plan", "--detailed-exitcode")):
                ended.append(await asyncio.to_thread(company.run, *asked, **SECRETS))
                said = ended[-1].stdout + ended[-1].stderr
                assert not [secret for secret in SECRETS.values() if secret in said]
                assert ended[-1].returncode == 0, said
            assert "nothing to do" in ended[-1].stdout

    asyncio.run(run())
    (noa,) = set(world.users) - {ana, omar, sam}
    group = next(id_ for id_, each in world.groups.items() if each["name"] == "engineers")
    assert sorted(world.members[group]) == sorted([ana, noa])
    assert world.members[old] == []
    assert world.actors[eng, developers] == {"user": [], "group": [group]}
    assert world.actors[eng, administrators] == {"user": [omar], "group": []}
    assert world.users[sam]["accountStatus"] == ("active" if settings is site else "inactive")
