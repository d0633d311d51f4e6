"""Rows laid out in aligned columns: one line a row where it fits, the reasons beneath where it does not."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from reconciler.render.colours import Palette
from reconciler.render.escape import columns, pad, wrap
from reconciler.render.rows import Row

UNLIMITED = 0
"""A width that never breaks a line: for pipes and files, where a row is a line."""

_NARROWEST_NOTE = 32
_MOST_LINES = 2
_ENDLESS = 1_000_000


class Layout:
    """Column widths for the rows of one plan, and the colours.

    A text that is longer than its column may be keeps its length and pushes the rest of its own row aside: names and
    levels are never cut.
    """

    def __init__(self, rows: Sequence[Row], width: int, paint: Palette) -> None:
        """Measure all rows once."""
        self.width = width or _ENDLESS
        room = width or 160
        self.label = _widest([row.label for row in rows], 12)
        self.holder = _widest([row.holder for row in rows if row.objects], max(12, room // 6))
        self.object = _widest([one for row in rows for one in row.objects], max(24, room // 3))
        self.left = 4 + self.label + 2
        self.way_at = self.left + self.holder + 2 + self.object + 2
        self.paint = paint
        self.colours = {
            "+": paint.add,
            "~": paint.change,
            "-": paint.remove,
            "✓": paint.add,
            "✗": paint.remove,
            "!": paint.ticket,
            "?": paint.quiet,
            "·": paint.quiet,
            "⚠": paint.alarm,
        }

    def lines(self, rows: Sequence[Row]) -> Iterator[str]:
        """Yield the lines of one app's rows; only an app that uses several ways has a column for them."""
        way = _widest([row.way for row in rows], 16)
        note_at = self.way_at + way + 2 if way else self.way_at
        for row in rows:
            yield from self._row(row, way, note_at)

    def _row(self, row: Row, way: int, note_at: int) -> Iterator[str]:
        note = f"privileged · {row.note}" if row.privileged else row.note
        head = f"  {self.colours[row.symbol]}{row.symbol} {row.label.ljust(self.label)}{self.paint.end}  "
        if not (row.holder or row.objects or row.way):
            yield from self._beside(row, head, "", note, self.left)
            return
        body, size = self._body(row, way)
        at = self._note_column(row, self.left + size, note, note_at)
        if at:
            yield from self._beside(row, head, body + " " * (at - self.left - size), note, at)
        else:
            yield from self._beneath(row, head, body, note)

    def _body(self, row: Row, way: int) -> tuple[str, int]:
        """Return whom and what a row is about, and how many columns that takes without its colours."""
        first = row.objects[0] if row.objects else ""
        subject = f"{pad(row.holder, self.holder)}  {first}" if row.holder and first else row.holder or first
        if not row.way:
            return f"{subject}  ", columns(subject) + 2
        subject = f"{pad(subject, self.way_at - self.left - 2)}  "
        space = " " * (way - columns(row.way) + 2)
        return f"{subject}{self._quiet(row.way)}{space}", columns(subject) + columns(row.way) + len(space)

    def _note_column(self, row: Row, taken: int, note: str, note_at: int) -> int:
        """Return where a note begins so that it fits, or nearly; 0 if it has to go beneath."""
        size = columns(note)
        earliest = self.way_at if row.objects or row.way else self.left + self.holder + 2
        for column in (note_at, self.way_at, earliest):
            if max(taken, column) + size <= self.width:
                return max(taken, column)
        column = max(taken, note_at)
        room = self.width - column
        if room < _NARROWEST_NOTE:
            return 0
        lines = wrap(note, room)
        return column if len(lines) <= _MOST_LINES and all(columns(line) <= room for line in lines) else 0

    def _beside(self, row: Row, head: str, body: str, note: str, at: int) -> Iterator[str]:
        notes = wrap(note, self.width - at)
        yield self._trimmed(f"{head}{body}", self._note(notes[0], row))
        indent = " " * (self.left + self.holder + 2)
        for more, rest in zip_longest(row.objects[1:], notes[1:]):
            line = pad(f"{indent}{more}" if more else "", at)
            if rest and columns(line) > at:
                yield line
                line = " " * at
            yield self._trimmed(line, self._note(rest or "", row, first=False))

    def _beneath(self, row: Row, head: str, body: str, note: str) -> Iterator[str]:
        yield f"{head}{body}".rstrip()
        for more in row.objects[1:]:
            yield f"{' ' * (self.left + self.holder + 2)}{more}"
        indent = " " * (self.left + 2)
        for index, line in enumerate(wrap(note, max(self.width - self.left - 2, _NARROWEST_NOTE))):
            yield f"{indent}{self._note(line, row, first=not index)}"

    def _trimmed(self, line: str, note: str) -> str:
        return f"{line}{note}" if note else line.rstrip()

    def _note(self, note: str, row: Row, *, first: bool = True) -> str:
        if row.privileged and first and note.startswith("privileged"):
            return f"{self._alarm('privileged')}{self._note(note.removeprefix('privileged'), row, first=False)}"
        return self._alarm(note) if row.symbol in "⚠✗" else self._quiet(note)

    def _alarm(self, text: str) -> str:
        return self.paint.paint(self.paint.alarm, text)

    def _quiet(self, text: str) -> str:
        return self.paint.paint(self.paint.quiet, text)


def _widest(texts: Sequence[str], limit: int) -> int:
    """Return the columns of the widest text that is not over the limit (such outliers must not widen every row)."""
    return max((size for size in map(columns, texts) if size <= limit), default=0)
