"""Connections to one PostgreSQL server: transactions that only read, transactions that write, and what errors mean.

While planning, the server itself refuses every write: each connection is opened with `default_transaction_read_only`
and each transaction is READ ONLY, which nothing inside it can undo
(https://www.postgresql.org/docs/current/sql-set-transaction.html).
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql

from providers.postgres.config import PostgresConfig
from providers.postgres.queries import SYSTEM
from reconciler.errors import AnswerError, ProviderError, ReadOnlyError, TransportError
from reconciler.provider.answer import shorten
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import Redactor

_T = TypeVar("_T")
_LOG = logging.getLogger("reconciler.postgres")
_TRIES: Final = 4
_PASSING: Final = frozenset({"40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03"})
"""Serialization, deadlock, lock not to be had, too many connections, shut down, crashed, starting up."""
_ROW_IS_BUSY: Final = ("tuple concurrently updated", "tuple concurrently deleted")


class Session:
    """One transaction in one database.

    Attributes:
        version: the server's version, as libpq tells it (150004).
        system: the cluster's own identifier.
    """

    def __init__(self, connection: "psycopg.AsyncConnection[tuple[Any, ...]]", system: str, count: "Counter") -> None:
        self._connection = connection
        self._count = count
        self._names: list[tuple[LiteralString, int, str]] = []
        self.version = connection.info.server_version
        self.system = system

    async def rows(self, query: LiteralString, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        self._count.statements += 1
        return await (await self._connection.execute(query, arguments)).fetchall()

    async def apart(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return all rows of a query whose failure leaves the transaction as it is."""
        async with self._connection.transaction():
            return await self.rows(query)

    async def run(self, statement: LiteralString, **parts: sql.Composable) -> None:
        """Run a statement that writes; identifiers and literals in it are quoted by psycopg alone."""
        self._count.statements += 1
        composed = sql.SQL(statement).format(**parts)
        _LOG.debug("%s", composed.as_string(self._connection) if "secret" not in parts else statement)
        await self._connection.execute(composed)

    def scramble(self, password: str, user: str) -> str:
        """Return a password as the server keeps it, so that it travels nowhere, not even into the server's log."""
        made = self._connection.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256")
        return made.decode()

    def rely_on(self, query: LiteralString, oid: int, name: str) -> None:
        """Expect an object to have the name that statements call it by until the end of the transaction."""
        self._names.append((query, oid, name))

    def expect_renamed(self, oid: int, name: str) -> None:
        """Expect an object to have another name from now on, having been renamed."""
        self._names = [(query, of, name if of == oid else known) for query, of, known in self._names]

    def expect_dropped(self) -> None:
        """Expect nothing of names any more: what had them was dropped."""
        self._names.clear()

    async def check_names(self) -> None:
        """Refuse what was done if a name has become another object's meanwhile.

        Raises:
            TransportError: it has; nothing is committed.
        """
        for query, oid, name in self._names:
            found = await self.rows(query, (oid,))
            if not found or found[0][0] != name:
                raise TransportError(f"{name} was renamed or dropped meanwhile; nothing was done", landed=False)


class Counter:
    """How many statements were sent."""

    def __init__(self) -> None:
        self.statements = 0


class Server:
    """One server; opens one connection to each database that is asked for, one transaction at a time.

    Args:
        config: where it is.
        surroundings: whether writing is refused, and what secrets may be read.
        wait: how to wait between tries.
    """

    def __init__(
        self,
        config: PostgresConfig,
        surroundings: Surroundings,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._surroundings = surroundings
        self._wait = wait
        self._connections: dict[str, psycopg.AsyncConnection[tuple[Any, ...]]] = {}
        self._turn = asyncio.Lock()
        self._system = ""
        self._redactor = Redactor()
        self.count = Counter()

    async def close(self) -> None:
        """Close all connections."""
        connections, self._connections = list(self._connections.values()), {}
        for connection in connections:
            await connection.close()

    async def read(self, work: Callable[[Session], Awaitable[_T]], database: str = "") -> _T:
        """Do some work in a transaction that sees one moment and cannot write.

        Raises:
            TransportError: there is no connection, or it broke.
            AnswerError: the server refuses.
        """
        return await self._try("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work, database)

    async def write(self, work: Callable[[Session], Awaitable[_T]], database: str = "") -> _T:
        """Do some work in a transaction that may write. It may be done again, so it looks at what is there first.

        Raises:
            ReadOnlyError: while planning; nothing was sent.
            TransportError: see `read`; `landed` is None if it broke while it was being committed.
            AnswerError: see `read`.
        """
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{self._surroundings.app}: a change would be written while planning")
        return await self._try("BEGIN", work, database)

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
            connection = await self._connect(database or self._config.database)
            state = _Progress()
            async with self._explaining(connection, state):
                session = await self._begin(connection, begin)
                try:
                    result = await work(session)
                    await session.check_names()
                except BaseException:
                    with suppress(psycopg.Error):
                        await connection.execute("ROLLBACK")
                    raise
                state.committing = True
                await connection.execute("COMMIT")
                return result

    async def _begin(self, connection: "psycopg.AsyncConnection[tuple[Any, ...]]", begin: LiteralString) -> Session:
        await connection.execute(begin)
        if not self._system:
            row = await (await connection.execute(SYSTEM)).fetchone()
            self._system = str(row[0]) if row else ""
            self.count.statements += 1
        return Session(connection, self._system, self.count)

    async def _connect(self, database: str) -> "psycopg.AsyncConnection[tuple[Any, ...]]":
        """Return the connection to a database, a new one where there is none or it broke."""
        found = self._connections.get(database)
        if found is not None and not found.closed and not found.broken:
            return found
        options = self._options(database)
        try:
            made = await psycopg.AsyncConnection.connect(autocommit=True, prepare_threshold=None, **options)
        except psycopg.Error as error:
            raise self._refused_connection(error, database) from None
        self._connections[database] = made
        return made

    def _options(self, database: str) -> dict[str, Any]:
        """Return how to connect. Nothing is left to the environment: a password there is not meant for this server."""
        config = self._config
        password = config.password.reveal(self._surroundings) if config.password else ""
        self._redactor.add(password)
        milliseconds = int(config.timeout * 1000)
        read_only = "on" if self._surroundings.read_only else ""
        settings = {"search_path": "pg_catalog", "statement_timeout": milliseconds, "lock_timeout": milliseconds // 3}
        if read_only:
            settings["default_transaction_read_only"] = read_only
        tls = {"sslmode": "prefer"} if config.is_local and not config.ca else self._tls()
        return tls | {
            "host": config.host,
            "port": config.port,
            "user": config.user,
            "password": password,
            "passfile": os.devnull,
            "dbname": plain_name(database),
            "application_name": "identity-reconciler",
            "connect_timeout": max(2, int(min(config.timeout, 10))),
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
        refused = "password authentication failed" in words or "does not exist" in words or "permission denied" in words
        if (state and state not in _PASSING) or refused or "certificate" in words:
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
