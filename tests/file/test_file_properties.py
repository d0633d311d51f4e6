"""Whatever is in a file: reading agrees with the csv module, and writing changes nothing but what it means to."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from file.file_apps import grant, perform, read, revoke
from hypothesis import given
from hypothesis import strategies as st

from providers.file.client import Content
from providers.file.table_csv import CsvSheet, CsvTable, is_row
from reconciler.provider.change import Outcome

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

letters = st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",))
cells = st.text(letters | st.sampled_from(',;"\n #='), max_size=8)
tables = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=6))
names = st.text(st.sampled_from("abcxyz -_./é"), min_size=1, max_size=6).map(str.strip).filter(bool)


def content(text: str) -> Content:
    """Return a text as a file's content."""
    return Content("x.csv", text, "", datetime(2026, 1, 1, tzinfo=UTC), "utf-8")


def write_table(rows: list[list[str]], ending: str, quoting: int) -> str:
    """Write rows as the csv module does, under a header."""
    out = io.StringIO()
    width = len(rows[0]) if rows else 1
    csv.writer(out, lineterminator=ending, quoting=quoting).writerows([[f"c{n}" for n in range(width)], *rows])
    return out.getvalue()


@given(tables, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_is_not_touched_keeps_every_byte(rows: list[list[str]], ending: str, quoting: int) -> None:
    """A sheet that is taken apart and put together again is the same text."""
    text = write_table(rows, ending, quoting)
    assert CsvSheet(content(text), ",").text() == text


@given(tables.filter(bool), st.data())
def test_one_cell_is_changed_and_no_other(rows: list[list[str]], data: st.DataObject) -> None:
    """After one cell was set, the csv module reads it, and all others as before."""
    text = write_table(rows, "\n", csv.QUOTE_MINIMAL)
    sheet = CsvSheet(content(text), ",")
    if not sheet.rows():
        return
    row, column = data.draw(st.integers(0, len(sheet.rows()) - 1)), data.draw(st.integers(0, len(rows[0]) - 1))
    value = data.draw(cells).strip()
    sheet.rows()[row].set(f"c{column}", value)
    before = [list(each) for each in csv.reader(io.StringIO(text, newline="")) if each]
    after = [list(each) for each in csv.reader(io.StringIO(sheet.text(), newline="")) if each]
    changed = [number for number, each in enumerate(before) if is_row(each)][row + 1]
    before[changed][column] = value
    assert after == before


@given(tables)
def test_columns_are_what_the_csv_module_reads(rows: list[list[str]]) -> None:
    """Reading by column loses nothing and mixes nothing up."""
    text = write_table(rows, "\n", csv.QUOTE_MINIMAL)
    table = CsvTable(content(text), ",")
    chunks = list(table.chunks(table.header))
    read_rows = [list(row) for chunk in chunks for row in zip(*chunk, strict=True)]
    assert read_rows == [row for row in csv.reader(io.StringIO(text, newline="")) if is_row(row)][1:]


@given(st.dictionaries(st.sampled_from("123"), st.sets(names, max_size=4), min_size=1), st.data())
def test_grants_in_cells_are_a_set(held: dict[str, set[str]], data: st.DataObject) -> None:
    """Any grants and revokes, in any order, leave what sets would leave."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = [f'{holder},"{";".join(sorted(spaces))}"' for holder, spaces in held.items()]
        (root / "wiki.csv").write_text("\n".join(("id,spaces", *lines, "")), encoding="utf-8")
        config = {"path": "wiki.csv", "writable": True, "kind": "space", "columns": {"id": "id", "grants": "spaces"}}
        steps = data.draw(st.lists(st.tuples(st.booleans(), st.sampled_from(sorted(held)), names), max_size=6))
        changes = [(grant if adds else revoke)(holder, f"space:{name}", holder) for adds, holder, name in steps]
        receipts = perform(root, config, *changes)
        for adds, holder, name in steps:
            (held[holder].add if adds else held[holder].discard)(name)
        assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * len(steps)
        expected = {(holder, f"space:{name}", None) for holder, spaces in held.items() for name in spaces}
        assert set(read(root, config).grants()) == expected
