"""What was read of an organization → the contract's snapshot, with what proves each collection. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.github.config import GitHubConfig
from providers.github.harvest import Harvest, Team
from providers.github.listing import Listing
from providers.github.mapping import (
    INVITATION,
    MEMBER,
    OUTSIDE,
    OWNER,
    OWNER_ID,
    inherited,
    invitation_role,
    level_of,
    repository_id,
    team_attributes,
    team_id,
)
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

if TYPE_CHECKING:  # reading uses this module
    from providers.github.reading import Rest


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why GitHub may hide some people, teams or repositories without a word; empty where it shows all."""

    people: str = ""
    teams: str = ""
    repositories: str = ""


def snapshot_of(harvest: Harvest, rest: "Rest", config: GitHubConfig, viewer: int | None, hidden: Hidden) -> Snapshot:
    """Return the snapshot of a read.

    Args:
        harvest: what GraphQL told.
        rest: what REST told.
        config: the way's.
        viewer: the number of the account that the token belongs to; None for an app's.
        hidden: what may be hidden from the token.
    """
    return _Builder(harvest, rest, config, hidden).build(viewer)


class _Builder:
    def __init__(self, harvest: Harvest, rest: "Rest", config: GitHubConfig, hidden: Hidden) -> None:
        self.harvest = harvest
        self.hidden = hidden
        self.rest = rest
        self.config = config
        self.builder = SnapshotBuilder()
        self.unread: dict[str, set[str]] = {"team": set(), "repo": set(), "role": set()}

    def build(self, viewer: int | None) -> Snapshot:
        """Build it: accounts, entitlements, then the grants between them."""
        snapshot = self.builder.snapshot
        self._accounts()
        owner = self.builder.entitlement(LiveEntitlement(OWNER_ID, OWNER))
        for number, team in self.harvest.teams.items():
            self.builder.entitlement(LiveEntitlement(team_id(number), f"team:{team.slug}", team_attributes(team.raw)))
        for number, repository in self.harvest.repositories.items():
            self.builder.entitlement(LiveEntitlement(repository_id(number), f"repo:{repository.name}"))
        self._owners(owner)
        for number, team in self.harvest.teams.items():
            self._team(number, team)
        self._team_repositories()
        self._collaborators()
        self._prove()
        if viewer is not None and self.builder.account_number(str(viewer)) is not None:
            snapshot.own_account = str(viewer)
        return snapshot

    def _accounts(self) -> None:
        """Add members, outside collaborators, and whoever is only invited."""
        for number, member in self.harvest.members.items():
            self._account(number, member.login, AccountStatus.ACTIVE, MEMBER, self._email(number))
        for number, login in self.rest.outside.items():
            if number not in self.harvest.members:
                self._account(number, login, AccountStatus.ACTIVE, OUTSIDE)
        for one in self.rest.invited:
            role = invitation_role(one["role"])
            membership = MEMBER if role in {"owner", "reinstate"} else role
            if one.get("user"):
                self._account(one["user"], one["login"], AccountStatus.INVITED, membership)
            elif one.get("email"):
                attributes = {"membership": membership}
                remote_id = f"{INVITATION}{one['id']}"
                self.builder.account(
                    LiveAccount(remote_id, email=one["email"], status=AccountStatus.INVITED, attributes=attributes)
                )
            else:
                self._lose_account(one.get("login") or one["id"])
        for invitations in self.rest.asked.values():
            for one in invitations:
                self._account(one["invitee"]["id"], one["invitee"]["login"], AccountStatus.INVITED, OUTSIDE)

    def _lose_account(self, login: object) -> None:
        self.rest.problems.setdefault("invited", f"who is invited as {login} cannot be found")

    def _account(self, number: int, login: str, status: AccountStatus, membership: str, email: str = "") -> None:
        if self.builder.account_number(str(number)) is None:
            self.builder.account(LiveAccount(str(number), login, email, "", status, {"membership": membership}))

    def _email(self, number: int) -> str:
        """Return somebody's address where exactly one is known and its holder cannot have made it up."""
        known = set(self.harvest.members[number].emails) | self.harvest.addresses.get(number, set())
        folded = {address.lower() for address in known}
        return min(known) if len(folded) == 1 else ""

    def _owners(self, owner: int) -> None:
        for number, member in self.harvest.members.items():
            if member.owner:
                self._grant(number, owner, None, OWNER)
        for one in self.rest.invited:
            if invitation_role(one["role"]) == "owner":
                self._grant(one.get("user") or f"{INVITATION}{one['id']}", owner, None, OWNER)

    def _grant(self, account: int | str, entitlement: int, level: str | None, key: str) -> None:
        """Add a grant of an account; of one that is not listed, its entitlement's grants are not known whole."""
        number = self.builder.account_number(str(account))
        if number is None:
            self.unread[key.partition(":")[0]].add(key)
        else:
            self.builder.grant(number, entitlement, level)

    def _team(self, number: int, team: Team) -> None:
        """Add who is in a team, and what team it is in."""
        entitlement = self.builder.entitlement_number(team_id(number))
        assert entitlement is not None  # noqa: S101 - added before
        key = f"team:{team.slug}"
        if team.unread or f"team:{number}" in self.rest.problems:
            self.unread["team"].add(key)
        for person, role in team.members.items():
            self._grant(person, entitlement, self._role(person, role), key)
        for person, login in team.invited.items():
            if person not in team.members:
                self._grant(person, entitlement, self.rest.levels.get((number, login), "member"), key)
        for one in self.rest.invited:
            if not one.get("user") and str(one.get("email")).lower() in team.invited_addresses:
                self._grant(f"{INVITATION}{one['id']}", entitlement, "member", key)
        above = self.builder.entitlement_number(team_id(team.parent)) if team.parent is not None else None
        if above is not None:
            self.builder.grant(-1 - entitlement, above, "member")
        elif team.parent is not None:
            self.unread["team"].update(f"team:{one.slug}" for one in self.harvest.teams.values())

    def _role(self, person: int, role: str) -> str:
        """Return a team role; an owner is shown as maintainer of every team, whatever was asked for."""
        member = self.harvest.members.get(person)
        return "member" if member is not None and member.owner else role

    def _team_repositories(self) -> None:
        held = {str(n): {str(k): v for k, v in self._held(n, team).items()} for n, team in self.harvest.teams.items()}
        parents = {str(n): str(team.parent) for n, team in self.harvest.teams.items() if team.parent is not None}
        above = inherited(held, parents, self.config.levels)
        every = {f"repo:{one.name}" for one in self.harvest.repositories.values()}
        for number, team in self.harvest.teams.items():
            if team.unread_repositories or (self.config.custom_roles and f"team:{number}" in self.rest.problems):
                self.unread["repo"].update(every)
            holder = self.builder.entitlement_number(team_id(number))
            for repository, level in held[str(number)].items():
                target = self.builder.entitlement_number(repository_id(repository))
                if target is not None and holder is not None and (str(number), repository) not in above:
                    self.builder.grant(-1 - holder, target, level)
        if self.harvest.team_list.why:
            self.unread["repo"].update(every)

    def _held(self, number: int, team: Team) -> dict[int, str]:
        """Return what a team holds; custom roles are only told by REST."""
        roles = self.rest.team_roles.get(number, {})
        return {one: level_of(roles.get(one, level)) for one, level in team.repositories.items()}

    def _collaborators(self) -> None:
        for number, repository in self.harvest.repositories.items():
            entitlement = self.builder.entitlement_number(repository_id(number))
            assert entitlement is not None  # noqa: S101 - added before
            key = f"repo:{repository.name}"
            if repository.unread or f"asked:{number}" in self.rest.problems:
                self.unread["repo"].add(key)
            for person, level in repository.direct.items():
                self._grant(person, entitlement, level, key)
            for one in self.rest.asked.get(number, ()):
                if one["invitee"]["id"] not in repository.direct:
                    self._grant(one["invitee"]["id"], entitlement, level_of(one["permissions"]), key)

    def _prove(self) -> None:
        """Say of each collection whether it is whole."""
        lists, rest = self.harvest, self.rest
        people = (
            lists.member_list.why
            or self.hidden.people
            or rest.problems.get("outside", "")
            or rest.problems.get("invited", "")
        )
        people = people or next((why for part, why in rest.problems.items() if part.startswith("asked:")), "")
        if not people and self.config.outside:
            people = lists.repository_list.why and f"repositories: {lists.repository_list.why}"
        self._tell(ACCOUNTS, people, lists.member_list.proof)
        self._tell(entitlements_of("role"), "", "GitHub has the one role")
        self._tell(grants_of("role"), people, lists.member_list.proof, "role")
        parts = (
            ("team", lists.team_list, self.hidden.teams),
            ("repo", lists.repository_list, self.hidden.repositories),
        )
        for kind, listing, hidden in parts:
            why = listing.why or hidden
            self._tell(entitlements_of(kind), why, listing.proof)
            self._tell(grants_of(kind), why, f"each count agrees; {listing.proof}", kind)
        self.builder.snapshot.notes += self._notes(lists.saml_list)

    def _tell(self, collection: str, why: str, proof: str, kind: str = "") -> None:
        if why:
            self.builder.incomplete(collection, why)
        else:
            self.builder.complete(collection, proof, unread=frozenset(self.unread[kind]) if kind else frozenset())

    def _notes(self, saml: Listing) -> list[str]:
        whys = [f"SAML identities: {saml.why}"] if saml.why else []
        whys += [f"team:{one.slug}: {one.unread}" for one in self.harvest.teams.values() if one.unread][:5]
        return whys + [f"repo:{one.name}: {one.unread}" for one in self.harvest.repositories.values() if one.unread][:5]
