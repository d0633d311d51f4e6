"""The real command on a real directory: plan, apply, and nothing left to do."""

import json
from pathlib import Path

import pytest
from cli.cli_company import Company
from ldap_driving import Place
from servers.directories import PASSWORD

pytestmark = [
    pytest.mark.evidence("ldap, OpenLDAP", against="real product", of="OpenLDAP 2.5"),
    pytest.mark.xdist_group("openldap"),
]

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
    grants: {ldap: [group:engineers]}
  engineers:
    to: {entitlements: [ldap/group:engineers]}
    grants: {ldap: [group:vpn]}
"""
APP = """\
apps:
  ldap:
    owner: omar
    route: [{ldap: SETTINGS}]
    accounts: {attributes: {title: "{{ person.department }}"}}
    entitlements: {"group:engineers": {}}
    leaver: [suspend]
"""


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, place: Place) -> None:
    """A group and a person are made, a leaver is disabled, moved and out of their group; then a plan is empty."""
    sam = place.add_person("sam", "sam@acme.example", title="IT")
    place.add_person("omar", "omar@acme.example", title="IT")
    vpn = place.add_group("vpn", sam)
    company = Company(tmp_path)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (tmp_path / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/ldap.yaml", APP.replace("SETTINGS", json.dumps(place.settings(move_to=place.left))))
    for asked in (("plan",), ("apply", "--yes"), ("plan", "--detailed-exitcode")):
        ended = company.run(*asked, LDAP_CANARY=PASSWORD)
        assert PASSWORD not in ended.stdout + ended.stderr
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing to do" in ended.stdout
    engineers = f"cn=engineers,{place.groups}"
    assert place.members(engineers) == [f"uid=ana,{place.people}"]
    assert place.members(vpn) == [engineers]
    assert place.entry(f"uid=sam,{place.left}")["employeeType"] == ["disabled"]
