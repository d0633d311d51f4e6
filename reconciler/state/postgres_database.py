"""A connection to PostgreSQL that understands the statements of this folder, and copies where there are many rows."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import ConfigurationError, StateError

if TYPE_CHECKING:
    import psycopg

_MANY: Final = 200
_INSERT: Final = re.compile(r"INSERT INTO (\w+)( AS \w+)? \(([^)]*)\) VALUES \(([^)]*)\)(.*)", re.DOTALL)
_WAIT: Final = "10s"


class PostgresDatabase:
    """Makes a psycopg connection a `database.Database`.

    Args:
        connection: it, in autocommit: transactions are begun and ended by statements, as with SQLite.
    """

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self.connection = connection
        self._changes = 0

    @property
    def total_changes(self) -> int:
        """Return how many rows were changed."""
        return self._changes

    def execute(self, query: str, arguments: Sequence[Any] = (), /) -> "psycopg.Cursor[tuple[Any, ...]]":
        """Run a statement."""
        cursor = self.connection.execute(_translate(query).encode(), arguments)
        if not query.startswith("SELECT"):
            self._changes += max(cursor.rowcount, 0)
        return cursor

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> None:
        """Run a statement for each of many rows: a large insert is copied into a temporary table first."""
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
