"""The state in PostgreSQL, on a real server: whose schema, which format, what planning may do, and what is told."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError, LockError, SecretError, StateError
from reconciler.items import Names
from reconciler.model.company import Settings
from reconciler.state.contract import Adoption, AppliedAccount
from reconciler.state.open import open_state

psycopg = pytest.importorskip("psycopg", reason="psycopg (pip install identity-reconciler[postgres])")

from reconciler.state.postgres import PostgresStore  # noqa: E402 - where psycopg is
from reconciler.state.postgres_database import connect  # noqa: E402 - same
from reconciler.state.postgres_schema import STEPS, migrate  # noqa: E402 - same

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOME = Adoption({"ana": AppliedAccount("u1")}, grants=[("ana", "team:x", "write")])


@pytest.fixture
def schema() -> str:
    """Return the name of a schema that is not there."""
    return f"s{uuid.uuid4().hex}"


def execute(dsn: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement beside the tool."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def test_planning_makes_no_schema_and_the_server_itself_refuses_writes(postgres_dsn: str, schema: str) -> None:
    """A missing schema is an empty state; in one that is there, not even a fault of ours could write."""
    with PostgresStore(postgres_dsn, schema=schema, read_only=True) as store:
        assert store.apps() == []
        assert store.holder() is None
        with pytest.raises(StateError, match="never writes"):
            store.adopt("chat", SOME)
    assert execute(postgres_dsn, f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'") == []  # noqa: S608 - our own schema
    with PostgresStore(postgres_dsn, schema=schema) as store:
        store.adopt("chat", SOME)
    with PostgresStore(postgres_dsn, schema=schema, read_only=True) as store:
        assert store.load("chat", Names()).accounts == SOME.accounts
        with pytest.raises(StateError, match="read-only"), store._reading() as database:
            database.execute("DELETE FROM accounts")


def test_a_newer_state_is_refused(postgres_dsn: str, schema: str) -> None:
    """An older tool says that it is what must be updated."""
    PostgresStore(postgres_dsn, schema=schema).close()
    execute(postgres_dsn, f"UPDATE {schema}.meta SET format = 99")  # noqa: S608 - our own schema
    for read_only in (True, False):
        with pytest.raises(StateError, match="format 99") as refused:
            PostgresStore(postgres_dsn, schema=schema, read_only=read_only)
        assert "update the tool" in refused.value.hint


def test_an_older_state_is_brought_forward(postgres_dsn: str, schema: str) -> None:
    """A step of the future runs once, and what was there stays."""
    with PostgresStore(postgres_dsn, schema=schema) as store:
        store.adopt("chat", SOME)
    database = connect(postgres_dsn, schema, read_only=False)
    for _ in range(2):
        migrate(database, schema, (*STEPS, "CREATE TABLE extra (a INTEGER);\nINSERT INTO extra VALUES (1);\n"))
    assert database.execute("SELECT a FROM extra").fetchall() == [(1,)]
    assert database.execute("SELECT count(*) FROM accounts").fetchone() == (1,)
    database.connection.close()


def test_somebody_elses_schema_is_not_ours(postgres_dsn: str, schema: str) -> None:
    """It is refused before anything is made in it."""
    execute(postgres_dsn, f"CREATE SCHEMA {schema}")
    execute(postgres_dsn, f"CREATE TABLE {schema}.theirs (a INTEGER)")
    with pytest.raises(StateError, match="no state"):
        PostgresStore(postgres_dsn, schema=schema)
    found = execute(postgres_dsn, f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")  # noqa: S608 - our own schema
    assert found == [("theirs",)]


def test_a_connection_that_is_lost_is_an_error_and_its_lock_is_free(postgres_dsn: str, schema: str) -> None:
    """Nothing of the transaction is kept; the next run takes the lock over, and the old one stays out."""
    store = PostgresStore(postgres_dsn, schema=schema)
    store.lock("ana", "apply", NOW)
    execute(postgres_dsn, f"SELECT pg_terminate_backend({store._server.connection.info.backend_pid})")
    with pytest.raises(StateError, match="postgres") as refused:
        store.adopt("chat", SOME)
    assert "looked up in the apps" in refused.value.hint
    with PostgresStore(postgres_dsn, schema=schema) as other:
        other.lock("bob", "apply", NOW, wait=5)
        assert other.apps() == []
    with pytest.raises(StateError):
        store.adopt("chat", SOME)
    store.close()


def test_an_idle_writer_keeps_others_waiting_no_longer_than_told(postgres_dsn: str, schema: str) -> None:
    """A transaction that never ends is told as such."""
    with PostgresStore(postgres_dsn, schema=schema) as store, PostgresStore(postgres_dsn, schema=schema) as other:
        other._server.execute("SELECT set_config('lock_timeout', '200ms', false)")
        with store._transaction(), pytest.raises(StateError, match="lock timeout") as refused:
            other.adopt("chat", SOME)
        assert not isinstance(refused.value, LockError)
        assert "try again" in refused.value.hint


def test_the_connection_string_is_a_secret(
    postgres_dsn: str, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes from a reference; one with a password in the YAML is refused, and no error repeats one."""
    monkeypatch.setenv("STATE_DSN", postgres_dsn)
    options = {"dsn": {"env": "STATE_DSN"}, "schema": schema}
    with open_state(Settings(tmp_path, state={"postgres": options})) as store:
        assert store.name == "postgres"
    with pytest.raises(SecretError, match="may not be read"):
        open_state(Settings(tmp_path, state={"postgres": options}, secrets_env=("OTHER",)))
    for written in ("postgresql://u:canary-secret@localhost/x", "host=x password=canary-secret", None, {"env": "a b"}):
        with pytest.raises(ConfigurationError, match="dsn") as refused:
            open_state(Settings(tmp_path, state={"postgres": {"dsn": written}}))
        assert "canary" not in str(refused.value)
    for bad in ("host=127.0.0.1 port=9 password=canary-secret", "postgresql://u:canary-secret@[x", "canary-secret"):
        monkeypatch.setenv("STATE_DSN", bad)
        with pytest.raises(StateError, match="cannot connect") as failed:
            open_state(Settings(tmp_path, state={"postgres": options}))
        assert "canary" not in str(failed.value)


@pytest.mark.parametrize("options", [{"schema": "x; DROP"}, {"schema": 3}, {"tables": "x"}])
def test_unusable_options_are_told(tmp_path: Path, options: dict[str, object]) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigurationError, match=r"state\.postgres"):
        open_state(Settings(tmp_path, state={"postgres": {"dsn": "host=127.0.0.1", **options}}))
