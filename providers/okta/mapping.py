"""Okta's objects as our values, and back: pure.

Sources: developer.okta.com, Okta Management API, "Users", "Groups", "Application Users", "Role Assignments".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount

STATUSES: Final[Mapping[str, AccountStatus]] = {
    "STAGED": AccountStatus.INVITED,
    "PROVISIONED": AccountStatus.INVITED,
    "ACTIVE": AccountStatus.ACTIVE,
    "RECOVERY": AccountStatus.ACTIVE,
    "PASSWORD_EXPIRED": AccountStatus.ACTIVE,
    "LOCKED_OUT": AccountStatus.ACTIVE,
    "SUSPENDED": AccountStatus.SUSPENDED,
    "DEPROVISIONED": AccountStatus.SUSPENDED,
}
"""Who is in RECOVERY, PASSWORD_EXPIRED or LOCKED_OUT gets in again without an admin's help, and so is active."""

STANDARD_ROLES: Final = (
    "SUPER_ADMIN",
    "ORG_ADMIN",
    "APP_ADMIN",
    "USER_ADMIN",
    "HELP_DESK_ADMIN",
    "READ_ONLY_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
    "REPORT_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
    "ACCESS_CERTIFICATIONS_ADMIN",
    "ACCESS_REQUESTS_ADMIN",
    "WORKFLOWS_ADMIN",
)
CUSTOM: Final = "CUSTOM"

BUILT_IN: Final = "built-in-group"
GROUP_KINDS: Final[Mapping[str, str]] = {"OKTA_GROUP": "group", "APP_GROUP": "app-group", "BUILT_IN": BUILT_IN}
"""A group's type → the kind of entitlement that it is. Everybody is in a built-in group."""

HOLDER_EDITABLE: Final = frozenset({"firstName", "lastName", "secondEmail", "mobilePhone"})
"""What the default user schema lets people change themselves; a change of `email` must be confirmed from there."""

_NOT_IN_PROFILE = frozenset({"username", "email", "external_id", "status"})


def is_known(status: str) -> bool:
    """Say whether a lifecycle status is one that Okta documents."""
    return status in STATUSES


def to_account(user: Mapping[str, Any], external_id: str = "") -> LiveAccount:
    """Return a user as an account; one in a status that nobody knows yet counts as active, which hides nothing.

    Args:
        user: as Okta shows it.
        external_id: the profile attribute that holds the identity's id, or empty.
    """
    profile = user.get("profile") or {}
    return LiveAccount(
        remote_id=str(user["id"]),
        username=_text(profile.get("login")),
        email=_text(profile.get("email")),
        external_id=_text(profile.get(external_id)) if external_id else "",
        status=STATUSES.get(str(user.get("status")), AccountStatus.ACTIVE),
        attributes={name: found for name, value in profile.items() if (found := _value(value)) is not None},
    )


def new_profile(after: Mapping[str, Value], external_id: str = "") -> dict[str, Any]:
    """Return the profile of a new user: login, email and both names, which Okta requires, and what is mapped."""
    email = _text(after.get("email") or after.get("person.email"))
    login = _text(after.get("username") or after.get("person.username")) or email
    first, last = _names(after)
    profile: dict[str, Any] = {"login": login, "email": email or login, "firstName": first, "lastName": last}
    if external_id and after.get("external_id"):
        profile[external_id] = after["external_id"]
    return profile | {name: value for name, value in profile_of(after).items() if value not in (None, "")}


def changed_profile(after: Mapping[str, Value]) -> dict[str, Any]:
    """Return what an update changes, as a profile: mapped attributes, and a new username or address."""
    renamed = {"login": after.get("username"), "email": after.get("email")}
    return {name: value for name, value in renamed.items() if value} | profile_of(after)


def profile_of(after: Mapping[str, Value]) -> dict[str, Any]:
    """Return the mapped attributes in a change, as a profile; an empty one is null there."""
    return {
        name: list(value) if isinstance(value, tuple) else None if value == "" else value
        for name, value in after.items()
        if name not in _NOT_IN_PROFILE and not name.startswith("person.")
    }


@dataclass(frozen=True, slots=True)
class Role:
    """One assignment of an admin role.

    Attributes:
        id: the assignment's own id.
        type: `SUPER_ADMIN`, …, or `CUSTOM`.
        kind, name: the entitlement that it grants.
        direct: whether it was assigned to this very user or group, and not through a group.
        remote_id: what the entitlement is pinned by: labels change, ids do not.
    """

    id: str
    type: str
    kind: str
    name: str
    direct: bool
    remote_id: str

    @property
    def key(self) -> str:
        """The key of the entitlement."""
        return f"{self.kind}:{self.name}"


def to_role(found: Mapping[str, Any], *, of_group: bool, limited: bool = False) -> Role:
    """Return a role assignment.

    A standard role that is limited to some groups or apps is much less than the role itself, and a custom role means
    nothing without its resource set: both are of the kind `custom-role`.

    Args:
        found: as Okta shows it.
        of_group: whether a group was asked for its roles.
        limited: whether it is known to be limited; otherwise its embedded targets say so.
    """
    kind_of_role, direct_as = str(found.get("type")), "GROUP" if of_group else "USER"
    direct = found.get("assignmentType", direct_as) == direct_as
    if kind_of_role == CUSTOM:
        name = f"{found.get('label')} on {found.get('resource-set')}"
        return Role(
            str(found["id"]), CUSTOM, "custom-role", name, direct, f"{found.get('role')}:{found.get('resource-set')}"
        )
    if limited or has_targets(found):
        name = f"{kind_of_role} limited"
        return Role(str(found["id"]), kind_of_role, "custom-role", name, direct, f"custom-role:{name}")
    return Role(str(found["id"]), kind_of_role, "role", kind_of_role, direct, f"role:{kind_of_role}")


def has_targets(found: Mapping[str, Any]) -> bool:
    """Say whether a role assignment shows groups or apps that it is limited to."""
    targets = (found.get("_embedded") or {}).get("targets") or {}
    return bool(targets.get("groups") or (targets.get("catalog") or {}).get("apps"))


def may_have_roles(group: Mapping[str, Any]) -> bool:
    """Say whether a group can have admin roles: unless its statistics deny it, under the name or the misspelt one."""
    stats = (group.get("_embedded") or {}).get("stats") or {}
    said = [stats[name] for name in ("hasAdminPrivilege", "hasAdminPrivlege") if name in stats]
    return not said or any(one is not False for one in said)


def _names(after: Mapping[str, Value]) -> tuple[str, str]:
    """Return a first and a last name, neither empty where there is any name at all."""
    first, last = _text(after.get("person.given_name")), _text(after.get("person.family_name"))
    whole = _text(after.get("person.name"))
    if not first:
        first = whole.removesuffix(last).strip() if last else whole.partition(" ")[0]
    if not last:
        last = whole.removeprefix(first).strip()
    return first or last, last or first


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(map(str, value))
    return value if isinstance(value, str | int | float | bool) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
