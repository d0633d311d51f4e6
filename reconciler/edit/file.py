"""A YAML file that is changed the way a person would: only the lines that are meant, everything else byte by byte."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

from reconciler.edit.adding import Added, add
from reconciler.edit.check import New, agrees, expect
from reconciler.edit.nodes import Mapping as MappingNode
from reconciler.edit.nodes import Scalar
from reconciler.edit.nodes import Sequence as SequenceNode
from reconciler.edit.removing import remove
from reconciler.edit.source import Source, Splice, Where, is_nothing
from reconciler.edit.writing import Value, is_list, write_flow, write_scalar, write_section
from reconciler.errors import EditError
from reconciler.load.sops import is_encrypted
from reconciler.load.syntax import UnreadableError, check_encoding

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class YamlFile:
    """The content of a file, and what can be done with it; each change returns another one.

    After each change the new text is parsed again: unless it says exactly what the old one said and the change, the
    change is refused.

    Attributes:
        name: the file's path, for messages.
        content: its bytes.
    """

    name: str
    content: bytes

    @cached_property
    def source(self) -> Source:
        """Return the parsed text.

        Raises:
            EditError: it is encrypted, not UTF-8, or not YAML.
        """
        if is_encrypted(self.content):
            raise EditError(f"{self.name} is encrypted with SOPS", hint="change it with sops, by hand")
        try:
            return Source.of(self.name, check_encoding(self.content).decode())
        except UnreadableError as error:
            place = f"{self.name}:{error.mark.line + 1}:{error.mark.column + 1}"
            raise EditError(f"{place}: {error.message}", hint=error.hint) from None

    def has(self, *where: str | int) -> bool:
        """Say whether there is something at a place."""
        return self.source.find(where) is not None

    def length(self, *where: str | int) -> int:
        """Return how many entries a mapping or elements a list holds; 0 where there is neither."""
        node = self.source.find(where)
        return len(node.spans()) if isinstance(node, MappingNode | SequenceNode) else 0

    def locate(self, line: int, column: int) -> Where:
        """Return the way to the entry or the element that begins at a line and a column, counted from 1.

        Raises:
            EditError: none begins there.
        """
        where = self.source.locate(line, column)
        if where is None:
            raise EditError(f"{self.name}:{line}:{column}: no entry begins here", hint="was the file just changed?")
        return where

    def add_entries(self, where: Where, entries: Mapping[str, Value]) -> "YamlFile":
        """Add entries at the end of a mapping; the mapping is made where it is missing.

        Args:
            where: the way to the mapping; `()` for whole sections.
            entries: their names and what they hold.

        Raises:
            EditError: one of them is there already, or the file does not allow it.
        """
        node = self.source.find(where)
        for key, _ in node.pairs if isinstance(node, MappingNode) else ():
            if isinstance(key, Scalar) and key.text in entries:
                self.source.refuse(key, f"{key.text} is there already", "change it instead")
        return self._add(where, dict(entries)) if entries else self

    def append(self, where: Where, values: Sequence[Value]) -> "YamlFile":
        """Add elements at the end of a list; the list is made where it is missing.

        Raises:
            EditError: the file does not allow it.
        """
        return self._add(where, list(values)) if values else self

    def set(self, where: Where, value: Value) -> "YamlFile":
        """Give a value to a key: changed in its place, or added at the end of its mapping.

        Raises:
            EditError: what is there is a block of several lines, or the file does not allow it.
        """
        node = self.source.find(where)
        if node is None:
            return self._add(where[:-1], {str(where[-1]): value})
        self.source.check_unshared(where)
        if (isinstance(node, MappingNode | SequenceNode) and not node.flow) or getattr(node, "anchor", None):
            self.source.refuse(node, "this cannot be replaced in one line")
        style = node.style if isinstance(node, Scalar) and node.style in ("'", '"') else None
        plain = is_list(value) or isinstance(value, Mapping)
        inline = self.source.is_inline(where)
        text = write_flow(value) if plain else write_scalar(value, flow=inline, style=style)
        behind_colon = self.source.text[node.start - 1 : node.start] in (":", "-")
        splice = Splice(node.start, node.end, f" {text}" if behind_colon else text)
        return self._spliced([splice], where, lambda parent, step: _put(parent, step, New(value)))

    def remove(self, *where: str | int) -> "YamlFile":
        """Remove an entry or an element, with the comments that are its own.

        Raises:
            EditError: there is none, or it cannot be taken out alone.
        """
        if self.source.find(where) is None:
            raise EditError(f"{self.name}: there is no {'.'.join(map(str, where))}", hint="was the file just changed?")
        self.source.check_unshared(where)
        return self._spliced(remove(self.source, where), where, _take_out)

    def _add(self, where: Where, added: Added) -> "YamlFile":
        if self.source.find(where) is None and where:
            return self._add(where[:-1], {str(where[-1]): added})
        self.source.check_unshared(where)
        return self._spliced(add(self.source, where, added), where, lambda parent, step: _extend(parent, step, added))

    def _spliced(self, splices: Sequence[Splice], where: Where, change: Callable[[Any, Any], None]) -> "YamlFile":
        """Return the file with splices, if it then says what `change` makes of its tree."""
        text = self.source.text
        for start, end, new in sorted(splices, key=attrgetter("start"))[::-1]:
            text = text[:start] + new + text[end:]
        trees, _ = expect(self.source, ())
        parent, step = _parent(trees, (self.source.root_of(where), *where))
        change(parent, step)
        bom = _BOM if self.content.startswith(_BOM) else b""
        changed = YamlFile(self.name, bom + text.encode())
        if not _is_meant(changed, trees):
            place = ".".join(map(str, where)) or "its sections"
            raise EditError(
                f"{self.name}: {place} cannot be changed without changing more than that", hint="change it by hand"
            )
        return changed


def _is_meant(changed: YamlFile, trees: list[Any]) -> bool:
    """Say whether a changed file says what it was meant to; one that cannot be read any more does not."""
    try:
        roots = changed.source.roots
    except EditError:
        return False
    return agrees(roots, trees) or (trees == [{}] and not roots)


def _parent(trees: list[Any], where: Where) -> tuple[Any, Any]:
    parent: Any = trees
    for step in where[:-1]:
        parent = parent[step]
    return parent, where[-1]


def _put(parent: Any, step: Any, value: Any) -> None:
    parent[step] = value


def _take_out(parent: Any, step: Any) -> None:
    del parent[step]


def _extend(parent: Any, step: Any, added: Added) -> None:
    """Add to a part of a tree; what is no collection yet becomes one, with the value that it was as its first."""
    if isinstance(added, dict):
        if not isinstance(parent[step], dict):
            parent[step] = {}
        parent[step].update((key, New(value)) for key, value in added.items())
        return
    if not isinstance(parent[step], list):
        kept = parent[step]
        is_value = isinstance(kept, tuple) and not is_nothing(Scalar(0, 0, kept[2], '"' if kept[1] else None))
        parent[step] = [kept] if is_value else []
    parent[step] += [New(value) for value in added]


def write_file(sections: Mapping[str, Value], *, comment: str = "", name: str = "new file") -> bytes:
    """Return a new file: its comment, then the sections, an empty line between each.

    Args:
        sections: section → entries, or a list of elements; empty sections are written as such.
        comment: lines for the top, each then begun with `# `.
        name: the file's path, for messages.

    Raises:
        EditError: what it says could not be read back.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    for number, (section, value) in enumerate(sections.items()):
        lines += [*([""] if number else []), *write_section(section, value)]
    written = YamlFile(name, "".join(f"{line}\n" for line in lines).encode())
    if sections and not agrees(written.source.roots, [{key: New(value) for key, value in sections.items()}]):
        raise EditError(f"{name}: what is to be written cannot be read back", hint="write it by hand")
    return written.content
