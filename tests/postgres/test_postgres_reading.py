"""What is read, what is not complete, and how many statements it takes."""

import pytest
from postgres_driving import read
from postgres_harness import TOOL, PostgresApp

from reconciler.errors import AnswerError
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")


@pytest.mark.parametrize(
    ("catalogue", "unread"),
    [
        ("pg_auth_members", {"role"}),
        ("pg_database", {"database", "schema"}),
        ("pg_namespace", {"schema"}),
    ],
)
def test_a_forbidden_catalogue_is_not_read_as_empty(app: PostgresApp, catalogue: str, unread: set[str]) -> None:
    """A hardened server may hide a catalogue: its kinds are incomplete, with the server's words; the rest is whole."""
    app.run("REVOKE SELECT ON {} FROM PUBLIC", catalogue)
    try:
        collections = read(app).collections
    finally:
        app.run("GRANT SELECT ON {} TO PUBLIC", catalogue)
    broken = {name for name, each in collections.items() if not each.complete}
    assert broken == {f"{part}:{kind}" for kind in unread for part in ("entitlements", "grants")}
    assert all(collections[name].why for name in broken)
    assert any("permission denied" in collections[name].why for name in broken)


def test_a_database_that_allows_no_connections_leaves_schemas_unread(app: PostgresApp) -> None:
    """Its schemas cannot be seen, so none may be taken for absent; `schemas` in the route leaves it out."""
    app.run("CREATE DATABASE closed")
    app.run("ALTER DATABASE closed ALLOW_CONNECTIONS false")
    try:
        collections = read(app, schemas=["*"]).collections
        assert not collections["entitlements:schema"].complete
        assert "closed allows no connections" in collections["entitlements:schema"].why
        assert collections["entitlements:database"].complete
        assert read(app, schemas=["postgres"]).collections["entitlements:schema"].complete
    finally:
        app.run("DROP DATABASE closed")


def test_a_read_takes_few_statements(app: PostgresApp) -> None:
    """Six for the cluster and at most four for each database whose schemas are read, however many roles there are."""
    few = read(app).requests
    app.run("DO $$ BEGIN FOR n IN 1..1000 LOOP EXECUTE format('CREATE ROLE person%s LOGIN', n); END LOOP; END $$")
    app.run("DO $$ BEGIN FOR n IN 1..200 LOOP EXECUTE format('CREATE ROLE team%s', n); END LOOP; END $$")
    app.run(
        "DO $$ BEGIN FOR n IN 1..1000 LOOP EXECUTE format('GRANT team%s TO person%s', n % 200 + 1, n); END LOOP; END $$"
    )
    snapshot = read(app)
    assert snapshot.requests == few <= 10
    assert len(snapshot.accounts) == 1000 + 2
    assert sum(key.startswith("role:team") for _, key, _ in snapshot.grants()) == 1000


def test_roles_are_sorted_by_what_they_are(app: PostgresApp) -> None:
    """Who can log in is an account, the others are roles; the configuration may say otherwise, and leave some out."""
    for statement in (
        "CREATE ROLE ana LOGIN",
        "CREATE ROLE team",
        "CREATE ROLE old_sam",
        "CREATE ROLE app_batch LOGIN",
        "CREATE ROLE rdsadmin LOGIN",
    ):
        app.run(statement)
    snapshot = read(app, accounts=["old_*"], groups=["app_*"], ignore=["rds*"])
    accounts = {each.username: each.status for each in snapshot.accounts}
    assert accounts == {
        "tester": AccountStatus.ACTIVE,
        TOOL: AccountStatus.ACTIVE,
        "ana": AccountStatus.ACTIVE,
        "old_sam": AccountStatus.SUSPENDED,
    }
    assert {each.key for each in snapshot.entitlements} >= {"role:team", "role:app_batch", "role:pg_monitor"}


def test_superusers_are_seen(app: PostgresApp) -> None:
    """Who stands above all privileges is no secret of the plan's."""
    snapshot = read(app)
    names = {each.remote_id: each.username for each in snapshot.accounts}
    assert {names[holder] for holder, key, _ in snapshot.grants() if key == "attribute:superuser"} == {"tester"}


@pytest.mark.parametrize("changed", [{"user": "nobody"}, {"database": "nowhere"}])
def test_what_the_configuration_names_wrongly_is_said(app: PostgresApp, changed: dict[str, str]) -> None:
    """A refused connection tells what to look at, at once and without the password."""
    with pytest.raises(AnswerError, match="cannot connect to the database") as caught:
        read(app, **changed)
    assert "pg_hba.conf" in caught.value.hint
    assert "canary" not in str(caught.value)
