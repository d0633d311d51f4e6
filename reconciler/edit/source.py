"""One file that is to be changed: its text, its nodes, and the way to a place in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from reconciler.edit.lines import Lines
from reconciler.edit.nodes import Alias, Mapping, Node, Scalar, Sequence, compose, walk
from reconciler.errors import EditError
from reconciler.load.scalars import Quoted, is_null

Where: TypeAlias = tuple[str | int, ...]
"""The way to a value: `("people", "ana", "last_day")`, `("grants", 2)`; `()` is the whole of a document."""


class Splice(NamedTuple):
    """What stands between two offsets is replaced."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its nodes.

    Attributes:
        name: the file's path, for messages.
        roots: one an document.
    """

    name: str
    lines: Lines
    roots: tuple[Node, ...]

    @classmethod
    def of(cls, name: str, text: str) -> "Source":
        """Parse a text.

        Raises:
            EditError: it is not YAML.
        """
        return cls(name, Lines(text), tuple(compose(text, name)))

    @property
    def text(self) -> str:
        """Return the text."""
        return self.lines.text

    def find(self, where: Where) -> Node | None:
        """Return the node at a place, None if there is none.

        Raises:
            EditError: an alias leads there, or a key on the way is written twice.
        """
        found = self._chain(where)
        return found[-1] if len(found) == len(where) + 1 else None

    def root_of(self, where: Where) -> int:
        """Return the number of the document that holds a place, or would: the first with most of the way there."""
        lengths = [len(self._steps(root, where)) for root in self.roots]
        return max(range(len(lengths)), key=lambda number: (lengths[number], -number), default=0)

    def _chain(self, where: Where) -> list[Node]:
        if not self.roots:
            return []
        return self._steps(self.roots[self.root_of(where)], where)

    def _steps(self, root: Node, where: Where) -> list[Node]:
        """Return the nodes from a root to a place, as far as they are there."""
        chain = [root]
        for step in where:
            following = self._step(chain[-1], step)
            if following is None:
                break
            chain.append(following)
        return chain

    def _step(self, node: Node, step: str | int) -> Node | None:
        if isinstance(node, Alias):
            self.refuse(node, f"*{node.anchor} stands here for something that is written elsewhere")
        if isinstance(node, Mapping):
            found = [value for key, value in node.pairs if isinstance(key, Scalar) and key.text == step]
            if len(found) > 1:
                self.refuse(found[1], f"{step} is written twice")
            return found[0] if found else None
        if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            return node.items[step]
        return None

    def is_inline(self, where: Where) -> bool:
        """Say whether a place lies inside of brackets."""
        return any(isinstance(node, Mapping | Sequence) and node.flow for node in self._chain(where)[:-1])

    def check_unshared(self, where: Where) -> None:
        """Refuse a place whose change would show elsewhere, through an anchor.

        Raises:
            EditError: something on the way to it, or in it, is referred to by an alias.
        """
        used = {node.anchor for root in self.roots for node in walk(root) if isinstance(node, Alias)}
        chain = self._chain(where)
        for node in (*chain, *(walk(chain[-1]) if chain else ())):
            if used and not isinstance(node, Alias) and node.anchor in used:
                self.refuse(node, f"*{node.anchor} refers to this from elsewhere")

    def locate(self, line: int, column: int) -> Where | None:
        """Return the way to the entry or the element that begins at a line and a column, both counted from 1."""
        offset = self.lines.offset(line - 1, column - 1)
        return next((where for root in self.roots for where, start in _places(root, ()) if start == offset), None)

    def refuse(self, node: Node, message: str, hint: str = "change it by hand") -> None:
        """Raise an error that names a node's place."""
        line = self.lines.number(node.start)
        raise EditError(f"{self.name}:{line + 1}:{self.lines.column(node.start) + 1}: {message}", hint=hint)

    def step(self) -> int:
        """Return by how many columns entries are indented here; 2 where nothing tells."""
        for root in self.roots:
            for _, value in root.pairs if isinstance(root, Mapping) and not root.flow else ():
                if isinstance(value, Mapping | Sequence) and not value.flow and value.spans():
                    column = self.lines.column(value.spans()[0][0])
                    if isinstance(value, Mapping):
                        return column
        return 2


def is_nothing(node: Node) -> bool:
    """Say whether a node is a null."""
    return isinstance(node, Scalar) and is_null(Quoted(node.text) if node.style else node.text)


def _places(node: Node, where: Where) -> Iterator[tuple[Where, int]]:
    """Yield the way to each entry and element in a node, and where it begins; what holds others comes first."""
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            if isinstance(key, Scalar):
                yield (*where, key.text), key.start
                yield from _places(value, (*where, key.text))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield (*where, index), item.start
            yield from _places(item, (*where, index))
