"""The directory of an organization: where it is, and what is asked of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from providers.atlassian.client import Client, part
from providers.atlassian.settling import GONE
from reconciler.errors import AnswerError, ProviderError

PAGE = 100


class Directory:
    """One directory of an organization.

    Args:
        client: speaks with the organization's API.
        organization: its id.
        directory: the directory's id; empty where it is to be looked up.
    """

    def __init__(self, client: Client, organization: str, directory: str = "") -> None:
        self.client = client
        self.organization = f"admin/v2/orgs/{part(organization)}"
        self._id = directory
        self._turn = asyncio.Lock()

    async def path(self, *parts: str) -> str:
        """Return a path below the directory.

        Raises:
            TransportError: the organization's directories could not be listed.
            ProviderError: it has several, and none is named.
        """
        async with self._turn:
            if not self._id:
                self._id = await self._find()
        return "/".join((self.organization, "directories", part(self._id), *map(part, parts)))

    async def _find(self) -> str:
        answer = await self.client.get(f"{self.organization}/directories")
        found = {str(each["directoryId"]): str(each.get("name") or "") for each in answer.get("data") or ()}
        if len(found) != 1:
            listed = ", ".join(f"{id_} ({name})" for id_, name in sorted(found.items())) or "none that the key may see"
            raise ProviderError(f"the organization has {len(found)} directories: {listed}; say which as `directory`")
        return next(iter(found))

    async def users(self, **asked: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield the users that a search finds; see `Client.searched`.

        Source: https://developer.atlassian.com/cloud/admin/organization/rest/api-group-users/ (users/search), the
        successor of the listing that ends on 2027-06-30.
        """
        path = await self.path("users", "search")
        async for each in self.client.searched(path, {"limit": PAGE, **asked}):
            yield each

    async def groups(self, **asked: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield the groups that a search finds; as `users` (groups/search)."""
        path = await self.path("groups", "search")
        async for each in self.client.searched(path, {"limit": PAGE, **asked}):
            yield each

    async def user(self, account: str) -> dict[str, Any]:
        """Return one user; empty where there is none.

        Raises:
            TransportError: it could not be read.
        """
        return await self._one("users", account)

    async def group(self, group: str) -> dict[str, Any]:
        """Return one group; as `user`."""
        return await self._one("groups", group)

    async def _one(self, *parts: str) -> dict[str, Any]:
        try:
            answer = await self.client.get(await self.path(*parts))
        except AnswerError as error:
            if error.status == GONE:
                return {}
            raise
        found = answer.get("data")
        return found if isinstance(found, dict) else answer
