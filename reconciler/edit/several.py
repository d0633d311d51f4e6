"""Many values of a file are set at once: it is parsed, changed and checked a single time."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from reconciler.edit.adding import add
from reconciler.edit.check import New, agrees, expect
from reconciler.edit.file import YamlFile
from reconciler.edit.nodes import Scalar
from reconciler.edit.source import Source, Splice, Where
from reconciler.edit.writing import Value, write_scalar
from reconciler.errors import EditError

_BOM = b"\xef\xbb\xbf"


def set_values(file: YamlFile, values: Mapping[Where, Value]) -> YamlFile:
    """Return a file in which single values are changed in their place, or added at the end of their mapping.

    Args:
        file: the file.
        values: the way to each → a value that is no list and no mapping.

    Raises:
        EditError: something at one of these places is no single value, or the file does not allow it.
    """
    source = file.source
    trees, _ = expect(source, ())
    splices: list[Splice] = []
    added: dict[Where, dict[str, Value]] = {}
    for where, value in values.items():
        if source.find(where) is None:
            _collect(source, added, where, value)
        else:
            splices.append(_replace(source, where, value))
            _part(trees, source, where[:-1])[where[-1]] = New(value)
    for where, entries in added.items():
        source.check_unshared(where)
        splices += add(source, where, entries)
        _extend(_part(trees, source, where[:-1]), where[-1], entries)
    return _spliced(file, splices, trees)


def _collect(source: Source, added: dict[Where, dict[str, Value]], where: Where, value: Value) -> None:
    """Note an addition, with the mapping around it where that is missing too."""
    *outer, last = where
    parent = tuple(outer)
    if source.find(parent) is not None:
        added.setdefault(parent, {})[str(last)] = value
        return
    inner = added.setdefault(parent[:-1], {}).setdefault(str(parent[-1]), {})
    if isinstance(inner, dict):
        inner[str(last)] = value


def _replace(source: Source, where: Where, value: Value) -> Splice:
    node = source.find(where)
    source.check_unshared(where)
    if not isinstance(node, Scalar) or node.anchor or node.style in ("|", ">"):
        if node is not None:
            source.refuse(node, "this cannot be replaced in one line")
        raise AssertionError
    style = node.style if node.style in ("'", '"') else None
    text = write_scalar(value, flow=source.is_inline(where), style=style)
    behind_colon = source.text[node.start - 1 : node.start] in (":", "-")
    return Splice(node.start, node.end, f" {text}" if behind_colon else text)


def _part(trees: Any, source: Source, where: Where) -> Any:
    part = trees[source.root_of(where)]
    for step in where:
        part = part[step]
    return part


def _extend(parent: Any, step: Any, entries: Mapping[str, Value]) -> None:
    if not isinstance(parent[step], dict):
        parent[step] = {}
    parent[step].update((key, New(value)) for key, value in entries.items())


def _spliced(file: YamlFile, splices: list[Splice], trees: list[Any]) -> YamlFile:
    """Return the file with splices, if it then says what the trees do."""
    text = file.source.text
    parts: list[str] = []
    end = len(text)
    for start, stop, new in sorted(splices, key=attrgetter("start"), reverse=True):
        parts += [text[stop:end], new]
        end = start
    parts.append(text[:end])
    bom = _BOM if file.content.startswith(_BOM) else b""
    changed = YamlFile(file.name, bom + "".join(reversed(parts)).encode())
    if not agrees(changed.source.roots, trees):
        raise EditError(f"{file.name} cannot be changed without changing more than that", hint="change it by hand")
    return changed
