"""An Okta organization in memory: what is true in it, and what happens to it."""

import itertools
from typing import Any

from reconciler.provider.conformance import Fault, TrueAccount, World
from reconciler.provider.snapshot import AccountStatus

_OURS = {"ACTIVE": AccountStatus.ACTIVE, "STAGED": AccountStatus.INVITED, "PROVISIONED": AccountStatus.INVITED}
_STATUS = {AccountStatus.ACTIVE: "ACTIVE", AccountStatus.SUSPENDED: "SUSPENDED", AccountStatus.INVITED: "PROVISIONED"}

ROLES = (
    "ACCESS_CERTIFICATIONS_ADMIN",
    "ACCESS_REQUESTS_ADMIN",
    "API_ACCESS_MANAGEMENT_ADMIN",
    "APP_ADMIN",
    "GROUP_MEMBERSHIP_ADMIN",
    "HELP_DESK_ADMIN",
    "ORG_ADMIN",
    "READ_ONLY_ADMIN",
    "REPORT_ADMIN",
    "SUPER_ADMIN",
    "USER_ADMIN",
    "WORKFLOWS_ADMIN",
)
"""The standard roles of the reference ("RoleType")."""


class Organization:
    """Users, groups, rules, apps and roles.

    Attributes:
        ruled: memberships (group, user) that a group rule made; they are in `members` too.
        exceptions: (group, user) that rules pass over from now on, since somebody took them out.
        app_users: (app, user) that are assigned directly.
        sessions: (user, whether tokens were revoked) of each time that sessions were ended.
        stats: whether lists of groups can be expanded by statistics, and under which name they tell of admin roles.
    """

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.members: set[tuple[str, str]] = set()
        self.ruled: set[tuple[str, str]] = set()
        self.exceptions: set[tuple[str, str]] = set()
        self.app_users: set[tuple[str, str]] = set()
        self.app_groups: set[tuple[str, str]] = set()
        self.roles: dict[str, dict[str, Any]] = {}
        self.sessions: list[tuple[str, bool]] = []
        self.stats = "hasAdminPrivilege"
        self._numbers = itertools.count(1)

    def add_user(self, login: str, email: str = "", status: str = "ACTIVE", **profile: Any) -> str:
        """Add a user under a new id."""
        remote_id = f"00u{next(self._numbers)}"
        whole = {"login": login, "email": email or login, "firstName": "F", "lastName": "L", **profile}
        self.users[remote_id] = {"id": remote_id, "status": status, "profile": whole}
        return remote_id

    def add_group(self, name: str, kind: str = "OKTA_GROUP") -> str:
        """Add a group under a new id."""
        remote_id = f"00g{next(self._numbers)}"
        self.groups[remote_id] = {"id": remote_id, "type": kind, "profile": {"name": name, "description": "kept"}}
        return remote_id

    def add_app(self, label: str) -> str:
        """Add an app under a new id."""
        remote_id = f"0oa{next(self._numbers)}"
        self.apps[remote_id] = {"id": remote_id, "label": label, "name": "oidc_client", "status": "ACTIVE"}
        return remote_id

    def add_role(self, holder: str, kind: str, **more: Any) -> str:
        """Assign a role; `groups` or `apps` limit it to some."""
        remote_id = f"ra{next(self._numbers)}"
        assigned = "USER" if holder in self.users else "GROUP"
        self.roles[remote_id] = {"id": remote_id, "holder": holder, "type": kind, "assignmentType": assigned, **more}
        return remote_id

    def add_rule(self, name: str, group: str, *users: str, status: str = "ACTIVE") -> str:
        """Add a rule that puts users into a group."""
        remote_id = f"0pr{next(self._numbers)}"
        actions = {"assignUserToGroups": {"groupIds": [group]}}
        self.rules[remote_id] = {
            "id": remote_id,
            "type": "group_rule",
            "name": name,
            "status": status,
            "actions": actions,
        }
        self.ruled |= {(group, user) for user in users}
        self.members |= {(group, user) for user in users}
        return remote_id

    def scope(self, app: str, user: str) -> str:
        """Say how a user is assigned to an app: `USER`, `GROUP` or not at all."""
        if (app, user) in self.app_users:
            return "USER"
        return "GROUP" if self.by_group(app, user) else ""

    def by_group(self, app: str, user: str) -> bool:
        """Say whether a group gives an app to a user."""
        return any((group, user) in self.members for its, group in self.app_groups if its == app)

    def is_admin(self, holder: str) -> bool:
        """Say whether somebody was assigned a role."""
        return any(role["holder"] == holder for role in self.roles.values())

    def leave(self, group: str, user: str) -> None:
        """Take a user out of a group; if a rule put them there, it passes over them from now on."""
        self.members.discard((group, user))
        if (group, user) in self.ruled:
            self.ruled.discard((group, user))
            self.exceptions.add((group, user))

    def deactivate(self, user: str) -> None:
        """Deactivate a user, who loses all apps."""
        self.users[user]["status"] = "DEPROVISIONED"
        self.app_users = {pair for pair in self.app_users if pair[1] != user}

    def drop_user(self, user: str) -> None:
        """Delete a user with all that they hold."""
        del self.users[user]
        self.members = {pair for pair in self.members if pair[1] != user}
        self.app_users = {pair for pair in self.app_users if pair[1] != user}
        self.roles = {key: role for key, role in self.roles.items() if role["holder"] != user}

    def drop(self, remote_id: str) -> None:
        """Delete a group or an app."""
        self.groups.pop(remote_id, None)
        self.apps.pop(remote_id, None)
        self.members = {pair for pair in self.members if pair[0] != remote_id}
        self.app_users = {pair for pair in self.app_users if pair[0] != remote_id}
        self.app_groups = {pair for pair in self.app_groups if remote_id not in pair}

    def find(self, login: str) -> str:
        """Return the id of a login."""
        return next(key for key, user in self.users.items() if user["profile"]["login"] == login)

    def fill(self, world: World) -> None:
        """Make a world true."""
        ids = {one.username: self.add_user(one.username, one.email, _STATUS[one.status]) for one in world.accounts}
        for key in world.entitlements:
            kind, _, name = key.partition(":")
            if kind in {"group", "app"}:
                ids[key] = self.add_group(name) if kind == "group" else self.add_app(name)
        for holder, key, _ in world.grants:
            pairs = {"group": self.members, "app": self.app_users}.get(key.partition(":")[0])
            if pairs is None:
                self.add_role(ids[holder], key.partition(":")[2])
            else:
                pairs.add((ids[key], ids[holder]))

    def world(self) -> World:
        """Return what is true."""
        logins = {key: user["profile"]["login"] for key, user in self.users.items()}
        keys = {key: f"group:{one['profile']['name']}" for key, one in self.groups.items()}
        keys |= {key: f"app:{one['label']}" for key, one in self.apps.items()}
        grants = {(logins[user], keys[it], None) for it, user in self.members | self.app_users}
        holders = logins | {key: f"group:{one['profile']['name']}" for key, one in self.groups.items()}
        grants |= {(holders[group], keys[app], None) for app, group in self.app_groups}
        grants |= {(holders[one["holder"]], f"role:{one['type']}", None) for one in self.roles.values()}
        ids = {key: remote_id for remote_id, key in keys.items()}
        ids |= {f"role:{name}": f"role:{name}" for name in ROLES}
        return World(tuple(_account(user) for user in self.users.values()), ids, frozenset(grants))

    def suffer(self, fault: Fault, subject: str, to: str) -> None:
        """Let somebody do something."""
        match fault:
            case Fault.DELETE_ACCOUNT:
                self.drop_user(self.find(subject))
            case Fault.DELETE_ENTITLEMENT:
                self.drop(self.world().entitlements[subject])
            case Fault.RENAME_ENTITLEMENT:
                self.groups[self.world().entitlements[subject]]["profile"]["name"] = to.partition(":")[2]
            case Fault.RECYCLE_ENTITLEMENT:
                self.drop(self.world().entitlements[subject])
                kind, _, name = subject.partition(":")
                (self.add_group if kind == "group" else self.add_app)(name)
            case Fault.RENAME_ACCOUNT:
                self.users[self.find(subject)]["profile"]["login"] = to
            case Fault.RECYCLE_USERNAME:
                self.drop_user(self.find(subject))
                self.add_user(subject, "stranger@elsewhere.example")


def _account(user: dict[str, Any]) -> TrueAccount:
    status = _OURS.get(user["status"], AccountStatus.SUSPENDED)
    profile = user["profile"]
    shown = {name: value for name, value in profile.items() if name == "title"}
    return TrueAccount(profile["login"], profile["email"], status=status, remote_id=user["id"], attributes=shown)
