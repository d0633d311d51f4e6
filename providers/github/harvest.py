"""What a read brings in, as GitHub has it: people, teams and repositories by their numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from providers.github.client import Found
from providers.github.listing import CURSOR, NESTED, Listing
from providers.github.mapping import direct_level, level_of

_PEOPLE = "edges { role node { ...Person } }"
_TEAM_PEOPLE = "edges { role node { databaseId } }"
_TEAM_REPOS = "edges { permission node { databaseId } }"
_TEAM_INVITED = "nodes { id email invitee { databaseId login } }"
_DIRECT = (
    "edges { permission permissionSources { permission roleName source { __typename } } node { databaseId login } }"
)
_IMMEDIATE, _AFFILIATION = "membership: IMMEDIATE", "affiliation: DIRECT"
_TEAMS = f"""nodes {{ id databaseId slug name description privacy parentTeam {{ databaseId }}
  members({_IMMEDIATE}, first: {NESTED}) {{ totalCount {CURSOR} {_TEAM_PEOPLE} }}
  repositories(first: {NESTED}) {{ totalCount {CURSOR} {_TEAM_REPOS} }}
  invitations(first: {NESTED}) {{ totalCount {CURSOR} {_TEAM_INVITED} }} }}"""
_REPOS = f"""nodes {{ id databaseId name
  collaborators({_AFFILIATION}, first: {NESTED}) {{ totalCount {CURSOR} {_DIRECT} }} }}"""
_SAML = "edges { node { user { databaseId } samlIdentity { nameId username emails { value } } } }"


@dataclass(slots=True)
class Member:
    """A member of the organization."""

    login: str
    owner: bool = False
    emails: tuple[str, ...] = ()


@dataclass(slots=True)
class Team:
    """A team; `members`, `repositories` and `invited` by the numbers of people and repositories.

    Attributes:
        raw: the team as it was listed.
        parent: the number of the team above it.
        unread, unread_repositories: why who is in it, or what it holds, is not known whole; or empty.
    """

    raw: Mapping[str, Any]
    slug: str
    parent: int | None = None
    members: dict[int, str] = field(default_factory=dict)
    repositories: dict[int, str] = field(default_factory=dict)
    invited: dict[int, str] = field(default_factory=dict)
    invited_addresses: set[str] = field(default_factory=set)
    unread: str = ""
    unread_repositories: str = ""


@dataclass(slots=True)
class Repository:
    """A repository, its direct collaborators' levels by their numbers, and their logins."""

    name: str
    direct: dict[int, str] = field(default_factory=dict)
    logins: dict[int, str] = field(default_factory=dict)
    unread: str = ""


class Harvest:
    """Takes the pages of all connections.

    Args:
        saml: whether SAML identities are asked for.
    """

    def __init__(self, *, saml: bool) -> None:
        self.members: dict[int, Member] = {}
        self.pending: dict[str, int] = {}
        self.teams: dict[int, Team] = {}
        self.repositories: dict[int, Repository] = {}
        self.addresses: dict[int, set[str]] = {}
        self.member_list = Listing("membersWithRole", _PEOPLE, self._take_members)
        self.pending_list = Listing("pendingMembers", "nodes { databaseId login }", self._take_pending)
        self.team_list = Listing("teams", _TEAMS, self._take_teams)
        self.repository_list = Listing(
            "repositories", _REPOS, self._take_repositories, arguments="ownerAffiliations: [OWNER]"
        )
        self.saml_list = Listing(
            "externalIdentities", _SAML, self._take_saml, "membersOnly: true", within="samlIdentityProvider"
        )
        self.listings = [self.member_list, self.pending_list, self.team_list, self.repository_list]
        self.listings += [self.saml_list] if saml else []

    def _take_members(self, page: Mapping[str, Any], listing: Listing, *_: Any) -> Iterator[Listing]:
        for edge in page.get("edges") or ():
            if not (edge and edge.get("node")):
                continue
            node = edge["node"]
            emails = tuple(node.get("organizationVerifiedDomainEmails") or ())
            self.members[node["databaseId"]] = Member(node["login"], edge.get("role") == "ADMIN", emails)
            listing.listed.add(node["databaseId"])
        return iter(())

    def _take_pending(self, page: Mapping[str, Any], listing: Listing, *_: Any) -> Iterator[Listing]:
        for node in filter(None, page.get("nodes") or ()):
            self.pending[node["login"].lower()] = node["databaseId"]
            listing.listed.add(node["databaseId"])
        return iter(())

    def _take_saml(self, page: Mapping[str, Any], listing: Listing, *_: Any) -> Iterator[Listing]:
        for number, edge in enumerate(page.get("edges") or ()):
            listing.listed.add((listing.pages, number))
            node = (edge or {}).get("node") or {}
            identity = node.get("samlIdentity") or {}
            told = [identity.get("nameId"), identity.get("username")]
            told += [one.get("value") for one in identity.get("emails") or ()]
            if node.get("user"):
                found = self.addresses.setdefault(node["user"]["databaseId"], set())
                found.update(one for one in told if one and "@" in one)
        return iter(())

    def _take_teams(
        self, page: Mapping[str, Any], listing: Listing, found: Found, path: tuple[str | int, ...]
    ) -> Iterator[Listing]:
        for number, node in enumerate(page.get("nodes") or ()):
            if not node:
                listing.why = listing.why or found.why(*path, "nodes", number)
                continue
            above = (node.get("parentTeam") or {}).get("databaseId")
            team = self.teams[node["databaseId"]] = Team(node, node["slug"], above)
            listing.listed.add(node["databaseId"])
            at = (*path, "nodes", number)
            yield from _start("members", _TEAM_PEOPLE, _Members(team), _IMMEDIATE, node, found, at)
            yield from _start("repositories", _TEAM_REPOS, _TeamRepositories(team), "", node, found, at)
            yield from _start("invitations", _TEAM_INVITED, _Invited(team), "", node, found, at)

    def _take_repositories(
        self, page: Mapping[str, Any], listing: Listing, found: Found, path: tuple[str | int, ...]
    ) -> Iterator[Listing]:
        for number, node in enumerate(page.get("nodes") or ()):
            if not node:
                listing.why = listing.why or found.why(*path, "nodes", number)
                continue
            repository = self.repositories[node["databaseId"]] = Repository(node["name"])
            listing.listed.add(node["databaseId"])
            at = (*path, "nodes", number)
            yield from _start("collaborators", _DIRECT, _Direct(repository), _AFFILIATION, node, found, at)


def _start(  # noqa: PLR0913, PLR0917 - the parts of a connection
    name: str,
    selection: str,
    taker: "_Taker",
    arguments: str,
    node: Mapping[str, Any],
    found: Found,
    path: tuple[str | int, ...],
) -> Iterator[Listing]:
    """Take the first page of a connection that came with its team or repository; yield it where there is more."""
    inner = Listing(name, selection, taker, arguments, taker.unreadable, node=node["id"], type=taker.type)
    page = node.get(name)
    if not isinstance(page, Mapping):
        inner.give_up(found.why(*path, name) or "GitHub does not show it to this token")
        return
    inner.start(page)
    taker(page, inner)
    inner.prove()
    if not inner.done:
        yield inner


class _Taker:
    """Takes the pages of one connection inside a team or a repository."""

    type: ClassVar[str] = "Team"

    def __call__(self, page: Mapping[str, Any], listing: Listing, *_: Any) -> Iterator[Listing]:
        """Take a page."""
        self.take(page, listing)
        return iter(())

    def take(self, page: Mapping[str, Any], listing: Listing) -> None:
        """Take what is on a page."""
        raise NotImplementedError

    def unreadable(self, why: str) -> None:
        """Note that it could not be read whole."""
        raise NotImplementedError


@dataclass(slots=True)
class _Members(_Taker):
    team: Team

    def take(self, page: Mapping[str, Any], listing: Listing) -> None:
        for edge in filter(None, page.get("edges") or ()):
            self.team.members[edge["node"]["databaseId"]] = edge["role"].lower()
            listing.listed.add(edge["node"]["databaseId"])

    def unreadable(self, why: str) -> None:
        self.team.unread = self.team.unread or why


@dataclass(slots=True)
class _Invited(_Taker):
    team: Team

    def take(self, page: Mapping[str, Any], listing: Listing) -> None:
        for node in filter(None, page.get("nodes") or ()):
            listing.listed.add(node["id"])
            if node.get("invitee"):
                self.team.invited[node["invitee"]["databaseId"]] = node["invitee"]["login"]
            elif node.get("email"):
                self.team.invited_addresses.add(node["email"].lower())

    def unreadable(self, why: str) -> None:
        self.team.unread = self.team.unread or why


@dataclass(slots=True)
class _TeamRepositories(_Taker):
    team: Team

    def take(self, page: Mapping[str, Any], listing: Listing) -> None:
        for edge in filter(None, page.get("edges") or ()):
            self.team.repositories[edge["node"]["databaseId"]] = level_of(edge["permission"])
            listing.listed.add(edge["node"]["databaseId"])

    def unreadable(self, why: str) -> None:
        self.team.unread_repositories = self.team.unread_repositories or why


@dataclass(slots=True)
class _Direct(_Taker):
    repository: Repository
    type: ClassVar[str] = "Repository"

    def take(self, page: Mapping[str, Any], listing: Listing) -> None:
        for edge in filter(None, page.get("edges") or ()):
            node = edge["node"]
            listing.listed.add(node["databaseId"])
            level = direct_level(edge)
            if level is not None:
                self.repository.direct[node["databaseId"]] = level
                self.repository.logins[node["databaseId"]] = node["login"]

    def unreadable(self, why: str) -> None:
        self.repository.unread = self.repository.unread or why
