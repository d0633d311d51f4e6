"""An app's route is read: each way is checked by the provider that it names, without reading any secret."""

from collections.abc import Sequence
from typing import Any

from reconciler.errors import ProviderError
from reconciler.load.faults import Mark
from reconciler.load.kinds import Reading, Schema, name_node, read_plain
from reconciler.load.records import WayRecord
from reconciler.load.scalars import is_null
from reconciler.load.suggest import suggest
from reconciler.load.tree import Map, Node, Seq

_FORM = "write it as a list element: - scim: {url: …}"


class Route:
    """The ways to reach an app, in order: each a provider's name with its configuration."""

    empty: list[WayRecord] | None = None

    @property
    def schema(self) -> Schema:
        """A list of mappings with one key; which, only the installed providers know (see `schema`)."""
        one = {"type": "object", "minProperties": 1, "maxProperties": 1}
        return {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, one]}}

    def read(self, reading: Reading, node: Node, mark: Mark, what: str) -> list[WayRecord]:
        """Return the ways."""
        if isinstance(node, str) and is_null(node):
            return []
        if not isinstance(node, Seq):
            reading.faults.error(mark, f"{what} is a list of ways, not {name_node(node)}", _FORM)
            return []
        ways = [_read_way(reading, one, at) for one, at in zip(node.items, node.marks, strict=True)]
        return [way for way in ways if way is not None]


def _read_way(reading: Reading, node: Node, mark: Mark) -> WayRecord | None:
    """Return one way: `scim: {…}`, or a bare name where nothing is to be configured."""
    name: Node = node
    config: Node = Map(mark)
    if isinstance(node, Map) and len(node.items) == 2:  # noqa: PLR2004 - one key, one value
        ((name, mark, config, _),) = node.pairs()
    if not isinstance(name, str) or not name:
        reading.faults.error(mark, "a way is one provider with its configuration", _FORM)
        return None
    if isinstance(config, str) and is_null(config):
        config = Map(mark)
    if not isinstance(config, Map):
        reading.faults.error(mark, f"the configuration of {name} is a mapping, not {name_node(config)}", _FORM)
        return None
    data = check_config(reading, str(name), config, mark)
    return WayRecord(mark.line + 1, mark.column + 1, str(name), data)


def check_config(reading: Reading, name: str, config: Map, mark: Mark) -> dict[str, Any]:
    """Return a provider's configuration as plain data, and let the provider say what is wrong with it."""
    from reconciler.provider.registry import installed, validate_config  # noqa: PLC0415 - providers are slow to import

    data: dict[str, Any] = read_plain(reading, config, mark, name)
    known = installed()
    if name not in known:
        hint = suggest(name, known) or f"installed are: {', '.join(known)}"
        reading.faults.error(mark, f"no provider is called {reading.faults.show_key(name)}", hint)
        return data
    if distribution := known[name].dist:
        reading.providers[distribution.name] = distribution.version
    try:
        faults = validate_config(name, data)
    except ProviderError as error:
        reading.faults.error(mark, error.message, error.hint)
        return data
    for fault in faults:
        at, words = find_mark(config, fault.path, mark)
        reading.faults.error(at, f"{'.'.join([name, *words])}: {fault.message}")
    return data


def find_mark(node: Node, path: Sequence[str | int], mark: Mark) -> tuple[Mark, list[str]]:
    """Return where the value at a path stands (or the nearest thing above it), and the path as words."""
    words = [str(part) for part in path]
    for part in path:
        if isinstance(node, Map):
            found = next(((at, value) for key, at, value, _ in node.pairs() if key == str(part)), None)
        elif isinstance(node, Seq) and str(part).isdigit() and int(part) < len(node.items):
            found = node.marks[int(part)], node.items[int(part)]
        else:
            found = None
        if found is None:
            break
        mark, node = found
    return mark, words
