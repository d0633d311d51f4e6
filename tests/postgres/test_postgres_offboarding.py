"""A leaver's sessions, what they own in several databases, and at last their role."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from postgres_driving import account, on_account, perform, read
from postgres_harness import TOOL, PostgresApp

from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")

LEAVER = 'sam; "drop" role'
HEIR = "omar's"
MAKING = "CREATE TABLE notes (); CREATE SCHEMA private; CREATE VIEW drafts AS SELECT 1"
USABLE = "SELECT count(*) FROM pg_auth_members a WHERE a.member = %s::regrole"


def connect(app: PostgresApp, database: str = "postgres", user: str = "") -> psycopg.Connection[Any]:
    """Connect as somebody."""
    parts = psycopg.conninfo.conninfo_to_dict(app.dsn)
    changed = {**parts, "dbname": database, **({"user": user} if user else {})}
    return psycopg.connect(**changed, autocommit=True)  # type: ignore[arg-type]


def owners(app: PostgresApp, database: str) -> set[tuple[str, str]]:
    """Return what tables and schemas belong to whom in a database."""
    query = """SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('notes', 'drafts')
        UNION SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'private'"""
    with closing(connect(app, database)) as connection:
        return set(connection.execute(query).fetchall())  # type: ignore[arg-type]


@pytest.fixture
def company(app: PostgresApp) -> Iterator[PostgresApp]:
    """Return a server on which somebody owns something in two databases, and one of the databases."""
    for name in (LEAVER, HEIR):
        app.run(f'SET ROLE "{TOOL}"; CREATE ROLE {{}} LOGIN', name)
    for database in ("sales", 'odd "name" %s'):
        app.run("CREATE DATABASE {}", database)
        app.run("ALTER DATABASE {} OWNER TO {}", database, TOOL)
        app.run_in(database, "GRANT CREATE ON SCHEMA public TO {}, {}", LEAVER, HEIR)
        app.run_in(database, "GRANT CREATE ON DATABASE {} TO {}, {}", database, LEAVER, HEIR)
        app.run_in(database, f"SET ROLE {{}}; {MAKING}", LEAVER)
    app.run("CREATE DATABASE theirs")
    app.run("ALTER DATABASE theirs OWNER TO {}", LEAVER)
    yield app
    for database in ("sales", 'odd "name" %s', "theirs"):
        app.run("DROP DATABASE {} WITH (FORCE)", database)


def handing_over(app: PostgresApp, **after: Any) -> Change:
    """Return the leaver's step, to an account."""
    snapshot = read(app)
    heir = account(snapshot, HEIR).remote_id
    return on_account(snapshot, Operation.TRANSFER_FILES, LEAVER, **({"to": "omar", "to_account": heir} | after))


def test_everything_owned_is_handed_over_in_every_database(company: PostgresApp) -> None:
    """Tables, views, schemas and a database itself change their owner; a second time there is nothing to do."""
    change = handing_over(company)
    first, second = perform(company, change, change)
    assert first.outcome is Outcome.DONE, first
    assert second.detail == "it owns nothing"
    for database in ("sales", 'odd "name" %s'):
        assert owners(company, database) == {("notes", HEIR), ("drafts", HEIR), ("private", HEIR)}
    assert company.rows("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'theirs'") == [(HEIR,)]


def test_the_tool_keeps_nothing_of_what_it_borrowed(company: PostgresApp) -> None:
    """It held both roles inside the transaction only, done or failed."""
    usable = USABLE + " AND (to_jsonb(a)->>'set_option') = 'true'" * company.is_new
    before = company.rows(usable, f'"{TOOL}"')
    perform(company, handing_over(company))
    assert company.rows(usable, f'"{TOOL}"') == before


def test_nothing_is_handed_over_to_a_superuser(company: PostgresApp) -> None:
    """A function of the leaver's would run with all that the new owner may."""
    company.run("ALTER ROLE {} SUPERUSER", HEIR)
    (receipt,) = perform(company, handing_over(company))
    assert receipt.outcome is Outcome.FAILED
    assert "cannot get what others own" in receipt.detail
    assert ("notes", LEAVER) in owners(company, "sales")


def test_somebody_must_be_named(company: PostgresApp) -> None:
    """Without an account, a role in the step or one in the route, nothing moves; each of the last two is enough."""
    change = handing_over(company, to_account="")
    (receipt,) = perform(company, change)
    assert receipt.outcome is Outcome.FAILED
    assert "nobody is known who gets what it owns" in receipt.detail
    (receipt,) = perform(company, change, reassign_to=HEIR)
    assert receipt.outcome is Outcome.DONE, receipt


def test_a_role_that_owns_something_is_not_dropped(company: PostgresApp) -> None:
    """Nothing that a leaver owns is ever dropped with them; handed over, the role goes, and its privileges with it."""
    drop = on_account(read(company), Operation.DELETE_ACCOUNT, LEAVER)
    (receipt,) = perform(company, drop)
    assert receipt.outcome is Outcome.FAILED
    assert "still owns something in" in receipt.detail
    assert "transfer_files" in receipt.detail
    receipts = perform(company, handing_over(company), drop, drop)
    assert [each.outcome for each in receipts] == [Outcome.DONE] * 3, receipts
    assert company.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", LEAVER) == []


def test_privileges_that_only_somebody_else_can_take_are_named(company: PostgresApp) -> None:
    """The role is not dropped while it holds something that others granted; the server says where."""
    drop = on_account(read(company), Operation.DELETE_ACCOUNT, LEAVER)
    company.run_in("sales", "GRANT SELECT ON pg_class TO {}", LEAVER)
    _, receipt = perform(company, handing_over(company), drop)
    assert receipt.outcome is Outcome.FAILED
    assert "1 object in database sales" in receipt.detail
    company.run_in("sales", "REVOKE SELECT ON pg_class FROM {}", LEAVER)
    assert perform(company, drop)[0].outcome is Outcome.DONE


def test_what_others_hold_through_a_leaver_is_not_dropped_with_them(app: PostgresApp) -> None:
    """Privileges that a leaver passed on, and since 16 memberships, would vanish too: the role stays, and says so."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE sam LOGIN; CREATE ROLE ana LOGIN; CREATE ROLE team')
    drop = on_account(read(app), Operation.DELETE_ACCOUNT, "sam")
    app.run("GRANT CREATE ON DATABASE postgres TO sam WITH GRANT OPTION")
    app.run("SET ROLE sam; GRANT CREATE ON DATABASE postgres TO ana")
    (receipt,) = perform(app, drop)
    assert receipt.outcome is Outcome.FAILED
    assert "sam granted 1 privileges or memberships that others hold in postgres (pg_database)" in receipt.detail
    app.run("REVOKE CREATE ON DATABASE postgres FROM sam CASCADE")
    app.run(f'SET ROLE "{TOOL}"; GRANT team TO sam WITH ADMIN OPTION')
    app.run("SET ROLE sam; GRANT team TO ana")
    (receipt,) = perform(app, drop)
    assert app.rows("SELECT 1 FROM pg_auth_members WHERE member = 'ana'::regrole AND roleid = 'team'::regrole")
    if app.is_new:
        assert "others hold in postgres (team)" in receipt.detail
    else:
        assert receipt.outcome is Outcome.DONE


def test_settings_that_others_may_change_through_a_leaver_are_not_lost_with_them(app: PostgresApp) -> None:
    """Since 15 the right to change a setting is granted like any other; the server keeps the role, and says why."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE sam LOGIN; CREATE ROLE ana LOGIN')
    drop = on_account(read(app), Operation.DELETE_ACCOUNT, "sam")
    app.run("GRANT SET ON PARAMETER log_min_messages TO sam WITH GRANT OPTION")
    app.run("SET ROLE sam; GRANT SET ON PARAMETER log_min_messages TO ana")
    (receipt,) = perform(app, drop)
    assert receipt.outcome is Outcome.FAILED
    assert "privileges for parameter log_min_messages" in receipt.detail
    assert app.rows("SELECT 1 WHERE has_parameter_privilege('ana', 'log_min_messages', 'SET')")


def test_a_database_that_cannot_be_entered_is_named_before_anything_moves(company: PostgresApp) -> None:
    """All or nothing is not to be had over several databases, so it is looked first."""
    company.run("ALTER DATABASE sales ALLOW_CONNECTIONS false")
    (receipt,) = perform(company, handing_over(company))
    assert receipt.outcome is Outcome.FAILED
    assert "sales, which allows no connections" in receipt.detail
    assert ("notes", LEAVER) in owners(company, 'odd "name" %s')


def test_a_leavers_sessions_end_with_the_suspension(app: PostgresApp) -> None:
    """No login, no session left in any database; the role and what it owns stay."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE {{}} LOGIN', LEAVER)
    with closing(connect(app, user=LEAVER)) as one, closing(connect(app, "template1", user=LEAVER)) as two:
        (receipt,) = perform(app, on_account(read(app), Operation.SUSPEND_ACCOUNT, LEAVER))
        assert receipt.detail == "2 sessions ended"
        for session in (one, two):
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        connect(app, user=LEAVER)
    assert account(read(app), LEAVER).status is AccountStatus.SUSPENDED


def test_sessions_end_without_a_suspension(app: PostgresApp) -> None:
    """The step alone ends sessions, and is done where there are none."""
    app.run("CREATE ROLE sam LOGIN")
    change = on_account(read(app), Operation.END_SESSIONS, "sam")
    with closing(connect(app, user="sam")):
        assert [each.detail for each in perform(app, change, change)] == ["1 sessions ended", "it had no session"]


def test_a_suspension_says_so_where_sessions_could_not_be_ended(app: PostgresApp) -> None:
    """Without `pg_signal_backend` the login is gone, and the remark tells what is left."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE sam LOGIN')
    app.run("REVOKE pg_signal_backend FROM {}", TOOL)
    with closing(connect(app, user="sam")):
        (receipt,) = perform(app, on_account(read(app), Operation.SUSPEND_ACCOUNT, "sam"))
    assert receipt.outcome is Outcome.DONE
    assert "its open sessions could not be ended" in receipt.detail
