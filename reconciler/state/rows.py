"""The tables' rows as plain lists with names in them instead of numbers: what files, exports and moves are made of.

A list leaves out the values at its end that are as they would be without them, so that most grants are two or three
texts, and so that a column that is added later, with such a value, needs no new format.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from reconciler.errors import StateError
from reconciler.state.database import Database
from reconciler.state.names import FileNames

FORMAT: Final = 1
"""The number of this form of rows; a tool refuses what has a greater one."""

_NEEDED: Final = object()


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, those that name its rows first.

    Attributes:
        names: the columns that hold the number of a name; 0 stands for none.
        usual: column → the value that is left out at the end of a row.
    """

    name: str
    columns: tuple[str, ...]
    names: frozenset[str] = frozenset()
    usual: Mapping[str, Any] | None = None

    @property
    def by_app(self) -> bool:
        """Whether each row belongs to one app."""
        return self.columns[0] == "app"

    @property
    def endings(self) -> list[Any]:
        """The values that are left out at the end of a row, by their position; `_NEEDED` where none is."""
        usual = self.usual or {}
        return [usual.get(column, _NEEDED) for column in self.columns]


def _table(name: str, columns: str, *, names: str = "app", usual: Mapping[str, Any] | None = None) -> Table:
    return Table(name, tuple(columns.split()), frozenset(names.split()), usual)


_OPEN = {"pending": 0, "fresh": 0}
_NO_NAMES = ""

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        _table("apps", "app known generation"),
        _table(
            "accounts",
            "app holder remote_id username status attributes since unfinished pending fresh",
            names="app holder",
            usual={"attributes": "{}", "since": None, "unfinished": "[]", **_OPEN},
        ),
        _table(
            "entitlements",
            "app entitlement remote_id attributes created pending fresh",
            names="app entitlement",
            usual={"attributes": "{}", "created": 0, **_OPEN},
        ),
        _table(
            "grants",
            "app holder entitlement level pending fresh",
            names="app holder entitlement level",
            usual={"level": None, **_OPEN},
        ),
        _table("counts", "app collection items"),
        _table("readings", "app number at"),
        _table(
            "held",
            "app holder entitlement first level gone",
            names="app holder entitlement level",
            usual={"level": None, "gone": 0},
        ),
        _table(
            "runs",
            "number id plan_digest operator machine started_at reason ended_at summary",
            names=_NO_NAMES,
            usual={"ended_at": None, "summary": ""},
        ),
        _table(
            "journal",
            "number run app change_id change previous intended_at outcome detail ended_at",
            names=_NO_NAMES,
            usual={"outcome": "", "detail": "", "ended_at": None},
        ),
        _table("audit", "number at kind body previous digest", names=_NO_NAMES),
    )
}
"""Every table but `meta`, `names` and `lock`, in the order in which they are written."""


def take_out(  # noqa: PLR0913 - of what, which rows, and what is kept beside it
    database: Database,
    names: FileNames,
    table: Table,
    condition: str = "true",
    arguments: Sequence[Any] = (),
    *,
    folded: Sequence[Sequence[int]] = (),
) -> list[list[Any]]:
    """Return rows of a table as plain lists, sorted; `folded` are more of them, their usual endings left out."""
    texts = names.all()
    query = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {condition}"  # noqa: S608 - our own tables
    listed = database.execute(query, arguments).fetchall()
    listed += [(*row, *table.endings[len(row) :]) for row in folded]
    columns: list[Sequence[Any]] = list(zip(*listed, strict=True))
    for index in _numbered(table) if columns else ():
        columns[index] = [texts[number] for number in columns[index]]
    endings = table.endings
    while columns and columns[-1].count(endings[len(columns) - 1]) == len(columns[-1]):
        columns.pop()
    rows = list(map(list, zip(*columns, strict=True)))
    for row in rows:
        while row[-1] == endings[len(row) - 1]:
            row.pop()
    rows.sort()
    return rows


def _numbered(table: Table) -> list[int]:
    return [index for index, column in enumerate(table.columns) if column in table.names]


def put_in(database: Database, names: FileNames, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Add rows that `take_out` returned.

    Raises:
        StateError: a row is none of this table.
    """
    endings = table.endings
    filled = [[*row, *endings[len(row) :]] for row in rows]
    if any(len(row) != len(endings) or _NEEDED in row for row in filled):
        raise StateError(f"a row of {table.name} has too few or too many values", hint="restore it from a backup")
    indexes = _numbered(table)
    wanted = {row[index] for index in indexes for row in filled} - {None}
    if not all(isinstance(name, str) for name in wanted):
        raise StateError(f"a row of {table.name} names something by no text", hint="restore the state from a backup")
    numbers = names.numbers(wanted)
    for row in filled:
        for index in indexes:
            name = row[index]
            row[index] = 0 if name is None else numbers[name]
    marks = ", ".join("?" * len(table.columns))
    query = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})"  # noqa: S608 - our own tables
    database.executemany(query, filled)
