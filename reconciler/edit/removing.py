"""Entries and elements are removed, with the comments that are theirs and no blank line too many."""

import re

from reconciler.edit.adding import find_dash
from reconciler.edit.nodes import Mapping, Node, Sequence
from reconciler.edit.source import Source, Splice, Where

_REST = re.compile(r"[ \t]*,?[ \t]*(?:#.*)?")


def remove(source: Source, where: Where) -> list[Splice]:
    """Return what to change so that an entry or an element is gone.

    Comments above it go with it, unless they are the heading of several entries; so do those inside and behind it.

    Args:
        source: the file.
        where: the way to it, which must be there.

    Raises:
        EditError: it cannot be taken out without touching anything else.
    """
    parent, index = _parent(source, where)
    spans = parent.spans()
    if parent.flow:
        return [_remove_inline(source, parent, index)]
    if len(spans) == 1:
        return _remove_only(source, where, parent)
    start, end = spans[index]
    if isinstance(parent, Mapping) and not source.lines.begins(start):
        return [_remove_behind_dash(source, parent, index)]
    column, first = _head(source, parent, index)
    if not source.lines.begins(source.lines.start(first) + column):
        source.refuse(_child(parent, index), "this element stands on the line of another")
    return [_remove_lines(source, parent, index, column, end)]


def _parent(source: Source, where: Where) -> tuple[Mapping | Sequence, int]:
    parent, step = source.find(where[:-1]), where[-1]
    if isinstance(parent, Mapping):
        return parent, next(index for index, (key, _) in enumerate(parent.pairs) if getattr(key, "text", None) == step)
    if isinstance(parent, Sequence) and isinstance(step, int):
        return parent, step
    raise AssertionError("what is removed was found before")


def _child(parent: Mapping | Sequence, index: int) -> Node:
    return parent.pairs[index][0] if isinstance(parent, Mapping) else parent.items[index]


def _remove_inline(source: Source, parent: Mapping | Sequence, index: int) -> Splice:
    """Remove from brackets: with its whole lines where it stands alone on them."""
    text, lines, spans = source.text, source.lines, parent.spans()
    start, end = spans[index]
    first, last = lines.number(start), lines.number(end)
    if lines.begins(start) and _REST.fullmatch(text[end : lines.end(last)]) and last < lines.number(parent.end - 1):
        return Splice(lines.start(_comment_above(source, first, lines.column(start), -1)), lines.start(last + 1), "")
    if len(spans) == 1:
        comma = text[end : parent.end - 1]
        end = parent.end - 1 if not comma.strip(" ,") else end
        begin = text.index("{" if isinstance(parent, Mapping) else "[", parent.start) + 1
        return Splice(begin if not text[begin:start].strip(" ") else start, end, "")
    start, end = (start, spans[index + 1][0]) if index < len(spans) - 1 else (spans[index - 1][1], end)
    if "#" in text[start : spans[index][0]] + text[spans[index][1] : end]:
        source.refuse(_child(parent, index), "there is a comment beside this, in the same brackets")
    return Splice(start, end, "")


def _remove_only(source: Source, where: Where, parent: Mapping | Sequence) -> list[Splice]:
    """Remove the only entry of a block: empty brackets stay behind, or nothing at all of a whole document."""
    end = parent.spans()[0][1]
    lines = source.lines
    empty = "{}" if isinstance(parent, Mapping) else "[]"
    column, first = _head(source, parent, 0)
    begins = lines.start(first) + column
    if not lines.begins(begins) or len(where) < 2 or isinstance(where[-2], int):  # noqa: PLR2004 - a section and an entry in it
        if len(where) == 1:
            return [_cut(source, first, lines.after(end, column))]
        return [Splice(begins, end, empty)]
    above = _comment_above(source, first, column, -1)
    behind = _end_of_key(source, where[:-1])
    return [Splice(behind, behind, f" {empty}"), _cut(source, above, lines.after(end, column))]


def _end_of_key(source: Source, where: Where) -> int:
    """Return the offset behind the colon of a key."""
    holder, index = _parent(source, where)
    if not isinstance(holder, Mapping):
        raise TypeError("a section has a name")
    return source.text.index(":", holder.pairs[index][0].end) + 1


def _remove_behind_dash(source: Source, parent: Mapping, index: int) -> Splice:
    """Remove the first entry of a mapping that begins behind a dash: the second moves up to it."""
    start, following = parent.pairs[index][0].start, parent.pairs[index + 1][0].start
    lines = source.lines
    between = range(lines.number(parent.spans()[index][1]) + 1, lines.number(following))
    if any(map(lines.is_comment, between)):
        source.refuse(parent.pairs[index + 1][0], "there is a comment above this, which would lose its place")
    return Splice(start, following, "")


def _remove_lines(source: Source, parent: Mapping | Sequence, index: int, column: int, end: int) -> Splice:
    lines, spans = source.lines, parent.spans()
    _, first = _head(source, parent, index)
    above = lines.number(spans[index - 1][1]) if index else -1
    start = _comment_above(source, first, column, above)
    start = first if start < first and _is_heading(source, parent, index, start) else start
    last = lines.after(end, column)
    blank_above, blank_below = lines.is_blank(start - 1), lines.is_blank(last + 1)
    at_end = not lines.exists(last + 1)
    if (
        blank_above
        and start == _comment_above(source, first, column, above)
        and (blank_below or at_end or _is_last(parent, index))
    ):
        while lines.is_blank(start - 1):
            start -= 1
    elif not index and blank_below and not blank_above:
        while lines.is_blank(last + 1):
            last += 1
    return _cut(source, start, last)


def _is_last(parent: Mapping | Sequence, index: int) -> bool:
    return index == len(parent.spans()) - 1


def _cut(source: Source, first: int, last: int) -> Splice:
    """Remove lines; at the end of a file without a final line break, the one before them instead."""
    lines = source.lines
    start, end = lines.start(first), lines.start(last + 1)
    if first and end == len(source.text) and source.text[end - 1] not in "\r\n":
        start = lines.end(first - 1)
    return Splice(start, end, "")


def _head(source: Source, parent: Mapping | Sequence, index: int) -> tuple[int, int]:
    """Return the column and the line in which an entry's key stands, or the dash of an element."""
    if isinstance(parent, Sequence):
        return find_dash(source, parent, index)
    start = parent.pairs[index][0].start
    return source.lines.column(start), source.lines.number(start)


def _comment_above(source: Source, first: int, column: int, above: int) -> int:
    """Return the first line of the comment that stands directly above a line, indented alike."""
    lines = source.lines
    while first - 1 > above and lines.is_comment(first - 1) and lines.indent(first - 1) == column:
        first -= 1
    return first


def _is_heading(source: Source, parent: Mapping | Sequence, index: int, start: int) -> bool:
    """Say whether a comment above an entry is one for those below it too.

    It is, where the file begins with it; or where a paragraph does (or the section), and the next entry follows
    without a blank line and without a comment of its own.
    """
    lines, spans = source.lines, parent.spans()
    if start == 0:
        return True
    begins = lines.is_blank(start - 1) or index == 0
    if not begins or index + 1 >= len(spans):
        return False
    following = lines.number(spans[index + 1][0])
    return lines.number(spans[index][1]) == following - 1
