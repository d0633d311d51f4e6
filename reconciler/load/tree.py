"""A YAML file's text becomes nodes with their positions, from the events of the C parser.

A scalar is a `str` (or `Plain`), a mapping a `Map`, a list a `Seq`. The parser hands over one entry of a section at a
time (`read_entries`), so that a file of a million grants never stands in memory as a tree. Whatever could blow up is
bounded: nesting, the length of a scalar, what aliases expand to.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias

from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from reconciler.load.faults import Faults, Mark, Point, quote
from reconciler.load.scalars import Quoted, is_empty
from reconciler.load.syntax import UnreadableError, check_characters, check_encoding, explain, explain_reader

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined] # the stubs leave it out
except ImportError:  # PyYAML was built without libyaml: the same events, some thirty times slower
    from yaml.loader import Loader as _Parser  # type: ignore[assignment] # what is used of it is the same

MAX_DEPTH = 64
MAX_EXPANSION = 100_000

_NO_CUT = -1
_ENTRY = 2
_SECTION = 1
_BAD_KEYS = frozenset({"", "<<"})


class Map:
    """A mapping: keys and values in turn in `items`, the position of each in `marks` (or none, see `read_entries`)."""

    __slots__ = ("items", "mark", "marks", "note")

    def __init__(self, mark: Mark) -> None:
        self.items: list[Node] = []
        self.marks: list[Mark] = []
        self.mark = mark
        self.note: Callable[[Mark], None] | None = self.marks.append

    def pairs(self) -> Iterator[tuple[str, Mark, "Node", Mark]]:
        """Yield key, its position, value, its position."""
        keys, values = self.items[::2], self.items[1::2]
        for key, key_mark, node, mark in zip(keys, self.key_marks(), values, self.value_marks(), strict=False):
            yield str(key), key_mark, node, mark

    def key_marks(self) -> Iterable[Mark]:
        """Return the position of each key; without end where none were kept."""
        return self.marks[::2] or repeat(self.mark)

    def value_marks(self) -> Iterable[Mark]:
        """Return the position of each value; without end where none were kept."""
        return self.marks[1::2] or repeat(self.mark)


class Seq:
    """A list: the elements in `items`, the position of each in `marks`."""

    __slots__ = ("items", "mark", "marks", "note")

    def __init__(self, mark: Mark) -> None:
        self.items: list[Node] = []
        self.marks: list[Mark] = []
        self.mark = mark
        self.note: Callable[[Mark], None] | None = self.marks.append


Node: TypeAlias = str | Map | Seq

_HANDED_OVER: Final = "\0handed over"


class Entry(NamedTuple):
    """One entry of a section: `ana` in `people`, or one element of `grants` (whose key is empty).

    Where a section is empty, or neither a mapping nor a list, its one entry is the section itself, with `position` -1.
    """

    section: str
    section_mark: Mark
    key: str
    position: int
    mark: Mark
    node: Node
    node_mark: Mark


def read_entries(content: bytes, faults: Faults, *, loose: Collection[str] = ()) -> Iterator[Entry]:
    """Yield the entries of all sections of all documents of a file, in order (scalars of a section after the rest).

    Args:
        content: UTF-8, with or without a byte order mark.
        faults: gets what is wrong but does not end the reading (a key written twice).
        loose: sections whose entries come without the positions inside their mappings (each value then has the
            mapping's own), which most files never need: whoever finds a fault reads again.

    Raises:
        UnreadableError: it cannot be read any further.
    """
    return _Composer(content, faults, loose).compose(_ENTRY)


def read_documents(content: bytes, faults: Faults) -> tuple[list[Node], list[Mark]]:
    """Return the documents of a file as whole trees, and where each begins.

    Raises:
        UnreadableError: it cannot be read.
    """
    composer = _Composer(content, faults)
    for _ in composer.compose(_NO_CUT):
        pass
    return composer.root.items, composer.root.marks


class _Composer:
    """Builds nodes from events."""

    def __init__(self, content: bytes, faults: Faults, loose: Collection[str] = ()) -> None:
        self.content = check_encoding(content)
        self.loose = loose
        self.precise = True
        self.faults = faults
        self.root = Seq(Point(0, 0))
        self.stack: list[Map | Seq] = []
        self.anchors: dict[str, Node] = {}
        self.open: set[int] = set()
        self.sizes: dict[int, tuple[int, int]] = {}
        self.expanded = 0

    def compose(self, cut: int) -> Iterator[Entry]:
        """Build the nodes, and hand over those that end at depth `cut`; translate what the parser complains about."""
        try:
            yield from self._compose(cut)
            if cut != _NO_CUT:
                yield from self._leftovers()
        except MarkedYAMLError as error:
            raise explain(error) from None
        except ReaderError as error:
            raise explain_reader(error, self.content) from None

    def _compose(self, cut: int) -> Iterator[Entry]:  # noqa: C901 - the one loop that every scalar goes through
        stack = self.stack
        current: Map | Seq = self.root
        append = current.items.append
        note = current.note
        special = b"&" in self.content or b"!" in self.content
        take: Callable[[], Any] = _Parser(self.content).get_event
        while (event := take()) is not None:
            kind = event.__class__
            if kind is ScalarEvent:
                value = event.value if not event.style else _quoted(event)
                if special:
                    self._anchor(event, value)
                append(value)
                if note is not None:
                    note(event.start_mark)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                stack.append(current)
                current = self._open(event, cut)
                append = current.items.append
                note = current.note
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                node = self._close(current)
                parent = stack.pop()
                if len(stack) == cut:
                    yield _entry(stack[-1], parent, current)
                    node = _HANDED_OVER
                elif len(stack) == _SECTION < cut:
                    yield from _rest(parent, current)
                    node = _HANDED_OVER
                append, note = parent.items.append, parent.note
                append(node)
                if note is not None:
                    note(current.mark)
                current = parent
            elif kind is AliasEvent:
                append(self._expand(event))
                if note is not None:
                    note(event.start_mark)
            elif kind is DocumentStartEvent:
                self._begin(event)

    def _leftovers(self) -> Iterator[Entry]:
        """Yield what is no container of entries: sections that are scalars, or aliases."""
        for top, mark in zip(self.root.items, self.root.marks, strict=True):
            if isinstance(top, Map):
                for name, name_mark, section, section_mark in top.pairs():
                    if isinstance(section, Map | Seq):
                        yield from _iterate(name, name_mark, section)
                    elif section is not _HANDED_OVER:
                        yield Entry(name, name_mark, "", -1, section_mark, section, section_mark)
            elif not isinstance(top, str) or not is_empty(top):
                raise _no_sections(mark)

    def _open(self, event: Any, cut: int) -> Map | Seq:
        """Begin a mapping or a list; nothing is noted inside the mappings of loose entries."""
        depth = len(self.stack)
        if depth > MAX_DEPTH:
            raise UnreadableError(
                event.start_mark, f"nested more than {MAX_DEPTH} deep", "nothing here needs that much nesting"
            )
        mark: Mark = event.start_mark
        node = Map(mark) if event.__class__ is MappingStartEvent else Seq(mark)
        if event.tag is not None or event.anchor is not None:
            self._anchor(event, node)
            self.open.add(id(node))
        if depth == _ENTRY and self.loose:
            section = self.stack[1].items[-1:]
            self.precise = not section or section[0] not in self.loose
        if not self.precise and depth > cut and node.__class__ is Map:
            node.note = None
        return node

    def _close(self, node: Map | Seq) -> Node:
        """End a mapping or a list: its keys are texts, and each is there once."""
        parent = self.stack[-1]
        if parent.__class__ is Map and not len(parent.items) & 1:
            raise UnreadableError(node.mark, "a key is a mapping or a list", "write keys as plain text")
        if node.__class__ is Map:
            keys = node.items[::2]
            distinct = set(keys)
            if len(distinct) != len(keys) or not distinct.isdisjoint(_BAD_KEYS):
                self._check_keys(node)
        if self.open:
            self.open.discard(id(node))
        return node

    def _check_keys(self, node: Map) -> None:
        first: dict[str, Mark] = {}
        for key, mark, _, _ in node.pairs():
            if key in first:
                self.faults.error(mark, f"{quote(key)} is written twice", "remove one of them", also=first[key])
            first.setdefault(key, mark)
            if key == "<<":
                self.faults.error(mark, "merge keys (<<) are no part of YAML 1.2", "write the keys out")
            if not key:
                self.faults.error(mark, "a key is empty", "write the key before the colon")

    def _begin(self, event: Any) -> None:
        """Begin a document: it may not ask for YAML 1.1, where `NO` would be false."""
        if event.version and tuple(event.version) != (1, 2):
            raise UnreadableError(
                event.start_mark, "this file asks for YAML 1.1", "remove the %YAML line; files are YAML 1.2"
            )
        self.anchors.clear()
        self.sizes.clear()

    def _anchor(self, event: Any, node: Node) -> None:
        """Remember a node under its anchor; tags are refused."""
        if event.tag is not None:
            hint = "remove it: the schema decides what a value is; quotes make it text"
            raise UnreadableError(event.start_mark, f"tags ({quote(event.tag)[1:-1]}) are not allowed", hint)
        if event.anchor is not None:
            if self.anchors.get(event.anchor) is not None:
                self.sizes.clear()  # what the name stood for may be gone, and its number given to another node
            self.anchors[event.anchor] = node

    def _expand(self, event: Any) -> Node:
        """Return what an alias stands for, within bounds."""
        mark, name = event.start_mark, f"*{event.anchor}"
        node = self.anchors.get(event.anchor)
        if node is None:
            raise UnreadableError(
                mark, f"{name} refers to nothing above it", f"define it as &{event.anchor}, or quote the value"
            )
        if id(node) in self.open:
            raise UnreadableError(mark, f"{name} refers to something that contains it", "write the value out")
        if not isinstance(node, str) and _HANDED_OVER in node.items:
            raise UnreadableError(mark, f"{name} refers to a whole section", "write the entries out")
        size, height = self._measure(node)
        self.expanded += size
        if self.expanded > MAX_EXPANSION or len(self.stack) + height > MAX_DEPTH:
            message = f"the aliases of this file expand to more than {MAX_EXPANSION:,} values, or {MAX_DEPTH} levels"
            raise UnreadableError(mark, message, "write the values out, or use groups and roles")
        return node

    def _measure(self, node: Node) -> tuple[int, int]:
        """Return how many values a node holds and how deep it is, with all aliases in it expanded."""
        if isinstance(node, str):
            return 1, 0
        known = self.sizes.get(id(node))
        if known is None:
            inside = [self._measure(child) for child in node.items]
            size = 1 + sum(size for size, _ in inside)
            known = self.sizes[id(node)] = size, 1 + max((height for _, height in inside), default=0)
        return known


def _entry(top: Map | Seq, section: Map | Seq, node: Map | Seq) -> Entry:
    """Return an entry that has just ended inside its section."""
    if top.__class__ is not Map or not len(top.items) & 1:
        raise _no_sections(top.mark)
    name, name_mark = str(top.items[-1]), top.marks[-1]
    if section.__class__ is Map:
        return Entry(
            name, name_mark, str(section.items[-1]), len(section.items) // 2, section.marks[-1], node, node.mark
        )
    return Entry(name, name_mark, "", len(section.items), node.mark, node, node.mark)


def _rest(top: Map | Seq, section: Map | Seq) -> Iterator[Entry]:
    """Yield the entries of a section that has ended and that were not handed over: scalars and aliases."""
    if top.__class__ is not Map or not len(top.items) & 1:
        raise _no_sections(top.mark)
    if not section.items or section.items.count(_HANDED_OVER) * (1 + isinstance(section, Map)) < len(section.items):
        yield from _iterate(str(top.items[-1]), top.marks[-1], section)


def _iterate(name: str, mark: Mark, section: Map | Seq) -> Iterator[Entry]:
    if not section.items:
        yield Entry(name, mark, "", -1, section.mark, section, section.mark)
    elif isinstance(section, Map):
        for index, (key, key_mark, node, node_mark) in enumerate(section.pairs()):
            if node is not _HANDED_OVER:
                yield Entry(name, mark, key, index, key_mark, node, node_mark)
    else:
        for index, (node, node_mark) in enumerate(zip(section.items, section.marks, strict=True)):
            if node is not _HANDED_OVER:
                yield Entry(name, mark, "", index, node_mark, node, node_mark)


def _no_sections(mark: Mark) -> UnreadableError:
    return UnreadableError(
        mark, "a file is a mapping of sections", "begin it with people:, groups:, apps:, roles: or grants:"
    )


def _quoted(event: Any) -> str:
    """Return the text of a scalar in quotes, or of a block, in which an escape may have put anything."""
    value: str = event.value
    if event.style == '"' and not value.isprintable():
        check_characters(value, event.start_mark)
    return Quoted(value)
