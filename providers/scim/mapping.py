"""JSON and what the core knows: a user as an account, attributes read when somebody asks and written into bodies."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from providers.scim.paths import AttributePath, NameTable, elements, find, key_in, primary, short_name
from providers.scim.resources import User
from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount

_NOT_COMPARED = frozenset({"schemas", "id", "meta", "active", "groups", "password", "members"})


class Attributes(Mapping[str, Value]):
    """The attributes of one account by the names that users write, in any case; parsed on first use.

    Args:
        raw: the resource's JSON.
        names: what users write → where it is.
    """

    __slots__ = ("_flat", "_names", "_raw", "_resource")

    def __init__(self, raw: bytes | msgspec.Raw, names: NameTable) -> None:
        self._raw: bytes | msgspec.Raw | None = raw
        self._names = names
        self._resource: dict[str, Any] | None = None
        self._flat: dict[str, tuple[str, Value]] | None = None

    def __getitem__(self, name: str) -> Value:
        plain = self._parsed().get(name)
        if isinstance(plain, str) and name not in _NOT_COMPARED:  # most of what is compared: no need for all the rest
            return plain
        return self._values()[self._names.key(name)][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._values().values())

    def __len__(self) -> int:
        return len(self._values())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._names.key(name) in self._values()

    def __repr__(self) -> str:
        return repr(dict(self))

    def _values(self) -> dict[str, tuple[str, Value]]:
        if self._flat is None:
            self._flat = {name.lower(): (short_name(name), value) for name, value in flatten(self._parsed())}
        return self._flat

    def _parsed(self) -> dict[str, Any]:
        if self._resource is None:
            self._resource = msgspec.json.decode(self._raw or b"{}")
            self._raw = None
        return self._resource


def to_account(user: User, names: NameTable) -> LiveAccount:
    """Return a user as the core knows accounts. Without an email, a username that is one stands for it."""
    return LiveAccount(
        remote_id=user.id,
        username=user.username,
        email=user.email or (user.username if "@" in user.username else ""),
        external_id=user.external_id,
        status=AccountStatus.SUSPENDED if user.active is False else AccountStatus.ACTIVE,
        attributes=Attributes(user.raw, names),
        version=user.version,
    )


def flatten(resource: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Yield the comparable attributes of a resource: full path, value.

    Of emails, phone numbers and the like the primary value is *the* value, and each one that has a type is there as
    `emails[type eq "work"].value` too; other lists are tuples of their values.
    """
    for name, value in resource.items():
        if name.lower().startswith("urn:"):
            if isinstance(value, dict):
                for sub, inner in value.items():
                    yield from _flatten_one(f"{name}:{sub}", inner)
        elif name.lower() not in _NOT_COMPARED:
            yield from _flatten_one(name, value)


def _flatten_one(name: str, value: Any) -> Iterator[tuple[str, Value]]:
    match value:
        case None | bool() | int() | float() | str():
            yield name, value
        case dict():
            if "value" in value:  # a manager: the reference stands for the whole
                yield name, _scalar(value["value"])
            yield from ((f"{name}.{sub}", inner) for sub, inner in value.items() if not isinstance(inner, dict | list))
        case list():
            yield from _flatten_list(name, value)


def _flatten_list(name: str, values: list[Any]) -> Iterator[tuple[str, Value]]:
    if AttributePath(name).plural:
        chosen = primary(values) or {}
        yield name, _scalar(find(chosen, "value"))
        yield from ((f"{name}.{sub}", _scalar(inner)) for sub, inner in chosen.items() if sub != "value")
    else:
        yield name, tuple(str(element.get("value")) for element in elements(values) if "value" in element)
    for element in elements(values):
        kind = find(element, "type")
        if isinstance(kind, str) and "value" in element:
            yield f'{name}[type eq "{kind}"].value', _scalar(element["value"])


def _scalar(value: Any) -> Value:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def read(resource: Mapping[str, Any], path: AttributePath) -> Any:
    """Return what is at a path of a resource as JSON, or None."""
    container: Any = find(resource, path.schema) if path.schema else resource
    if not isinstance(container, Mapping):
        return None
    value = find(container, path.name)
    if path.plural:
        value = primary(value)
        return None if value is None else find(value, path.sub or "value")
    if path.key:
        value = next((each for each in elements(value) if _is(each, path)), None)
    if path.sub:
        flat = container.get(f"{path.name}.{path.sub}")  # GitLab sends `name.formatted` as one name
        return flat if flat is not None else find(value, path.sub) if isinstance(value, Mapping) else None
    return value


def write(resource: dict[str, Any], path: AttributePath, value: Any) -> None:
    """Put a value at a path of a resource, keeping everything else that is there. None takes it away."""
    container = resource
    if path.schema:
        container = resource.setdefault(key_in(resource, path.schema), {})
        schemas = resource.setdefault("schemas", [])
        if path.schema not in schemas:
            schemas.append(path.schema)
    name = key_in(container, path.name)
    if isinstance(value, list):
        container[name] = value
    elif path.plural or path.key:
        container[name] = _with_element(container.get(name), path, value)
    elif path.sub:
        inner = container.setdefault(name, {})
        inner[key_in(inner, path.sub)] = to_json(value)
    elif path.name == "manager" and value is not None:
        container[name] = {"value": to_json(value)}
    else:
        container[name] = to_json(value)


def to_json(value: Any) -> Any:
    """Return a value as it is sent: a tuple is a list of `{"value": …}`."""
    return [{"value": each} for each in value] if isinstance(value, tuple) else value


def _with_element(value: Any, path: AttributePath, new: Any) -> list[dict[str, Any]]:
    """Return the elements of a multi-valued attribute with one of them changed, added or (None) taken away."""
    kept = [dict(element) for element in elements(value)]
    old = next((each for each in kept if _is(each, path)), None) if path.key else primary(kept)
    if new is None:
        return [each for each in kept if each is not old]
    if old is None:
        fresh = {path.key: path.value} if path.key else {"type": "work", "primary": True}
        return [*kept, {path.sub or "value": new, **fresh}]
    old[key_in(old, path.sub or "value")] = new
    return kept


def _is(element: Mapping[str, Any], path: AttributePath) -> bool:
    """Say whether an element is the one that a path's filter names."""
    value = find(element, path.key)
    return str(value).lower() == path.value.lower() if isinstance(value, str | bool | int) else False
