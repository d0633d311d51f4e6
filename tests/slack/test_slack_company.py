"""The real command on a workspace with both of its ways: plan, apply, and nothing left to do."""

import asyncio
from pathlib import Path

import pytest
from cli.cli_company import Company
from fake_slack import FakeSlack
from fake_slack_scim import SlackScim
from slack_protocol import ADMIN_TOKEN, SCIM_TOKEN, TOKEN
from support.http_server import http_server

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
  kim: {name: Kim Lee, email: kim@acme.example, department: Engineering}
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
      slack: [channel:eng, usergroup:Engineers, private-channel:incidents]
  it:
    to: {people: [omar]}
    grants:
      slack: [usergroup:IT, role:admin]
"""
APP = """\
apps:
  slack:
    owner: omar
    route:
      - scim:  {url: "URL/scim/v2", token: {env: SLACK_SCIM_CANARY}, dialect: slack, group_kind: null}
      - slack:
          token: {env: SLACK_CANARY}
          admin_token: {env: SLACK_ADMIN_CANARY}
          private_channels: [CHANNEL]
          endpoint: "URL/api"
    entitlements:
      channel:eng: {formerly: [channel:engineering]}
      usergroup:IT: {}
      role:admin: {privileged: true}
    leaver: [end_sessions, suspend]
"""
TOKENS = {"SLACK_CANARY": TOKEN, "SLACK_ADMIN_CANARY": ADMIN_TOKEN, "SLACK_SCIM_CANARY": SCIM_TOKEN}


def make_company(folder: Path, url: str, channel: str) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/slack.yaml", APP.replace("URL", url).replace("CHANNEL", channel))
    return company


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: FakeSlack) -> None:
    """Accounts and leavers go by SCIM, everything inside by the Web API; then a plan is empty."""
    ana, omar, sam = (app.add_user(name, f"{name}@acme.example") for name in ("ana", "omar", "sam"))
    eng = app.add_channel("engineering", [ana, sam])
    engineers = app.add_group("Engineers", [sam, omar])
    incidents = app.add_channel("incidents", [app.me, sam], private=True)
    scim = SlackScim(app)

    async def run() -> None:
        async with http_server(scim.answer) as server:
            company = make_company(tmp_path, server.url, incidents)
            said = []
            for asked in (("plan",), ("apply", "--yes"), ("plan",)):
                ended = await asyncio.to_thread(company.run, *asked, **TOKENS)
                said.append(ended.stdout)
                assert ended.returncode == 0, ended.stdout + ended.stderr
                assert not [token for token in TOKENS.values() if token in ended.stdout + ended.stderr]
            assert "via slack" in said[0]
            assert "nothing to do" in said[2]

    asyncio.run(run())
    kim = next(number for number, user in app.users.items() if user["name"].startswith("kim"))
    assert scim.written == ["deactivate sam", f"create {app.users[kim]['name']}"]
    assert app.signed_out == [sam]
    assert app.users[omar]["is_admin"]
    assert app.channels[eng].name == "eng"
    assert set(app.channels[eng].members) == {ana, kim, app.me}
    assert set(app.channels[incidents].members) == {ana, kim, app.me}
    assert set(app.groups[engineers]["users"]) == {omar, ana, kim}
    assert not app.exceeded
