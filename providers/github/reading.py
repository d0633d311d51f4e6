"""A whole organization is read: GraphQL for what it lists in bulk, REST for invitations and outside collaborators."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from providers.github.client import Found, GitHubClient, TooHeavyError
from providers.github.config import GitHubConfig
from providers.github.harvest import Harvest
from providers.github.listing import read_all
from providers.github.people import People
from providers.github.snapshotting import Hidden, snapshot_of
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.snapshot import Snapshot

_AT_ONCE = 8


@dataclass(slots=True)
class Rest:
    """What REST tells beside GraphQL.

    Attributes:
        outside: number → login of outside collaborators.
        invited: invitations to the organization; each has `user`, the number of the invited account, where it has one.
        asked: repository's number → its pending invitations, for those that were asked.
        levels: (team, login) → the role that somebody invited will have in a team.
        team_roles: team → repository → role, where custom roles are declared.
        problems: part → why it could not be read: `outside`, `invited`, `asked:NUMBER`, `team:NUMBER`.
    """

    outside: dict[int, str] = field(default_factory=dict)
    invited: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    levels: dict[tuple[int, str], str] = field(default_factory=dict)
    team_roles: dict[int, dict[int, str]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


class Reader:
    """Reads one organization.

    Attributes:
        harvest, rest: the last read, for whoever asks what somebody administers alone or has been invited to.
    """

    def __init__(
        self, client: GitHubClient, people: People, config: GitHubConfig, hidden: Callable[[], str] | None = None
    ) -> None:
        self._client = client
        self._people = people
        self._config = config
        self._hidden = hidden
        self._recalling = asyncio.Lock()
        self._tried = False
        self.harvest: Harvest | None = None
        self.rest = Rest()

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: the organization is not visible, or nothing could be read.
        """
        before = self._client.requests
        self._people.forget()
        harvest = Harvest(saml=self._config.emails == "saml")
        lists = asyncio.create_task(self._lists())
        try:
            found, rest = await self._query(harvest), await lists
        except TooHeavyError as error:
            raise TransportError(
                error.message, hint="GitHub answers too slowly; run again later", landed=False
            ) from None
        finally:
            lists.cancel()
            await asyncio.gather(lists, return_exceptions=True)
        if found.data.get("organization") is None:
            words = found.why("organization") or found.why() or "it is not visible"
            raise ProviderError(
                f"the organization {self._config.organization} cannot be read: {words}",
                hint="is its name right, and does the token have access to it?",
            )
        await self._complete(harvest, rest)
        self.harvest, self.rest = harvest, rest
        viewer = (found.data.get("viewer") or {}).get("databaseId")
        snapshot = snapshot_of(harvest, rest, self._config, viewer, self._find_hidden(harvest, viewer))
        snapshot.requests = self._client.requests - before
        return snapshot

    async def recall(self) -> Harvest | None:
        """Return the last read, or read now; None where that fails. An apply reads once at most for this."""
        async with self._recalling:
            if self.harvest is None and not self._tried:
                self._tried = True
                with suppress(ProviderError):
                    await self.read()
        return self.harvest

    def _find_hidden(self, harvest: Harvest, viewer: int | None) -> Hidden:
        """Say what GitHub may hide without a word.

        A token sees what its account sees: an owner everything, anybody else neither secret teams nor all private
        repositories, and the counts are of what it sees. An app says itself what it is installed for.
        """
        if self._hidden is not None:
            return Hidden(repositories=self._hidden())
        if harvest.member_list.why:
            why = "whether the token's account is an owner cannot be told"
            return Hidden(why, why, why)
        member = harvest.members.get(viewer or 0)
        if member is None:
            why = "the token's account is no member of the organization, and sees only what is public"
            return Hidden(why, why, why)
        why = "" if member.owner else f"the token's account, {member.login}, is no owner: not everything is shown to it"
        return Hidden("", why, why)

    async def _query(self, harvest: Harvest) -> Found:
        emails = self._config.emails == "verified"
        viewer = self._hidden is None
        return await read_all(self._client, harvest.listings, size=self._config.page, emails=emails, viewer=viewer)

    async def _lists(self) -> Rest:
        """Read the two lists that GraphQL does not have."""
        rest = Rest()
        try:
            listed = await self._client.pages(self._client.org("outside_collaborators"))
            rest.outside = {one["id"]: one["login"] for one in listed}
        except TransportError as error:
            rest.problems["outside"] = error.message
        try:
            rest.invited = await self._client.pages(self._client.org("invitations"))
        except TransportError as error:
            rest.problems["invited"] = error.message
        return rest

    async def _complete(self, harvest: Harvest, rest: Rest) -> None:
        """Ask singly for the few things that no list tells: about invitations, and custom roles of teams."""
        await self._identify(harvest, rest)
        wanted = {number: one.name for number, one in harvest.repositories.items() if self.invites_to(one.name)}
        pending = [(number, login) for number, team in harvest.teams.items() for login in team.invited.values()]
        teams = list(harvest.teams) if self._config.custom_roles else []
        gate = asyncio.Semaphore(_AT_ONCE)

        async def each(part: str, work: Any) -> None:
            async with gate:
                try:
                    await work
                except TransportError as error:
                    rest.problems[part] = error.message

        jobs = [each(f"asked:{number}", self._ask(rest, number, name)) for number, name in wanted.items()]
        jobs += [each(f"team:{one}", self._pending_level(harvest, rest, one, login)) for one, login in pending]
        jobs += [each(f"team:{number}", self._team_roles(harvest, rest, number)) for number in teams]
        await asyncio.gather(*jobs)

    def invites_to(self, repository: str) -> bool:
        """Say whether people who are no members may be invited to a repository."""
        return any(fnmatchcase(repository.lower(), pattern.lower()) for pattern in self._config.outside)

    async def _identify(self, harvest: Harvest, rest: Rest) -> None:
        """Give the numbers of invited accounts to their invitations, which only have logins."""
        for one in rest.invited:
            login = one.get("login")
            if not login:
                continue
            number = harvest.pending.get(login.lower())
            if number is None:
                person = await self._people.by_login(login)
                number = int(person.number) if person else None
            if number is not None:
                one["user"] = number

    async def _ask(self, rest: Rest, number: int, name: str) -> None:
        path = self._client.path("repos", self._client.organization, name, "invitations")
        listed = await self._client.pages(path)
        rest.asked[number] = [one for one in listed if not one.get("expired") and one.get("invitee")]

    async def _pending_level(self, harvest: Harvest, rest: Rest, team: int, login: str) -> None:
        answer = await self._client.get(self._client.org("teams", harvest.teams[team].slug, "memberships", login))
        answer.raise_for_refusal(f"read the invitation of {login}")
        rest.levels[team, login] = answer.decode(dict[str, Any])["role"]

    async def _team_roles(self, harvest: Harvest, rest: Rest, team: int) -> None:
        listed = await self._client.pages(self._client.org("teams", harvest.teams[team].slug, "repos"))
        rest.team_roles[team] = {one["id"]: one["role_name"] for one in listed if one.get("role_name")}
