"""Values as text for the state's file: attributes, instants, and changes without their reasons."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from reconciler.errors import StateError
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Value
from reconciler.provider.change import Cause, Change, Operation

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode
_NO_VALUES: Final = "{}"


def encode(data: Any) -> str:
    """Return plain data as JSON text."""
    return _encode(data).decode()


def encode_canonical(data: Any) -> str:
    """Return plain data as the one JSON text that it has here: keys sorted, no spaces, nothing escaped needlessly."""
    return _encode_sorted(data).decode()


def decode(text: str) -> Any:
    """Return the plain data of JSON text.

    Raises:
        StateError: it is no JSON: somebody edited the file.
    """
    try:
        return _decode(text)
    except msgspec.DecodeError as error:
        raise StateError(f"a value in it is no JSON: {error}", hint="restore the file from a backup") from error


def encode_values(values: Mapping[str, Value]) -> str:
    """Return attributes as JSON text."""
    return encode(dict(values)) if values else _NO_VALUES


def decode_values(text: str) -> dict[str, Value]:
    """Return the attributes of JSON text; lists become tuples."""
    return _values(decode(text)) if text != _NO_VALUES else {}


def _values(data: Mapping[str, Any]) -> dict[str, Value]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def encode_moment(moment: datetime) -> str:
    """Return an instant as ISO 8601 in UTC."""
    if moment.tzinfo is None:
        raise ValueError(f"an instant without a time zone: {moment}")
    return moment.astimezone(UTC).isoformat()


def decode_moment(text: str | None) -> datetime | None:
    """Return the instant of a text, None of none."""
    return datetime.fromisoformat(text) if text else None


def encode_change(change: Change) -> str:
    """Return a change as JSON text: all that a later run needs to look for it, without reasons and places."""
    data: dict[str, Any] = {
        "app": change.app,
        "operation": change.operation.value,
        "item": encode_item(change.item),
        "way": change.way,
        "cause": change.cause.value,
    }
    optional: dict[str, Any] = {
        "before": dict(change.before),
        "after": dict(change.after),
        "account_id": change.account_id,
        "entitlement_id": change.entitlement_id,
        "holder_entitlement_id": change.holder_entitlement_id,
        "username": change.username,
        "privileged": change.privileged,
    }
    data.update((name, value) for name, value in optional.items() if value)
    return encode(data)


def decode_change(text: str) -> Change:
    """Return the change of a text that `encode_change` made.

    Raises:
        StateError: it is none.
    """
    data = decode(text)
    try:
        return Change(
            app=data["app"],
            operation=Operation(data["operation"]),
            item=decode_item(data["item"]),
            way=data["way"],
            cause=Cause(data["cause"]),
            before=_values(data.get("before", {})),
            after=_values(data.get("after", {})),
            account_id=data.get("account_id", ""),
            entitlement_id=data.get("entitlement_id", ""),
            holder_entitlement_id=data.get("holder_entitlement_id", ""),
            username=data.get("username", ""),
            privileged=data.get("privileged", False),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StateError(f"a journal entry cannot be read: {error}", hint="restore the file from a backup") from error


def encode_item(item: Item) -> list[str]:
    """Return an item as its kind and its names."""
    match item:
        case AccountItem(holder):
            return ["account", holder]
        case EntitlementItem(entitlement):
            return ["entitlement", entitlement]
        case GrantItem(holder, entitlement):
            return ["grant", holder, entitlement]


def decode_item(data: list[str]) -> Item:
    """Return the item of its kind and its names.

    Raises:
        ValueError: they are none.
    """
    match data:
        case ["account", holder]:
            return AccountItem(holder)
        case ["entitlement", entitlement]:
            return EntitlementItem(entitlement)
        case ["grant", holder, entitlement]:
            return GrantItem(holder, entitlement)
        case _:
            raise ValueError(f"no item: {data!r}")
