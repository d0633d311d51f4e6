"""pydantic's errors in our words: lower case, naming the key, never repeating what was written."""

import difflib
from collections.abc import Mapping
from typing import Any

_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "mapping_type": "must be a map",
    "none_required": "must be empty",
    "url_parsing": "must be a URL",
    "url_type": "must be a URL",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "string_pattern_mismatch": "must match {pattern}",
    "url_scheme": "must start with {expected_schemes}",
}


def describe(fault: Mapping[str, Any], data: object, schema: Mapping[str, Any]) -> tuple[tuple[str | int, ...], str]:
    """Turn one of pydantic's errors into a path in what was written, and a message.

    Args:
        fault: one of `ValidationError.errors()`, without input.
        data: what was validated.
        schema: the model's JSON Schema, for names that a misspelt key may have meant.
    """
    path = _path_in(fault["loc"], data)
    kind = fault["type"]
    if kind == "extra_forbidden":
        return path, _unknown_key(path, schema)
    if kind == "missing":
        return path, f"`{path[-1]}` is missing" if path else "something is missing"
    if kind == "value_error":
        return path, str(fault["ctx"]["error"]) if "error" in fault.get("ctx", {}) else _plain(fault["msg"])
    template = _WORDS.get(kind)
    return path, template.format_map(fault.get("ctx", {})) if template else _plain(fault["msg"])


def _plain(message: str) -> str:
    """Return one of pydantic's sentences in lower case, without what it puts in front of a validator's own."""
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ").replace("Input should", "should")
    return text[:1].lower() + text[1:]


def _path_in(location: tuple[str | int, ...], data: object) -> tuple[str | int, ...]:
    """Return the part of a location that leads through the data: pydantic also names the branches of unions."""
    path: list[str | int] = []
    for position, step in enumerate(location):
        inside = isinstance(data, Mapping) and step in data
        if inside or (isinstance(data, list | tuple) and isinstance(step, int) and 0 <= step < len(data)):
            path.append(step)
            data = data[step]  # type: ignore[index]
        elif position == len(location) - 1 and isinstance(data, Mapping):
            path.append(step)
    return tuple(path)


def _unknown_key(path: tuple[str | int, ...], schema: Mapping[str, Any]) -> str:
    """Name an unknown key, and the key that it may have meant."""
    key = str(path[-1]) if path else ""
    near = difflib.get_close_matches(key, _keys_at(path[:-1], schema), n=1, cutoff=0.6)
    return f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")


def _keys_at(path: tuple[str | int, ...], schema: Mapping[str, Any]) -> list[str]:
    """Return the keys that a model has at a path, over all branches of unions."""
    nodes = _branches(schema, schema)
    for step in path:
        nodes = [branch for node in nodes for branch in _branches(_child(node, step), schema)]
    return sorted({key for node in nodes for key in node.get("properties", {})})


def _child(node: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    """Return the schema of one key or entry."""
    if isinstance(step, int):
        child = node.get("items", {})
    else:
        child = node.get("properties", {}).get(step, node.get("additionalProperties", {}))
    return child if isinstance(child, Mapping) else {}


def _branches(node: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return a schema with references followed and unions taken apart."""
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        return _branches(schema.get("$defs", {}).get(name, {}), schema)
    parts = [part for key in ("anyOf", "oneOf", "allOf") for part in node.get(key, ())]
    return [node, *(branch for part in parts for branch in _branches(part, schema))]
