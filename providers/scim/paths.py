"""Attribute names: what users write (`department`) and where it is in a resource (RFC 7644 section 3.10)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

_ENTERPRISE_NAMES = ("employeeNumber", "costCenter", "organization", "division", "department", "manager")
_SHORT = {
    "email": "emails",
    "username": "userName",
    "external_id": "externalId",
    "display_name": "displayName",
    "given_name": "name.givenName",
    "family_name": "name.familyName",
    **{name.lower(): f"{ENTERPRISE}:{name}" for name in _ENTERPRISE_NAMES},
}
_LONG = {f"{ENTERPRISE}:{name}".lower(): name for name in _ENTERPRISE_NAMES}
PLURAL = frozenset({"emails", "phonenumbers", "ims", "photos", "addresses"})
"""Attributes of which one value is the account's: the primary one, or the first (RFC 7643 section 2.4)."""

_ELEMENT = re.compile(r'^(?P<name>[^\[\].]+)\[(?P<key>\w+)\s+eq\s+"(?P<value>[^"]*)"\](?:\.(?P<sub>\w+))?$')


@dataclass(frozen=True, slots=True)
class AttributePath:
    """Where an attribute is.

    Attributes:
        schema: the extension's URN, or empty for the core schema.
        name: the attribute.
        sub: its sub-attribute, or empty.
        key, value: which element of a multi-valued attribute is meant (`type`, `work`), or empty.
    """

    name: str
    sub: str = ""
    schema: str = ""
    key: str = ""
    value: str = ""

    def __str__(self) -> str:
        where = f"{self.schema}:" if self.schema else ""
        element = f'[{self.key} eq "{self.value}"]' if self.key else ""
        return f"{where}{self.name}{element}" + (f".{self.sub}" if self.sub else "")

    @property
    def plural(self) -> bool:
        """Whether it is one of the multi-valued attributes of which one value counts, named without a filter."""
        return not self.schema and not self.key and self.name.lower() in PLURAL


@lru_cache(maxsize=4096)
def parse_path(text: str) -> AttributePath:
    """Parse a path: `title`, `name.givenName`, `phoneNumbers[type eq "work"].value`, `urn:…:User:department`."""
    if text.lower().startswith("urn:"):
        schema, _, rest = text.rpartition(":")
        name, _, sub = rest.partition(".")
        return AttributePath(name, sub, schema)
    match = _ELEMENT.match(text)
    if match:
        return AttributePath(match["name"], match["sub"] or "value", "", match["key"], match["value"])
    name, _, sub = text.partition(".")
    return AttributePath(name, sub)


class NameTable:
    """What users write → where it is, for one server.

    Args:
        extensions: short names for paths of custom extensions, from the configuration.
        renamed: attributes that the server calls otherwise, from the dialect.
    """

    def __init__(self, extensions: Mapping[str, str] | None = None, renamed: Mapping[str, str] | None = None) -> None:
        self._paths = dict(_SHORT)
        self._paths |= {name.lower(): path for name, path in (extensions or {}).items()}
        self._renamed = {self._known(name).lower(): path for name, path in (renamed or {}).items()}

    def path(self, name: str) -> AttributePath:
        """Return where an attribute is; a name that is not known is a core attribute."""
        known = self._known(name)
        return parse_path(self._renamed.get(known.lower(), known))

    def key(self, name: str) -> str:
        """Return a name in the form in which flattened attributes are compared: lower case, wherever it is."""
        return str(self.path(name)).lower()

    def _known(self, name: str) -> str:
        return self._paths.get(name.lower(), name)


def short_name(path: str) -> str:
    """Return a full path as users write it: the attributes of the enterprise extension go without its URN."""
    return _LONG.get(path.lower(), path)


def find(container: Mapping[str, Any], name: str) -> Any:
    """Return a member of a JSON object, ignoring the case of its name (RFC 7643 section 2.1), or None."""
    if name in container:
        return container[name]
    lowered = name.lower()
    return next((value for key, value in container.items() if key.lower() == lowered), None)


def key_in(container: Mapping[str, Any], name: str) -> str:
    """Return the name as the object spells it, or as it is given."""
    if name in container:
        return name
    lowered = name.lower()
    return next((key for key in container if key.lower() == lowered), name)


def elements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the elements of a multi-valued attribute as objects: plain values become `{"value": …}`."""
    for element in value if isinstance(value, list) else () if value is None else (value,):
        yield element if isinstance(element, dict) else {"value": element}


def primary(value: Any) -> dict[str, Any] | None:
    """Return the primary element of a multi-valued attribute, or its first."""
    first: dict[str, Any] | None = None
    for element in elements(value):
        if truth(find(element, "primary")):
            return element
        first = element if first is None else first
    return first


def truth(value: Any) -> bool | None:
    """Read a boolean as servers send it: `true`, `"True"`, `"false"`, 1; None where it is none."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    return True if text in {"true", "1"} else False if text in {"false", "0"} else None
