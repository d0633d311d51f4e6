"""The keys that a mapping may have: one table reads it, suggests what was meant, and describes it as JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.load.faults import Mark
from reconciler.load.kinds import MAX_TEXT, Kind, Reading, Schema, Text, name_node
from reconciler.load.scalars import is_null
from reconciler.load.suggest import find_nearest
from reconciler.load.tree import Map, Node


@dataclass(frozen=True, slots=True)
class Field:
    """One key.

    Attributes:
        name: as it is written.
        kind: what its value is.
        about: one sentence for editors.
        required: whether it must be there and not be empty.
    """

    name: str
    kind: Kind
    about: str
    required: bool = False


class Fields:
    """The keys of one sort of mapping.

    Args:
        noun: what such a mapping is called (`person`).
        fields: in the order of the values that `read` returns.
        hints: keys that people write and that are called otherwise here, with what to write.
    """

    empty: Any = None

    def __init__(self, noun: str, *fields: Field, hints: Mapping[str, str] | None = None) -> None:
        self.noun = noun
        self.fields = fields
        self.hints = hints or {}
        self._defaults = [field.kind.empty for field in fields]
        self._readers = {
            field.name: (slot, field.kind.read, type(field.kind) is Text) for slot, field in enumerate(fields)
        }
        self._required = tuple(slot for slot, field in enumerate(fields) if field.required)

    @property
    def schema(self) -> Schema:
        """The JSON Schema of such a mapping."""
        properties = {field.name: {**field.kind.schema, "description": field.about} for field in self.fields}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := [field.name for field in self.fields if field.required]:
            schema["required"] = required
        return schema

    def read(self, reading: Reading, node: Node, mark: Mark, name: str) -> list[Any]:
        """Return the values in the order of the fields, each missing or wrong one as its kind's empty value.

        Args:
            reading: gets the faults.
            node: the mapping; nothing at all counts as an empty one.
            mark: where it stands, or its key.
            name: which one it is, for messages.
        """
        values = self._defaults.copy()
        if node.__class__ is not Map:
            self._complain(reading, node, mark, name)
            return values
        items: list[Any] = node.items
        readers = self._readers
        for key, value, at in zip(items[::2], items[1::2], node.value_marks(), strict=False):
            found = readers.get(key)
            if found is None:
                self._refuse(reading, node, key, name)
                continue
            slot, read, plain = found
            if plain and value.__class__ is str and 1 < len(value) <= MAX_TEXT:
                values[slot] = value  # what `Text.read` would return, without the call
            else:
                values[slot] = read(reading, value, at, key)
        for slot in self._required:
            if not values[slot]:
                self._miss(reading, node, mark, name, slot)
        return values

    def _complain(self, reading: Reading, node: Node, mark: Mark, name: str) -> None:
        if not isinstance(node, str) or not is_null(node):
            reading.faults.error(mark, f"{self._call(name)} is a mapping, not {name_node(node)}", self._known())
        elif self._required:
            needed = " and ".join(self.fields[slot].name for slot in self._required)
            reading.faults.error(mark, f"{self._call(name)} is empty", f"it needs {needed}")

    def _refuse(self, reading: Reading, node: Map, unknown: Node, name: str) -> None:
        """Note a key that nobody knows, at its own place."""
        mark = next((at for key, at, _, _ in node.pairs() if key == unknown), node.mark)
        if unknown == "<<" or not isinstance(unknown, str) or not unknown:
            return
        meant = find_nearest(unknown, self._readers.keys())
        hint = self.hints.get(unknown) or (f'did you mean "{meant}"?' if meant else self._known())
        reading.faults.error(mark, f"{self._call(name)} has no key {reading.faults.show_key(unknown)}", hint)

    def _miss(self, reading: Reading, node: Map, mark: Mark, name: str, slot: int) -> None:
        """Note a field that must be there, unless it is there and was complained about."""
        field = self.fields[slot]
        written = next((value for key, _, value, _ in node.pairs() if key == field.name), None)
        if written is None or (isinstance(written, str) and is_null(written)) or self._is_hollow(written):
            reading.faults.error(mark, f"{self._call(name)} has no {field.name}", f"write {field.name}: {field.about}")

    @staticmethod
    def _is_hollow(node: Node) -> bool:
        return not node if isinstance(node, str) else not node.items

    def _call(self, name: str) -> str:
        return f"{self.noun} {name}" if name else self.noun

    def _known(self) -> str:
        return f"it has: {', '.join(self._readers)}"
