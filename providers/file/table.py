"""What both formats are to the rest: columns of values in chunks for reading, rows that can be edited for writing."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias, TypeVar

from reconciler.errors import ProviderError

Cell: TypeAlias = "str | int | float | bool | list[object] | dict[str, object] | None"
"""One value: text in CSV, any JSON value in JSON."""

SHOWN = 3
Item = TypeVar("Item")


class Table(Protocol):
    """A file of rows, as it is read: once, column by column."""

    path: str

    def chunks(self, columns: Sequence[str]) -> Iterator[list[Sequence[Cell]]]:
        """Yield the values of some columns, several thousand rows at a time; each chunk has a sequence for each column.

        Raises:
            ProviderError: a column is missing, or a row is broken; the message names file and line.
        """
        ...

    def line(self, index: int) -> int:
        """Return the line of row `index` (from 0); slow, for messages."""
        ...


class Row(Protocol):
    """One row that can be changed in place."""

    def get(self, column: str) -> Cell:
        """Return a value; an absent one is empty."""
        ...

    def set(self, column: str, value: Cell) -> None:
        """Change one value and nothing else of the row."""
        ...


class Sheet(Protocol):
    """A file of rows, as it is edited. What is not touched keeps every byte."""

    path: str

    def rows(self) -> Sequence[Row]:
        """Return all rows, in the order of the file."""
        ...

    def append(self, values: Mapping[str, Cell], *, like: Row | None = None) -> Row:
        """Add a row: at the end, or right after `like`, whose other values it takes over."""
        ...

    def remove(self, row: Row) -> None:
        """Take a row out."""
        ...

    def text(self) -> str:
        """Return the whole file as it is now."""
        ...


def find_column(path: str, header: Sequence[str], column: str, *, line: int, hint: str = "") -> int:
    """Return the index of a column.

    Args:
        path: the file, for messages.
        header: the names of the columns.
        column: the one that is looked for.
        line: where the header is.
        hint: what to do if it is not there, where more is known than which columns there are.

    Raises:
        ProviderError: there is no such column, or there are two; the message says what to do.
    """
    if header.count(column) == 1:
        return header.index(column)
    if column in header:
        again = "give one of them another name in the export, or leave it out"
        raise fault(path, line, f"the header has the column {column!r} twice", hint=again)
    known = f"its columns are: {', '.join(filter(None, header))}"
    raise fault(path, line, f"there is no column {column!r}", hint=hint or known)


def all_but_last(rows: Iterator[Item], count: int) -> Iterator[Item]:
    """Yield rows without the last ones."""
    held: deque[Item] = deque()
    for row in rows:
        held.append(row)
        if len(held) > count:
            yield held.popleft()


def fault(path: str, line: int, message: str, *, hint: str = "") -> ProviderError:
    """Make the error for something that is wrong in one line."""
    return ProviderError(f"{path}:{line}: {message}" if line else f"{path}: {message}", hint=hint)


def as_text(value: object) -> str:
    """Return a cell as stripped text: nothing for None, `true` and `false` as JSON writes them."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
