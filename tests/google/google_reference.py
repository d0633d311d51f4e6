"""Every request of ours, checked against Google's discovery documents: path, query, selectors, and body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from servers import google_documents

Json = Mapping[str, Any]


@cache
def _methods() -> list[tuple[str, re.Pattern[str], Json, Json]]:
    """Return every method: its HTTP method, its path as a pattern, itself, and its document."""
    found = []
    for name in google_documents.DOCUMENTS:
        document = json.loads((google_documents.FOLDER / name).read_text(encoding="utf-8"))
        for method in _walk(document):
            pattern = re.sub(r"\\{\\?\+?(\w+)\\}", r"[^/]+", re.escape(method["path"]))
            found.append((method["httpMethod"], re.compile("/" + pattern), method, document))
    return sorted(found, key=lambda each: each[2]["path"].count("{"))


def _walk(node: Json) -> Iterator[Json]:
    for resource in node.get("resources", {}).values():
        yield from resource.get("methods", {}).values()
        yield from _walk(resource)


def violations(method: str, path: str, query: Mapping[str, list[str]], body: Any) -> list[str]:
    """Return everything in a request that the documents do not allow."""
    for verb, pattern, found, document in _methods():
        if verb == method and pattern.fullmatch(path):
            return [*_query(found, document, query), *_body(found, document, body)]
    return [f"the reference has no {method} {path}"]


def scopes_of(method: str, path: str) -> frozenset[str]:
    """Return the scopes any one of which a request needs."""
    found = next(found for verb, pattern, found, _ in _methods() if verb == method and pattern.fullmatch(path))
    return frozenset(found["scopes"])


def _query(method: Json, document: Json, query: Mapping[str, list[str]]) -> Iterator[str]:
    known = {**document["parameters"], **{k: v for k, v in method["parameters"].items() if v["location"] == "query"}}
    for name, values in query.items():
        if name not in known:
            yield f"unknown query parameter {name}"
        elif name == "fields":
            yield from _selected(parse(values[0]), method.get("response", {}).get("$ref", ""), document)
        else:
            yield from _parameter(known[name], name, values[0])
    yield from (f"{n} is missing" for n, p in known.items() if p.get("required") and n not in query)


def _parameter(rule: Json, name: str, value: str) -> Iterator[str]:
    if rule.get("type") == "integer":
        most = int(
            rule.get("maximum") or (re.findall(r"Max allowed value is (\d+)", rule["description"]) or [10**9])[0]
        )
        if not value.isdecimal() or int(value) > most:
            yield f"{name} is {value}"
    elif "enum" in rule and value not in rule["enum"]:
        yield f"{name} is {value}"


def _selected(selector: Mapping[str, Any], schema: str, document: Json) -> Iterator[str]:
    properties = document["schemas"].get(schema, {}).get("properties", {})
    for name, inner in selector.items():
        rule = properties.get(name)
        if rule is None:
            yield f"{schema} has no field {name}"
        elif inner:
            reference = rule.get("$ref") or rule.get("items", {}).get("$ref", "")
            yield from _selected(inner, reference, document)


def _body(method: Json, document: Json, body: Any) -> Iterator[str]:
    if "request" not in method:
        yield from ["a body where there is none"] if body is not None else []
    elif not isinstance(body, dict):
        yield "the body is missing"
    else:
        yield from _typed(body, {"$ref": method["request"]["$ref"]}, document, "body")


def _typed(value: Any, rule: Json, document: Json, where: str) -> Iterator[str]:
    if value is None:  # empties a field (users.update)
        return
    if "$ref" in rule:
        properties = document["schemas"][rule["$ref"]]["properties"]
        for name, inner in value.items():
            if name not in properties:
                yield f"{where}.{name} is unknown"
            elif properties[name].get("readOnly"):
                yield f"{where}.{name} is read-only"
            else:
                yield from _typed(inner, properties[name], document, f"{where}.{name}")
    elif rule["type"] == "array" and isinstance(value, list):
        for element in value:
            yield from _typed(element, rule["items"], document, where)
    elif not isinstance(value, {"string": str, "boolean": bool, "integer": int, "any": object}.get(rule["type"], list)):
        yield f"{where} is no {rule['type']}"


def parse(text: str) -> dict[str, Any]:
    """Parse a selector of fields: `nextPageToken,users(id,name(givenName))`."""
    root: dict[str, Any] = {}
    stack, last = [root], ""
    for token in re.findall(r"[\w.]+|[(),]", text):
        if token == "(":
            stack.append(stack[-1][last])
        elif token == ")":
            stack.pop()
        elif token != ",":
            stack[-1][token], last = {}, token
    return root


def select(value: Any, selector: Mapping[str, Any]) -> Any:
    """Leave of an answer what was asked for, as Google does."""
    if not selector:
        return value
    if isinstance(value, list):
        return [select(each, selector) for each in value]
    return {name: select(value[name], inner) for name, inner in selector.items() if name in value}
