"""PATCH bodies (RFC 7644 section 3.5.2) in the form that a server understands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from providers.scim.dialect import Dialect, MemberForm
from providers.scim.filters import chunks, element
from providers.scim.mapping import to_json, write
from providers.scim.paths import AttributePath, parse_path

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def patch_attributes(values: Mapping[AttributePath, Any], dialect: Dialect) -> Iterator[dict[str, Any]]:
    """Yield the bodies that set attributes: one, or several where the server takes few operations at once.

    Args:
        values: path → JSON value; None takes the attribute away.
        dialect: with or without paths, how many attributes an operation, how many operations a request.
    """
    shown = {path: as_shown(value, dialect) for path, value in values.items()}
    gone = [{"op": spell("remove", dialect), "path": str(path)} for path, value in shown.items() if value is None]
    kept = {path: value for path, value in shown.items() if value is not None}
    if dialect.patch_paths:
        set_ops = [{"op": spell("replace", dialect), "path": str(path), "value": value} for path, value in kept.items()]
    else:
        size = dialect.attributes_per_op or len(kept)
        set_ops = [_without_path(dict(part), dialect) for part in chunks(list(kept.items()), size)]
    operations = set_ops + gone
    for part in chunks(operations, dialect.ops_per_request or len(operations)):
        yield body(part)


def add_members(members: Sequence[str], dialect: Dialect) -> Iterator[tuple[Sequence[str], dict[str, Any]]]:
    """Yield bodies that add members, in chunks that the server takes, each with the members that it adds."""
    for part in _member_chunks(members, dialect):
        values = [_member(member, dialect) for member in part]
        yield part, body([_members_op("add", values, dialect, dialect.member_add)])


def remove_members(
    members: Sequence[str], dialect: Dialect, form: MemberForm | None = None
) -> Iterator[tuple[Sequence[str], dict[str, Any]]]:
    """Yield bodies that remove members, in the server's form or another one."""
    form = form or dialect.member_remove
    for part in _member_chunks(members, dialect):
        if form == "filter":
            operations = [{"op": spell("remove", dialect), "path": element("members", member)} for member in part]
            yield part, body(operations)
        else:
            values = [{"value": member} for member in part]
            yield part, body([_members_op("remove", values, dialect, form)])


def body(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def spell(operation: str, dialect: Dialect) -> str:
    """Return an operation's name as the server wants it: `replace` or `Replace`."""
    return operation.title() if dialect.op_case == "title" else operation


def as_shown(value: Any, dialect: Dialect) -> Any:
    """Return a value as a PATCH carries it; a boolean may have to be text."""
    if isinstance(value, bool) and dialect.boolean != "json":
        return str(value) if dialect.boolean == "title" else str(value).lower()
    return to_json(value)


def _without_path(values: Mapping[AttributePath, Any], dialect: Dialect) -> dict[str, Any]:
    holder: dict[str, Any] = {}
    for path, value in values.items():
        write(holder, path, value)
    holder.pop("schemas", None)
    return {"op": spell("replace", dialect), "value": holder}


def _members_op(operation: str, values: list[dict[str, Any]], dialect: Dialect, form: MemberForm) -> dict[str, Any]:
    where: dict[str, Any] = {"value": values if form == "array" else {"members": values}}
    if form != "no_path":
        where["path"] = "members"
    return {"op": spell(operation, dialect), **where}


def _member(member: str, dialect: Dialect) -> dict[str, Any]:
    return {"value": member, "type": "User"} if dialect.group_members_type else {"value": member}


def _member_chunks(members: Sequence[str], dialect: Dialect) -> Iterator[Sequence[str]]:
    """Yield members in chunks by number and, where the server limits that, by bytes."""
    for part in chunks(members, dialect.member_chunk):
        yield from _by_bytes(part, dialect)


def _by_bytes(part: Sequence[str], dialect: Dialect) -> Iterator[Sequence[str]]:
    longest = dialect.member_bytes
    if longest and len(part) > 1 and _size(part, dialect) > longest:
        middle = len(part) // 2
        yield from _by_bytes(part[:middle], dialect)
        yield from _by_bytes(part[middle:], dialect)
    else:
        yield part


def _size(part: Sequence[str], dialect: Dialect) -> int:
    """Return about how large a body with these members gets, in the longest form."""
    operations = [{"op": spell("remove", dialect), "path": element("members", member)} for member in part]
    return len(msgspec.json.encode(body(operations)))


ACTIVE = parse_path("active")
DISPLAY_NAME = parse_path("displayName")
MEMBERS = parse_path("members")
