"""GitLab's objects ↔ our values. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount

GROUP, PROJECT, ROLE = "group", "project", "role"
ADMINISTRATOR, AUDITOR = "administrator", "auditor"
ROLES: Final = {ADMINISTRATOR: ("is_admin", "admin"), AUDITOR: ("is_auditor", "auditor")}
"""A role of an instance → what a user shows it by, and what it is set by."""

LEVELS: Final = {
    "minimal": 5,
    "guest": 10,
    "planner": 15,
    "reporter": 20,
    "developer": 30,
    "maintainer": 40,
    "owner": 50,
}
"""Roles from the weakest to the strongest, and their numbers
(https://docs.gitlab.com/api/group_members/#roles)."""

INVITATION: Final = "invitation/"
"""Begins the remote id of an account that is only an invitation to an address, which follows."""

ATTRIBUTES: Final = frozenset(
    {"name", "external", "job_title", "organization", "location", "note", "can_create_group", "projects_limit"}
)
"""Attributes of users that an administrator can write, by their names in GitLab."""
HOLDER_EDITABLE: Final = frozenset({"name", "job_title", "organization", "location"})

BLOCKED: Final = frozenset({"blocked", "ldap_blocked", "banned", "blocked_pending_approval"})
"""States in which nobody can sign in; `deactivated` is none of them: signing in ends it."""

_NAMES = {number: name for name, number in LEVELS.items()}


def level_of(number: int) -> str:
    """Return what a role is called; one that is not known here stays a number."""
    return _NAMES.get(number, str(number))


def number_of(level: Value) -> int | None:
    """Return a role's number, None where there is no such role."""
    return LEVELS.get(str(level))


def remote_id(kind: str, number: int | str) -> str:
    """Return an entitlement's remote id: groups and projects count on their own, so that numbers alone would meet."""
    return f"{kind}/{number}"


def number_in(id_: str) -> str:
    """Return GitLab's own number in a remote id of ours, or in a global id (`gid://gitlab/Group/12`)."""
    return id_.rpartition("/")[2]


def status_of(state: str) -> AccountStatus:
    """Return a user's status. A deactivated user is active: GitLab does that by itself to whoever is long away."""
    return AccountStatus.SUSPENDED if state in BLOCKED else AccountStatus.ACTIVE


def to_account(user: Mapping[str, Any]) -> LiveAccount:
    """Return a user, as REST shows it to an administrator, as an account."""
    kept = {name: user[name] for name in sorted(ATTRIBUTES) if user.get(name) not in (None, "")}
    return LiveAccount(
        str(user["id"]),
        str(user.get("username") or ""),
        str(user.get("email") or ""),
        status=status_of(str(user.get("state") or "")),
        attributes=kept,
    )


def to_invited(email: str) -> LiveAccount:
    """Return an address that is invited as an account."""
    return LiveAccount(f"{INVITATION}{email}", email=email, status=AccountStatus.INVITED)


def username_from(text: str) -> str:
    """Return a username that GitLab takes, from a proposal that may be an address.

    Letters, digits, `_`, `-` and `.`; it neither begins nor ends with a mark
    (https://docs.gitlab.com/user/reserved_names/#limitations-on-usernames-project-and-group-names-and-slugs).
    """
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "-" for c in text.partition("@")[0])
    return kept.strip("_-.")
