"""Atlassian's objects and our values: users to accounts, groups and project roles to entitlements; pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.items import fold
from reconciler.provider.snapshot import AccountStatus, LiveAccount

GROUP, ROLE = "group", "project-role"
_PERSON: Final = "atlassian"
_FOR_APPS: Final = "atlassian-addons-project-access"
_TEAM_MANAGED: Final = "next-gen"
_USER_ACTOR, _GROUP_ACTOR = "actorUser", "actorGroup"


@dataclass(frozen=True, slots=True)
class ProjectRole:
    """One role of one project: what actors are of.

    Attributes:
        project, role: their numeric ids, which stay when a project's key or a role's name changes.
    """

    project: str
    role: str

    @property
    def remote_id(self) -> str:
        """What an entitlement is pinned by."""
        return f"{self.project}/{self.role}"

    @property
    def path(self) -> str:
        """Where it is, below the site."""
        return f"rest/api/3/project/{self.project}/role/{self.role}"

    @classmethod
    def parse(cls, remote_id: str) -> "ProjectRole | None":
        """Return what a remote id names, or None where it is none of ours."""
        project, _, role = remote_id.partition("/")
        numbers = all(part.isascii() and part.isdecimal() for part in (project, role))
        return cls(project, role) if numbers else None


@dataclass(frozen=True, slots=True)
class User:
    """A user as either API tells it.

    Attributes:
        id: the account id, which is the same in all of Atlassian.
        email: empty where its holder hides it.
    """

    id: str
    email: str
    person: bool
    status: AccountStatus

    @property
    def account(self) -> LiveAccount:
        """The user as an account; Atlassian has no usernames, and the address stands for one where it is shown."""
        return LiveAccount(self.id, username=self.email or self.id, email=self.email, status=self.status)


def from_directory(user: Mapping[str, Any]) -> User | None:
    """Return a user of an organization's directory, or None for who is in no directory (any more).

    An address that was never confirmed belongs to an invitation, unless an identity provider made the account.
    Source: https://developer.atlassian.com/cloud/admin/organization/rest/api-group-users/ (MultiDirectoryUser).
    """
    if user.get("membershipStatus") == "no_membership" or user.get("accountStatus") == "closed":
        return None
    status = AccountStatus.ACTIVE
    if user.get("emailVerified") is False and user.get("managementSource") != "synced":
        status = AccountStatus.INVITED
    if is_out(user):
        status = AccountStatus.SUSPENDED
    return User(
        id=str(user["accountId"]),
        email=str(user.get("email") or ""),
        person=user.get("accountType") in (None, _PERSON),
        status=status,
    )


def is_out(user: Mapping[str, Any]) -> bool:
    """Say whether a user of a directory is suspended there, deactivated, or about to be deleted."""
    suspended = user.get("membershipStatus") == "suspended" or user.get("status") in ("suspended", "for_deletion")
    return suspended or is_deactivated(user)


def is_deactivated(user: Mapping[str, Any]) -> bool:
    """Say whether the account itself is deactivated, for all of Atlassian."""
    return user.get("accountStatus") == "inactive" or user.get("status") == "deactivated"


def from_site(user: Mapping[str, Any]) -> User:
    """Return a user of a Jira site.

    Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/ (User).
    """
    return User(
        id=str(user["accountId"]),
        email=str(user.get("emailAddress") or ""),
        person=user.get("accountType") in (None, _PERSON),
        status=AccountStatus.SUSPENDED if user.get("active") is False else AccountStatus.ACTIVE,
    )


def name_all(listed: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what each object is called, by its id: its name, or its id where the name says too little."""
    named = dict(listed)
    times = Counter(fold(name) for name in named.values())
    return {id_: name if name.strip() and times[fold(name)] == 1 else id_ for id_, name in named.items()}


def why_fixed(group: Mapping[str, Any]) -> str:
    """Say why the members of a directory's group are not changed here; empty where they are."""
    if group.get("externalSynced") or str(group.get("managedBy") or "").lower() == "external":
        return "it is synced from an identity provider: change its members there"
    if (group.get("managementAccess") or {}).get("modifiable") is False:
        return "Atlassian lets nobody change it by the API"
    return ""


def roles_of(project: Mapping[str, Any], roles: Iterable[Mapping[str, Any]]) -> dict[ProjectRole, str]:
    """Return the roles of a project, each with its name: `ENG/Developers`.

    A project that its team manages has roles of its own, all others have the site's. The role that apps have is left
    out. Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-project-roles/ (scope).
    """
    id_, own = str(project["id"]), is_team_managed(project)
    found = {}
    for role in roles:
        scope = role.get("scope") or {}
        of = str((scope.get("project") or {}).get("id") or "") if scope.get("type") == "PROJECT" else ""
        if of == (id_ if own else ""):
            found[str(role["id"])] = str(role.get("name") or role["id"])
    return _named(project, found)


def own_roles_of(project: Mapping[str, Any], told: Mapping[str, Any]) -> dict[ProjectRole, str]:
    """As `roles_of`, of what the project itself tells: a role's name → its address, which ends with its id."""
    return _named(project, {str(address).rpartition("/")[2]: name for name, address in told.items()})


def _named(project: Mapping[str, Any], roles: Mapping[str, str]) -> dict[ProjectRole, str]:
    id_, key = str(project["id"]), str(project["key"])
    return {ProjectRole(id_, role): f"{key}/{name}" for role, name in roles.items() if name != _FOR_APPS}


def is_team_managed(project: Mapping[str, Any]) -> bool:
    """Say whether a project has roles of its own."""
    return project.get("style") == _TEAM_MANAGED


def actors_of(role: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return who is in a project role itself: account ids, and group ids; members of those groups are not in it."""
    users, groups = [], []
    for actor in role.get("actors") or ():
        if user := (actor.get(_USER_ACTOR) or {}).get("accountId"):
            users.append(str(user))
        elif group := (actor.get(_GROUP_ACTOR) or {}).get("groupId"):
            groups.append(str(group))
    return users, groups


def refused_of(invitation: Mapping[str, Any]) -> list[str]:
    """Return what an invitation did not give, with Atlassian's reasons; it answers 206 then, and not an error.

    Source: https://developer.atlassian.com/cloud/admin/organization/rest/api-group-users/ (AdminInviteResponse).
    """
    results = [each for told in invitation.get("data") or () for each in told.get("results") or ()]
    roles = [role for each in results for role in each.get("roleAssignmentResult") or ()]
    refused = [role for role in roles if role.get("status") == "ERROR"]
    return [
        f"{role.get('role')} of {role.get('resource')}: {role.get('statusReason') or 'refused'}" for role in refused
    ]
