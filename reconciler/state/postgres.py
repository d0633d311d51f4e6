"""The state of a team with many apps: one schema in a PostgreSQL database."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

from reconciler.errors import StateError
from reconciler.state.database import Database
from reconciler.state.file import empty_in_memory
from reconciler.state.folding import FoldingStore
from reconciler.state.history import held_blocks
from reconciler.state.lock import TableLock
from reconciler.state.names import FileNames
from reconciler.state.postgres_database import PostgresDatabase, connect
from reconciler.state.postgres_lock import PostgresLock
from reconciler.state.postgres_schema import STEPS, format_of, migrate

if TYPE_CHECKING:
    import sqlite3

    import psycopg

DEFAULT_SCHEMA = "reconciler"


class PostgresStore(FoldingStore):
    """The state in one schema of a PostgreSQL database; see `contract.StateStore` for what the methods promise.

    Args:
        dsn: a connection string or URI, as libpq reads it.
        schema: where the tables lie. It is made where it is missing.
        read_only: open it for planning: nothing is written, and a missing schema is an empty state.

    Raises:
        ConfigurationError: psycopg is not installed.
        StateError: the database cannot be reached, the schema is not ours, or is newer than this tool.
    """

    name: ClassVar[str] = "postgres"
    pause: ClassVar[float] = 0.25

    def __init__(self, dsn: str, *, schema: str = DEFAULT_SCHEMA, read_only: bool = False) -> None:
        self._schema = schema
        self._read_only = read_only
        self._server = connect(dsn, schema, read_only=read_only)
        self._empty: sqlite3.Connection | None = None
        self._database: Database = self._server
        try:
            with explaining(self._server.connection):
                self._open()
        except BaseException:
            self._server.connection.close()
            raise
        self._names = FileNames(self._database)
        self._fold_grants(self._database)
        self._held = held_blocks(self._database)
        self._lock: TableLock = (TableLock if self._empty else PostgresLock)(self._database)

    def _open(self) -> None:
        """Bring the tables up to date; for planning, only check that they are."""
        if not self._read_only:
            with _transaction(self._server):
                self._server.execute("SELECT pg_advisory_xact_lock(hashtext(?))", (f"reconciler {self._schema}",))
                self._server.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
                migrate(self._server, self._schema)
            return
        found = format_of(self._server, self._schema)
        if found == 0:
            self._empty = self._database = empty_in_memory()
        elif found < len(STEPS):
            raise StateError(
                f"it has the older format {found}, and planning never writes",
                hint="`reconciler state repair` with an account that may write brings it forward",
            )

    @property
    def readers(self) -> str:
        """Say who can read the state."""
        return f"kept in the schema {self._schema}: every role that may read its tables can read it"

    def close(self) -> None:
        """Give the lock back and close the connection."""
        try:
            if not self._server.connection.closed:
                self.unlock()
        finally:
            self._server.connection.close()
            if self._empty is not None:
                self._empty.close()

    def _number_on(self, database: Database) -> None:
        """Let the sequences go on after what was put in with numbers of its own."""
        for table in ("runs", "journal", "readings"):
            last = f"SELECT max(number) FROM {table}"  # noqa: S608 - our own tables
            database.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'number'), ({last})) WHERE ({last}) > 0")

    @contextmanager
    def _read(self) -> Iterator[Database]:
        """See one moment of the database."""
        if self._empty is not None:
            yield self._empty
            return
        with explaining(self._server.connection), _transaction(self._server, " ISOLATION LEVEL REPEATABLE READ"):
            yield self._server

    @contextmanager
    def _write(self) -> Iterator[Database]:
        """Write in one transaction; the row of `meta` keeps all other writers out."""
        if self._read_only:
            raise StateError("it was opened for planning, which never writes", hint="this is a fault of the caller")
        try:
            with explaining(self._server.connection), _transaction(self._server):
                self._server.execute("SELECT fence FROM meta FOR UPDATE")
                yield self._server
        except BaseException:
            self._names.forget()
            raise


@contextmanager
def _transaction(server: PostgresDatabase, how: str = "") -> Iterator[None]:
    import psycopg  # noqa: PLC0415 - an optional extra; it is there, or nothing would be connected

    server.execute(f"BEGIN{how}")
    try:
        yield
        server.execute("COMMIT")
    except BaseException:
        with suppress(psycopg.Error):
            server.execute("ROLLBACK")
        raise


@contextmanager
def explaining(connection: "psycopg.Connection[tuple[object, ...]]") -> Iterator[None]:
    """Turn errors of the server and of the connection into a StateError that names the database and says what to do."""
    import psycopg  # noqa: PLC0415 - see above

    where = f"postgres {connection.info.dbname if not connection.closed else ''}".rstrip()
    try:
        yield
    except StateError as error:
        if error.message.startswith(where):
            raise
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from error
    except psycopg.errors.LockNotAvailable as error:
        raise StateError(
            f"{where}: {error}", hint="another command is writing the state: try again when it is done"
        ) from error
    except psycopg.OperationalError as error:
        raise StateError(
            f"{where}: {error}", hint="run it again when the database is there: what was begun is looked up in the apps"
        ) from error
    except psycopg.Error as error:
        raise StateError(f"{where}: {error}", hint="check the database and the permissions on its tables") from error
