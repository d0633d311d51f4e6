"""A file's text becomes nodes that know where they begin and end, so that a change can be made in the text itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from reconciler.errors import EditError
from reconciler.load.syntax import explain, explain_reader

MAX_DEPTH = 64

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """One value.

    Attributes:
        start, end: offsets in characters; the end of a block scalar is that of its last line of content.
        text: what it says.
        style: None without quotes, else `'`, `"`, `|` or `>`.
    """

    start: int
    end: int
    text: str
    style: str | None = None
    anchor: str | None = None


@dataclass(slots=True)
class Alias:
    """A reference to an anchor."""

    start: int
    end: int
    anchor: str


@dataclass(slots=True)
class Mapping:
    """Keys and values, in brackets (`flow`) or as a block; `end` is that of the last value, or the bracket's."""

    start: int
    flow: bool
    anchor: str | None = None
    end: int = 0
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)

    def spans(self) -> list[tuple[int, int]]:
        """Return from where to where each entry is written."""
        return [(key.start, max(key.end, value.end)) for key, value in self.pairs]


@dataclass(slots=True)
class Sequence:
    """Elements, in brackets (`flow`) or as a block; `end` is that of the last element, or the bracket's."""

    start: int
    flow: bool
    anchor: str | None = None
    end: int = 0
    items: list["Node"] = field(default_factory=list)

    def spans(self) -> list[tuple[int, int]]:
        """Return from where to where each element is written, without its dash."""
        return [(item.start, item.end) for item in self.items]


Node: TypeAlias = Scalar | Alias | Mapping | Sequence


@dataclass(slots=True)
class _Open:
    """A collection that has begun; `key` waits for its value."""

    node: Mapping | Sequence
    key: Node | None = None

    def take(self, child: Node) -> None:
        if isinstance(self.node, Sequence):
            self.node.items.append(child)
        elif self.key is None:
            self.key = child
        else:
            self.node.pairs.append((self.key, child))
            self.key = None


def compose(text: str, path: str) -> list[Node]:
    """Return the root of each document of a text.

    Args:
        text: without a byte order mark; its line breaks as they are.
        path: of the file, for messages.

    Raises:
        EditError: it is not YAML, or nested too deeply.
    """
    try:
        return _compose(text, path)
    except MarkedYAMLError as error:
        fault = explain(error)
    except ReaderError as error:
        fault = explain_reader(error, text.encode())
    raise EditError(f"{path}:{fault.mark.line + 1}:{fault.mark.column + 1}: {fault.message}", hint=fault.hint)


def _compose(text: str, path: str) -> list[Node]:
    roots = Sequence(0, flow=False)
    stack = [_Open(roots)]
    events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
    for event in events:
        kind = event.__class__
        if kind is ScalarEvent:
            stack[-1].take(_scalar(text, event))
        elif kind is AliasEvent:
            stack[-1].take(Alias(event.start_mark.index, event.end_mark.index, event.anchor))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            make = Mapping if kind is MappingStartEvent else Sequence
            stack.append(_Open(make(event.start_mark.index, bool(event.flow_style), event.anchor)))
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            node = stack.pop().node
            node.end = event.end_mark.index if node.flow else _last(node)
            stack[-1].take(node)
        if len(stack) > MAX_DEPTH:
            raise EditError(f"{path} is nested more than {MAX_DEPTH} deep", hint="nothing here needs that much nesting")
    return roots.items


def _scalar(text: str, event: Any) -> Scalar:
    start, end = event.start_mark.index, event.end_mark.index
    if event.style in ("|", ">"):
        end = _end_of_block(text, start, end)
    return Scalar(start, end, event.value, event.style or None, event.anchor)


def _end_of_block(text: str, start: int, end: int) -> int:
    """Return where the last line of a block scalar ends; where blank lines count (`|+`), they belong to it."""
    header = text[start:end].partition("\n")[0].partition("#")[0]
    if "+" not in header:
        return start + len(text[start:end].rstrip())
    if text[:end].endswith("\r\n"):
        return end - 2
    return end - 1 if text[:end].endswith(("\n", "\r")) else end


def _last(node: Mapping | Sequence) -> int:
    return max((end for _, end in node.spans()), default=node.start)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and everything in it."""
    yield node
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            yield from walk(key)
            yield from walk(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from walk(item)
