"""What a server sends, parsed: pages, users and groups (RFC 7643 section 4, RFC 7644 section 3.4.2).

The usual spelling is parsed by typed structs, which is about ten times as fast as plain JSON; whatever differs (other
case, ids that are numbers, a bare list) goes the slower way and means the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from providers.scim.paths import elements, find, truth
from reconciler.errors import TransportError

_BOM = b"\xef\xbb\xbf"


class _Id(msgspec.Struct):
    id: str


class _Page(msgspec.Struct, rename="camel"):
    total_results: int | None = None
    next_cursor: str | None = None
    resources: list[msgspec.Raw] | None = msgspec.field(default=None, name="Resources")


class _Meta(msgspec.Struct):
    version: str | None = None


class _User(msgspec.Struct, rename="camel"):
    id: str
    user_name: str
    external_id: str | None = None
    active: bool | str | int | None = True
    emails: msgspec.Raw = msgspec.Raw(b"null")
    meta: _Meta | None = None


class _Email(msgspec.Struct):
    value: str | None = None
    primary: bool | None = None


class _Member(msgspec.Struct):
    value: str
    type: str | None = None
    ref: str | None = msgspec.field(default=None, name="$ref")


class _Group(msgspec.Struct, rename="camel"):
    id: str
    display_name: str
    external_id: str | None = None
    members: list[_Member] | None = None
    meta: _Meta | None = None


_PAGE = msgspec.json.Decoder(_Page)
_USER = msgspec.json.Decoder(_User)
_EMAILS = msgspec.json.Decoder(list[_Email] | None)
_GROUP = msgspec.json.Decoder(_Group)
_ID = msgspec.json.Decoder(_Id)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        resources: each resource's JSON.
        total: `totalResults`, or None where the server did not say.
        cursor: `nextCursor` (RFC 9865), or empty.
    """

    resources: list[msgspec.Raw]
    total: int | None = None
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource of any kind: its id, and its JSON."""

    id: str
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class User:
    """What every account is read for; the rest stays in `raw`.

    Attributes:
        active: None where the server does not say.
    """

    id: str
    username: str
    email: str
    external_id: str
    active: bool | None
    version: str
    raw: bytes | msgspec.Raw


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a group; `group` where it is another group, None where the server does not say."""

    id: str
    group: bool | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `members` is None where the server sent none at all."""

    id: str
    name: str
    external_id: str
    members: tuple[Member, ...] | None
    version: str
    raw: bytes | msgspec.Raw


def parse_page(content: bytes, what: str) -> Page:
    """Parse a list response.

    Raises:
        TransportError: it is no list: what cannot be read is never an empty list.
    """
    body = content.removeprefix(_BOM)
    try:
        page = _PAGE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_odd_page(body, what)
    if page.resources is None:
        return _parse_odd_page(body, what)
    return Page(page.resources, page.total_results, page.next_cursor or "")


def _parse_odd_page(body: bytes, what: str) -> Page:
    document = parse_json(body, what)
    if isinstance(document, list):
        return Page(_raws(document, what))
    if not isinstance(document, dict):
        raise TransportError(f"{what}: the answer is no list")
    resources = find(document, "Resources")
    total = _integer(find(document, "totalResults"))
    if resources is None and total != 0:
        raise TransportError(f"{what}: the answer is no list of resources")
    return Page(_raws(resources or [], what), total, str(find(document, "nextCursor") or ""))


def _raws(resources: Any, what: str) -> list[msgspec.Raw]:
    if not isinstance(resources, list):
        raise TransportError(f"{what}: `Resources` is no list")
    return [msgspec.Raw(msgspec.json.encode(each)) for each in resources]


def parse_json(body: bytes | msgspec.Raw, what: str) -> Any:
    """Parse JSON.

    Raises:
        TransportError: it is none.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransportError(f"{what}: the answer is no JSON: {error}") from None


def parse_id(raw: bytes | msgspec.Raw) -> str:
    """Return a resource's id, or the empty text where it has none."""
    try:
        return _ID.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        resource = _object(raw)
        return _text(find(resource, "id"))


def parse_thing(raw: msgspec.Raw) -> Thing:
    """Parse a resource of any kind."""
    return Thing(parse_id(raw), raw)


def parse_user(raw: bytes | msgspec.Raw) -> User:
    """Parse a user. What is missing is empty: the reader decides whether that is good enough."""
    try:
        user = _USER.decode(raw)
        email = _email(user.emails)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_odd_user(raw)
    active = user.active if isinstance(user.active, bool) else truth(user.active)
    version = (user.meta and user.meta.version) or ""
    return User(user.id, user.user_name, email, user.external_id or "", active, version, raw)


def _email(raw: msgspec.Raw) -> str:
    emails = _EMAILS.decode(raw) or ()
    chosen = next((email for email in emails if email.primary), emails[0] if emails else None)
    return (chosen and chosen.value) or ""


def _parse_odd_user(raw: bytes | msgspec.Raw) -> User:
    resource = _object(raw)
    emails = list(elements(find(resource, "emails")))
    chosen = next((each for each in emails if truth(find(each, "primary"))), emails[0] if emails else {})
    return User(
        id=_text(find(resource, "id")),
        username=_text(find(resource, "userName")),
        email=_text(find(chosen, "value")),
        external_id=_text(find(resource, "externalId")),
        active=truth(find(resource, "active")),
        version=_version(resource),
        raw=raw,
    )


def parse_group(raw: bytes | msgspec.Raw) -> Group:
    """Parse a group with its members."""
    try:
        group = _GROUP.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _parse_odd_group(raw)
    members = None
    if group.members is not None:
        members = tuple(Member(each.value, _is_group(each.type, each.ref)) for each in group.members)
    version = (group.meta and group.meta.version) or ""
    return Group(group.id, group.display_name, group.external_id or "", members, version, raw)


def _parse_odd_group(raw: bytes | msgspec.Raw) -> Group:
    resource = _object(raw)
    sent = find(resource, "members")
    members = None
    if sent is not None:
        members = tuple(
            Member(_text(find(each, "value")), _is_group(find(each, "type"), find(each, "$ref")))
            for each in elements(sent)
        )
    name = _text(find(resource, "displayName"))
    external = _text(find(resource, "externalId"))
    return Group(_text(find(resource, "id")), name, external, members, _version(resource), raw)


def _is_group(kind: Any, ref: Any) -> bool | None:
    """Say whether a member is a group, by its type or by where its reference leads."""
    if isinstance(kind, str) and kind.lower() in {"user", "group"}:
        return kind.lower() == "group"
    if isinstance(ref, str) and ("/Groups/" in ref or "/Users/" in ref):
        return "/Groups/" in ref
    return None


def _object(raw: bytes | msgspec.Raw) -> Mapping[str, Any]:
    try:
        resource = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return resource if isinstance(resource, dict) else {}


def version_of(resource: Mapping[str, Any]) -> str:
    """Return `meta.version`, or empty."""
    return _version(resource)


def _version(resource: Mapping[str, Any]) -> str:
    meta = find(resource, "meta")
    return _text(find(meta, "version")) if isinstance(meta, Mapping) else ""


def _text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else ""
        if value is None or isinstance(value, bool | dict | list)
        else str(value)
    )


def _integer(value: Any) -> int | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
