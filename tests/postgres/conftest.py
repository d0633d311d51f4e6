"""One real PostgreSQL server for all tests of the provider."""

from collections.abc import Iterator

import psycopg
import pytest
from postgres_harness import PASSWORD, PostgresApp
from support.postgres_server import find_binaries, running_postgres

from reconciler.provider.conformance.harness import World


@pytest.fixture(scope="session")
def postgres_app_dsn() -> Iterator[str]:
    """Run a server; its disk may forget, no test outlives it."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL (Debian: postgresql)")
    with running_postgres(binaries) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
        yield dsn


@pytest.fixture(autouse=True)
def _server(postgres_app_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_TEST_DSN", postgres_app_dsn)
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)


@pytest.fixture
def app(postgres_app_dsn: str) -> PostgresApp:
    """Return the server with nothing in it but the tool's own role."""
    made = PostgresApp(postgres_app_dsn)
    made.reset(World())
    return made
