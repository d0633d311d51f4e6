"""GitHub's own description of its REST API, as the vendor publishes it: every request of ours is checked against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import msgspec
from servers import setup

FILE = Path("@octokit/openapi/generated/api.github.com.json")
_DEEPEST = 12


def missing() -> str:
    """Say why requests cannot be checked here; empty where they can."""
    return "" if (setup.MODULES / FILE).exists() else "GitHub's API description (run python3 tests/servers/setup.py)"


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode((setup.MODULES / FILE).read_bytes())
    return found


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return every path of the reference as a pattern, those with the fewest parameters first."""
    paths = sorted(_document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))), path) for path in paths]


def violations(method: str, path: str, query: Mapping[str, list[str]], body: Any) -> list[str]:
    """Return everything in a request that the reference does not allow.

    Args:
        method: in capitals.
        path: below the API's base, with a leading slash, still encoded.
        query: names → values.
        body: parsed, None where there was none.
    """
    for pattern, template in _templates():
        match = pattern.fullmatch(path)
        if match and method.lower() in _document()["paths"][template]:
            operation = _document()["paths"][template][method.lower()]
            return [*_parameters(operation, match.groupdict(), query), *_body(operation, body)]
    return [f"the reference has no {method} {path}"]


def _parameters(
    operation: Mapping[str, Any], given: Mapping[str, str], query: Mapping[str, list[str]]
) -> Iterator[str]:
    known = {(one["in"], one["name"]): one for one in map(_plain, operation.get("parameters", ()))}
    for name, value in given.items():
        yield from _typed(known.get(("path", name), {}), name, unquote(value))
    for name, values in query.items():
        if ("query", name) not in known:
            yield f"unknown query parameter {name}"
            continue
        for value in values:
            yield from _typed(known["query", name], name, value)
    for (where, name), parameter in known.items():
        if where == "query" and parameter.get("required") and name not in query:
            yield f"query parameter {name} is missing"


def _typed(parameter: Mapping[str, Any], name: str, text: str) -> Iterator[str]:
    schema = parameter.get("schema", {})
    value: Any = text
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        value = int(text)
    if schema.get("type") == "boolean" and text in {"true", "false"}:
        value = text == "true"
    yield from (f"{name}: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(value))


def _body(operation: Mapping[str, Any], body: Any) -> Iterator[str]:
    wanted = _plain(operation.get("requestBody", {}))
    if not wanted:
        if body is not None:
            yield "a body where there is none"
        return
    if body is None:
        if wanted.get("required"):
            yield "the body is missing"
        return
    schema = wanted["content"]["application/json"]["schema"]
    forms = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    known = {name for form in forms for name in form.get("properties", ())}
    unknown = set(body) - known if isinstance(body, dict) else set()
    yield from (f"unknown field {name}" for name in sorted(unknown))
    yield from (f"body: {error.message}" for error in jsonschema.Draft7Validator(schema).iter_errors(body))


def _plain(node: Any, depth: int = 0) -> Any:
    """Return a part of the document with its references followed, and `nullable` as JSON Schema says it."""
    if depth > _DEEPEST:
        return {}
    if isinstance(node, list):
        return [_plain(one, depth + 1) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        found: Any = _document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return _plain(found, depth + 1)
    plain = {key: _plain(value, depth + 1) for key, value in node.items() if key not in {"examples", "example"}}
    if plain.pop("nullable", False) is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
        if "enum" in plain:
            plain["enum"] = [*plain["enum"], None]
    return plain
