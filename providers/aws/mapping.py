"""Identity Center's objects and our values: users to accounts, groups and permission sets to entitlements; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.items import Value, fold
from reconciler.provider.snapshot import AccountStatus, LiveAccount

GROUP, ACCOUNT = "group", "account"

_ACCOUNT_ID_DIGITS = 12
_PLAIN: Mapping[str, str] = {
    "displayName": "DisplayName",
    "nickName": "NickName",
    "profileUrl": "ProfileUrl",
    "userType": "UserType",
    "title": "Title",
    "preferredLanguage": "PreferredLanguage",
    "locale": "Locale",
    "timezone": "Timezone",
}
_NAMES: Mapping[str, str] = {
    "name.formatted": "Formatted",
    "name.familyName": "FamilyName",
    "name.givenName": "GivenName",
    "name.middleName": "MiddleName",
    "name.honorificPrefix": "HonorificPrefix",
    "name.honorificSuffix": "HonorificSuffix",
}
ATTRIBUTES = frozenset({*_PLAIN, *_NAMES})
"""The attributes of users that can be written: their paths in `UpdateUser`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A permission set in an AWS account: what an assignment is of.

    Attributes:
        account: the AWS account's id.
        permission_set: the permission set's ARN.
    """

    account: str
    permission_set: str

    @property
    def remote_id(self) -> str:
        """What an entitlement is pinned by."""
        return f"{self.account}/{self.permission_set}"

    @classmethod
    def parse(cls, remote_id: str) -> "Target | None":
        """Return what a remote id names, or None where it is none of ours."""
        account, _, permission_set = remote_id.partition("/")
        return cls(account, permission_set) if account and permission_set else None


def to_account(user: Mapping[str, Any]) -> LiveAccount:
    """Return a user as an account. The store tells whether somebody disabled it; it takes no such order."""
    ids = user.get("ExternalIds") or []
    return LiveAccount(
        remote_id=str(user["UserId"]),
        username=str(user.get("UserName") or ""),
        email=primary_email(user),
        external_id=str(ids[0].get("Id") or "") if ids else "",
        status=AccountStatus.SUSPENDED if user.get("UserStatus") == "DISABLED" else AccountStatus.ACTIVE,
        attributes=attributes_of(user),
    )


def primary_email(user: Mapping[str, Any]) -> str:
    """Return a user's primary email, else the first, else nothing."""
    emails = user.get("Emails") or []
    chosen = next((each for each in emails if each.get("Primary")), emails[0] if emails else {})
    return str(chosen.get("Value") or "")


def attributes_of(user: Mapping[str, Any]) -> dict[str, Value]:
    """Return a user's attributes by their paths, those that are set."""
    name = user.get("Name") or {}
    found = {path: user.get(key) for path, key in _PLAIN.items()} | {
        path: name.get(key) for path, key in _NAMES.items()
    }
    return {path: str(value) for path, value in found.items() if value not in (None, "")}


def new_user(after: Mapping[str, Value], username: str, email: str) -> dict[str, Any]:
    """Return the input of `CreateUser` for a new account.

    Identity Center wants a display name and both names
    (https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateUser.html): where the YAML says
    nothing of one, the username stands for it.
    """
    given = _text(after, "name.givenName", "person.given_name") or username
    family = _text(after, "name.familyName", "person.family_name") or username
    body: dict[str, Any] = {
        "UserName": username,
        "DisplayName": _text(after, "displayName", "person.name") or username,
        "Name": {"GivenName": given, "FamilyName": family},
    }
    if email:
        body["Emails"] = [{"Value": email, "Type": "work", "Primary": True}]
    for path, key in _PLAIN.items():
        if after.get(path):
            body[key] = str(after[path])
    for path, key in _NAMES.items():
        if after.get(path):
            body["Name"][key] = str(after[path])
    return body


def attribute_operations(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Return the operations of `UpdateUser`; one without a value removes the attribute."""
    return [
        {"AttributePath": path} if value in (None, "") else {"AttributePath": path, "AttributeValue": str(value)}
        for path, value in values.items()
    ]


def name_accounts(accounts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return what each AWS account is called, by its id: its name, or its id where the name says too little.

    Names need not be unique, and one may look like the id of another account: only the id tells those apart.
    """
    listed = {str(each["Id"]): str(each.get("Name") or "") for each in accounts}
    times = Counter(fold(name) for name in listed.values())
    return {
        number: name if name.strip() and times[fold(name)] == 1 and not _looks_like_an_id(name) else number
        for number, name in listed.items()
    }


def _looks_like_an_id(name: str) -> bool:
    return len(name) == _ACCOUNT_ID_DIGITS and name.isdecimal()


def _text(after: Mapping[str, Value], *names: str) -> str:
    return next((str(after[name]) for name in names if after.get(name)), "")
