"""One transaction: queries, statements, and the names that they rely on."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from reconciler.errors import TransportError

_LOG = logging.getLogger("reconciler.postgres")


Arguments = Sequence[Any] | Mapping[str, Any]
"""What stands for the marks in a query."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection, with what is the same for all of it.

    Attributes:
        system: the cluster's own identifier.
        own: the oid of the role that is logged in.
        patience: seconds until a statement's answer is given up; the server itself ends the statement before that.
    """

    connection: "psycopg.AsyncConnection[tuple[Any, ...]]"
    system: str
    own: int
    patience: float

    async def execute(
        self, statement: "LiteralString | sql.Composed", arguments: "Arguments | None" = None
    ) -> "psycopg.AsyncCursor[tuple[Any, ...]]":
        """Send a statement; without arguments, a percent sign in it is itself.

        Raises:
            TimeoutError: no answer came, not even that it takes too long.
        """
        async with asyncio.timeout(self.patience):
            return await self.connection.execute(statement, arguments)


class Session:
    """One transaction in one database.

    Attributes:
        version: the server's version, as libpq tells it (150004).
        system: the cluster's own identifier.
        own: the oid of the role that is logged in.
        database: the name of the database.
    """

    def __init__(self, line: "Line", count: "Counter") -> None:
        self._line = line
        self._count = count
        self._names: list[tuple[LiteralString, int, str]] = []
        self.version = line.connection.info.server_version
        self.system = line.system
        self.own = line.own
        self.database = line.connection.info.dbname

    async def rows(self, query: LiteralString, arguments: Arguments | None = None) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        self._count.statements += 1
        return await (await self._line.execute(query, arguments)).fetchall()

    async def apart(self, query: LiteralString) -> list[tuple[Any, ...]]:
        """Return all rows of a query whose failure leaves the transaction as it is."""
        async with self._line.connection.transaction():
            return await self.rows(query)

    async def run(self, statement: LiteralString, **parts: sql.Composable) -> None:
        """Run a statement that writes; identifiers and literals in it are quoted by psycopg alone."""
        self._count.statements += 1
        composed = sql.SQL(statement).format(**parts)
        _LOG.debug("%s", composed.as_string(self._line.connection))
        await self._line.execute(composed)

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
