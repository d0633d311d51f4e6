"""What is in an Atlassian organization and on its Jira site: accounts, groups, projects and their roles."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from support.http_server import Reply

ORGANIZATION, DIRECTORY = "0f0c7a2e-org", "5d1e-directory"
API_KEY, ACCOUNT_KEY, API_TOKEN = "canary-org-key-71c", "canary-unscoped-key-3aa", "canary-site-token-9d2"
EMAIL = "robot@acme.example"


class RefusedError(Exception):
    """An answer that is an error, in the words of one of the APIs."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code

    def reply(self, *, site: bool) -> Reply:
        """Return it as the site or the organization would."""
        if site:
            return Reply(self.status, {"errorMessages": [self.message], "errors": {}})
        told = {"id": "e-1", "status": str(self.status), "code": self.code or f"ADMIN-{self.status}-1"}
        return Reply(self.status, {"errors": [{**told, "title": "refused", "detail": self.message}]})


@dataclass(slots=True)
class World:
    """Everything that is true.

    Attributes:
        users: account id → what the organization tells of it; `shown` says whether Jira shows the address.
        members: group's id → account ids.
        actors: (project's id, role's id) → account ids and group ids.
    """

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    actors: dict[tuple[str, str], dict[str, list[str]]] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(10000))

    def add_user(self, email: str, *, shown: bool = True, suspended: bool = False, **more: Any) -> str:
        """Add an account and return its id."""
        id_ = f"712020:{next(self.numbers)}"
        plain = {
            "accountId": id_, "accountType": "atlassian", "email": email, "emailVerified": True,
            "accountStatus": "active", "membershipStatus": "suspended" if suspended else "active",
            "claimStatus": "unmanaged", "managementSource": "invited",
        }  # fmt: skip
        self.users[id_] = {**plain, "shown": shown, **more}
        return id_

    def add_group(self, name: str, *members: str, **more: Any) -> str:
        """Add a group with members and return its id."""
        id_ = f"aaaaaaaa-0000-4000-8000-{next(self.numbers):012}"
        access = {"deletable": True, "modifiable": True, "readable": True}
        plain = {"id": id_, "name": name, "directoryId": DIRECTORY, "externalSynced": False, "managementAccess": access}
        self.groups[id_] = {**plain, "managedBy": "admins", **more}
        self.members[id_] = list(members)
        return id_

    def add_project(self, key: str, *own: str) -> str:
        """Add a project and return its id; one with roles of its own is managed by its team."""
        id_ = str(next(self.numbers))
        self.projects[id_] = {"id": id_, "key": key, "name": key.title(), "style": "next-gen" if own else "classic"}
        for name in own:
            self.add_role(name, id_)
        return id_

    def add_role(self, name: str, project: str = "") -> str:
        """Add a role, of all projects or of one, and return its id."""
        id_ = str(next(self.numbers))
        scope = {"scope": {"type": "PROJECT", "project": {"id": project}}} if project else {}
        self.roles[id_] = {"id": int(id_), "name": name, **scope}
        return id_

    def act(self, project: str, role: str, user: str = "", group: str = "") -> None:
        """Put a person or a group into a role."""
        held = self.actors.setdefault((project, role), {"user": [], "group": []})
        held["user"] += [user] if user else []
        held["group"] += [group] if group else []

    def role_ids(self, name: str) -> tuple[str, str]:
        """Return the ids of `ENG/Developers`: the project's, and the role's."""
        key, _, called = name.partition("/")
        project = next(id_ for id_, each in self.projects.items() if each["key"] == key)
        return project, next(id_ for id_, each in self.roles.items() if each["name"] == called)

    def drop(self, id_: str) -> None:
        """Delete an account or a group with everything that names it."""
        self.users.pop(id_, None)
        self.groups.pop(id_, None)
        self.members.pop(id_, None)
        for held in self.members.values():
            held[:] = [each for each in held if each != id_]
        for actors in self.actors.values():
            for held in actors.values():
                held[:] = [each for each in held if each != id_]

    def user(self, id_: str) -> dict[str, Any]:
        """Return an account.

        Raises:
            RefusedError: there is none.
        """
        if id_ not in self.users:
            raise RefusedError(404, f"Specified user {id_} does not exist.", "ADMIN-404-8")
        return self.users[id_]

    def group(self, id_: str) -> dict[str, Any]:
        """Return a group; see `user`."""
        if id_ not in self.groups:
            raise RefusedError(404, f"Group {id_} does not exist.", "ADMIN-404-10")
        return self.groups[id_]
