"""XLSX (ECMA-376) as a table: values only, and never more of them than a spreadsheet holds.

A workbook comes from outside and is unpacked here, so that its parts are measured and searched for document types
before openpyxl sees them. Formulas are refused where they stand in a column that is read: the value beside a formula is
whatever some program last computed.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from providers.file.client import Content
from providers.file.table import Cell, all_but_last, fault, find_column
from reconciler.errors import ProviderError

try:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException
except ModuleNotFoundError as error:  # the extra is not installed, or only half of it
    raise ProviderError(
        f"reading XLSX needs the package {error.name}",
        hint="install the extra: pip install 'identity-reconciler[xlsx]', or export CSV",
    ) from None

CHUNK = 2048
_LOOKED_AT = 50
_NOTHING = (None, "")
MAX_PARTS = 2_000
MAX_UNPACKED = 256 << 20
MAX_ROWS = 1 << 20
MAX_COLUMNS = 512
MAX_CELL = 131_072
_PIECE = 1 << 20
_DOCTYPE = b"<!DOCTYPE"
_HINT = "save it again as .xlsx, or export CSV"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; NotImplementedError is one, too: another compression
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,  # ElementTree's ParseError is one
    OverflowError,
)
"""What zipfile and openpyxl raise where a workbook's bytes are not what they should be."""


class XlsxTable:
    """One sheet of a workbook with a header, read once. Blank rows are none.

    Args:
        content: the file's bytes.
        sheet: the sheet's name; empty where the workbook has only one that is visible.
        header: the row that names the columns; what stands above is no row.
        skip_last: how many rows at the end are none.

    Raises:
        ProviderError: it is no workbook, is too large, has no such sheet, or the sheet no header.
    """

    def __init__(self, content: Content, sheet: str = "", *, header: int = 1, skip_last: int = 0) -> None:
        self.path = content.path
        self._data = content.data
        self._name = sheet
        self._first = header
        self._header_row = header
        self._skip_last = skip_last
        _check_archive(content)
        with closing(self._open()) as book:
            self.header = self._read_header(self._sheet(book))

    def _open(self) -> Any:
        try:
            return openpyxl.load_workbook(io.BytesIO(self._data), read_only=True, keep_links=False)
        except (InvalidFileException, *_BROKEN) as error:
            raise ProviderError(f"{self.path} is no workbook that can be read", hint=_HINT) from error

    def _sheet(self, book: Any) -> Any:  # openpyxl's types mistake read-only sheets for others
        sheets = {one.title: one for one in book.worksheets}
        wanted = [self._name] if self._name else [name for name, one in sheets.items() if one.sheet_state == "visible"]
        if len(wanted) != 1 or wanted[0] not in sheets:
            raise ProviderError(
                f"{self.path} has the sheets {', '.join(sheets) or '(none)'}", hint="say with `sheet:` which one it is"
            )
        sheet = sheets[wanted[0]]
        sheet.reset_dimensions()  # what a file says of its size may be wrong
        return sheet

    def _rows(self, sheet: Any, width: int, first: int = 0) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Yield each row that is not blank with its number, the header first, never more than a sheet can have."""
        last, first = 0, first or self._first
        try:
            for number, row in enumerate(sheet.iter_rows(max_col=width), start=1):
                last = number
                if number > MAX_ROWS:
                    raise fault(self.path, number, f"more than {MAX_ROWS:,} rows", hint="export less")
                if number >= first and any(cell.value not in _NOTHING for cell in row):
                    yield number, row
        except _BROKEN as error:
            raise fault(self.path, last + 1, "the workbook is damaged from here on", hint=_HINT) from error

    def _read_header(self, sheet: Any) -> list[str]:
        for number, row in self._rows(sheet, MAX_COLUMNS):
            header = [str(self._value(cell, number) or "").strip() for cell in row]
            while header and not header[-1]:
                header.pop()
            self._header_row = number
            return header
        raise ProviderError(f"{self.path} has no header", hint="its first row names the columns")

    def chunks(self, columns: Sequence[str]) -> Iterator[list[Sequence[Cell]]]:
        """See `Table.chunks`."""
        places = [self._position(column) for column in columns]
        with closing(self._open()) as book:
            rows = all_but_last(islice(self._rows(self._sheet(book), len(self.header)), 1, None), self._skip_last)
            picked = ([self._pick(row, place, number) for place in places] for number, row in rows)
            while chunk := list(islice(picked, CHUNK)):
                yield [list(column) for column in zip(*chunk, strict=True)]

    def _position(self, column: str) -> int:
        hint = "" if column in self.header else self._guess(column)
        return find_column(self.path, self.header, column, line=self._header_row, hint=hint)

    def _guess(self, column: str) -> str:
        """Say which row names a column that is missing."""
        with closing(self._open()) as book:
            for number, row in islice(self._rows(self._sheet(book), MAX_COLUMNS, first=1), _LOOKED_AT):
                if number != self._header_row and any(str(cell.value).strip() == column for cell in row):
                    return f"row {number} names it: write `header: {number}`"
        return ""

    def _pick(self, row: tuple[Any, ...], place: int, number: int) -> Cell:
        return self._value(row[place], number) if place < len(row) else None

    def _value(self, cell: Any, number: int) -> Cell:
        """Return a cell as text, a number or a boolean; moments in ISO 8601."""
        value = cell.value
        if cell.data_type == "f":
            hint = "export values, not formulas: paste them as values, or save as CSV"
            raise fault(self.path, number, f"{cell.coordinate} is a formula", hint=hint)
        if cell.data_type == "e":
            raise fault(self.path, number, f"{cell.coordinate} is the error {value}", hint="correct the sheet first")
        if isinstance(value, str) and len(value) > MAX_CELL:
            raise fault(self.path, number, f"{cell.coordinate} has more than {MAX_CELL:,} characters")
        if isinstance(value, datetime | date | time):
            return value.isoformat()
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return value if value is None or isinstance(value, str | int | float | bool) else str(value)

    def line(self, index: int) -> int:
        """See `Table.line`: the row's number."""
        width = len(self.header)
        with closing(self._open()) as book:
            rows = self._rows(self._sheet(book), width)
            return next((number for number, _ in islice(rows, index + 1, None)), 0)


def _check_archive(content: Content) -> None:
    """Refuse an archive that unpacks to too much, or whose XML has a document type (and so could have entities)."""
    try:
        with zipfile.ZipFile(io.BytesIO(content.data)) as archive:
            parts = archive.infolist()
            unpacked = sum(part.file_size for part in parts)
            if len(parts) > MAX_PARTS or unpacked > MAX_UNPACKED:
                raise ProviderError(
                    f"{content.path} unpacks to {unpacked >> 20:,} MiB in {len(parts):,} parts",
                    hint=f"at most {MAX_UNPACKED >> 20} MiB in {MAX_PARTS:,} parts are read: export less, or CSV",
                )
            for part in parts:
                if _has_doctype(archive, part):
                    raise ProviderError(f"{content.path}: {part.filename} has a document type", hint=_HINT)
    except _BROKEN as error:
        what = "is no workbook (.xlsx), or a damaged or encrypted one"
        raise ProviderError(f"{content.path} {what}", hint=_HINT) from error


def _has_doctype(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    """Search a part piece by piece, in UTF-8 and UTF-16 alike; no more is unpacked than the archive has declared."""
    with archive.open(part) as file:
        tail = b""
        while piece := file.read(_PIECE):
            text = tail + piece.replace(b"\0", b"")
            if _DOCTYPE in text.upper():
                return True
            tail = text[-len(_DOCTYPE) :]
    return False
