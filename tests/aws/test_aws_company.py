"""The real command on an Identity Center: plan, apply, and nothing left to do."""

import asyncio
from pathlib import Path

import pytest
from aws_protocol import ACCESS_KEY, SECRET_KEY
from cli.cli_company import Company
from fake_identity_center import FakeIdentityCenter
from support.http_server import http_server

pytestmark = pytest.mark.evidence("aws", against="our own fake", of="requests checked against AWS's service models")

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
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
      aws: [group:engineers, {account: "prod: eu/ReadOnlyAccess"}]
  engineers:
    to: {entitlements: [aws/group:engineers]}
    grants:
      aws: [account:sandbox/PowerUserAccess]
"""
APP = """\
apps:
  aws:
    owner: omar
    route:
      - aws: {region: eu-central-1, endpoint: "URL", credentials: {access_key_id: KEY, secret_access_key: {env: AWS_CANARY_KEY}}}
      - ticket: {}
    accounts: {attributes: {title: "{{ person.department }}"}}
    leaver: [suspend]
"""  # noqa: E501 - as people write it


def make_company(folder: Path, url: str) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/aws.yaml", APP.replace("URL", url).replace("KEY,", f"{ACCESS_KEY},"))
    return company


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: FakeIdentityCenter) -> None:
    """People, a membership and assignments are made, a leaver loses theirs and gets a ticket; then a plan is empty."""
    group = app.add_group("engineers")
    accounts = [app.add_account("sandbox"), app.add_account("prod: eu")]
    sets = [app.add_set("PowerUserAccess"), app.add_set("ReadOnlyAccess")]
    sam = app.add_user("sam@acme.example", "sam@acme.example")
    app.assigned.add((accounts[0], sets[0], "USER", sam))
    app.slow = 1

    async def run() -> None:
        async with http_server(app.answer) as server:
            company = make_company(tmp_path, server.url)
            said = []
            for asked in (("plan",), ("apply", "--yes"), ("plan",)):
                ended = await asyncio.to_thread(company.run, *asked, AWS_CANARY_KEY=SECRET_KEY)
                said.append(ended.stdout)
                assert ended.returncode == 0, ended.stdout + ended.stderr
                assert SECRET_KEY not in ended.stdout + ended.stderr
            assert "4 to add, 1 to remove, 1 by ticket" in said[0]
            assert "5 done and verified · 1 ticket open" in said[1]
            assert "nothing to do: 1 account and 3 grants are as declared · 1 pending by ticket" in said[2]

    asyncio.run(run())
    ana = next(number for number, user in app.users.items() if user["UserName"] == "ana@acme.example")
    assert app.assigned == {(accounts[0], sets[0], "GROUP", group), (accounts[1], sets[1], "USER", ana)}
    assert [pair[1] for pair in app.members.values()] == [ana]
