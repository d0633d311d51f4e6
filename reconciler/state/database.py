"""The little that the tables need of a database: SQLite's own connections have it, others get it from an adapter.

Every statement in this folder is written so that SQLite and PostgreSQL understand it: `?` marks an argument, conflicts
name their columns, and what is set names its table where both rows of a conflict have it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol


class Rows(Protocol):
    """What a statement answered."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, None after the last."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """An open database, inside a transaction."""

    def execute(self, query: str, arguments: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, query: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Run a statement for each of many rows."""
        ...

    @property
    def total_changes(self) -> int:
        """How many rows were changed since it was opened."""
        ...
