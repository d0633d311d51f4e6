"""What is true in a GitLab of the tests: users, groups in groups, projects, members, invitations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50


@dataclass(slots=True)
class Membership:
    """A direct membership."""

    level: int
    expires: str | None = None
    ldap: bool = False
    role: str = ""


@dataclass(slots=True)
class Place:
    """A group or a project; `shared` are groups that it was shared with, and at which level."""

    kind: str
    id: int
    path: str
    parent: int | None = None
    members: dict[int, Membership] = field(default_factory=dict)
    invited: dict[str, Membership] = field(default_factory=dict)
    shared: dict[int, int] = field(default_factory=dict)
    links: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    visibility: str = "private"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


class World:
    """All of it; numbers are never given twice."""

    def __init__(self) -> None:
        self.users: dict[int, dict[str, Any]] = {}
        self.groups: dict[int, Place] = {}
        self.projects: dict[int, Place] = {}
        self.numbers = count(11)
        self.viewer = self.add_user("reconciler", bot=True, is_admin=True)

    def add_user(self, username: str, email: str = "", **more: Any) -> int:
        """Add a user and return the number."""
        number = next(self.numbers)
        plain = {"state": "active", "bot": False, "is_admin": False, "is_auditor": False, "external": False}
        plain |= {"name": username, "job_title": "", "can_create_group": True, "projects_limit": 100000}
        self.users[number] = {"id": number, "username": username, "email": email, **plain, **more}
        return number

    def add_group(self, path: str, *members: tuple[int, int]) -> int:
        """Add a group, below the one that its path begins with, with (user, level) and return its number."""
        above = path.rpartition("/")[0]
        parent = next((one.id for one in self.groups.values() if one.path == above), None)
        assert not above or parent, f"there is no group {above}"
        return self._add(self.groups, "group", path, parent, members)

    def add_project(self, path: str, *members: tuple[int, int]) -> int:
        """Add a project; one in no group is a person's own."""
        above = path.rpartition("/")[0]
        parent = next((one.id for one in self.groups.values() if one.path == above), None)
        return self._add(self.projects, "project", path, parent, members)

    def _add(
        self, places: dict[int, Place], kind: str, path: str, parent: int | None, members: tuple[tuple[int, int], ...]
    ) -> int:
        number = next(self.numbers)
        places[number] = Place(kind, number, path, parent, {who: Membership(level) for who, level in members})
        return number

    def every_place(self) -> Iterator[Place]:
        """Yield all groups and projects."""
        yield from self.groups.values()
        yield from self.projects.values()

    def find(self, kind: str, name: str) -> Place | None:
        """Return the group or project of a number or a path."""
        places = self.groups if kind.startswith("group") else self.projects
        if name.isdigit():
            return places.get(int(name))
        return next((one for one in places.values() if one.path.lower() == name.lower()), None)

    def user(self, username: str) -> dict[str, Any] | None:
        """Return the user of a username."""
        return next((one for one in self.users.values() if one["username"].lower() == username.lower()), None)

    def drop_user(self, number: int) -> None:
        """Delete a user with every membership."""
        self.users.pop(number, None)
        for place in self.every_place():
            place.members.pop(number, None)

    def drop_place(self, place: Place) -> None:
        """Delete a group or a project."""
        (self.groups if place.kind == "group" else self.projects).pop(place.id, None)

    def is_below(self, place: Place, group: int) -> bool:
        """Say whether something is in a group, at any depth."""
        above = place.parent
        while above is not None:
            if above == group:
                return True
            above = self.groups[above].parent
        return False

    def inherited(self, place: Place) -> dict[int, Membership]:
        """Return members of the groups above, and of groups that it was shared with."""
        found: dict[int, Membership] = {}
        above = place.parent
        while above is not None:
            found |= self.groups[above].members
            above = self.groups[above].parent
        for group, most in place.shared.items():
            found |= {who: Membership(min(one.level, most)) for who, one in self.groups[group].members.items()}
        return found
