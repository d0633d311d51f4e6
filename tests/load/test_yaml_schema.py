"""The JSON Schema of the YAML."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from test_company_loading import APPS, EVERYTHING, POLICIES
from test_load_settings import FULL

from reconciler.load.faults import Faults
from reconciler.load.scalars import resolve_scalar
from reconciler.load.schema import json_schema, settings_schema
from reconciler.load.tree import Map, Node, Seq, read_documents


def plain(node: Node) -> Any:
    """Return a node as an editor's YAML 1.2 reads it."""
    if isinstance(node, Map):
        return {key: plain(value) for key, _, value, _ in node.pairs()}
    if isinstance(node, Seq):
        return [plain(one) for one in node.items]
    return resolve_scalar(node)


def complaints(schema: dict[str, Any], text: str) -> list[str]:
    """Return what an editor would underline."""
    validator = jsonschema.Draft7Validator(schema)
    documents, _ = read_documents(text.encode(), Faults())
    return [error.message for document in documents for error in validator.iter_errors(plain(document))]


def test_both_schemas_are_draft_7_and_plain_json() -> None:
    """Editors know draft 7 best."""
    for schema in (json_schema(), settings_schema()):
        jsonschema.Draft7Validator.check_schema(schema)
        assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
        assert json.loads(json.dumps(schema)) == schema
        assert "$defs" not in json.dumps(schema)


@pytest.mark.parametrize("text", [EVERYTHING, APPS, POLICIES])
def test_what_can_be_loaded_is_valid(text: str) -> None:
    """Nothing that works is underlined."""
    assert complaints(json_schema(), text) == []


def test_settings_that_can_be_loaded_are_valid() -> None:
    """Nor in `reconciler.yaml`."""
    assert complaints(settings_schema(), FULL) == []


@pytest.mark.parametrize(
    "text",
    [
        "peeple: {}",
        "people: {kim: {nam: Kim}}",
        "people: {a@b: {name: Kim}}",
        "people: {kim: {name: Kim, type: boss}}",
        "people: {kim: {name: [Kim]}}",
        "people: {kim: {name: Kim, start: tomorrow}}",
        "groups: {g: {where: {}}}",
        "groups: {g: {members: [ana]}}",
        "roles: {r: {grants: {}}}",
        "roles: {r: {to: all, grants: {}}}",
        "roles: {r: {to: everyone, grants: {a: [b]}}}",
        "grants: {}",
        "apps: {a: {}}",
        "apps: {a: {owner: x, manage: all}}",
        "apps: {a: {owner: x, leaver: [delete]}}",
        "apps: {a: {owner: x, route: [{fiel: {}}]}}",
        "apps: {a: {owner: x, route: [{file: {pth: x}}]}}",
        "policies: {limits: {leavers: many}}",
        "policies: {never_together: {x: [a/b:c]}}",
    ],
)
def test_a_mistake_is_underlined(text: str) -> None:
    """What the loader refuses by its shape, an editor shows while it is written."""
    assert complaints(json_schema(), text)


def test_every_key_is_described() -> None:
    """An editor shows a sentence for each."""
    properties = json_schema()["properties"]
    person = properties["people"]["additionalProperties"]["properties"]
    app = properties["apps"]["additionalProperties"]["properties"]
    for described in (properties, person, app, settings_schema()["properties"]):
        assert all(one["description"] for one in described.values())


def test_routes_know_the_installed_providers() -> None:
    """Their configuration is completed too, and its references lead somewhere."""
    schema = json_schema()
    route = schema["properties"]["apps"]["additionalProperties"]["properties"]["route"]
    assert {"file", "scim", "ticket"} <= set(route["items"]["anyOf"][1]["properties"])
    text = json.dumps(schema)
    references = {part.partition('"')[0] for part in text.split('"$ref": "#/definitions/')[1:]}
    assert references
    assert references <= set(schema["definitions"])
