"""The real command on a tenant: plan, apply, and nothing left to do."""

import asyncio
import json
from pathlib import Path

import pytest
from cli.cli_company import Company
from entra_driving import settings
from fake_graph import SECRET, TOKEN, FakeGraph
from support.http_server import http_server

pytestmark = pytest.mark.evidence("entra", against="our own fake", of="properties checked against Microsoft's types")

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
      entra: [group:engineers, license:SPE_E3]
  admin:
    to: {people: [omar]}
    grants:
      entra: [role:User Administrator]
  engineers:
    to: {entitlements: [entra/group:engineers]}
    grants:
      entra: [app:Salesforce/Standard User]
"""
APP = """\
apps:
  entra:
    owner: omar
    route: [{entra: SETTINGS}]
    accounts: {attributes: {department: "{{ person.department }}", usageLocation: DE}}
    entitlements: {"group:engineers": {}}
    leaver: [suspend, end_sessions, remove_licenses]
"""


def make_company(folder: Path, url: str) -> Company:
    """Write a company with one app."""
    company = Company(folder)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (folder / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/entra.yaml", APP.replace("SETTINGS", json.dumps(settings(url))))
    return company


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: FakeGraph) -> None:
    """A group, people, a license, roles and an app's role are made, a leaver loses theirs; then a plan is empty."""
    sku, role = app.add_sku("SPE_E3"), app.add_role("User Administrator")
    app.add_app("Salesforce", "Standard User")
    app.add_user("omar@acme.example", department="IT", usageLocation="DE")
    sam = app.add_user("sam@acme.example", department="IT", usageLocation="DE")
    app.license(sam, sku)
    app.assign_role(sam, role)

    async def run() -> None:
        async with http_server(app.answer) as server:
            app.url = server.url
            company = make_company(tmp_path, server.url)
            ended = []
            for asked in (("plan",), ("apply", "--yes"), ("plan", "--detailed-exitcode")):
                ended.append(await asyncio.to_thread(company.run, *asked, ENTRA_CANARY=SECRET))
                said = ended[-1].stdout + ended[-1].stderr
                assert SECRET not in said
                assert TOKEN not in said
                assert ended[-1].returncode == 0, said
            assert "nothing to do" in ended[-1].stdout

    asyncio.run(run())
    names = {id_: user["userPrincipalName"].partition("@")[0] for id_, user in app.users.items()}
    group = next(iter(app.groups))
    assert [names[member] for member in app.members[group]] == ["ana"]
    assert {(names[each["principalId"]]) for each in app.role_assignments.values()} == {"omar"}
    assert [each["principalId"] for each in app.app_assignments.values()] == [group]
    assert app.users[sam]["accountEnabled"] is False
    assert app.signed_out == [sam]
    held = {names[id_] for id_, user in app.users.items() if user["licenseAssignmentStates"]}
    assert held == {"ana"}
