"""Connections to one PostgreSQL server: transactions that only read, transactions that write, and what errors mean.

While planning, the server itself refuses every write: each connection is opened with `default_transaction_read_only`,
each transaction is READ ONLY, which nothing inside it can undo once it has read
(https://www.postgresql.org/docs/current/sql-set-transaction.html), and both are asked for, not hoped for: a pooler in
between may drop what a connection was opened with.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, LiteralString, TypeVar

import psycopg

from providers.postgres.config import PostgresConfig
from providers.postgres.queries import READ_ONLY, SYSTEM
from providers.postgres.session import Counter, Line, Session
from reconciler.errors import AnswerError, ProviderError, ReadOnlyError, TransportError
from reconciler.provider.answer import shorten
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import Redactor

_T = TypeVar("_T")
_TRIES: Final = 4
_READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING: Final = "BEGIN"
OLDEST: Final = 140000
"""The oldest version that is still maintained, as libpq tells it."""
_PASSING: Final = frozenset({"40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"})
"""Serialization, deadlock, lock not to be had, too many connections, shut down, crashed, starting up."""
_REFUSALS: Final = (
    "password authentication failed",
    "does not exist",
    "permission denied",
    "not permitted to log in",
    "no pg_hba.conf entry",
    "certificate",
    "does not support SSL",
)
"""What another try does not change; a connection that was refused has no code."""
_ROW_IS_BUSY: Final = ("tuple concurrently updated", "tuple concurrently deleted")


class Server:
    """One server; opens one connection to each database that is asked for, one transaction at a time.

    Args:
        config: where it is.
        surroundings: whether writing is refused, and what secrets may be read.
        wait: how to wait between tries.
        slack: seconds for an answer to travel, beyond what the server may take for a statement.
    """

    def __init__(
        self,
        config: PostgresConfig,
        surroundings: Surroundings,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        slack: float = 5.0,
    ) -> None:
        self._config = config
        self._surroundings = surroundings
        self._wait = wait
        self._lines: dict[str, Line] = {}
        self._turn = asyncio.Lock()
        self._redactor = Redactor()
        self._patience = config.timeout + slack
        self.count = Counter()

    async def close(self) -> None:
        """Close all connections."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            await line.connection.close()

    async def read(self, work: Callable[[Session], Awaitable[_T]], database: str = "") -> _T:
        """Do some work in a transaction that sees one moment and cannot write.

        Raises:
            TransportError: there is no connection, or it broke.
            AnswerError: the server refuses.
        """
        return await self._try(_READING, work, database)

    async def write(self, work: Callable[[Session], Awaitable[_T]], database: str = "") -> _T:
        """Do some work in a transaction that may write. It may be done again, so it looks at what is there first.

        Raises:
            ReadOnlyError: while planning; nothing was sent.
            TransportError: see `read`; `landed` is None if it broke while it was being committed.
            AnswerError: see `read`.
        """
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{self._surroundings.app}: a change would be written while planning")
        return await self._try(_WRITING, work, database)

    async def _try(self, begin: LiteralString, work: Callable[[Session], Awaitable[_T]], database: str) -> _T:
        """Try a few times, as long as what is in the way may pass."""
        landed: bool | None = False
        for number in range(_TRIES):
            if number:
                await self._wait(0.1 * 2**number)
            try:
                return await self._once(begin, work, database)
            except AnswerError:
                raise
            except TransportError as error:
                landed = None if error.landed is None else landed
                if number == _TRIES - 1:
                    error.landed = landed
                    raise
        raise AssertionError("the last try ends with an answer or an error")

    async def _once(self, begin: LiteralString, work: Callable[[Session], Awaitable[_T]], database: str) -> _T:
        async with self._turn:
            line = await self._connect(database or self._config.database)
            connection = line.connection
            state = _Progress()
            async with self._explaining(connection, state):
                await line.execute(begin)
                session = Session(line, self.count)
                if begin == _READING:
                    await self._expect_read_only(await session.rows(READ_ONLY))
                try:
                    result = await work(session)
                    await session.check_names()
                except BaseException:
                    with suppress(psycopg.Error, TimeoutError):
                        await line.execute("ROLLBACK")
                    raise
                state.committing = True
                await line.execute("COMMIT")
                return result

    async def _expect_read_only(self, rows: list[tuple[Any, ...]]) -> None:
        """Refuse to go on in a transaction that could write.

        Raises:
            ReadOnlyError: it could.
        """
        if rows != [("on",)]:
            raise ReadOnlyError(f"{self._surroundings.app}: the server does not keep to READ ONLY; nothing was done")

    async def _connect(self, database: str) -> "Line":
        """Return the connection to a database, a new one where there is none or it broke.

        Besides the usual database only one more stays connected: a cluster may have hundreds.
        """
        found = self._lines.get(database)
        if found is not None and not found.connection.closed and not found.connection.broken:
            return found
        for other in [name for name in self._lines if name not in (database, self._config.database)]:
            await self._lines.pop(other).connection.close()
        try:
            connection = await psycopg.AsyncConnection.connect(
                autocommit=True, prepare_threshold=None, **self._options(database)
            )
        except psycopg.Error as error:
            raise self._refused_connection(error, database) from None
        try:
            async with self._explaining(connection, _Progress()):
                line = self._lines[database] = await self._inspect(connection)
        except BaseException:
            await connection.close()
            raise
        return line

    async def _inspect(self, connection: "psycopg.AsyncConnection[tuple[Any, ...]]") -> "Line":
        """Ask a new connection which cluster it is, who we are, and whether it only reads where it must.

        Raises:
            ProviderError: the server is too old.
            ReadOnlyError: something in between dropped `default_transaction_read_only`.
        """
        app = self._surroundings.app
        if connection.info.server_version < OLDEST:
            raise ProviderError(f"{app}: the server is older than PostgreSQL {OLDEST // 10000}")
        self.count.statements += 1
        async with asyncio.timeout(self._patience):
            row = await (await connection.execute(SYSTEM)).fetchone()
        if row is None:
            raise ProviderError(f"{app}: the server does not say which role is logged in")
        if self._surroundings.read_only and row[2] != "on":
            hint = "connect to the server itself: a pooler in between drops what the connection was opened with"
            raise ReadOnlyError(f"{app}: the connection could write while planning; nothing was read", hint=hint)
        return Line(connection, str(row[0]), int(row[1]), self._patience)

    def _options(self, database: str) -> dict[str, Any]:
        """Return how to connect. Nothing is left to the environment: a password there is not meant for this server."""
        config = self._config
        password = config.password.reveal(self._surroundings) if config.password else ""
        self._redactor.add(password)
        milliseconds = int(config.timeout * 1000)
        settings = {
            "search_path": "pg_catalog",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds // 3,
            "idle_in_transaction_session_timeout": 2 * milliseconds,
        }
        if self._surroundings.read_only:
            settings["default_transaction_read_only"] = "on"
        tls = {"sslmode": "prefer"} if config.is_local and not config.ca else self._tls()
        return tls | {
            "host": config.host,
            "hostaddr": "",
            "gssencmode": "disable",
            "port": config.port,
            "user": config.user,
            "password": password,
            "passfile": os.devnull,
            "dbname": plain_name(database),
            "application_name": "identity-reconciler",
            "connect_timeout": max(2, int(min(config.timeout, 10))),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        }

    def _tls(self) -> dict[str, str]:
        ca = self._config.ca
        root = str(self._surroundings.root / ca) if ca else "system"
        return {"sslmode": self._config.tls if ca else "verify-full", "sslrootcert": root}

    def _refused_connection(self, error: "psycopg.Error", database: str) -> TransportError:
        """Return what a connection that was not made means; the message never holds the password."""
        words = self._words(error)
        where = f"{self._surroundings.app}: cannot connect to the database {database}: {words}"
        state = error.sqlstate or ""
        if (state and state not in _PASSING) or any(refusal in words for refusal in _REFUSALS):
            hint = "are `user`, `password` and `database` right, and does pg_hba.conf let it in?"
            return AnswerError(where, status=0, code=state, hint=hint)
        return TransportError(where, landed=False)

    @asynccontextmanager
    async def _explaining(
        self, connection: "psycopg.AsyncConnection[tuple[Any, ...]]", state: "_Progress"
    ) -> AsyncIterator[None]:
        """Turn errors of the server and of the connection into ours; close what cannot be used any more."""
        try:
            yield
        except psycopg.Error as error:
            lost = connection.closed or connection.broken
            if lost:
                with suppress(psycopg.Error):
                    await connection.close()
            raise self._meaning(error, lost=lost, committing=state.committing) from None
        except TimeoutError:
            await connection.close()
            words = f"{self._surroundings.app}: the server does not answer any more"
            raise TransportError(words, landed=None if state.committing else False) from None
        except BaseException:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                await connection.close()
            raise

    def _meaning(self, error: "psycopg.Error", *, lost: bool, committing: bool) -> ProviderError:
        """Return whether another try can help, and whether something may have been done."""
        words = f"{self._surroundings.app}: {self._words(error)}"
        state = error.sqlstate or ""
        if lost:
            return TransportError(words, landed=None if committing else False)
        if state in _PASSING or any(busy in words for busy in _ROW_IS_BUSY):
            return TransportError(words, landed=False)
        return AnswerError(words, status=0, code=state)

    def _words(self, error: "psycopg.Error") -> str:
        """Return the server's own words, without what might quote a statement."""
        told = [error.diag.message_primary, error.diag.message_detail, error.diag.message_hint]
        words = "; ".join(filter(None, told)) or (str(error).strip().splitlines() or [type(error).__name__])[-1]
        return shorten(self._redactor.clean(words), 500)


class _Progress:
    """How far a transaction has come."""

    def __init__(self) -> None:
        self.committing = False


def plain_name(database: str) -> str:
    """Return a database's name; libpq would take `host=evil` or a URI in it for a whole connection string.

    Raises:
        ProviderError: it looks like one.
    """
    if "=" in database or "://" in database:
        raise ProviderError(f"the database {database} has a name that cannot be connected to safely")
    return database
