"""Settled rows, packed: a row of a database costs several times its content, and most rows never change again.

A row lies either in its table or in a block, never in both. Blocks hold the rows of neighbouring holders, column by
column, compressed; whoever changes a row takes it back into the table first (`unfold`), and what has settled is folded
away again from time to time.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from typing import Final

from reconciler.errors import StateError
from reconciler.state.database import Database

Row = tuple[int, ...]

_HOLDERS: Final = 6
"""A block has the rows of 2**6 neighbouring holders."""

_AT_ONCE: Final = 200
_HEAD: Final = struct.Struct("<BI")
_VERSION: Final = 1
_SIZES: Final = ((1 << 8, "B"), (1 << 16, "H"), (1 << 32, "I"))


class Blocks:
    """The settled rows of one table.

    Args:
        database: where `blocks` is.
        table: whose rows.
        columns: its columns after `app`; the first is the holder. What other columns it has is at its default.
        keys: how many of the columns, the first ones, make two rows of an app the same row.
        settled: the condition under which a row may be folded away.
    """

    def __init__(
        self, database: Database, table: str, columns: Sequence[str], keys: int, settled: str = "true"
    ) -> None:
        self._database = database
        self._table = table
        self._columns = columns
        self._listed = ", ".join(columns)
        self._keys = keys
        self._settled = settled

    def read(self, app: int) -> list[Row]:
        """Return the rows of an app that are folded away, sorted."""
        return [row for _, data in self._all(app) for row in unpack_rows(data)]

    def _all(self, app: int) -> list[tuple[int, bytes]]:
        query = "SELECT block, data FROM blocks WHERE part = ? AND app = ? ORDER BY block"
        return [(block, bytes(data)) for block, data in self._database.execute(query, (self._table, app)).fetchall()]

    def _some(self, app: int, blocks: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """Yield blocks by their numbers."""
        for start in range(0, len(blocks), _AT_ONCE):
            part = blocks[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            query = f"SELECT block, data FROM blocks WHERE part = ? AND app = ? AND block IN ({marks})"  # noqa: S608 - marks
            for block, data in self._database.execute(query, (self._table, app, *part)).fetchall():
                yield block, bytes(data)

    def replace(self, app: int, rows: Iterable[Row]) -> None:
        """Make these the rows that are folded away, whatever they were; only blocks that differ are written."""
        before = dict(self._all(app))
        now = {block: pack_rows(list(group)) for block, group in groupby(sorted(rows), key=_block_of)}
        gone = [(self._table, app, block) for block in before.keys() - now.keys()]
        self._database.executemany("DELETE FROM blocks WHERE part = ? AND app = ? AND block = ?", gone)
        self._write(app, [(block, data) for block, data in now.items() if before.get(block) != data])

    def _write(self, app: int, blocks: Iterable[tuple[int, bytes]]) -> None:
        self._database.executemany(
            "INSERT INTO blocks (part, app, block, data) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (part, app, block) DO UPDATE SET data = excluded.data",
            [(self._table, app, block, data) for block, data in blocks],
        )

    def put(self, app: int, rows: Iterable[Row]) -> None:
        """Fold rows away that were never in the table; they take the place of those with the same key."""
        found = {row[: self._keys]: row for row in self.read(app)}
        found.update((row[: self._keys], row) for row in rows)
        self.replace(app, found.values())

    def fold(self, app: int, least: int) -> None:
        """Fold away what has settled in the table, if it is so many rows."""
        where = f"app = ? AND {self._settled}"
        query = f"SELECT count(*) FROM (SELECT 1 FROM {self._table} WHERE {where} LIMIT {least}) AS found"  # noqa: S608 - our own tables
        if self._database.execute(query, (app,)).fetchone()[0] < least:
            return
        rows = self._database.execute(f"SELECT {self._listed} FROM {self._table} WHERE {where}", (app,)).fetchall()  # noqa: S608 - same
        self.put(app, map(tuple, rows))
        self._database.execute(f"DELETE FROM {self._table} WHERE {where}", (app,))  # noqa: S608 - same

    def unfold(self, app: int, keys: Collection[tuple[int, int]]) -> None:
        """Take the rows with these first two columns back into the table, as far as they are folded away."""
        if keys:
            self._take_back(app, {holder >> _HOLDERS for holder, _ in keys}, lambda row: row[:2] in keys)

    def unfold_holder(self, app: int, holder: int) -> None:
        """Take all rows of a holder back into the table."""
        self._take_back(app, {holder >> _HOLDERS}, lambda row: row[0] == holder)

    def unfold_all(self, app: int) -> None:
        """Take everything back into the table."""
        self._take_back(app, {block for block, _ in self._all(app)}, lambda _: True)

    def _take_back(self, app: int, blocks: Iterable[int], wanted: Callable[[Row], bool]) -> None:
        back: list[Row] = []
        for block, data in self._some(app, sorted(blocks)):
            rows = unpack_rows(data)
            taken = [row for row in rows if wanted(row)]
            if taken:
                back += taken
                self._put_block(app, block, [row for row in rows if not wanted(row)])
        marks = ", ".join("?" * (1 + len(self._columns)))
        query = f"INSERT INTO {self._table} (app, {self._listed}) VALUES ({marks})"  # noqa: S608 - our own tables
        self._database.executemany(query, [(app, *row) for row in back])

    def _put_block(self, app: int, block: int, rows: Sequence[Row]) -> None:
        if rows:
            self._write(app, [(block, pack_rows(rows))])
        else:
            query = "DELETE FROM blocks WHERE part = ? AND app = ? AND block = ?"
            self._database.execute(query, (self._table, app, block))

    def apps(self) -> list[int]:
        """Return the apps that have rows folded away."""
        query = "SELECT DISTINCT app FROM blocks WHERE part = ?"
        return [row[0] for row in self._database.execute(query, (self._table,)).fetchall()]


def _block_of(row: Row) -> int:
    return row[0] >> _HOLDERS


def pack_rows(rows: Sequence[Row]) -> bytes:
    """Return rows of non-negative ints, which are sorted by their first, as bytes."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[0] = [now - before for before, now in zip([0, *columns[0]], columns[0], strict=False)]
    arrays = [array(next(code for most, code in _SIZES if max(column) < most), column) for column in columns]
    for each in arrays:
        _order(each)
    codes = "".join(each.typecode for each in arrays).encode()
    body = b"".join(each.tobytes() for each in arrays)
    return _HEAD.pack(_VERSION, len(rows)) + bytes([len(codes)]) + codes + zlib.compress(body, 6)


def _order(column: "array[int]") -> None:
    """Bring a column from the machine's order of bytes to the little-endian one, or back."""
    if sys.byteorder == "big":
        column.byteswap()


def unpack_rows(data: bytes) -> list[Row]:
    """Return the rows that `pack_rows` packed.

    Raises:
        StateError: they are damaged, or packed by a newer tool.
    """
    try:
        version, count = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise StateError(f"a block has version {version}", hint="a newer reconciler wrote it: update the tool")
        start = _HEAD.size + 1
        codes = data[start : start + data[_HEAD.size]].decode("ascii")
        body = memoryview(zlib.decompress(data[start + len(codes) :]))
        columns: list[Iterable[int]] = []
        for code in codes:
            column = array(code)
            column.frombytes(body[: count * column.itemsize])
            _order(column)
            body = body[count * column.itemsize :]
            columns.append(column)
        columns[0] = accumulate(columns[0])
        return list(zip(*columns, strict=True))
    except (struct.error, zlib.error, ValueError, IndexError) as error:
        raise StateError(f"a block is damaged: {error}", hint="restore the state from a backup") from error
