"""A table that some other program exported as CSV: its encoding and its delimiter are found."""

import codecs
import csv
import io
from dataclasses import dataclass
from itertools import islice

from reconciler.errors import ConfigurationError

MOST_BYTES = 64 * 1024 * 1024
"""More than this is no list of people: a company of 100,000 has about 20 MiB."""

MOST_ROWS = 300_000
MOST_COLUMNS = 1_000
LOOKED_AT = 20
"""The header is one of so many rows."""

_DELIMITERS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line that it ends at, and its cells without white space around them."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        name: the file's name, for messages.
        headers: the first row.
        rows: the others, empty ones left out.
        notes: what was assumed.
    """

    name: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def read_sheet(name: str, content: bytes, *, delimiter: str = "", encoding: str = "") -> Sheet:
    """Return a CSV file's rows.

    Args:
        name: for messages.
        content: its bytes.
        delimiter: one character; empty finds it in the first line.
        encoding: Python's name of one; empty finds a byte order mark, else takes UTF-8, else Windows-1252.

    Raises:
        ConfigurationError: it is too large, no text, or no table.
    """
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{name}: larger than 64 MiB", hint="export only people, one row each")
    text, notes = _decode(name, content, encoding)
    if "\0" in text:
        raise ConfigurationError(f"{name}: this is no CSV file", hint="export it as CSV, not as a workbook")
    sign = delimiter or _find_delimiter(text)
    rows = _parse(name, text, sign)
    if not rows:
        raise ConfigurationError(f"{name}: it is empty", hint="the first row must name the columns")
    return Sheet(name, rows[0].cells, tuple(rows[1:]), notes)


def _decode(name: str, content: bytes, encoding: str) -> tuple[str, tuple[str, ...]]:
    found = encoding or next((found for mark, found in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(found), ()
    except LookupError:
        raise ConfigurationError(f"unknown encoding {encoding!r}", hint="try utf-8 or windows-1252") from None
    except UnicodeDecodeError as error:
        if encoding or found != "utf-8":
            raise ConfigurationError(
                f"{name}: byte {error.start} is not {found}", hint="say what it is: --encoding NAME"
            ) from None
    try:
        return content.decode("windows-1252"), (f"{name}: not UTF-8; read as Windows-1252",)
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{name}: neither UTF-8 nor Windows-1252", hint="say what it is: --encoding NAME"
        ) from None


def _find_delimiter(text: str) -> str:
    """Return the sign that divides the first divided line most often: a title may stand above the header."""
    lines = islice(io.StringIO(text), LOOKED_AT)
    first = next((line for line in lines if any(sign in line for sign in _DELIMITERS)), "")
    return max(_DELIMITERS, key=first.count)


def _parse(name: str, text: str, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                rows.append(Row(reader.line_num, stripped))
            if len(rows) > MOST_ROWS or len(cells) > MOST_COLUMNS:
                what = f"more than {MOST_ROWS:,} rows, or {MOST_COLUMNS:,} columns"
                raise ConfigurationError(f"{name}:{reader.line_num}: {what}", hint="export only people, one row each")
    except csv.Error as error:
        hint = "a quote is not closed, or a cell is larger than 131,072 characters"
        raise ConfigurationError(f"{name}:{reader.line_num}: {error}", hint=hint) from None
    except TypeError:
        raise ConfigurationError(f"the delimiter is one character, not {delimiter!r}") from None
    return rows
