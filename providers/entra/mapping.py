"""Graph's objects and our values: users to accounts, what they hold to entitlements; pure."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.items import Value, fold
from reconciler.provider.snapshot import AccountStatus, LiveAccount

GROUP, ROLE, APP, LICENSE = "group", "role", "app", "license"
NO_ROLE = "00000000-0000-0000-0000-000000000000"
"""The app role of an app that defines none
(https://learn.microsoft.com/graph/api/resources/approleassignment: the default app role)."""
DEFAULT = "default"

ATTRIBUTES = frozenset(
    {
        "displayName",
        "givenName",
        "surname",
        "jobTitle",
        "department",
        "companyName",
        "officeLocation",
        "employeeId",
        "employeeType",
        "city",
        "country",
        "state",
        "postalCode",
        "streetAddress",
        "mobilePhone",
        "usageLocation",
        "preferredLanguage",
    }
)
"""The attributes of users that can be written, by their names in Graph."""

USER_FIELDS = ",".join(
    sorted(
        ATTRIBUTES
        | {
            "id",
            "userPrincipalName",
            "mail",
            "userType",
            "externalUserState",
            "accountEnabled",
            "licenseAssignmentStates",
        }
    )
)


@dataclass(frozen=True, slots=True)
class AppRole:
    """One role of one enterprise application: what an assignment is of.

    Attributes:
        app: the id of the application's service principal.
        role: the id of the app role; NO_ROLE where the application has none.
    """

    app: str
    role: str

    @property
    def remote_id(self) -> str:
        """What an entitlement is pinned by."""
        return f"{self.app}/{self.role}"

    @classmethod
    def parse(cls, remote_id: str) -> "AppRole | None":
        """Return what a remote id names, or None where it is none of ours."""
        app, _, role = remote_id.partition("/")
        return cls(app, role) if app and role else None


def to_account(user: Mapping[str, Any]) -> LiveAccount:
    """Return a user as an account.

    A user without a mailbox has no `mail`; then the user principal name stands for it, which has the form of an email
    address and which its holder cannot change.
    """
    username = str(user.get("userPrincipalName") or "")
    return LiveAccount(
        remote_id=str(user["id"]),
        username=username,
        email=str(user.get("mail") or username),
        status=_status_of(user),
        attributes={name: str(user[name]) for name in sorted(ATTRIBUTES) if user.get(name) not in (None, "")},
    )


def _status_of(user: Mapping[str, Any]) -> AccountStatus:
    if user.get("accountEnabled") is False:
        return AccountStatus.SUSPENDED
    if user.get("externalUserState") == "PendingAcceptance":
        return AccountStatus.INVITED
    return AccountStatus.ACTIVE


def licenses_of(user: Mapping[str, Any]) -> list[str]:
    """Return the ids of the licenses that a user holds itself; those that come by a group are the group's."""
    states = user.get("licenseAssignmentStates") or []
    return list(dict.fromkeys(str(each["skuId"]) for each in states if not each.get("assignedByGroup")))


def new_user(after: Mapping[str, Value], username: str) -> dict[str, Any]:
    """Return the body that makes a user; its password is random, told to nobody, and to be changed.

    Source: https://learn.microsoft.com/graph/api/user-post-users
    """
    body: dict[str, Any] = {
        "accountEnabled": True,
        "userPrincipalName": username,
        "mailNickname": "".join(c for c in username.partition("@")[0] if c.isascii() and (c.isalnum() or c in "._-")),
        "displayName": str(after.get("person.name") or username),
        "passwordProfile": {"forceChangePasswordNextSignIn": True, "password": f"{secrets.token_urlsafe(32)}aA1!"},
    }
    for name, key in (("givenName", "person.given_name"), ("surname", "person.family_name")):
        if after.get(key):
            body[name] = str(after[key])
    return body | {name: str(value) for name, value in after.items() if name in ATTRIBUTES and value not in (None, "")}


def changed_user(after: Mapping[str, Value]) -> dict[str, Any]:
    """Return the body that changes a user; None empties an attribute."""
    body: dict[str, Any] = {name: None if value in (None, "") else str(value) for name, value in after.items()}
    if "username" in body:
        body["userPrincipalName"] = body.pop("username")
    return body


def name_all(listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what each object is called, by its id: its name, or its id where the name says too little.

    Names of groups and applications need not be unique: only the id tells two of one name apart.
    """
    named = dict(listed)
    times = Counter(fold(name) for name in named.values())
    return {id_: name if name.strip() and times[fold(name)] == 1 else id_ for id_, name in named.items()}


def roles_of(app: Mapping[str, Any]) -> dict[str, str]:
    """Return the roles of an application that people can have: id → name; the default role where there are none."""
    roles = [each for each in app.get("appRoles") or [] if "User" in (each.get("allowedMemberTypes") or [])]
    if not roles:
        return {NO_ROLE: DEFAULT}
    return name_all((str(each["id"]), str(each.get("displayName") or "")) for each in roles)
