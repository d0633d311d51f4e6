"""A whole instance or a top-level group is read: memberships by GraphQL, users and invitations by REST.

The least number of requests for an instance of 1,000 people, 200 groups and 2,000 projects: 10 pages of users, which
only REST shows with their addresses, and 20 queries for the projects, which the groups ride along with. Two pages of
groups more tell whose members come from LDAP or SAML. REST alone would take one request for each group and project.
"""

import asyncio
from contextlib import suppress

from providers.gitlab.client import GitLabClient
from providers.gitlab.config import GitLabConfig
from providers.gitlab.harvest import Harvest, Place
from providers.gitlab.listing import Listing
from providers.gitlab.mapping import GROUP
from providers.gitlab.snapshotting import snapshot_of
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.snapshot import Snapshot

_AT_ONCE = 8


class Reader:
    """Reads one GitLab.

    Attributes:
        harvest: the last read, None before the first.
    """

    def __init__(self, client: GitLabClient, config: GitLabConfig) -> None:
        self._client = client
        self._config = config
        self._recalling = asyncio.Lock()
        self._tried = False
        self.harvest: Harvest | None = None

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: the group is not visible, or nothing at all could be read.
        """
        before = self._client.requests
        harvest = Harvest()
        works = (self._places(harvest), self._users(harvest), self._links(harvest))
        for ended in await asyncio.gather(*works, return_exceptions=True):
            if ended is not None:
                raise ended
        if {"group", "project"} <= set(harvest.problems) and (self._config.group or "users" in harvest.problems):
            raise ProviderError(f"nothing could be read: {harvest.problems['group']}")
        await self._invitations(harvest)
        self.harvest = harvest
        snapshot = snapshot_of(harvest, self._config)
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

    async def _places(self, harvest: Harvest) -> None:
        try:
            await Listing(self._client, self._config.group).read(harvest)
        except TransportError as error:
            harvest.problems |= {"group": error.message, "project": error.message}

    async def _users(self, harvest: Harvest) -> None:
        """Read the users of an instance, or the addresses of a group's enterprise users."""
        group = self._config.group
        try:
            if group is None:
                keyset = {"pagination": "keyset", "order_by": "id", "sort": "asc"}
                harvest.users = await self._client.pages(
                    self._client.path("users"), **keyset, without_project_bots="true", exclude_internal="true"
                )
            elif self._config.enterprise_users:
                listed = await self._client.pages(self._client.path("groups", group, "enterprise_users"))
                harvest.addresses = {int(one["id"]): str(one.get("email") or "") for one in listed}
        except TransportError as error:
            harvest.problems["users"] = error.message

    async def _links(self, harvest: Harvest) -> None:
        """Read which groups have members from LDAP or SAML; without an answer nothing else is worse.

        Source: https://docs.gitlab.com/api/groups/, `ldap_group_links` and `saml_group_links`
        """
        group = self._config.group
        try:
            if group is None:
                listed = await self._client.pages(self._client.path("groups"), all_available="true")
            else:
                own = await self._client.find(self._client.path("groups", group), with_projects="false")
                below = await self._client.pages(self._client.path("groups", group, "descendant_groups"))
                listed = [*([own] if own else []), *below]
        except TransportError as error:
            harvest.problems["links"] = error.message
            return
        harvest.synced = {int(one["id"]) for one in listed if is_synced(one)}

    async def _invitations(self, harvest: Harvest) -> None:
        """Read who is invited: in the top-level group, and wherever a member is nobody yet."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def each(place: Place) -> None:
            async with gate:
                await self._invited(place)

        asked = [place for place in harvest.every_place() if place.waiting or self._is_root(harvest, place)]
        await asyncio.gather(*map(each, asked))

    async def _invited(self, place: Place) -> None:
        """Read the invitations to one group or project.

        Source: https://docs.gitlab.com/api/invitations/
        """
        try:
            listed = await self._client.pages(self._client.path(f"{place.kind}s", place.number, "invitations"))
        except TransportError as error:
            place.unread = f"invitations: {error.message}"
            return
        place.invited = {str(one["invite_email"]).lower(): int(one["access_level"]) for one in listed}

    def _is_root(self, harvest: Harvest, place: Place) -> bool:
        return place.kind == GROUP and place.number == harvest.root


def is_synced(group: dict[str, object]) -> bool:
    """Say whether a group, as REST shows it, gets its members from LDAP or SAML."""
    return bool(group.get("ldap_group_links") or group.get("saml_group_links") or group.get("ldap_cn"))
