"""Locks, slow statements, broken connections, certificates: what stands between the tool and a server."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from postgres_driving import on_account, on_grant, perform, read
from postgres_harness import TOOL, PostgresApp
from postgres_proxy import LossyProxy
from support.certificate import write_certificate
from support.surroundings import surroundings

from providers.postgres.client import Server
from providers.postgres.config import PostgresConfig
from providers.postgres.provider import PostgresProvider
from providers.postgres.session import Session
from reconciler.errors import AnswerError, ProviderError, TransportError
from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")


async def no_wait(seconds: float) -> None:
    """Wait for nothing."""
    assert seconds > 0


def work(app: PostgresApp, do: Callable[[Session], object], waits: list[float], port: int = 0) -> None:
    """Write once, without waiting for real seconds."""

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def run() -> None:
        config = app.config(timeout=0.3, **({"port": port} if port else {}))
        server = Server(config, surroundings(), wait)
        try:
            await server.write(do)  # type: ignore[arg-type]
        finally:
            await server.close()

    asyncio.run(run())


def test_a_lock_is_not_waited_for_without_end(app: PostgresApp) -> None:
    """Somebody holds the row in a transaction of theirs: it is tried a few times, and then said."""
    with closing(psycopg.connect(app.dsn)) as other:
        other.execute("LOCK TABLE pg_shdescription IN ACCESS EXCLUSIVE MODE")
        waits: list[float] = []
        with pytest.raises(TransportError, match="lock timeout"):
            work(app, lambda session: session.rows("SELECT 1 FROM pg_shdescription"), waits)
        assert len(waits) == 3


def test_nobody_listens(app: PostgresApp) -> None:
    """A server that is not there is tried a few times, and then said to be so."""
    waits: list[float] = []
    with pytest.raises(TransportError, match="cannot connect"):
        work(app, lambda session: session.rows("SELECT 1"), waits, port=1)
    assert len(waits) == 3


def test_a_statement_ends_in_time(app: PostgresApp) -> None:
    """A statement has `timeout` seconds, and the server itself ends it."""
    waits: list[float] = []
    with pytest.raises(AnswerError, match="statement timeout"):
        work(app, lambda session: session.rows("SELECT pg_sleep(5)"), waits)
    assert waits == []


def test_a_broken_connection_is_made_anew(app: PostgresApp) -> None:
    """A failover in the middle of a run costs one more try, and nothing is done twice."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE team')

    async def run() -> list[Outcome]:
        async with PostgresProvider.open(app.config(), surroundings()) as provider:
            change = on_grant(await provider.read(), Operation.GRANT, "ana", "role:team", "member")
            await asyncio.to_thread(app.kick)
            return [(await provider.perform(change)).outcome, (await provider.perform(change)).outcome]

    assert asyncio.run(run()) == [Outcome.DONE] * 2


def test_a_server_that_falls_silent_is_given_up(app: PostgresApp) -> None:
    """A connection that stays open and says nothing ends the try, and later tries say the same; nothing hangs."""
    parts = psycopg.conninfo.conninfo_to_dict(app.dsn)

    async def run() -> str:
        async with LossyProxy(str(parts["host"]), int(str(parts["port"]))).serving() as proxy:
            silenced = PostgresApp(app.dsn, proxy)
            server = Server(silenced.config(timeout=0.5), surroundings(), no_wait, slack=0.3)

            async def fall_silent(session: Session) -> None:
                proxy.silent = True
                await session.rows("SELECT 1")

            try:
                with pytest.raises(TransportError) as caught:
                    await server.read(fall_silent)
            finally:
                await server.close()
        return caught.value.message

    assert asyncio.run(run()).startswith("acme: ")


def test_a_name_that_moves_between_look_and_commit_undoes_all(app: PostgresApp) -> None:
    """Statements know roles by names only: if a name is somebody else's at the end, nothing was done."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE bob LOGIN')
    swapped: list[int] = []

    async def grant(session: Session) -> None:
        session.rely_on("SELECT rolname::text FROM pg_roles WHERE oid = %s", oid, "ana")
        if not swapped:
            swapped.append(1)
            await asyncio.to_thread(app.run, "ALTER ROLE ana RENAME TO former")
            await asyncio.to_thread(app.run, "ALTER ROLE bob RENAME TO ana")
        await session.run("ALTER ROLE ana CONNECTION LIMIT 7")

    oid = app.rows("SELECT oid FROM pg_roles WHERE rolname = 'ana'")[0][0]
    with pytest.raises(TransportError, match="renamed or dropped meanwhile"):
        work(app, grant, [])
    assert app.rows("SELECT count(*) FROM pg_roles WHERE rolconnlimit = 7") == [(0,)]


@contextmanager
def tls(app: PostgresApp, certificate: Path) -> Iterator[None]:
    """Let the server speak TLS with a certificate."""
    (folder,) = app.rows("SHOW data_directory")[0]
    data = Path(folder)
    target = data / "test.pem"
    target.write_bytes(certificate.read_bytes())
    target.chmod(0o600)
    owner = data.stat()
    os.chown(target, owner.st_uid, owner.st_gid)
    for setting in ("ssl_cert_file", "ssl_key_file"):
        app.run(f"ALTER SYSTEM SET {setting} = '{target}'")
    app.run("ALTER SYSTEM SET ssl = on")
    app.rows("SELECT pg_reload_conf(), pg_sleep(0.2)")
    try:
        yield
    finally:
        for setting in ("ssl", "ssl_cert_file", "ssl_key_file"):
            app.run(f"ALTER SYSTEM RESET {setting}")
        app.rows("SELECT pg_reload_conf()")


def test_a_certificate_is_checked(app: PostgresApp, tmp_path: Path) -> None:
    """With `ca`, only a certificate of that authority is spoken to, and the name in it must be the host's."""
    ours, others = write_certificate(tmp_path / "ours.pem"), write_certificate(tmp_path / "others.pem")
    with tls(app, ours):
        assert read(app, ca=str(ours)).accounts
        with pytest.raises(AnswerError, match="certificate"):
            read(app, ca=str(others))
        with pytest.raises(AnswerError, match="certificate"):
            read(app, ca=str(ours), host="localhost")
        assert read(app, ca=str(ours), host="localhost", tls="verify-ca").accounts


def test_a_server_without_tls_is_not_spoken_to(app: PostgresApp, tmp_path: Path) -> None:
    """What the configuration asks for is not given up because the server cannot do it."""
    with pytest.raises(AnswerError, match="does not support SSL"):
        read(app, ca=str(write_certificate(tmp_path / "ours.pem")))


def test_nothing_travels_unprotected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any host but this machine is checked against the system's authorities; the environment changes nothing."""
    for name, value in {"PGHOSTADDR": "203.0.113.1", "PGSSLMODE": "disable", "PGPASSWORD": "hunter2"}.items():
        monkeypatch.setenv(name, value)
    config = PostgresConfig(host="db.acme.example", user="reconciler")
    options = Server(config, surroundings(read_only=True))._options("postgres")
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "system")
    assert (options["hostaddr"], options["password"], options["gssencmode"]) == ("", "", "disable")
    assert "default_transaction_read_only=on" in options["options"]


def test_without_psycopg_the_extra_is_named(app: PostgresApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration is known without psycopg; opening the provider says what to install."""
    for module in [name for name in sys.modules if name.startswith("providers.postgres.")]:
        if module.rpartition(".")[2] in {"client", "operations", "reading", "session", "grants", "accounts", "objects"}:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ProviderError, match="needs psycopg") as caught:
        PostgresProvider.open(app.config(), surroundings())
    assert "identity-reconciler[postgres]" in caught.value.hint


@pytest.mark.parametrize("host", ["a,b", "db host=evil", "x=y", ""])
def test_a_host_is_one_host(host: str) -> None:
    """Libpq would take more for a list, or for other settings."""
    with pytest.raises(ValueError, match="host"):
        PostgresConfig(host=host, user="reconciler")


def test_a_suspension_with_a_lost_answer_is_looked_up(app: PostgresApp) -> None:
    """Done twice is harmless: the second look sees that it is done."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN')
    change = on_account(read(app), Operation.SUSPEND_ACCOUNT, "ana")
    assert [each.outcome for each in perform(app, change, change)] == [Outcome.DONE] * 2
