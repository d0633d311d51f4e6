"""The JSON Schema (draft 7) of the YAML, made of the same tables that read it, so that editors complete it."""

import re
from typing import Any

from reconciler.errors import ProviderError
from reconciler.load.access import GRANT, ROLE
from reconciler.load.apps import APP
from reconciler.load.identities import GROUP, PERSON, SERVICE_ACCOUNT
from reconciler.load.kinds import Schema
from reconciler.load.policies import policies_schema
from reconciler.load.settings import SETTINGS

DRAFT = "http://json-schema.org/draft-07/schema#"

_ID = {"pattern": "^[^\\s:@/]+$"}
_LOCAL = "#/$defs/"


def json_schema() -> dict[str, Any]:
    """Return the schema of every file but `reconciler.yaml`; routes know the installed providers."""
    definitions: Schema = {}
    app = APP.schema
    app["properties"]["route"] = {
        **_route_schema(definitions),
        "description": app["properties"]["route"]["description"],
    }
    return {
        "$schema": DRAFT,
        "title": "Identity and access as code",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "people": _named(PERSON.schema, "People, by an id that never changes."),
            "service_accounts": _named(SERVICE_ACCOUNT.schema, "Identities that are no people, by id."),
            "groups": _named(GROUP.schema, "Sets of identities, by name."),
            "apps": _named(app, "Systems that access is given in, by name."),
            "roles": _named(ROLE.schema, "Bundles of entitlements and who gets them, by name."),
            "grants": {
                "type": ["array", "null"],
                "items": GRANT.schema,
                "description": "Entitlements outside any role.",
            },
            "policies": {**policies_schema(), "description": "The guards that the organization sets for itself."},
        },
        "definitions": definitions,
    }


def settings_schema() -> dict[str, Any]:
    """Return the schema of `reconciler.yaml`."""
    return {"$schema": DRAFT, "title": "reconciler.yaml", **SETTINGS.schema}


def _named(entry: Schema, about: str) -> Schema:
    """Return the schema of a section whose keys are names."""
    return {"type": ["object", "null"], "propertyNames": _ID, "additionalProperties": entry, "description": about}


def _route_schema(definitions: Schema) -> Schema:
    """Return the schema of a route: a mapping with one key for each provider, its configuration inside."""
    from reconciler.provider.registry import config_schema, installed  # noqa: PLC0415 - providers are slow to import

    ways: Schema = {}
    for name in installed():
        try:
            ways[name] = _embed(name, config_schema(name), definitions)
        except ProviderError:  # a provider that cannot be loaded is told where it is used
            ways[name] = {"type": ["object", "null"]}
    one = {"type": "object", "properties": ways, "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
    return {"type": ["array", "null"], "items": {"anyOf": [{"enum": list(ways)}, one]}}


def _embed(name: str, schema: Schema, definitions: Schema) -> Schema:
    """Return a provider's schema with its definitions moved to ours, under names of their own."""
    local = schema.get("$defs", {})
    definitions.update({f"{name}.{key}": _rename(name, value) for key, value in local.items()})
    embedded: Schema = _rename(name, {key: value for key, value in schema.items() if key != "$defs"})
    return embedded


def _rename(name: str, node: Any) -> Any:
    """Return a part of a schema with its references led to where the definitions are now.

    In draft 7, whatever stands beside a `$ref` is ignored: such a reference goes into `allOf`.
    """
    if isinstance(node, list):
        return [_rename(name, one) for one in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _rename(name, value) for key, value in node.items() if key != "discriminator"}
    target = node.get("$ref")
    if isinstance(target, str):
        renamed["$ref"] = re.sub(f"^{re.escape(_LOCAL)}", f"#/definitions/{name}.", target)
        if len(renamed) > 1:
            renamed["allOf"] = [*renamed.get("allOf", ()), {"$ref": renamed.pop("$ref")}]
    return renamed
