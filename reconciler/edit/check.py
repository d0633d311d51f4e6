"""What a change was meant to do, as a tree, and whether the changed text says exactly that."""

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence as AnySequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reconciler.edit.nodes import Alias, Mapping, Node, Scalar, Sequence
from reconciler.edit.source import Source, Where, is_nothing
from reconciler.edit.writing import Value
from reconciler.load.scalars import Quoted, resolve_scalar


@dataclass(frozen=True, slots=True)
class New:
    """A value that was not there before."""

    value: Value


def expect(source: Source, where: Where) -> tuple[list[Any], Any]:
    """Return all documents of a source as trees that can be changed, and the part of them at a place.

    A mapping is a dict, a list a list; everything else is a tuple that says how it is written. What is nothing (an
    empty value, no document at all) counts as None.
    """
    trees = [tree_of(root) for root in source.roots] or [{}]
    part: Any = trees
    for step in (source.root_of(where), *where):
        part = part[step]
    return trees, part


def tree_of(node: Node) -> Any:
    """Return a node as a tree: dicts, lists, and tuples for single values."""
    match node:
        case Mapping():
            return {_key(key): tree_of(value) for key, value in node.pairs}
        case Sequence():
            return [tree_of(item) for item in node.items]
        case Alias():
            return ("alias", node.anchor)
        case _:
            return ("scalar", node.style is not None, node.text, node.anchor)


def _key(node: Node) -> Any:
    return node.text if isinstance(node, Scalar) else ("key", repr(tree_of(node)))


def agrees(roots: AnySequence[Node], trees: AnySequence[Any]) -> bool:
    """Say whether documents say what trees do, in the same order."""
    return len(roots) == len(trees) and all(map(_is_same, roots, trees))


def _is_same(node: Node, tree: Any) -> bool:
    if isinstance(tree, New):
        return says(node, tree.value)
    if isinstance(tree, dict):
        if not isinstance(node, Mapping):
            return not tree and is_nothing(node)
        keys = [_key(key) for key, _ in node.pairs]
        return keys == list(tree) and all(map(_is_same, (value for _, value in node.pairs), tree.values()))
    if isinstance(tree, list):
        if not isinstance(node, Sequence):
            return False
        return len(node.items) == len(tree) and all(map(_is_same, node.items, tree))
    return bool(tree_of(node) == tree)


def says(node: Node, value: Value) -> bool:
    """Say whether a node means a value, and nothing else."""
    if isinstance(value, AnyMapping):
        if not isinstance(node, Mapping) or [_key(key) for key, _ in node.pairs] != list(value):
            return False
        return all(map(says, (one for _, one in node.pairs), value.values()))
    if isinstance(value, AnySequence) and not isinstance(value, str):
        return isinstance(node, Sequence) and len(node.items) == len(value) and all(map(says, node.items, value))
    if not isinstance(node, Scalar) or node.anchor:
        return False
    try:
        meant = resolve_scalar(Quoted(node.text) if node.style else node.text)
    except ValueError:
        return False
    wanted = value.isoformat() if isinstance(value, date) else value
    return type(meant) is type(wanted) and repr(meant) == repr(wanted)
