"""A connection to PostgreSQL that understands the statements of this folder, and copies where there are many rows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ConfigurationError, StateError
from reconciler.state.database import Rows

if TYPE_CHECKING:
    import psycopg

_MANY: Final = 200
_INSERT: Final = re.compile(r"INSERT INTO (\w+)( AS \w+)? \(([^)]*)\) VALUES \(([^)]*)\)(.*)", re.DOTALL)
_WAIT: Final = "10s"
_WRITES: Final = ("INSERT ", "UPDATE ", "DELETE ")


class PostgresDatabase:
    """Makes a psycopg connection a `database.Database`.

    Args:
        connection: it, in autocommit: transactions are begun and ended by statements, as with SQLite.
    """

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.connection = connection
        self._changes = 0
        self._waiting: list[tuple[str, Sequence[Any], Later]] = []

    @property
    def total_changes(self) -> int:
        """Return how many rows were changed."""
        self.flush()
        return self._changes

    def execute(self, query: str, arguments: Sequence[Any] = (), /) -> Rows:
        """Run a statement; one whose answer nobody asks for goes to the server together with the next."""
        if query.startswith(_WRITES) and "RETURNING" not in query:
            self._waiting.append((query, arguments, Later(self)))
            return self._waiting[-1][2]
        if query == "ROLLBACK":
            self._waiting.clear()
        answer: Rows = self._send((query, arguments))
        return answer

    def flush(self) -> None:
        """Send what waits."""
        if self._waiting:
            self._send(None)

    def _send(self, last: tuple[str, Sequence[Any]] | None) -> Any:
        """Send what waits and another statement, all at once; return the other one's answer."""
        waiting, self._waiting = self._waiting, []
        if not waiting and last:
            return self._run(*last)
        with self.connection.pipeline():
            sent = [(later, self._run(query, arguments)) for query, arguments, later in waiting]
            answer = self._run(*last) if last else None
        for later, cursor in sent:
            later.count = cursor.rowcount
            self._changes += max(cursor.rowcount, 0)
        return answer

    def _run(self, query: str, arguments: Sequence[Any]) -> "psycopg.Cursor[tuple[Any, ...]]":
        return self.connection.execute(_translate(query).encode(), arguments)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement for each of many rows: a large insert is copied into a temporary table first."""
        self.flush()
        listed = list(rows)
        found = _INSERT.fullmatch(query)
        if not listed:
            return
        if found and len(listed) >= _MANY:
            self._copy(found, listed)
            return
        with self.connection.cursor() as cursor:
            cursor.executemany(_translate(query).encode(), listed)
            self._changes += max(cursor.rowcount, 0)

    def _copy(self, insert: re.Match[str], rows: list[Sequence[Any]]) -> None:
        table, alias, columns, values, rest = insert.groups("")
        names = [name.strip() for name in columns.split(",")]
        given = [name for name, value in zip(names, values.split(","), strict=True) if value.strip() == "?"]
        chosen = ", ".join(n if n in given else v.strip() for n, v in zip(names, values.split(","), strict=True))
        self.execute("DROP TABLE IF EXISTS pg_temp.incoming")
        self.execute(f"CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {', '.join(given)} FROM {table} LIMIT 0")  # noqa: S608 - our own tables
        with (
            self.connection.cursor() as cursor,
            cursor.copy(f"COPY pg_temp.incoming ({', '.join(given)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)
        self.execute(
            f"INSERT INTO {table}{alias} ({columns}) SELECT {chosen} FROM pg_temp.incoming WHERE true{rest}"  # noqa: S608 - same
        )


class Later:
    """The answer of a write that was not sent yet: only how many rows it changed is ever asked."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.count: int | None = None

    @property
    def rowcount(self) -> int:
        """Send it, and return how many rows it changed."""
        if self.count is None:
            self._database.flush()
        return self.count or 0

    def fetchone(self) -> None:
        """Return no row."""

    def fetchall(self) -> list[Any]:
        """Return no rows."""
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())


@cache
def _translate(query: str) -> str:
    """Return a statement with PostgreSQL's marks for arguments."""
    return query.replace("%", "%%").replace("?", "%s")


def connect(dsn: str, schema: str, *, read_only: bool) -> PostgresDatabase:
    """Connect, with every statement meant for the tables of one schema.

    Raises:
        ConfigurationError: psycopg is not installed.
        StateError: the server cannot be reached, or refuses; the message never holds the password.
    """
    try:
        import psycopg  # noqa: PLC0415 - an optional extra that only this back end needs
    except ImportError as error:
        raise ConfigurationError(
            "the PostgreSQL state needs psycopg, which is not installed",
            hint="install the extra: pip install 'identity-reconciler[postgres]'",
        ) from error
    try:
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10, application_name="reconciler")
    except psycopg.Error as error:
        # What psycopg says may hold the DSN; only what the server or the system said is kept.
        raise StateError(f"cannot connect: {_reason(error, dsn)}", hint="check `state.postgres.dsn`") from None
    database = PostgresDatabase(connection)
    database.execute("SELECT set_config('search_path', ?, false)", (f'"{schema}"',))
    database.execute("SELECT set_config('lock_timeout', ?, false)", (_WAIT,))
    if read_only:
        database.execute("SET default_transaction_read_only = on")
    return database


def _reason(error: "psycopg.Error", dsn: str) -> str:
    """Return the last line of an error, unless it repeats a part of the DSN that may be secret."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - see above
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - see above

    try:
        parts = conninfo_to_dict(dsn)
    except ProgrammingError:
        return "the DSN cannot be read"
    secrets = [str(value) for key, value in parts.items() if "password" in key and value]
    line = (str(error).strip() or "no reason given").splitlines()[-1]
    return "the server refused" if any(secret in line for secret in secrets) else line
