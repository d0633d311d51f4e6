"""Slack's objects and our values: users to accounts, user groups and channels to entitlements; pure.

Source: https://docs.slack.dev/reference/objects/user-object (`is_app_user` says that somebody uses the app: it is no
bot; `is_restricted` is any guest, `is_ultra_restricted` one of a single channel; `is_stranger` and another `team_id`
belong to somebody else's workspace).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount

USERGROUP, CHANNEL, PRIVATE, ROLE, GUEST = "usergroup", "channel", "private-channel", "role", "guest"
SINGLE, MULTI = "single-channel", "multi-channel"
WORKSPACE = "workspace"
"""What the one entitlement of the kind `guest` is called."""
ADMIN, OWNER = "admin", "owner"
SLACKBOT = "USLACKBOT"

_PROFILE: Mapping[str, str] = {
    "displayName": "display_name",
    "title": "title",
    "name.formatted": "real_name",
    "name.givenName": "first_name",
    "name.familyName": "last_name",
}
HOLDER_EDITABLE = frozenset({*_PROFILE, "username"})
"""What people write into their own profiles."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Which workspace it is, and as whom it is read.

    Attributes:
        team: its id.
        user: the id of the tool's own user.
    """

    team: str
    user: str

    def owns(self, user: Mapping[str, Any]) -> bool:
        """Say whether a user is one of this workspace's people, not a bot, nor somebody else's."""
        if user.get("is_bot") or user.get("is_workflow_bot") or user.get("id") == SLACKBOT or user.get("is_stranger"):
            return False
        workspaces = (user.get("enterprise_user") or {}).get("teams") or [user.get("team_id") or self.team]
        return self.team in workspaces


def to_account(user: Mapping[str, Any]) -> LiveAccount:
    """Return a user as an account."""
    profile = user.get("profile") or {}
    found: dict[str, Value] = {name: str(profile[key]) for name, key in _PROFILE.items() if profile.get(key)}
    return LiveAccount(
        remote_id=str(user["id"]),
        username=str(user.get("name") or ""),
        email=str(profile.get("email") or ""),
        status=status_of(user),
        attributes=found,
    )


def status_of(user: Mapping[str, Any]) -> AccountStatus:
    """Return a user's status: deactivated ones are listed for ever, invited ones have not signed in yet."""
    if user.get("deleted"):
        return AccountStatus.SUSPENDED
    return AccountStatus.INVITED if user.get("is_invited_user") else AccountStatus.ACTIVE


def role_of(user: Mapping[str, Any]) -> str:
    """Return `owner`, `admin` or nothing: owners are called admins as well, and hold the one role."""
    if user.get("deleted"):
        return ""
    return OWNER if user.get("is_owner") or user.get("is_primary_owner") else ADMIN if user.get("is_admin") else ""


def guest_level(user: Mapping[str, Any]) -> str:
    """Return what kind of guest a user is, or nothing."""
    if user.get("deleted") or not user.get("is_restricted"):
        return ""
    return SINGLE if user.get("is_ultra_restricted") else MULTI


def is_disabled(group: Mapping[str, Any]) -> bool:
    """Say whether a user group is disabled: it keeps its list, and nobody is mentioned by it."""
    return bool(group.get("date_delete"))


def handle_of(name: str) -> str:
    """Return a handle for a new user group: its name in the letters that a handle may have."""
    letters = "".join(each if each.isalnum() or each in "-_." else "-" for each in name.lower())
    return letters.strip("-.")[:21]
