"""Okta's own description of its API (npm `@okta/openapi`): every request of ours is checked against it.

It is older than the list of users with roles, which is checked by hand after the current reference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from servers import setup

FILE = setup.MODULES / "@okta/openapi/dist/spec.json"
_NEWER = {("GET", "/api/v1/iam/assignees/users"): {"limit", "after"}}
_OWN_FIELDS = {"profile": {"UserProfile", "GroupProfile"}}
"""Where an organization's own attributes may stand."""
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "array": list,
    "object": dict,
}


def missing() -> str:
    """Say why requests cannot be checked here; empty where they can."""
    return "" if FILE.exists() else "Okta's API description (run python3 tests/servers/setup.py)"


def violations(method: str, path: str, query: Mapping[str, list[str]], body: Any) -> list[str]:
    """Return everything in a request that the reference does not allow.

    Args:
        method: in capitals.
        path: the whole path, still encoded.
        query: names → values.
        body: parsed, None where there was none.
    """
    if (method, path) in _NEWER:
        return [f"unknown query parameter {name}" for name in query if name not in _NEWER[method, path]]
    for pattern, template in _templates():
        operation = _document()["paths"][template].get(method.lower())
        if operation and pattern.fullmatch(path):
            return [f"{method} {path}: {fault}" for fault in _check(operation, query, body)]
    return [f"the reference has no {method} {path}"]


@cache
def _document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return every path as a pattern, those with the fewest parameters first."""
    paths = sorted(_document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in paths]


def _check(operation: Mapping[str, Any], query: Mapping[str, list[str]], body: Any) -> Iterator[str]:
    known = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "query"}
    for name, values in query.items():
        if name not in known:
            yield f"unknown query parameter {name}"
        elif known[name]["type"] == "boolean" and values not in (["true"], ["false"]):
            yield f"{name} is no boolean: {values}"
        elif known[name]["type"] == "integer" and not values[0].isdecimal():
            yield f"{name} is no number: {values}"
    wanted = next((one for one in operation.get("parameters", ()) if one["in"] == "body"), None)
    if (body is not None) and wanted is None:
        yield "a body where there is none"
    if wanted is not None and wanted.get("required") and body is None:
        yield "the body is missing"
    if wanted is not None and body is not None:
        yield from _fields(wanted["schema"], body, "body")


def _fields(schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = _document()["definitions"][name] if name else schema
    kind = _TYPES.get(schema.get("type", "object"), object)
    if value is not None and not isinstance(value, kind):
        yield f"{where} is no {schema.get('type')}: {value!r}"
    if not isinstance(value, dict) or not schema.get("properties"):
        return
    for field, inner in value.items():
        if field in schema["properties"]:
            yield from _fields(schema["properties"][field], inner, f"{where}.{field}")
        elif name not in _OWN_FIELDS["profile"]:
            yield f"unknown field {where}.{field}"
