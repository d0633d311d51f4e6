"""What is never changed, whatever the YAML asks for."""

import asyncio

import pytest
from postgres_driving import on_account, on_entitlement, on_grant, perform, read
from postgres_harness import TOOL, PostgresApp
from psycopg import sql
from support.surroundings import surroundings

from providers.postgres.client import Server
from providers.postgres.session import Session
from reconciler.errors import AnswerError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")

EVERYTHING = "SELECT rolname, rolsuper, rolreplication, rolcanlogin, rolcreaterole FROM pg_authid ORDER BY 1"
MEMBERS = "SELECT roleid, member FROM pg_auth_members ORDER BY 1, 2"


@pytest.fixture
def mighty(app: PostgresApp) -> PostgresApp:
    """Return a server whose tool is a superuser, against all advice: only the provider's own guard is left."""
    app.run("CREATE ROLE ana LOGIN")
    app.run("CREATE ROLE root_like LOGIN SUPERUSER")
    app.run("CREATE ROLE copier LOGIN REPLICATION")
    app.run("CREATE ROLE dba SUPERUSER")
    app.run("ALTER ROLE {} SUPERUSER", TOOL)
    return app


def expect_refusal(app: PostgresApp, change: Change, words: str) -> None:
    """Perform a change that must not be done, and see that nothing moved."""
    before = app.rows(EVERYTHING), app.rows(MEMBERS)
    (receipt,) = perform(app, change)
    assert receipt.outcome is Outcome.FAILED, receipt
    assert words in receipt.detail
    assert (app.rows(EVERYTHING), app.rows(MEMBERS)) == before


@pytest.mark.parametrize("name", ["root_like", "copier"])
@pytest.mark.parametrize(
    "operation",
    [
        Operation.SUSPEND_ACCOUNT,
        Operation.DELETE_ACCOUNT,
        Operation.END_SESSIONS,
        Operation.UPDATE_ACCOUNT,
        Operation.TRANSFER_FILES,
    ],
)
def test_superusers_and_replicating_roles_are_protected(mighty: PostgresApp, name: str, operation: Operation) -> None:
    """They stay as they are, and the message names what an administrator would run."""
    change = on_account(read(mighty), operation, name, username="mallory", valid_until="2020-01-01")
    expect_refusal(mighty, change, f"{name} is protected")


@pytest.mark.parametrize("operation", [Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.END_SESSIONS])
def test_the_tools_own_role_is_protected(app: PostgresApp, operation: Operation) -> None:
    """The tool does not saw off its own branch."""
    expect_refusal(app, on_account(read(app), operation, TOOL), "this tool itself acts as")


def test_the_tool_gives_itself_nothing(mighty: PostgresApp) -> None:
    """Its own memberships are not changed by what it reads from files."""
    mighty.run("CREATE ROLE team")
    snapshot = read(mighty)
    expect_refusal(mighty, on_grant(snapshot, Operation.GRANT, TOOL, "role:team", "member"), "this tool itself")


@pytest.mark.parametrize("name", ["superuser", "replication"])
def test_nobody_is_made_a_superuser(mighty: PostgresApp, name: str) -> None:
    """The attributes above all privileges are shown, and neither given nor taken."""
    snapshot = read(mighty)
    expect_refusal(mighty, on_grant(snapshot, Operation.GRANT, "ana", f"attribute:{name}"), "is protected")
    expect_refusal(mighty, on_grant(snapshot, Operation.REVOKE, "root_like", f"attribute:{name}"), "is protected")


def test_nobody_becomes_a_member_of_a_superuser(mighty: PostgresApp) -> None:
    """SET ROLE would make a superuser of each of its members."""
    expect_refusal(mighty, on_grant(read(mighty), Operation.GRANT, "ana", "role:dba", "member"), "dba is protected")


def test_predefined_roles_are_given_only_where_they_are_listed(mighty: PostgresApp) -> None:
    """`pg_execute_server_program` is as good as a superuser; `pg_monitor` may be allowed by name."""
    snapshot = read(mighty)
    for name in ("pg_execute_server_program", "pg_monitor"):
        expect_refusal(mighty, on_grant(snapshot, Operation.GRANT, "ana", f"role:{name}", "member"), "predefined")
    change = on_grant(snapshot, Operation.GRANT, "ana", "role:pg_monitor", "member")
    (receipt,) = perform(mighty, change, predefined=["pg_monitor"])
    assert receipt.outcome is Outcome.DONE


def test_predefined_roles_keep_their_names(mighty: PostgresApp) -> None:
    """What came with PostgreSQL is not renamed."""
    change = on_entitlement(read(mighty), Operation.RENAME_ENTITLEMENT, "role:pg_monitor", "role:ours")
    expect_refusal(mighty, change, "came with PostgreSQL")


def test_planning_is_refused_where_the_connection_could_write(
    app: PostgresApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pooler that drops what a connection was opened with is noticed before anything is read."""
    options = Server._options

    def dropped(self: Server, database: str) -> dict[str, object]:
        return options(self, database) | {"options": ""}

    monkeypatch.setattr(Server, "_options", dropped)
    with pytest.raises(ReadOnlyError, match="could write while planning"):
        read(app)


def test_a_write_in_a_reading_transaction_is_refused_by_the_server(app: PostgresApp) -> None:
    """Even code that forgets to ask cannot write: the transaction is READ ONLY, with and without a plan."""

    async def forgetful(session: Session) -> None:
        await session.run("CREATE ROLE {role}", role=sql.Identifier("mallory"))

    async def run(*, read_only: bool) -> None:
        server = Server(app.config(), surroundings(read_only=read_only))
        try:
            await server.read(forgetful)
        finally:
            await server.close()

    for read_only in (True, False):
        with pytest.raises(AnswerError, match="read-only transaction"):
            asyncio.run(run(read_only=read_only))
    assert app.rows("SELECT 1 FROM pg_roles WHERE rolname = 'mallory'") == []
