"""The types that `jira.js` makes of Atlassian's own description of Jira: every parameter and property is looked up."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from servers import setup

FOLDER = Path("jira.js/src/version3")
DIRECTORY_FIELDS = {
    "users/search": {
        "cursor", "limit", "accountIds", "directoryIds", "resourceIds", "groupIds", "mfaEnabled", "claimStatus",
        "status", "accountStatus", "membershipStatus", "roleIds", "emailDomains", "searchTerm", "emails", "expand",
        "sortBy",
    },
    "groups/search": {
        "cursor", "limit", "sortBy", "accountIds", "directoryIds", "roleIds", "resourceOwners", "resourceIds",
        "searchTerm", "groupIds", "groupNames", "expand",
    },
    "users/invite": {"emails", "permissionRules", "additionalGroups", "sendNotification", "notificationText"},
    "groups": {"name", "description"},
    "memberships": {"accountId"},
    "disable": {"message"},
}  # fmt: skip
"""What the organization's API takes in bodies: no package that is published describes it
(https://developer.atlassian.com/cloud/admin/organization/rest/)."""


def missing() -> str:
    """Say why nothing can be looked up here; empty where it can."""
    found = (setup.MODULES / FOLDER).exists()
    return "" if found else "jira.js, for Jira's own types (run python3 tests/servers/setup.py)"


@cache
def fields_of(name: str) -> frozenset[str]:
    """Return the fields of a type (`GetUsersFromGroup`), those that it inherits included."""
    file = f"{name[0].lower()}{name[1:]}.ts"
    for folder in ("parameters", "models"):
        path = setup.MODULES / FOLDER / folder / file
        if path.exists():
            text = path.read_text(encoding="utf-8")
            match = re.search(rf"export interface {name} (?:extends (\w+) )?\{{(.*)\}}", text, re.DOTALL)
            assert match, f"{path.name} has no interface {name}"
            own = frozenset(re.findall(r"^  (\w+)\??:", match[2], re.MULTILINE))
            return own | (fields_of(match[1]) if match[1] else frozenset())
    raise AssertionError(f"Jira has no type {name}")


def check_fields(kind: str, named: Iterable[str]) -> None:
    """Fail unless a type of Jira has every field that is named."""
    unknown = set(named) - fields_of(kind)
    assert not unknown, f"Jira's {kind} has no {sorted(unknown)}"


def check_directory(kind: str, named: Iterable[str]) -> None:
    """Fail unless the organization's API takes every field that is named."""
    unknown = set(named) - DIRECTORY_FIELDS.get(kind, set())
    assert not unknown, f"{kind} takes no {sorted(unknown)}"
