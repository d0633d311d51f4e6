"""CSV (RFC 4180, any delimiter): reading columns quickly, and editing single cells without touching anything else."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter

from providers.file.client import Content
from providers.file.config import LONGEST_FOOT
from providers.file.table import SHOWN, Cell, Row, all_but_last, as_text, fault, find_column
from reconciler.errors import ProviderError

CHUNK = 2048
_LOOKED_AT = 50
_DELIMITERS = ",;\t|"
_SHOWN = {",": ",", ";": ";", "\t": "\\t", "|": "|"}


class _Lines:
    """The lines of a text, for a csv reader. A line that begins a record and is a comment is given out as a blank one.

    `at_record` is set by whoever takes the records: only there can a comment begin (inside quotes, it is data).
    """

    def __init__(self, text: str, comment: str) -> None:
        self.lines = io.StringIO(text, newline="")
        self.comment = comment
        self.at_record = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        if self.at_record and line.startswith(self.comment):
            return "\n"
        self.at_record = False
        return line


class _Records:
    """The records of a text, blank ones and comments included (as empty lists), with the line each ends in."""

    def __init__(self, text: str, delimiter: str, comment: str) -> None:
        self.feed = _Lines(text, comment) if comment else None
        lines: Iterator[str] = self.feed or iter(io.StringIO(text, newline=""))
        self.reader = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        if self.feed is None:
            return iter(self.reader)
        return self._with_comments(self.feed)

    def _with_comments(self, feed: _Lines) -> Iterator[list[str]]:
        while True:
            feed.at_record = True
            try:
                yield next(self.reader)
            except StopIteration:
                return


def is_row(record: Sequence[str]) -> bool:
    """Say whether a record is a row: not a blank line, nor nothing but separators."""
    return any(record) or len(record) == 1


def blank_lines(text: str, count: int) -> str:
    """Return a text whose first lines are blank, so that every other line keeps its number."""
    if not count:
        return text
    lines = list(io.StringIO(text, newline=""))
    return "\n" * min(count, len(lines)) + "".join(lines[count:])


class CsvTable:
    """A CSV file with a header, read once.

    Args:
        content: the decoded file.
        delimiter: what separates cells.
        comment: what a line begins with that is no row; empty where there are none.
        header: the line that names the columns; what stands above is no row.
        skip_last: how many records at the end are no rows.

    Raises:
        ProviderError: there is no header.
    """

    def __init__(
        self, content: Content, delimiter: str, comment: str = "", *, header: int = 1, skip_last: int = 0
    ) -> None:
        self.path = content.path
        self._text = blank_lines(content.text, header - 1)
        self._skip_last = skip_last
        self._whole = content.text
        self._delimiter = delimiter
        self._comment = comment
        self.header = self._read_header()

    def _read_header(self) -> list[str]:
        for line, record in self._located():
            self._header_line = line
            return [name.strip() for name in record]
        raise ProviderError(f"{self.path} has no header", hint="its first line names the columns")

    def _records(self) -> _Records:
        return _Records(self._text, self._delimiter, self._comment)

    def _located(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every record that is not blank with the line it begins in; slow, for messages and the header."""
        records = self._records()
        first = 1
        try:
            for record in records:
                if is_row(record):
                    yield first, record
                first = records.reader.line_num + 1
        except csv.Error as error:
            raise fault(self.path, first, str(error), hint="a quote may be missing; see RFC 4180") from None

    def position(self, column: str) -> int:
        """Return the index of a column.

        Raises:
            ProviderError: there is no such column; the message lists those that there are.
        """
        hint = "" if column in self.header else self._guess(column)
        return find_column(self.path, self.header, column, line=self._header_line, hint=hint)

    def _guess(self, column: str) -> str:
        """Say where a column that is missing may be: in another line, behind another delimiter, or both."""
        lines = list(islice(io.StringIO(self._whole, newline=""), _LOOKED_AT))
        for delimiter in dict.fromkeys((self._delimiter, *_DELIMITERS)):
            for line, text in enumerate(lines, start=1):
                if column in (name.strip(' "\r\n') for name in text.split(delimiter)):
                    options = [f"`header: {line}`"] if line != self._header_line else []
                    options += [f'`delimiter: "{_SHOWN[delimiter]}"`'] if delimiter != self._delimiter else []
                    if options:
                        return f"line {line} names it: write {' and '.join(options)}"
        return ""

    def chunks(self, columns: Sequence[str]) -> Iterator[list[Sequence[Cell]]]:
        """See `Table.chunks`. The work is done by C: the csv module, `map` and `itemgetter`."""
        pickers = [itemgetter(self.position(column)) for column in columns]
        width, blank = len(self.header), [""] * max(len(self.header), 2)
        records = iter(self._records())
        try:
            self._skip_header(records)
            if self._skip_last:
                records = all_but_last(filter(is_row, records), self._skip_last)
            while rows := list(islice(records, CHUNK)):
                if blank in rows or set(map(len, rows)) != {width}:
                    rows = [self._even(row) for row in rows if is_row(row)]
                    if set(map(len, rows)) - {width}:
                        raise self._ragged()
                if rows:
                    yield [list(map(picker, rows)) for picker in pickers]
        except csv.Error:
            raise self._unreadable() from None

    @staticmethod
    def _skip_header(records: Iterator[list[str]]) -> None:
        for record in records:
            if is_row(record):
                return

    def _even(self, record: list[str]) -> list[str]:
        """Return a record with as many cells as the header has, where only nameless empty ones differ."""
        width, count = len(self.header), len(record)
        if count > width and not any(record[width:]):
            return record[:width]
        return record + [""] * (width - count) if not any(self.header[count:]) else record

    def _ragged(self) -> ProviderError:
        """Name the first rows that are too short or too long."""
        width = len(self.header)
        located = ((line, len(self._even(record))) for line, record in islice(self._located(), 1, None))
        rows = list(all_but_last(located, self._skip_last))
        wrong = [(line, count) for line, count in rows if count != width]
        line, count = wrong[0]
        foot = ""
        if wrong == rows[-len(wrong) :] and len(wrong) + self._skip_last <= LONGEST_FOOT:
            foot = f"; if the last rows are none (totals, a note), write `skip_last: {len(wrong) + self._skip_last}`"
        others = ", ".join(str(line) for line, _ in wrong[1 : 1 + SHOWN])
        more = f" (and lines {others}{' and more' if len(wrong) > 1 + SHOWN else ''})" if others else ""
        return fault(
            self.path,
            line,
            f"{count} cells where the header has {width}{more}",
            hint=f"the export was cut off, or a cell with a separator is not in quotes{foot}",
        )

    def _unreadable(self) -> ProviderError:
        """Walk the file again to find the line that the csv module refuses."""
        try:
            for _ in self._located():
                pass
        except ProviderError as error:
            return error
        return ProviderError(f"{self.path} cannot be read as CSV")

    def line(self, index: int) -> int:
        """See `Table.line`."""
        return next(islice((line for line, _ in self._located()), index + 1, None), 0)


class CsvRow:
    """One record with its own text; its cells are taken apart when one of them is changed."""

    __slots__ = ("_sheet", "cells", "raw")

    def __init__(self, sheet: "CsvSheet", raw: str, cells: list[str]) -> None:
        self._sheet = sheet
        self.raw = raw
        self.cells = cells

    def get(self, column: str) -> Cell:
        """See `Row.get`."""
        return self.cells[self._sheet.table.position(column)]

    def set(self, column: str, value: Cell) -> None:
        """See `Row.set`."""
        index, text = self._sheet.table.position(column), as_text(value)
        if self.cells[index] == text:
            return
        parts, ending = self._sheet.split(self.raw)
        parts[index] = self._sheet.quote(text, first=index == 0)
        self.cells[index] = text
        self.raw = self._sheet.delimiter.join(parts) + ending


class CsvSheet:
    """A CSV file that is edited: each record keeps its bytes until one of its own cells is set.

    Args:
        content, delimiter, comment: see `CsvTable`.

    Raises:
        ProviderError: the file is broken.
    """

    def __init__(self, content: Content, delimiter: str, comment: str = "") -> None:
        self.path = content.path
        self.table = CsvTable(content, delimiter, comment)
        self.delimiter = delimiter
        self._comment = comment
        self._part = re.compile(rf'"(?:[^"]|"")*"|[^{re.escape(delimiter)}\r\n]*')
        self._entries = self._split_records(content.text)
        self._ending = "\r\n" if "\r\n" in self._entries[0].raw or "\r\n" in content.text else "\n"

    def _split_records(self, text: str) -> list[CsvRow]:
        """Cut the text where the csv module does, so that reading and writing cannot disagree."""
        lines = list(io.StringIO(text, newline=""))
        records = _Records(text, self.delimiter, self._comment)
        entries: list[CsvRow] = []
        done, width = 0, len(self.table.header)
        try:
            for cells in records:
                end = records.reader.line_num
                entries.append(CsvRow(self, "".join(lines[done:end]), cells))
                if is_row(cells) and len(cells) != width:
                    raise fault(self.path, done + 1, f"{len(cells)} cells where the header has {width}")
                done = end
        except csv.Error as error:
            raise fault(self.path, done + 1, str(error)) from None
        return entries

    def rows(self) -> Sequence[Row]:
        """See `Sheet.rows`."""
        filled = [entry for entry in self._entries if is_row(entry.cells)]
        return filled[1:]

    def append(self, values: Mapping[str, Cell], *, like: Row | None = None) -> CsvRow:
        """See `Sheet.append`."""
        after = next((n for n, entry in enumerate(self._entries) if entry is like), len(self._entries) - 1)
        cells = list(self._entries[after].cells) if like is not None else [""] * len(self.table.header)
        for column, value in values.items():
            cells[self.table.position(column)] = as_text(value)
        last = self._entries[after]
        if not last.raw.endswith(("\n", "\r")):
            last.raw += self._ending
        raw = self.delimiter.join(self.quote(cell, first=not n) for n, cell in enumerate(cells)) + self._ending
        row = CsvRow(self, raw, cells)
        self._entries.insert(after + 1, row)
        return row

    def remove(self, row: Row) -> None:
        """See `Sheet.remove`."""
        self._entries = [entry for entry in self._entries if entry is not row]

    def text(self) -> str:
        """See `Sheet.text`."""
        return "".join(entry.raw for entry in self._entries)

    def split(self, raw: str) -> tuple[list[str], str]:
        """Take a record apart into its cells as they are written, and its line ending."""
        body = raw.rstrip("\r\n")
        parts: list[str] = []
        position = 0
        while True:
            match = self._part.match(body, position)
            part = match[0] if match else ""
            parts.append(part)
            position += len(part) + len(self.delimiter)
            if position > len(body):
                return parts, raw[len(body) :]

    def quote(self, text: str, *, first: bool) -> str:
        """Write a cell: in quotes only where it must be."""
        special = self.delimiter in text or any(letter in text for letter in '"\r\n') or text != text.strip()
        a_comment = first and self._comment and text.startswith(self._comment)
        a_blank_line = not text and len(self.table.header) == 1
        if special or a_comment or a_blank_line:
            return '"' + text.replace('"', '""') + '"'
        return text
