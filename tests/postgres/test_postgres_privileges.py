"""Privileges on databases and schemas, of people, groups and everybody, in several databases of one cluster."""

from collections.abc import Iterator, Mapping

import pytest
from postgres_driving import entitlement_id, grants_by_name, on_entitlement, on_grant, perform, read
from postgres_harness import TOOL, PostgresApp

from reconciler.items import GrantItem
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.conformance.harness import World

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15")

ALL = {"schemas": ["*"]}


@pytest.fixture
def app(postgres_servers: Mapping[str, str]) -> PostgresApp:
    """Return the system's server alone: privileges are the same in all versions, and databases are slow to make."""
    made = PostgresApp(postgres_servers["system"])
    made.reset(World())
    return made


@pytest.fixture
def cluster(app: PostgresApp) -> Iterator[PostgresApp]:
    """Return a server with two more databases, each with a schema of the same name."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE team')
    for database in ("sales", "eu.sales"):
        app.run("CREATE DATABASE {}", database)
        app.run("ALTER DATABASE {} OWNER TO {}", database, TOOL)
        app.run_in(database, "CREATE SCHEMA reports AUTHORIZATION {}", TOOL)
    yield app
    for database in ("sales", "eu.sales"):
        app.run("DROP DATABASE {} WITH (FORCE)", database)


def test_schemas_of_one_name_in_two_databases_are_two(cluster: PostgresApp) -> None:
    """Each is granted in its own database; a name with a dot is quoted."""
    keys = ("schema:sales.reports", 'schema:"eu.sales".reports')
    snapshot = read(cluster, **ALL)
    changes = [on_grant(snapshot, Operation.GRANT, "ana", key, "usage") for key in keys]
    assert [each.outcome for each in perform(cluster, changes[1], **ALL)] == [Outcome.DONE]
    assert grants_by_name(read(cluster, **ALL)) >= {("ana", keys[1], "usage")}
    assert ("ana", keys[0], "usage") not in grants_by_name(read(cluster, **ALL))
    assert entitlement_id(snapshot, keys[0]) != entitlement_id(snapshot, keys[1])


def test_a_level_changes_in_place_and_both_ways(cluster: PostgresApp) -> None:
    """Only what differs is granted or revoked: whoever keeps CONNECT never loses it in between."""
    snapshot = read(cluster)
    for level in ("connect", "create", "temp", "connect"):
        change = on_grant(snapshot, Operation.SET_LEVEL, "ana", "database:sales", level)
        assert [each.outcome for each in perform(cluster, change, change)] == [Outcome.DONE] * 2
        assert ("ana", "database:sales", level) in grants_by_name(read(cluster))


def test_privileges_that_are_no_level_are_named_one_by_one(cluster: PostgresApp) -> None:
    """What somebody granted by hand is shown as it is, grant option and all, and is corrected in place."""
    cluster.run("GRANT TEMPORARY ON DATABASE sales TO ana")
    cluster.run("GRANT CONNECT ON DATABASE sales TO team WITH GRANT OPTION")
    snapshot = read(cluster)
    assert grants_by_name(snapshot) >= {
        ("ana", "database:sales", "only temporary"),
        ("role:team", "database:sales", "only connect*"),
    }
    changes = [
        on_grant(snapshot, Operation.SET_LEVEL, holder, "database:sales", "connect") for holder in ("ana", "role:team")
    ]
    assert [each.outcome for each in perform(cluster, *changes)] == [Outcome.DONE] * 2
    assert grants_by_name(read(cluster)) >= {
        ("ana", "database:sales", "connect"),
        ("role:team", "database:sales", "connect"),
    }


def test_everybodys_privileges_are_seen_and_taken(cluster: PostgresApp) -> None:
    """PUBLIC may connect to every new database, until somebody revokes that."""
    snapshot = read(cluster)
    assert ("role:public", "database:sales", "temp") in grants_by_name(snapshot)
    change = on_grant(snapshot, Operation.REVOKE, "role:public", "database:sales")
    assert [each.outcome for each in perform(cluster, change, change)] == [Outcome.DONE] * 2
    held = {(holder, key) for holder, key, _ in grants_by_name(read(cluster))}
    assert ("role:public", "database:sales") not in held


def test_a_warning_is_not_taken_for_success(cluster: PostgresApp) -> None:
    """Without the grant option, GRANT only warns; the receipt says that nothing was done."""
    cluster.run("CREATE SCHEMA elsewhere")
    cluster.run("GRANT USAGE ON SCHEMA elsewhere TO ana")
    snapshot = read(cluster)
    granted, revoked = perform(
        cluster,
        on_grant(snapshot, Operation.GRANT, "role:team", "schema:postgres.elsewhere", "usage"),
        on_grant(snapshot, Operation.REVOKE, "ana", "schema:postgres.elsewhere"),
    )
    assert granted.outcome is revoked.outcome is Outcome.FAILED
    assert ("ana", "schema:postgres.elsewhere", "usage") in grants_by_name(read(cluster))


def test_an_owner_holds_everything_by_owning(cluster: PostgresApp) -> None:
    """An owner's privileges are not grants; a new owner is an update of the entitlement, never a superuser."""
    snapshot = read(cluster)
    usable = " WITH INHERIT TRUE, SET TRUE" if cluster.is_new else ""
    cluster.run(f'SET ROLE "{TOOL}"; GRANT team TO "{TOOL}"{usable}')
    cluster.run("GRANT CREATE ON DATABASE postgres TO team")
    cluster.run("ALTER ROLE {} CREATEDB", TOOL)
    change = on_entitlement(snapshot, Operation.UPDATE_ENTITLEMENT, "database:sales", owner="team")
    mighty = on_entitlement(snapshot, Operation.UPDATE_ENTITLEMENT, "database:sales", owner="tester")
    done, refused = perform(cluster, change, mighty)
    assert done.outcome is Outcome.DONE, done
    assert "is a superuser" in refused.detail
    owner = next(each for each in read(cluster).entitlements if each.key == "database:sales").attributes["owner"]
    assert owner == "team"
    (receipt,) = perform(cluster, on_grant(snapshot, Operation.GRANT, "role:team", "database:sales", "connect"))
    assert "owns sales" in receipt.detail


def test_the_owner_of_a_schema_is_changed_in_its_database(cluster: PostgresApp) -> None:
    """As that of a database: an update, done twice without harm."""
    cluster.run(f'SET ROLE "{TOOL}"; GRANT team TO "{TOOL}"')
    cluster.run_in("sales", "GRANT CREATE ON DATABASE sales TO team")
    change = on_entitlement(read(cluster, **ALL), Operation.UPDATE_ENTITLEMENT, "schema:sales.reports", owner="team")
    assert [each.outcome for each in perform(cluster, change, change, **ALL)] == [Outcome.DONE] * 2
    found = next(each for each in read(cluster, **ALL).entitlements if each.key == "schema:sales.reports")
    assert found.attributes["owner"] == "team"


def test_what_a_role_may_be_is_given_and_taken(cluster: PostgresApp) -> None:
    """An attribute that is not protected; each twice."""
    snapshot = read(cluster)
    held = ("ana", "attribute:createdb", None)
    give, take = (on_grant(snapshot, each, "ana", "attribute:createdb") for each in (Operation.GRANT, Operation.REVOKE))
    assert [each.outcome for each in perform(cluster, give, give)] == [Outcome.DONE] * 2
    assert held in grants_by_name(read(cluster))
    assert [each.outcome for each in perform(cluster, take, take)] == [Outcome.DONE] * 2
    assert held not in grants_by_name(read(cluster))


def test_a_database_that_was_made_anew_inherits_no_grant(cluster: PostgresApp) -> None:
    """The pinned oid is another one now; what was planned for the old one fails."""
    old = read(cluster)
    cluster.run("DROP DATABASE sales")
    cluster.run("CREATE DATABASE sales")
    granted, revoked = perform(
        cluster,
        on_grant(old, Operation.GRANT, "ana", "database:sales", "connect"),
        on_grant(old, Operation.REVOKE, "ana", "database:sales"),
    )
    assert granted.outcome is Outcome.FAILED
    assert "does not exist any more" in granted.detail
    assert revoked.outcome is Outcome.DONE


def test_names_of_databases_are_never_connection_strings(app: PostgresApp) -> None:
    """A database called `host=evil` is refused by name; the others are not complete without it, and that is said."""
    app.run("CREATE DATABASE {}", "host=203.0.113.1 dbname=x")
    try:
        schemas = read(app, **ALL).collections["grants:schema"]
        assert not schemas.complete
        assert "cannot be connected to safely" in schemas.why
        assert read(app, schemas=["postgres"]).collections["grants:schema"].complete
    finally:
        app.run("DROP DATABASE {}", "host=203.0.113.1 dbname=x")


def test_a_level_that_does_not_exist_is_refused(cluster: PostgresApp) -> None:
    """Nothing but PostgreSQL's own words for privileges gets into a statement."""
    item = GrantItem("ana", "database:sales")
    snapshot = read(cluster)
    for level in ("owner", "only connect+superuser", "only ", "CONNECT, CREATE"):
        change = Change(
            "db",
            Operation.GRANT,
            item,
            "postgres",
            after={"level": level},
            account_id=on_grant(snapshot, Operation.GRANT, "ana", "database:sales").account_id,
            entitlement_id=entitlement_id(snapshot, "database:sales"),
        )
        assert "cannot be held at" in perform(cluster, change)[0].detail
