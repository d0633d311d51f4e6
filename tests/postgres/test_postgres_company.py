"""The real command on a real server: plan, apply, and nothing left to do."""

from pathlib import Path

import pytest
from cli.cli_company import Company
from postgres_driving import parts_of
from postgres_harness import PASSWORD, TOOL, PostgresApp

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, type: contractor, department: Engineering, last_day: 2090-08-31}
  omar: {name: Omar Haddad, email: omar@acme.example, department: IT, usernames: {db: omar}}
  sam:
    {name: Sam Old, email: sam@acme.example, department: IT, usernames: {db: sam}, manager: omar, last_day: 2020-01-31}
groups:
  engineering: {where: {department: Engineering}}
"""
ROLES = """\
roles:
  engineer:
    to: {groups: [engineering]}
    grants:
      db: [role:readers, {database:postgres: connect}]
  readers:
    to: {entitlements: [db/role:readers]}
    grants:
      db: [{schema:postgres.reports: usage}]
grants:
  - to: {people: [omar]}
    grants: {db: [{role:readers: admin}]}
"""
APP = """\
apps:
  db:
    owner: omar
    route:
      - postgres: {PARTS, password: {env: POSTGRES_PASSWORD}, schemas: [postgres]}
    accounts:
      attributes: {valid_until: "{{ person.last_day or '' }}"}
    entitlements:
      role:readers: {}
    leaver: [end_sessions, suspend, transfer_files: {to: manager}]
"""


def test_nothing_is_left_to_do_after_an_apply(tmp_path: Path, app: PostgresApp) -> None:
    """Accounts, a new group with privileges, a leaver whose table goes to the manager; then a plan is empty."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE omar LOGIN; CREATE ROLE sam LOGIN; CREATE SCHEMA reports')
    app.run("GRANT USAGE, CREATE ON SCHEMA reports TO sam, omar")
    app.run("SET ROLE sam; CREATE TABLE reports.notes ()")
    app.run("REVOKE USAGE, CREATE ON SCHEMA reports FROM sam")
    app.run("GRANT CONNECT ON DATABASE postgres TO {} WITH GRANT OPTION", TOOL)
    company = Company(tmp_path)
    for name in ("wiki.csv", "grants.csv", "entitlements.csv", "apps/wiki.yaml"):
        (tmp_path / name).unlink()
    company.write("people.yaml", PEOPLE)
    company.write("roles.yaml", ROLES)
    company.write("apps/db.yaml", APP.replace("PARTS", parts_of(app.config())))
    said = []
    for asked in (("plan",), ("apply", "--yes"), ("plan",)):
        ended = company.run(*asked, POSTGRES_PASSWORD=PASSWORD)
        said.append(ended.stdout)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert PASSWORD not in ended.stdout + ended.stderr
    assert "nothing to do" in said[2]
    assert app.rows("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'notes'") == [("omar",)]
    assert app.rows("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'sam'") == [(False,)]
    assert app.rows("SELECT rolvaliduntil::date::text FROM pg_roles WHERE rolname LIKE 'ana%%'") == [("2090-08-31",)]
