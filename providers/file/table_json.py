"""JSON: a list of objects, read as columns, and edited object by object so that the others keep their bytes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from providers.file.client import Content
from providers.file.table import Cell, Row, fault
from reconciler.errors import ProviderError

_BLANK = " \t\r\n"


def _pick(record: Mapping[str, Any], column: str) -> Cell:
    """Return a value by its key, or by a path of keys (`profile.email`, `roles[].name`); None where there is none."""
    if column in record:
        value: Cell = record[column]
        return value
    here, each, rest = column.partition("[].")
    found: Any = record
    for key in here.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    if each and isinstance(found, list):
        found = [_pick(one, rest) if isinstance(one, Mapping) else None for one in found]
    result: Cell = found
    return result


def _put(record: dict[str, Any], column: str, value: Cell) -> None:
    """Set a value by its key or its path of keys, making the objects on the way."""
    if column in record or "." not in column:
        record[column] = value
        return
    *parents, last = column.split(".")
    for key in parents:
        record = record.setdefault(key, {})
    record[last] = value


def list_of_lines(text: str) -> str:
    """Return the objects of a file with one a line as a list, each in the line that it was in."""
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    for number in filled[:-1]:
        lines[number] += ","
    return f"[{chr(10).join(lines)}]"


def _parse(content: Content) -> Any:
    """Parse the whole file.

    Raises:
        ProviderError: it is no JSON, or too deep; the message names the line.
    """
    try:
        return json.loads(content.text)
    except json.JSONDecodeError as error:
        lines = "an object a line is `format: jsonl`" if error.msg == "Extra data" else ""
        raise fault(content.path, error.lineno, f"this is not JSON: {error.msg.lower()}", hint=lines) from None
    except RecursionError:
        raise ProviderError(f"{content.path} is nested too deeply to be an export") from None
    except ValueError as error:
        raise ProviderError(f"{content.path} holds a value that cannot be read: {error}") from None


def _find_list(content: Content, where: str) -> list[dict[str, Any]]:
    """Return the list of objects that `records` names.

    Raises:
        ProviderError: there is none, or it holds something else than objects.
    """
    found: Any = _parse(content)
    for key in filter(None, where.split(".")):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        place = f"at {where!r}" if where else "at the top"
        raise ProviderError(
            f"{content.path} has no list {place}",
            hint="say with `records:` where the list of objects is (`data.users`)",
        )
    for number, record in enumerate(found):
        if not isinstance(record, dict):
            line = JsonSpans(content.text, where).line(number)
            raise fault(content.path, line, f"element {number + 1} is no object")
    return found


class JsonSpans:
    """Where each object of the list begins and ends in the text, found with the decoder itself.

    Args:
        text: valid JSON that has a list at `where`.
        where: keys joined by dots; empty for the top.
    """

    def __init__(self, text: str, where: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        self.start = self._skip(0)
        for key in filter(None, where.split(".")):
            self.start = self._value_of(self.start, key)
        self.spans = self._elements(self.start)

    def line(self, number: int) -> int:
        """Return the line that element `number` begins in."""
        return self._text.count("\n", 0, self.spans[number][0]) + 1

    def _skip(self, position: int) -> int:
        while position < len(self._text) and self._text[position] in _BLANK:
            position += 1
        return position

    def _end(self, position: int) -> int:
        return self._decoder.raw_decode(self._text, position)[1]

    def _value_of(self, position: int, wanted: str) -> int:
        """Return where the value of a key of the object at `position` begins; the last such key counts."""
        found = -1
        position = self._skip(position + 1)
        while self._text[position] != "}":
            key, position = self._decoder.raw_decode(self._text, position)
            value = self._skip(self._skip(position) + 1)
            found = value if key == wanted else found
            position = self._skip(self._end(value))
            position = self._skip(position + 1) if self._text[position] == "," else position
        return found

    def _elements(self, position: int) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        position = self._skip(position + 1)
        while self._text[position] != "]":
            end = self._end(position)
            spans.append((position, end))
            position = self._skip(end)
            position = self._skip(position + 1) if self._text[position] == "," else position
        self.stop = position
        return spans


class JsonTable:
    """A JSON file with a list of objects, read once. A key that an object lacks is None there.

    Args:
        content: the decoded file.
        where: keys to the list, joined by dots; empty where the whole file is the list.

    Raises:
        ProviderError: it is not JSON, or has no such list.
    """

    def __init__(self, content: Content, where: str = "") -> None:
        self.path = content.path
        self._content = content
        self._where = where
        self.records = _find_list(content, where)

    def chunks(self, columns: Sequence[str]) -> Iterator[list[Sequence[Cell]]]:
        """See `Table.chunks`: one chunk."""
        if not self.records:
            return
        chunk: list[Sequence[Cell]] = [[_pick(record, column) for record in self.records] for column in columns]
        for column, values in zip(columns, chunk, strict=True):
            if all(value is None for value in values):
                known = ", ".join(self.records[0])
                raise fault(self.path, self.line(0), f"no object has {column!r}", hint=f"the first one has: {known}")
        yield chunk

    def line(self, index: int) -> int:
        """See `Table.line`."""
        return JsonSpans(self._content.text, self._where).line(index)


@dataclass(frozen=True, slots=True)
class Style:
    """How an object is written: indentation (None: on one line), separators, and whether letters are escaped."""

    indent: int | str | None
    separators: tuple[str, str]
    escapes: bool
    base: str = ""

    def write(self, record: Mapping[str, Any]) -> str:
        """Return an object as text."""
        text = json.dumps(record, indent=self.indent, separators=self.separators, ensure_ascii=self.escapes)
        return text.replace("\n", "\n" + self.base)


def _styles(base: str) -> Iterator[Style]:
    """Yield the ways in which programs write objects, the usual ones first."""
    for escapes in (False, True):
        for indent in (2, 4, 1, 3, 8, "\t"):
            yield Style(indent, (",", ": "), escapes, base)
        for separators in ((", ", ": "), (",", ":"), (", ", ":"), (",", ": ")):
            yield Style(None, separators, escapes, base)


class JsonRow:
    """One object; it keeps its text until one of its values is set."""

    __slots__ = ("_sheet", "raw", "record")

    def __init__(self, sheet: "JsonSheet", raw: str, record: dict[str, Any]) -> None:
        self._sheet = sheet
        self.raw = raw
        self.record = record

    def get(self, column: str) -> Cell:
        """See `Row.get`."""
        return _pick(self.record, column)

    def set(self, column: str, value: Cell) -> None:
        """See `Row.set`."""
        if _pick(self.record, column) == value and (value is not None or column in self.record):
            return
        _put(self.record, column, value)
        self.raw = self._sheet.style.write(self.record)


class JsonSheet:
    """A JSON file that is edited: what is around the list, and every object that is not touched, keeps its bytes.

    Args:
        content, where: see `JsonTable`.

    Raises:
        ProviderError: the file is broken.
    """

    def __init__(self, content: Content, where: str = "") -> None:
        self.path = content.path
        records = _find_list(content, where)
        spans = JsonSpans(content.text, where)
        text = content.text
        self._rows = [
            JsonRow(self, text[slice(*span)], record) for span, record in zip(spans.spans, records, strict=True)
        ]
        ends = [spans.start + 1, *(end for _, end in spans.spans)]
        begins = [*(begin for begin, _ in spans.spans), spans.stop]
        self._gaps = [text[end:begin] for end, begin in zip(ends, begins, strict=True)]
        self._before, self._after = text[: spans.start + 1], text[spans.stop :]
        self.style = self._guess_style()

    def _guess_style(self) -> Style:
        """Find the way in which the first object is written; an unknown one is written with two spaces."""
        base = "".join(takewhile(lambda letter: letter in " \t", self._gaps[0].rpartition("\n")[2]))
        for style in _styles(base):
            if any(style.write(row.record) == row.raw for row in self._rows[:1]):
                return style
        flat = self._rows and "\n" not in self._rows[0].raw
        return (
            Style(None, (", ", ": "), escapes=False)
            if flat
            else Style(2, (",", ": "), escapes=False, base=base or "  ")
        )

    def rows(self) -> Sequence[Row]:
        """See `Sheet.rows`."""
        return list(self._rows)

    def append(self, values: Mapping[str, Cell], *, like: Row | None = None) -> JsonRow:
        """See `Sheet.append`."""
        after = next((n for n, row in enumerate(self._rows) if row is like), len(self._rows) - 1)
        record: dict[str, Any] = dict(self._rows[after].record) if like is not None else {}
        for column, value in values.items():
            _put(record, column, value)
        if self._rows:
            self._gaps.insert(after + 1, self._gaps[1] if len(self._rows) > 1 else "," + (self._gaps[0] or " "))
        else:
            self._gaps = ["\n  ", "\n"]
        row = JsonRow(self, self.style.write(record), record)
        self._rows.insert(after + 1, row)
        return row

    def remove(self, row: Row) -> None:
        """See `Sheet.remove`."""
        index = next(n for n, other in enumerate(self._rows) if other is row)
        del self._rows[index]
        del self._gaps[index if index == len(self._rows) else index + 1]

    def text(self) -> str:
        """See `Sheet.text`."""
        parts = [self._before]
        for gap, row in zip(self._gaps, self._rows, strict=False):
            parts += [gap, row.raw]
        return "".join((*parts, self._gaps[-1], self._after))
