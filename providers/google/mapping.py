"""Google's objects and our values, each into the other: pure.

The reference: https://developers.google.com/workspace/admin/directory/reference/rest/v1/users, …/groups, …/members.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.items import Value, fold
from reconciler.provider.snapshot import AccountStatus, LiveAccount

Json = Mapping[str, Any]

OUTSIDE = "external:"
"""What the remote id of an outsider starts with."""

USER_FIELDS = (
    "id,primaryEmail,name(givenName,familyName),suspended,archived,orgUnitPath,aliases,externalIds,organizations,"
    "relations,recoveryEmail,isAdmin,isEnrolledIn2Sv,customerId"
)
"""The parts of a user that are compared; asking for these only makes a page of 500 a tenth of its size."""

GROUP_FIELDS = "id,email,name,description"

_PLAIN = ("orgUnitPath", "recoveryEmail")
_NAMES = ("givenName", "familyName")
_ORGANIZATION = ("title", "department", "costCenter")
_SHOWN = ("archived", "isAdmin", "isEnrolledIn2Sv")
_EMPLOYEE = "organization"
"""The type of the external id that the admin console calls the employee ID."""

WRITABLE = (*_NAMES, *_PLAIN, *_ORGANIZATION, "employeeId", "manager", "aliases", "primaryEmail")
"""The attributes of accounts that can be written, by the names that the YAML uses."""

LISTS = frozenset({*_ORGANIZATION, "employeeId", "manager"})
"""Those that are one part of a list, which Google replaces as a whole."""


class Addresses:
    """Names and addresses, each into the other.

    Args:
        domain: what is in it goes by the part before the `@`; None where all go by their whole address.
    """

    def __init__(self, domain: str | None) -> None:
        self._suffix = f"@{domain}" if domain else ""

    def name(self, address: str) -> str:
        """Return the name of a user or a group by its address."""
        inside = self._suffix and fold(address).endswith(self._suffix)
        return address[: -len(self._suffix)] if inside else address

    def address(self, name: str) -> str:
        """Return the address of a name; one that is no address stays as it is where no domain is configured."""
        return name if "@" in name else name + self._suffix


def to_account(user: Json, addresses: Addresses, external_id_type: str) -> LiveAccount:
    """Return a user as an account."""
    email = str(user.get("primaryEmail", ""))
    away = bool(user.get("suspended") or user.get("archived"))
    return LiveAccount(
        remote_id=str(user["id"]),
        username=addresses.name(email),
        email=email,
        external_id=external_id(user, external_id_type),
        status=AccountStatus.SUSPENDED if away else AccountStatus.ACTIVE,
        attributes=_attributes(user),
    )


def outsider(email: str) -> LiveAccount:
    """Return a member of groups who is no user of this Google Workspace account; the address is all that is known."""
    return LiveAccount(OUTSIDE + fold(email), email, email, attributes={"external": True})


def outside_address(remote_id: str) -> str:
    """Return the address of an outsider, empty for a user."""
    return remote_id.removeprefix(OUTSIDE) if remote_id.startswith(OUTSIDE) else ""


def external_id(user: Json, external_id_type: str) -> str:
    """Return the identity that an account was made for, as far as it says so."""
    return next(
        (str(each.get("value", "")) for each in _elements(user, "externalIds") if _is_ours(each, external_id_type)), ""
    )


def _attributes(user: Json) -> dict[str, Value]:
    found: dict[str, Value] = {name: user.get("name", {}).get(name) for name in _NAMES}
    found |= {name: user.get(name) for name in (*_PLAIN, *_SHOWN)}
    main = _main(_elements(user, "organizations"))
    found |= {name: main.get(name) for name in _ORGANIZATION}
    found["employeeId"] = _of_type(user, "externalIds", _EMPLOYEE)
    found["manager"] = _of_type(user, "relations", "manager")
    found["aliases"] = tuple(sorted(map(str, user.get("aliases", ())))) or None
    found["primaryEmail"] = user.get("primaryEmail")
    return {name: value for name, value in found.items() if value not in (None, "")}


def _elements(user: Json, name: str) -> list[Json]:
    """Return the elements of a list; Google leaves out empty ones."""
    found = user.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _main(organizations: list[Json]) -> Json:
    """Return the organization whose title is shown: the primary one, else the first."""
    return next((each for each in organizations if each.get("primary")), organizations[0] if organizations else {})


def _of_type(user: Json, name: str, kind: str) -> str | None:
    return next((str(each.get("value", "")) for each in _elements(user, name) if each.get("type") == kind), None)


def _is_ours(element: Json, external_id_type: str) -> bool:
    return element.get("type") == "custom" and element.get("customType") == external_id_type


def patch_of(values: Mapping[str, Value], current: Json) -> dict[str, Any]:
    """Return the body that sets attributes: lists as they are now with the parts that change, the rest kept.

    What is null in it is emptied (users.update).

    Args:
        values: attribute → new value, None to empty it. `aliases` have requests of their own and are left out.
        current: the user as it is now; only its lists are looked at.
    """
    body: dict[str, Any] = {name: values[name] or None for name in (*_PLAIN, "primaryEmail") if name in values}
    names = {name: values[name] or None for name in _NAMES if name in values}
    if names:
        body["name"] = names
    organization = {name: values[name] for name in _ORGANIZATION if name in values}
    if organization:
        body["organizations"] = _with_organization(_elements(current, "organizations"), organization)
    if "employeeId" in values:
        body["externalIds"] = _with_type(current, "externalIds", _EMPLOYEE, values["employeeId"])
    if "manager" in values:
        body["relations"] = _with_type(current, "relations", "manager", values["manager"])
    return body


def _with_organization(organizations: list[Json], values: Mapping[str, Value]) -> list[dict[str, Any]] | None:
    main = _main(organizations)
    others = [dict(each) for each in organizations if each is not main]
    changed = {name: value for name, value in {**main, **values}.items() if value not in (None, "")}
    return ([{**changed, "primary": True}, *others] if changed.keys() - {"primary"} else others) or None


def _with_type(user: Json, name: str, kind: str, value: Value) -> list[dict[str, Any]] | None:
    others = [dict(each) for each in _elements(user, name) if each.get("type") != kind]
    return (others if value in (None, "") else [*others, {"type": kind, "value": value}]) or None


def new_user(address: str, password: str, values: Mapping[str, Value], identity: str, type_: str) -> dict[str, Any]:
    """Return the body of a new user.

    Args:
        address: the primary address.
        password: long and random; the person never uses it.
        values: `Change.after`: attributes, and what a person starts with under `person.`.
        identity: our id of whom it is for, or empty.
        type_: the custom type of the external id under which that is kept.
    """
    given, family = _names_of(values, address)
    chosen = {name: value for name, value in values.items() if name in WRITABLE and name not in {"aliases", *_NAMES}}
    ours = [{"type": "custom", "customType": type_, "value": identity}] if identity else []
    body = patch_of(chosen, {"externalIds": ours})
    body |= {"externalIds": body.get("externalIds") or ours} if ours else {}
    return body | {
        "primaryEmail": address,
        "password": password,
        "changePasswordAtNextLogin": True,
        "name": {"givenName": given, "familyName": family},
    }


def _names_of(values: Mapping[str, Value], address: str) -> tuple[str, str]:
    """Return the given and the family name, both of which Google requires."""
    first, _, last = str(values.get("person.name") or address.partition("@")[0]).partition(" ")
    given = values.get("givenName") or values.get("person.given_name") or first
    family = values.get("familyName") or values.get("person.family_name") or last or first
    return str(given), str(family)


def role_of(level: Value) -> str:
    """Return a member's role as Google writes it."""
    return str(level or "member").upper()


def level_of(member: Json) -> str:
    """Return a member's level."""
    return str(member.get("role") or "MEMBER").lower()


def unit_id(unit: str) -> str:
    """Return an organizational unit's id without the prefix that only some of Google's answers have."""
    return unit.removeprefix("id:")


def scoped(role_id: str, unit: str) -> str:
    """Return the remote id of a role, in an organizational unit where one is given."""
    return f"{role_id}@{unit}" if unit else role_id


def split_scoped(remote_id: str) -> tuple[str, str]:
    """Return a role's id and the id of its organizational unit, empty for the whole account."""
    role_id, _, unit = remote_id.partition("@")
    return role_id, unit


def domains_of(users: Iterable[Json], groups: Iterable[Json]) -> set[str]:
    """Return the domains in which users and groups have addresses."""
    addresses = (*(user.get("primaryEmail", "") for user in users), *(group.get("email", "") for group in groups))
    return {fold(str(address)).partition("@")[2] for address in addresses}
