"""The embedded state back end: one SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from reconciler.errors import StateError
from reconciler.state.file import explaining, open_for_reading, open_for_writing
from reconciler.state.history import held_blocks
from reconciler.state.lock import FileLock, TableLock
from reconciler.state.names import FileNames
from reconciler.state.tables import TableStore


class SqliteStore(TableStore):
    """The state in one SQLite file; see `contract.StateStore` for what the methods promise.

    Args:
        path: the file. It is made, private, where it is missing.
        read_only: open it for planning: nothing is written, and a missing file is an empty state.

    Raises:
        StateError: it cannot be opened, is damaged, is not ours, or is newer than this tool.
    """

    name: ClassVar[str] = "sqlite"
    _database: sqlite3.Connection

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._database = open_for_reading(path) if read_only else open_for_writing(path)
        self._names = FileNames(self._database)
        self._held = held_blocks(self._database)
        self._lock: TableLock = FileLock(self._database, path)

    def close(self) -> None:
        """Give the lock back and close the file."""
        try:
            self.unlock()
        finally:
            self._database.close()

    def _begin(self, statement: str) -> None:
        """Begin a transaction; give up one that an interruption (Ctrl-C) kept from being ended."""
        if self._database.in_transaction:
            self._names.forget()
            self._database.execute("ROLLBACK")
        self._database.execute(statement)

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """See one moment of the file."""
        with explaining(self.path):
            self._begin("BEGIN")
            try:
                yield self._database
            finally:
                if self._database.in_transaction:
                    self._database.execute("COMMIT")

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with explaining(self.path):
            if self._read_only:
                raise StateError("it was opened for planning, which never writes", hint="this is a fault of the caller")
            self._begin("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                self._names.forget()
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
