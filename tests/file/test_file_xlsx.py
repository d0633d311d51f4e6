"""Workbooks are read as values, and refused where they are damaged, too large or compute something."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from file.file_apps import ACCOUNTS, WIKI, read
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.file import table_xlsx
from providers.file.client import Content
from providers.file.table_xlsx import XlsxTable
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("file", against="real product", of="files on disk")

HEADER = ("id", "login", "mail", "state", "spaces", "at")
CONFIG = {**WIKI, "path": "wiki.xlsx"}


def save(folder: Path, *rows: Sequence[Any], more: Callable[[openpyxl.Workbook], None] = lambda _: None) -> Path:
    """Write a workbook with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    more(book)
    path = folder / "wiki.xlsx"
    book.save(path)
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Write a workbook again with other parts."""
    with zipfile.ZipFile(path) as old:
        parts = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)


def test_a_workbook_is_read_like_a_csv_file(tmp_path: Path) -> None:
    """Numbers as text, blank rows as none, booleans as states, moments as they are."""
    moment = datetime(2026, 2, 20, 8)  # noqa: DTZ001 - a spreadsheet has no zones
    save(
        tmp_path,
        HEADER,
        (101, "ana", "ana@acme.example", True, "a; b", moment),
        (None,) * 6,
        (102.0, "sam", None, False, None, moment),
    )
    snapshot = read(tmp_path, {**CONFIG, "exported_at": {"column": "at", "timezone": "UTC"}})
    assert [(a.remote_id, a.username, a.status) for a in snapshot.accounts] == [
        ("101", "ana", AccountStatus.ACTIVE),
        ("102", "sam", AccountStatus.SUSPENDED),
    ]
    assert set(snapshot.grants()) == {("101", "space:a", None), ("101", "space:b", None)}
    assert snapshot.collections["accounts"].complete
    assert snapshot.as_of == moment.replace(tzinfo=UTC)


def test_a_formula_is_refused_where_it_would_be_read(tmp_path: Path) -> None:
    """What stands beside a formula is what some program last computed; other columns are not ours."""
    save(tmp_path, (*HEADER, "days"), (1, "ana", "", "active", "a", None, "=1+1"))
    assert len(read(tmp_path, CONFIG).accounts) == 1
    save(tmp_path, HEADER, (1, '="a"&"na"', "", "active", "a", None))
    with pytest.raises(ProviderError, match=r"wiki\.xlsx:2: B2 is a formula"):
        read(tmp_path, CONFIG)


def test_the_sheet_is_named_where_there_are_several(tmp_path: Path) -> None:
    """Hidden ones do not count, and nobody picks the first one for you."""
    save(tmp_path, HEADER, (1, "ana", "", "active", "a", None), more=lambda book: book.create_sheet("Notes"))
    with pytest.raises(ProviderError, match="has the sheets Sheet, Notes"):
        read(tmp_path, CONFIG)
    assert len(read(tmp_path, {**CONFIG, "sheet": "Sheet"}).accounts) == 1


def test_the_line_of_a_fault_is_the_row_of_the_sheet(tmp_path: Path) -> None:
    """Blank rows are counted there."""
    save(tmp_path, HEADER, (None,) * 6, (1, "ana", "", "active", "a", None), (None, "sam", "", "active", "a", None))
    with pytest.raises(ProviderError, match=r"wiki\.xlsx:4: an account without 'id'"):
        read(tmp_path, CONFIG)


def test_what_the_sheet_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    """A dimension that is too small would cut rows off."""
    path = save(tmp_path, HEADER, *((n, f"user{n}", "", "active", "a", None) for n in range(1, 9)))
    rewrite(path, lambda _, data: data.replace(b'ref="A1:F9"', b'ref="A1:B2"'))
    assert len(read(tmp_path, CONFIG).accounts) == 8


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is measured first; rows without end, too."""
    path = save(tmp_path, HEADER, (1, "ana", "", "active", "a", None))
    monkeypatch.setattr(table_xlsx, "MAX_UNPACKED", 1 << 20)
    rewrite(path, lambda name, data: data + b" " * (2 << 20) if name.endswith("sheet1.xml") else data)
    with pytest.raises(ProviderError, match="unpacks to 2 MiB"):
        read(tmp_path, CONFIG)


def test_rows_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row numbered a billion would be a billion blank ones, and may not be left out either."""
    path = save(tmp_path, HEADER, (1, "ana", "", "active", "a", None))
    monkeypatch.setattr(table_xlsx, "MAX_ROWS", 1000)
    rewrite(path, lambda _, data: data.replace(b'<row r="2"', b'<row r="1000000000"'))
    with pytest.raises(ProviderError, match="more than 1,000 rows"):
        read(tmp_path, CONFIG)


def test_entities_are_refused(tmp_path: Path) -> None:
    """No part of a workbook has a document type; in UTF-16 neither."""
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    for encoding in ("utf-8", "utf-16"):
        path = save(tmp_path, HEADER)
        data = bomb.encode(encoding)
        rewrite(path, lambda name, old, data=data: data if name.endswith("styles.xml") else old)  # type: ignore[misc]
        with pytest.raises(ProviderError, match=r"styles\.xml has a document type"):
            read(tmp_path, CONFIG)


def test_a_cell_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CSV refuses it."""
    save(tmp_path, HEADER, (1, "a" * 5000, "", "active", "a", None))
    monkeypatch.setattr(table_xlsx, "MAX_CELL", 4000)
    with pytest.raises(ProviderError, match=r"wiki\.xlsx:2: B2 has more than 4,000 characters"):
        read(tmp_path, CONFIG)


def test_another_file_is_no_workbook(tmp_path: Path) -> None:
    """CSV that is called .xlsx, and half of a workbook."""
    (tmp_path / "wiki.xlsx").write_text("id,login\n", encoding="utf-8")
    with pytest.raises(ProviderError, match="is no workbook"):
        read(tmp_path, CONFIG)
    path = save(tmp_path, HEADER)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ProviderError, match="is no workbook"):
        read(tmp_path, CONFIG)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6000), st.binary(min_size=1, max_size=8))
def test_a_damaged_workbook_is_an_error_of_ours_or_read(place: int, noise: bytes) -> None:
    """Whatever bytes change, no other exception comes out."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(list(HEADER))
    book.worksheets[0].append([1, "ana", "", "active", "a", 1.5])
    out = io.BytesIO()
    book.save(out)
    data = bytearray(out.getvalue())
    place %= len(data)
    data[place : place + len(noise)] = noise
    with suppress(ProviderError):
        table = XlsxTable(Content("w.xlsx", "", "", datetime.now(UTC), "", bytes(data)))
        list(table.chunks([ACCOUNTS["id"], ACCOUNTS["username"]]))


def test_without_the_extra_the_error_names_it(tmp_path: Path) -> None:
    """And everything else of the provider works without openpyxl."""
    save(tmp_path, HEADER, (1, "ana", "", "active", "a", None))
    code = (
        "import sys; sys.modules['openpyxl'] = None\n"
        "from pathlib import Path\nfrom file.file_apps import WIKI, read\n"
        f"read(Path({str(tmp_path)!r}), {{**WIKI, 'path': 'wiki.xlsx'}})\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{root}:{root / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "needs the package openpyxl" in done.stderr
    assert "ProviderError" in done.stderr
