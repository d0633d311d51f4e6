"""The dialects that are known, each with the vendor's page that it was written from."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from providers.scim.dialect import Dialect

GENERIC = Dialect(other_form=True)
"""RFC 7643, 7644 and 9865 with checks where servers are known to differ."""

DIALECTS: Mapping[str, Dialect] = {each.name: each for each in (GENERIC,)}


def choose_dialect(value: object) -> object:
    """Return the dialect that a configuration names: a name, or `{base: NAME, field: value, …}`.

    Raises:
        ValueError: there is no dialect of that name.
    """
    if isinstance(value, str):
        return _named(value)
    if not isinstance(value, Mapping):
        return value
    base = _named(str(value.get("base", "generic")))
    return _plain(base) | {key: each for key, each in value.items() if key != "base"}


def _named(name: str) -> Dialect:
    dialect = DIALECTS.get(name)
    if dialect is None:
        raise ValueError(f"there is no dialect {name!r}; there are {', '.join(sorted(DIALECTS))}")
    return dialect


def _plain(dialect: Dialect) -> dict[str, Any]:
    return asdict(dialect)
