"""Entries are added to mappings and elements to lists, in the style of their neighbours."""

from collections.abc import Iterator
from collections.abc import Sequence as AnySequence

from reconciler.edit.lines import Lines
from reconciler.edit.nodes import Alias, Mapping, Node, Scalar, Sequence
from reconciler.edit.source import Source, Splice, Where, is_nothing
from reconciler.edit.writing import WIDTH, Value, write_entries, write_flow, write_pair, write_section
from reconciler.errors import EditError

Added = dict[str, Value] | list[Value]
"""Entries with their names, or elements."""


def add(source: Source, where: Where, added: Added) -> list[Splice]:
    """Return what to change so that a mapping or a list holds more, at its end.

    Args:
        source: the file.
        where: the way to the mapping or the list; what is missing of it must be made by the caller.
        added: the entries, none of which is there yet, or the elements.

    Raises:
        EditError: there is something else at this place.
    """
    node = source.find(where)
    if node is None or (not where and is_nothing(node)):
        return [_append_sections(source, added)]
    if isinstance(node, Mapping | Sequence) and (node.spans() or source.is_inline(where)):
        _check_kind(source, node, added)
        if node.flow:
            return _add_inline(source, node, list(_inline(added)))
        return [_add_lines(source, node, added) if where else _add_sections(source, node, added)]
    if isinstance(node, Mapping | Sequence) or is_nothing(node):
        return _fill(source, where, node, added)
    if isinstance(node, Scalar) and isinstance(added, list):
        return _make_list(node, added)
    if isinstance(node, Alias):
        source.refuse(node, f"*{node.anchor} stands here for something that is written elsewhere")
    source.refuse(node, "this holds a value, and nothing can be added to it")
    raise AssertionError


def _check_kind(source: Source, node: Mapping | Sequence, added: Added) -> None:
    if isinstance(node, Mapping) != isinstance(added, dict):
        source.refuse(node, f"this is {'a mapping' if isinstance(node, Mapping) else 'a list'}, and not the other")


def _inline(added: Added) -> Iterator[str]:
    if isinstance(added, dict):
        yield from (write_pair(key, value) for key, value in added.items())
    else:
        yield from map(write_flow, added)


def _add_inline(source: Source, node: Mapping | Sequence, texts: AnySequence[str]) -> list[Splice]:
    """Add inside of brackets: on the same line, or each on its own line where the last one has its own."""
    text, lines = source.text, source.lines
    close, spans = node.end - 1, node.spans()
    if not spans:
        start = text.index("{" if isinstance(node, Mapping) else "[", node.start) + 1
        if text[start:close].strip():
            source.refuse(node, "there is a comment in these brackets")
        return [Splice(start, close, ", ".join(texts))]
    first, last = spans[-1]
    line = lines.number(last)
    if lines.number(close) == line or not lines.begins(first):
        return [Splice(last, last, ", " + ", ".join(texts))]
    lead = lines.newline + " " * lines.column(first)
    end = lines.end(line)
    if text[last:end].lstrip(" \t").startswith(","):
        return [Splice(end, end, "".join(f"{lead}{one}," for one in texts))]
    return [Splice(last, last, ","), Splice(end, end, ",".join(f"{lead}{one}" for one in texts))]


def _add_lines(source: Source, node: Mapping | Sequence, added: Added) -> Splice:
    """Add below the last entry of a block, with an empty line between where the others have one."""
    lines, spans = source.lines, node.spans()
    column = find_dash(source, node, -1)[0] if isinstance(node, Sequence) else lines.column(spans[-1][0])
    step = source.step()
    if _is_roomy(source, node):
        written = ["", *_spread(added, column, step)]
    else:
        written = list(write_entries(added, indent=column, step=step, flow=_last_is_flow(node)))
    return insert_lines(lines, lines.after(spans[-1][1], column), written)


def _spread(added: Added, indent: int, step: int) -> Iterator[str]:
    """Yield the lines of entries with an empty line between each."""
    parts: list[Added] = (
        [{key: value} for key, value in added.items()] if isinstance(added, dict) else [[one] for one in added]
    )
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield from write_entries(part, indent=indent, step=step)


def _last_is_flow(node: Mapping | Sequence) -> bool:
    last = node.pairs[-1][1] if isinstance(node, Mapping) else node.items[-1]
    return isinstance(last, Mapping | Sequence) and last.flow


def _is_roomy(source: Source, node: Mapping | Sequence) -> bool:
    """Say whether an empty line stands between the last two entries of a block."""
    spans, lines = node.spans(), source.lines
    if len(spans) == 1:
        return False
    between = range(lines.number(spans[-2][1]) + 1, lines.number(spans[-1][0]))
    return any(map(lines.is_blank, between))


def _add_sections(source: Source, node: Mapping | Sequence, added: Added) -> Splice:
    """Add sections below the last one, with an empty line between, unless the others have none."""
    lines, spans = source.lines, node.spans()
    space = [""] if len(spans) == 1 or _is_roomy(source, node) else []
    written = _sections(added, source.step()) if isinstance(added, dict) else []
    return insert_lines(lines, lines.after(spans[-1][1], lines.column(spans[-1][0])), [*space, *written])


def _append_sections(source: Source, added: Added) -> Splice:
    """Add to a file that says nothing yet: after its comments."""
    if not isinstance(added, dict):
        raise EditError(f"{source.name} is a mapping of sections", hint="name the section")
    lines = source.lines
    last = source.text.count("\n")
    while last and not lines.content(last).strip():
        last -= 1
    return insert_lines(lines, last if source.text.strip() else -1, _sections(added, source.step()))


def _sections(added: dict[str, Value], step: int) -> list[str]:
    written: list[str] = []
    for name, value in added.items():
        written += [*([""] if written else []), *write_section(name, value, step=step)]
    return written


def _fill(source: Source, where: Where, node: Node, added: Added) -> list[Splice]:
    """Give entries to a mapping or a list that has none: `people:`, `people: {}`."""
    if getattr(node, "anchor", None):
        source.refuse(node, "this has an anchor")
    text, lines = source.text, source.lines
    line = lines.number(node.start)
    start = node.start - (len(text[: node.start]) - len(text[: node.start].rstrip(" ")))
    if len(where) > 1 or text[start - 1 : start] != ":" or lines.column(start) == 0:
        return [Splice(start, node.end, f" {_one_line(added)}")]
    step = source.step()
    written = list(write_entries(added, indent=step, step=step))
    below = lines.number(max(node.end - 1, node.start))
    return [Splice(start, node.end, ""), insert_lines(lines, max(line, below), written)]


def _one_line(added: Added) -> str:
    text = write_flow(added)
    if len(text) > 10 * WIDTH:
        raise EditError("what is to be added is too long for one line", hint="write it by hand")
    return text


def _make_list(node: Scalar, added: list[Value]) -> list[Splice]:
    """Make a list of one value and what is added: `team:a` becomes `[team:a, team:b]`."""
    return [
        Splice(node.start, node.start, "["),
        Splice(node.end, node.end, "".join(f", {write_flow(one)}" for one in added) + "]"),
    ]


def find_dash(source: Source, node: Sequence, index: int) -> tuple[int, int]:
    """Return the column and the line of the dash before an element of a block.

    Raises:
        EditError: the list has an anchor, and where it begins is not where its dashes are.
    """
    lines = source.lines
    if node.anchor:
        source.refuse(node, "this list has an anchor")
    column, line = lines.column(node.start), lines.number(node.items[index].start)
    while lines.is_comment(line) or lines.content(line)[column : column + 1] != "-":
        line -= 1
    return column, line


def insert_lines(lines: Lines, last: int, written: AnySequence[str]) -> Splice:
    """Return what puts lines below a line (-1: at the beginning); a file that ends without a line break stays so."""
    offset = lines.start(last + 1)
    block = lines.newline.join(written)
    if offset and lines.text[offset - 1] not in "\r\n":
        return Splice(offset, offset, lines.newline + block)
    return Splice(offset, offset, block + lines.newline)
