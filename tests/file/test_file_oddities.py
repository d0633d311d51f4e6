"""Exports as programs and people really make them: each is read right, or refused with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from file.file_apps import read

from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus, Snapshot

COLUMNS = {"id": "User ID", "email": "E-mail", "status": "Status", "attributes": {"name": "Name"}}
HEADER = "User ID,E-mail,Status,Name\n"
ANA, SAM = "7,ANA@acme.example,Active,Ana Ruiz\n", "8,sam@acme.example,Suspended,Sam Old\n"
TABS = (HEADER + ANA + SAM).replace(",", "\t")
NO_COLUMN = "export.csv:1: there is no column 'User ID'"
BOTH = [("7", "ANA@acme.example", "Ana Ruiz"), ("8", "sam@acme.example", "Sam Old")]


def load(folder: Path, content: str | bytes, name: str = "export.csv", **more: Any) -> Snapshot:
    """Write an export and read it."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read(folder, {"path": name, "columns": COLUMNS, "complete": True, **more})


def people(snapshot: Snapshot) -> list[tuple[str, str, object]]:
    """Return id, email and name of each account."""
    return [(one.remote_id, one.email, one.attributes.get("name")) for one in snapshot.accounts]


def refuse(folder: Path, content: str | bytes, name: str = "export.csv", **more: Any) -> tuple[str, str]:
    """Read an export that is refused, and return what is said and what is to be done."""
    with pytest.raises(ProviderError) as caught:
        load(folder, content, name, **more)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("\ufeff" + HEADER + ANA + SAM, {}),
        ((HEADER + ANA + SAM).replace(",", ";"), {"delimiter": ";"}),
        ((HEADER + ANA + SAM).replace(",", "\t"), {"delimiter": "\t"}),
        ((HEADER + ANA + SAM).encode("utf-16"), {"encoding": "utf-16"}),
        (
            ("\ufeff" + HEADER + ANA + SAM).replace(",", "\t").encode("utf-16-le"),
            {"encoding": "utf-16", "delimiter": "\t"},
        ),
        (HEADER + ANA + SAM + "\n\n,,,\n,,,\n", {}),
        (HEADER.replace("\n", ",,\n") + ANA.replace("\n", ",,\n") + SAM.replace("\n", ",,\n"), {}),
        (HEADER + ANA.replace("\n", ",\n") + SAM.replace("\n", ",,,\n"), {}),
        (HEADER.replace("\n", ",\n") + ANA + SAM, {}),
        ('Users of "Wiki"\nexported on Monday,,,\n\n' + HEADER + ANA + SAM, {"header": 4}),
        (HEADER + ANA + SAM + "Total,2,,\n", {"skip_last": 1}),
        (HEADER + ANA + SAM + ",,,\n,2 users,,\n", {"skip_last": 1}),
        (HEADER.replace("\n", ",Note,Note\n") + ANA.replace("\n", ",a,b\n") + SAM.replace("\n", ",c,d\n"), {}),
        ((HEADER + ANA + SAM).replace("\n", "\r\n"), {}),
        ((HEADER + ANA + SAM).replace("\n", "\r"), {}),
    ],
    ids=[
        "byte order mark",
        "semicolons",
        "tabs",
        "UTF-16",
        "UTF-16 without a mark of its own, and tabs",
        "empty lines and rows at the end",
        "empty columns at the end",
        "separators at the end of rows only",
        "separator at the end of the header only",
        "header in another line",
        "totals",
        "totals without an id",
        "a column twice that nobody reads",
        "line ends of Windows",
        "line ends of old Macs",
    ],
)
def test_what_programs_export_is_read_right(tmp_path: Path, content: str | bytes, more: Mapping[str, Any]) -> None:
    """Both people, and nobody else."""
    snapshot = load(tmp_path, content, **more)
    assert people(snapshot) == BOTH
    assert [one.status for one in snapshot.accounts] == [AccountStatus.ACTIVE, AccountStatus.SUSPENDED]
    assert snapshot.collections["accounts"].complete


def test_windows_1252_names_and_quoted_line_breaks_are_read(tmp_path: Path) -> None:
    """A cell may hold separators, quotes and lines; the name stays as the app writes it."""
    row = '9,zoe@acme.example,Active,"Müller, Zoë ""Zo""\r\nthe second"\r\n'
    snapshot = load(tmp_path, (HEADER + row).encode("cp1252"), encoding="cp1252")
    assert people(snapshot) == [("9", "zoe@acme.example", 'Müller, Zoë "Zo"\r\nthe second')]


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ((HEADER + ANA).replace(",", ";"), NO_COLUMN, 'write `delimiter: ";"`'),
        ((HEADER + ANA).replace(",", "\t"), NO_COLUMN, 'write `delimiter: "\\t"`'),
        ((HEADER + ANA).encode("utf-16"), "export.csv:1: this is not utf-8 (byte 0xff)", "write `encoding: utf-16`"),
        ((HEADER + ANA).encode("utf-16-le"), "export.csv:1: a NUL character", "utf-16"),
        (
            (HEADER + "9,z@acme.example,Active,Zoë\n").encode("cp1252"),
            "export.csv:2: this is not utf-8 (byte 0xeb)",
            "such as cp1252",
        ),
        (
            "Users\n\n" + HEADER + ANA,
            "export.csv:1: there is no column 'User ID'",
            "line 3 names it: write `header: 3`",
        ),
        (
            HEADER.replace("Status", "E-mail") + ANA,
            "export.csv:1: the header has the column 'E-mail' twice",
            "another name",
        ),
        (HEADER + ANA + "Total:,,Active,\n", "export.csv:3: 'Total:' looks like a row of totals", "`skip_last: 1`"),
        (HEADER + ANA + ",1 user,Active,\n", "export.csv:3: an account without 'User ID'", "`skip_last: 1`"),
        (HEADER + ANA + "Total,1,,\n", "export.csv:3: the status '' means nothing here", "say in `statuses:`"),
        (
            HEADER + "9,z@acme.example,Active,Ruiz, Ana\n",
            "export.csv:2: 5 cells where the header has 4",
            "not in quotes",
        ),
        (
            HEADER + '9,z@acme.example,Active,"Zoe\n' + SAM,
            "export.csv:2: unexpected end of data",
            "a quote may be missing",
        ),
        ("sep=;\n" + (HEADER + ANA).replace(",", ";"), NO_COLUMN, 'write `header: 2` and `delimiter: ";"`'),
        ("User,,Account,\n" + HEADER + ANA, NO_COLUMN, "`header: 2`"),
    ],
)
def test_what_cannot_be_read_right_is_refused_with_what_to_do(
    tmp_path: Path, content: str | bytes, message: str, hint: str
) -> None:
    """The line, what is wrong with it, and the option that reads it."""
    said, todo = refuse(tmp_path, content)
    assert said.startswith(message)
    assert hint in todo


def test_somebody_who_is_called_total_is_an_account(tmp_path: Path) -> None:
    """Where there is an email address, it is no row of totals."""
    assert people(load(tmp_path, HEADER + "total,total@acme.example,Active,Tom Total\n")) == [
        ("total", "total@acme.example", "Tom Total")
    ]


def test_a_file_that_is_written_begins_with_its_header(tmp_path: Path) -> None:
    """What is above and below would be in the way of whoever adds a row."""
    with pytest.raises(ValueError, match="begins with its header and ends with its last row"):
        load(tmp_path, HEADER, header=2, writable=True)


def workbook(folder: Path, *rows: Sequence[Any], merge: Sequence[str] = ()) -> bytes:
    """Return a workbook with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    for cells in merge:
        sheet.merge_cells(cells)
    book.save(folder / "made.xlsx")
    return (folder / "made.xlsx").read_bytes()


NAMES = ("User ID", "E-mail", "Status", "Name")


def test_merged_headers_and_totals_of_a_workbook_are_left_out_where_it_is_said(tmp_path: Path) -> None:
    """A title over all columns, groups of columns, the names, and a sum under the rows."""
    rows = [
        ("Users of the wiki", None, None, None),
        ("Who", None, "State", None),
        NAMES,
        (7, "ANA@acme.example", "Active", "Ana Ruiz"),
        (8.0, "sam@acme.example", "Suspended", "Sam Old"),
        ("", None, "", None),
        ("Total", 2, None, None),
    ]
    content = workbook(tmp_path, *rows, merge=["A1:D1", "A2:B2", "C2:D2"])
    message, hint = refuse(tmp_path, content, "export.xlsx")
    assert message == "export.xlsx:1: there is no column 'User ID'"
    assert hint == "row 3 names it: write `header: 3`"
    message, hint = refuse(tmp_path, content, "export.xlsx", header=3, columns={**COLUMNS, "status": ""})
    assert (message, hint) == (
        "export.xlsx:7: 'Total' looks like a row of totals, not like an account",
        "where the last row is none, write `skip_last: 1`",
    )
    snapshot = load(tmp_path, content, "export.xlsx", header=3, skip_last=1)
    assert people(snapshot) == BOTH


def test_names_that_are_merged_downwards_are_one_header(tmp_path: Path) -> None:
    """The first of the rows names the columns; the rest of the merged cells is blank."""
    rows = [NAMES, (None,) * 4, (7, "ANA@acme.example", "Active", "Ana Ruiz"), (8, "sam@acme.example", "no", "Sam Old")]
    content = workbook(tmp_path, *rows, merge=["A1:A2", "B1:B2", "C1:C2", "D1:D2"])
    assert people(load(tmp_path, content, "export.xlsx")) == BOTH


def test_numbers_and_dates_of_a_workbook_are_text(tmp_path: Path) -> None:
    """Ids without a decimal point however long, days and moments in ISO 8601; leading zeros are the app's own text."""
    rows = [
        NAMES,
        (1234567890123, "ana@acme.example", "Active", datetime(2026, 3, 1, 8, 30)),  # noqa: DTZ001 - a sheet has no zones
        ("0042", "sam@acme.example", "Active", date(2026, 3, 1)),
        (3e9, "zoe@acme.example", "Active", 1.5),
    ]
    found = people(load(tmp_path, workbook(tmp_path, *rows), "export.xlsx"))
    assert [(one, str(name)) for one, _, name in found] == [
        ("1234567890123", "2026-03-01T08:30:00"),
        ("0042", "2026-03-01T00:00:00"),
        ("3000000000", "1.5"),
    ]


def test_a_column_twice_in_a_workbook_is_refused_where_it_is_read(tmp_path: Path) -> None:
    """With what to do."""
    content = workbook(
        tmp_path, ("User ID", "E-mail", "E-mail", "Status", "Name"), (7, "a@x.example", "b", "Active", "A")
    )
    assert refuse(tmp_path, content, "export.xlsx") == (
        "export.xlsx:1: the header has the column 'E-mail' twice",
        "give one of them another name in the export, or leave it out",
    )
