"""What is true in a GitHub organization of the tests' own making, and how it follows from what people did.

Built from docs.github.com: people and teams have numbers for good and names that change; whoever is invited is pending;
an outside collaborator is one by repositories; a team has what the teams above it have; owners maintain every team.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ORGANIZATION = "acme"
LEVELS = ("pull", "triage", "push", "maintain", "admin")
BOT = "acme-bot"


def rank(level: str) -> float:
    """Return how strong a level is; the tests' custom roles build on `push`."""
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("push") + 0.5


@dataclass(slots=True)
class Team:
    """A team; `members` and `pending` hold roles by people's numbers, `repositories` levels by their numbers."""

    id: int
    slug: str
    description: str = ""
    privacy: str = "closed"
    parent: int | None = None
    members: dict[int, str] = field(default_factory=dict)
    pending: dict[int, str] = field(default_factory=dict)
    repositories: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Repository:
    """A repository; `direct` holds levels by people's numbers, `invitations` (person, level) by their own numbers."""

    id: int
    name: str
    direct: dict[int, str] = field(default_factory=dict)
    invitations: dict[int, tuple[int, str]] = field(default_factory=dict)


@dataclass(slots=True)
class Invitation:
    """An invitation to the organization; of a person, or of an address."""

    id: int
    user: int | None = None
    email: str = ""
    role: str = "direct_member"


@dataclass(slots=True)
class World:
    """Everything that is true. Numbers of people, teams and repositories overlap, as GitHub's do.

    Attributes:
        users: every GitHub account, in the organization or not: number → login.
        emails: number → an address of a domain that the organization has verified.
        members: number → `admin` or `member`.
        base: what every member may do in every repository, or `none`.
        viewer: whom the token belongs to.
    """

    users: dict[int, str] = field(default_factory=dict)
    emails: dict[int, str] = field(default_factory=dict)
    members: dict[int, str] = field(default_factory=dict)
    invitations: dict[int, Invitation] = field(default_factory=dict)
    teams: dict[int, Team] = field(default_factory=dict)
    repositories: dict[int, Repository] = field(default_factory=dict)
    base: str = "none"
    viewer: int = 0
    people: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    things: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.viewer = self.add_member(BOT, role="admin")

    def add_user(self, login: str) -> int:
        """Let somebody sign up to GitHub."""
        number = next(self.people)
        self.users[number] = login
        return number

    def add_member(self, login: str, *, role: str = "member", email: str = "") -> int:
        """Add a member."""
        number = self.add_user(login)
        self.members[number] = role
        if email:
            self.emails[number] = email
        return number

    def add_team(self, slug: str, parent: int | None = None) -> int:
        """Add an empty team."""
        number = next(self.things)
        self.teams[number] = Team(number, slug, parent=parent)
        return number

    def add_repository(self, name: str) -> int:
        """Add a repository."""
        number = next(self.things)
        self.repositories[number] = Repository(number, name)
        return number

    def invite(self, user: int | None = None, email: str = "", role: str = "direct_member") -> int:
        """Invite somebody to the organization."""
        number = next(self.things)
        self.invitations[number] = Invitation(number, user, email, role)
        return number

    def number_of(self, login: str) -> int | None:
        """Return who has a login now."""
        return next((number for number, name in self.users.items() if name.lower() == login.lower()), None)

    def invitation_of(self, user: int) -> Invitation | None:
        """Return somebody's open invitation to the organization."""
        return next((one for one in self.invitations.values() if one.user == user), None)

    def team(self, slug: str) -> Team | None:
        """Return a team by its slug."""
        return next((one for one in self.teams.values() if one.slug == slug), None)

    def repository(self, name: str) -> Repository | None:
        """Return a repository by its name."""
        return next((one for one in self.repositories.values() if one.name.lower() == name.lower()), None)

    def outsiders(self) -> list[int]:
        """Return who is no member and has a repository."""
        direct = {person for one in self.repositories.values() for person in one.direct}
        return sorted(person for person in direct if person not in self.members)

    def above(self, team: Team) -> Iterator[Team]:
        """Yield a team and those above it."""
        yield team
        if team.parent is not None:
            yield from self.above(self.teams[team.parent])

    def held(self, team: Team) -> dict[int, str]:
        """Return what a team may do in repositories, with what it inherits: the strongest counts."""
        found: dict[int, str] = {}
        for one in self.above(team):
            for repository, level in one.repositories.items():
                found[repository] = max(level, found.get(repository, level), key=rank)
        return found

    def role_in(self, team: Team, person: int) -> str:
        """Return a member's role in a team: an owner of the organization maintains all of theirs."""
        return "maintainer" if self.members.get(person) == "admin" else team.members[person]

    def sources(self, repository: Repository, person: int) -> list[tuple[str, str]]:
        """Return (kind of source, level) of everything that lets somebody into a repository."""
        found = [("Repository", repository.direct[person])] if person in repository.direct else []
        if person in self.members:
            found += [("Team", self.held(one)[repository.id]) for one in self._teams_of(person, repository)]
            base = "admin" if self.members[person] == "admin" else self.base
            found += [("Organization", base)] if base != "none" else []
        return found

    def _teams_of(self, person: int, repository: Repository) -> list[Team]:
        return [one for one in self.teams.values() if person in one.members and repository.id in self.held(one)]

    def leave(self, person: int) -> None:
        """Take somebody out of the organization: teams and repositories go too."""
        self.members.pop(person, None)
        self.invitations = {number: one for number, one in self.invitations.items() if one.user != person}
        for team in self.teams.values():
            team.members.pop(person, None)
            team.pending.pop(person, None)
        for repository in self.repositories.values():
            repository.direct.pop(person, None)

    def delete_user(self, person: int) -> None:
        """Let somebody's GitHub account end."""
        self.leave(person)
        self.users.pop(person)
        self.emails.pop(person, None)
        for repository in self.repositories.values():
            repository.invitations = {n: pair for n, pair in repository.invitations.items() if pair[0] != person}

    def drop_team(self, team: Team) -> None:
        """Delete a team, and those below it."""
        for child in [one for one in self.teams.values() if one.parent == team.id]:
            self.drop_team(child)
        del self.teams[team.id]

    def drop_repository(self, repository: Repository) -> None:
        """Delete a repository."""
        del self.repositories[repository.id]
        for team in self.teams.values():
            team.repositories.pop(repository.id, None)

    def person(self, number: int) -> dict[str, Any]:
        """Return how REST shows somebody."""
        return {"id": number, "login": self.users[number], "type": "User", "site_admin": False}
