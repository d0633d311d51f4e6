"""What a read brings in, as GitLab has it: groups and projects by their numbers, and who is a direct member of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.gitlab.mapping import GROUP, PROJECT, number_in


@dataclass(frozen=True, slots=True)
class Person:
    """A user as memberships show them; `email` is what they show to everybody, or empty."""

    number: int
    username: str
    state: str
    bot: bool
    email: str = ""


@dataclass(slots=True)
class Place:
    """A group or a project.

    Attributes:
        kind: `group` or `project`.
        members: user's number → role's number, of direct members.
        ending: those of them whose membership ends by itself.
        waiting: how many were invited and have not answered.
        invited: address → role's number, of those.
        after: the cursor of the next page of members, None where there is no more.
        unread: why who is a member is not known whole, or empty.
    """

    kind: str
    number: int
    path: str
    members: dict[int, int] = field(default_factory=dict)
    ending: set[int] = field(default_factory=set)
    waiting: int = 0
    invited: dict[str, int] = field(default_factory=dict)
    after: str | None = None
    unread: str = ""

    @property
    def key(self) -> str:
        """The entitlement's key."""
        return f"{self.kind}:{self.path}"


@dataclass(slots=True)
class Harvest:
    """Everything that was read.

    Attributes:
        viewer: the number of the user whose token it is; empty where GitLab did not say.
        rank: the role's number of that user in the top-level group, where there is one.
        root: the number of the top-level group, where only one is read.
        users: as REST lists them to an administrator; as memberships show them in `people`.
        synced: groups whose members come from LDAP or SAML, by number.
        addresses: user's number → address, of enterprise users.
        problems: what could not be read → why: `users`, `group`, `project`, `links`, `addresses`.
    """

    viewer: str = ""
    rank: int = 0
    root: int = 0
    users: list[dict[str, Any]] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    places: dict[str, dict[int, Place]] = field(default_factory=lambda: {GROUP: {}, PROJECT: {}})
    synced: set[int] = field(default_factory=set)
    addresses: dict[int, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def every_place(self) -> Iterator[Place]:
        """Yield all groups, then all projects."""
        for places in self.places.values():
            yield from places.values()

    def take(self, kind: str, node: Mapping[str, Any]) -> None:
        """Take a group or a project. A project of a person's own namespace is theirs, and left alone."""
        if kind == PROJECT and not node.get("group"):
            return
        number = int(number_in(str(node["id"])))
        place = self.places[kind].setdefault(number, Place(kind, number, str(node["fullPath"])))
        self.take_members(place, node.get(f"{kind}Members"))

    def take_members(self, place: Place, page: Any) -> None:
        """Take a page of members, or that there is none."""
        if not isinstance(page, Mapping):
            place.unread, place.after = "GitLab does not show its members to this token", None
            return
        for member in filter(None, page.get("nodes") or ()):
            self._take_member(place, member)
        info = page.get("pageInfo") or {}
        after = info.get("endCursor") if info.get("hasNextPage") else None
        if info.get("hasNextPage") and (not after or after == place.after):
            place.unread, after = "the next page of its members begins where the last one did", None
        place.after = after

    def _take_member(self, place: Place, member: Mapping[str, Any]) -> None:
        level = (member.get("accessLevel") or {}).get("integerValue")
        user = member.get("user")
        if not user:
            place.waiting += 1
            return
        number = int(number_in(str(user["id"])))
        self.people[number] = Person(
            number, user["username"], str(user["state"]), bool(user["bot"]), str(user.get("publicEmail") or "")
        )
        if level is None:
            place.unread = place.unread or "GitLab does not show what its members are"
            return
        place.members[number] = int(level)
        if member.get("expiresAt"):
            place.ending.add(number)

    def held_by(self, number: int) -> list[Place]:
        """Return where somebody is a direct member."""
        return [place for place in self.every_place() if number in place.members]

    def invited_to(self, email: str) -> list[Place]:
        """Return where an address is invited to."""
        return [place for place in self.every_place() if email in place.invited]
