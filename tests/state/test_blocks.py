"""Settled rows packed into blocks: nothing is lost on the way, and what is changed comes back first."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import StateError
from reconciler.state.blocks import Blocks, pack_rows, unpack_rows
from reconciler.state.schema import migrate

SMALL = st.integers(0, 300)
ROWS = st.lists(st.tuples(SMALL, SMALL, st.integers(0, 2**32 - 1)), min_size=1, unique_by=lambda row: row[:2])
FEW = st.lists(st.tuples(SMALL, SMALL, SMALL), unique_by=lambda row: row[:2])


@pytest.fixture(scope="module")
def database() -> sqlite3.Connection:
    """Return an empty state in memory."""
    opened = sqlite3.connect(":memory:", isolation_level=None)
    migrate(opened)
    return opened


def in_table(database: sqlite3.Connection) -> list[tuple[int, ...]]:
    """Return the grants that lie in their table."""
    return list(database.execute("SELECT holder, entitlement, level FROM grants WHERE app = 1 ORDER BY 1, 2"))


@given(ROWS)
def test_what_is_packed_is_unpacked(rows: list[tuple[int, ...]]) -> None:
    """Whatever the numbers are, up to 32 bits."""
    assert unpack_rows(pack_rows(sorted(rows))) == sorted(rows)


@given(FEW, FEW, st.sets(st.tuples(SMALL, SMALL)))
def test_a_row_lies_in_its_table_or_in_a_block(
    database: sqlite3.Connection,
    first: list[tuple[int, ...]],
    second: list[tuple[int, ...]],
    keys: set[tuple[int, int]],
) -> None:
    """Folded away, put, taken back by key, by holder and all: together they are always the same rows."""
    for table in ("grants", "blocks"):
        database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own tables
    blocks = Blocks(database, "grants", ("holder", "entitlement", "level"), 2, "pending = 0 AND fresh = 0")
    database.executemany("INSERT INTO grants (app, holder, entitlement, level) VALUES (1, ?, ?, ?)", first)
    blocks.fold(1, 1)
    assert (in_table(database), blocks.read(1)) == ([], sorted(first))
    blocks.put(1, second)
    whole = sorted({**{row[:2]: row for row in first}, **{row[:2]: row for row in second}}.values())
    assert blocks.read(1) == whole
    blocks.unfold(1, keys)
    assert in_table(database) == [row for row in whole if row[:2] in keys]
    assert blocks.read(1) == [row for row in whole if row[:2] not in keys]
    blocks.unfold_holder(1, 7)
    assert not [row for row in blocks.read(1) if row[0] == 7]
    blocks.unfold_all(1)
    assert (in_table(database), blocks.read(1), blocks.apps()) == (whole, [], [])


def test_a_grant_that_is_not_settled_is_not_folded_away(database: sqlite3.Connection) -> None:
    """Nor is anything while there is little."""
    for table in ("grants", "blocks"):
        database.execute(f"DELETE FROM {table}")  # noqa: S608 - our own tables
    blocks = Blocks(database, "grants", ("holder", "entitlement", "level"), 2, "pending = 0 AND fresh = 0")
    rows = [(1, 1, 0), (1, 2, 1), (2, 1, 0)]
    database.executemany("INSERT INTO grants (app, holder, entitlement, pending) VALUES (1, ?, ?, ?)", rows)
    blocks.fold(1, 3)
    assert blocks.read(1) == []
    blocks.fold(1, 2)
    assert blocks.read(1) == [(1, 1, 0), (2, 1, 0)]
    assert in_table(database) == [(1, 2, 0)]


def test_a_history_keeps_every_time_that_somebody_held_something(database: sqlite3.Connection) -> None:
    """The same holder and key at another time is another row."""
    blocks = Blocks(database, "held", ("holder", "entitlement", "first", "level", "gone"), 3)
    rows = [(1, 2, 1, 0, 2), (1, 2, 3, 0, 0), (2, 2, 1, 0, 0)]
    database.executemany(
        "INSERT INTO held (app, holder, entitlement, first, level, gone) VALUES (1, ?, ?, ?, ?, ?)", rows
    )
    blocks.fold(1, 1)
    assert blocks.read(1) == rows


@pytest.mark.parametrize("cut", [0, 3, 8, -1])
def test_a_damaged_block_is_told(cut: int) -> None:
    """And one of a newer tool says what to do."""
    data = pack_rows([(1, 2, 3), (1, 3, 3)])
    with pytest.raises(StateError, match="block is damaged"):
        unpack_rows(data[:cut])
    with pytest.raises(StateError, match="version 9"):
        unpack_rows(b"\x09" + data[1:])


def test_neighbours_share_most_of_their_bytes() -> None:
    """A grant among many takes a few bytes."""
    rows = [(holder, 1000 + (holder * 7 + number * 13) % 500, 0) for holder in range(64) for number in range(10)]
    assert len(pack_rows(sorted(rows))) < 4 * len(rows)
