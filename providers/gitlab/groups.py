"""Groups: made empty, below others, and given another path.

Source: https://docs.gitlab.com/api/groups/
"""

from typing import Any

from providers.gitlab.client import REMOVING, GitLabClient
from providers.gitlab.config import GitLabConfig
from providers.gitlab.mapping import GROUP, number_in, remote_id
from providers.gitlab.receipts import ALREADY, INVALID, LOST, NOT_FOUND, done, failed, look_after, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class GroupWriter:
    """Makes and renames groups.

    Args:
        client: asks.
        config: names the top-level group, where only one is kept.
    """

    def __init__(self, client: GitLabClient, config: GitLabConfig) -> None:
        self._client = client
        self._root = config.group

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a group.

        Raises:
            TransportError: GitLab refused, or did not answer.
        """
        path = name_of(change.entitlement)
        if self._root is not None and not path.startswith(f"{self._root}/"):
            return failed(change, f"a group is called by its whole path, which begins with {self._root}/")
        if change.operation is Operation.CREATE_ENTITLEMENT:
            return await self._create(change, path)
        return await self._rename(change, path)

    async def _find(self, path: str) -> dict[str, Any] | None:
        """Return the group of a path; one that only had it once is another."""
        found = await self._client.find(self._client.path("groups", path), with_projects="false")
        return found if found and str(found["full_path"]).lower() == path.lower() else None

    async def _create(self, change: Change, path: str) -> Receipt:
        """Make a private group, and take out whoever the token belongs to: GitLab makes them its owner."""
        above, _, name = path.rpartition("/")
        if there := await self._find(path):
            return done(change, "it is there already", remote_id(GROUP, there["id"]))
        parent = await self._find(above) if above else None
        if above and parent is None:
            return failed(change, f"there is no group {above} to make it in")
        body = {"name": name, "path": name, "visibility": "private"} | ({"parent_id": parent["id"]} if parent else {})
        try:
            answer = await self._client.write("POST", self._client.path("groups"), body)
            answer.raise_for_refusal(f"create {change.entitlement}")
        except TransportError as error:
            if error.landed is False or (isinstance(error, AnswerError) and error.status != INVALID):
                raise
            return await self._look(change, path, error)
        made = answer.decode(dict[str, Any])
        words = await self._leave(made) if parent else "whoever the token belongs to is its owner"
        return done(change, words, remote_id(GROUP, made["id"]))

    async def _look(self, change: Change, path: str, error: TransportError) -> Receipt:
        """Look whether a group is there after all."""
        found = await self._find(path)
        if found is None:
            outcome = Outcome.FAILED if isinstance(error, AnswerError) else Outcome.UNKNOWN
            return Receipt(change, outcome, error.message)
        return done(change, LOST if not isinstance(error, AnswerError) else ALREADY, remote_id(GROUP, found["id"]))

    async def _leave(self, group: dict[str, Any]) -> str:
        """Take the token's user out of a group that was just made; return why it could not be."""
        try:
            me = await self._client.find(self._client.path("user"))
            path = self._client.path("groups", group["id"], "members", (me or {})["id"])
            answer = await self._client.write("DELETE", path, rate=REMOVING.name)
            if answer.status != NOT_FOUND:
                answer.raise_for_refusal("leave it")
        except TransportError as error:
            return f"GitLab made whoever the token belongs to its owner, who is still in it: {error.message}"
        return ""

    async def _rename(self, change: Change, path: str) -> Receipt:
        """Give a group another path in the same place."""
        one = self._client.path("groups", number_in(change.entitlement_id))
        live = await self._client.find(one, with_projects="false")
        if live is None:
            return failed(change, "there is no such group any more, or the token may not see it")
        if live["full_path"] == path:
            return done(change, "it is called so already")
        above, _, name = path.rpartition("/")
        if str(live["full_path"]).rpartition("/")[0] != above:
            return failed(change, f"{live['full_path']} is in another place than {path}: move it in GitLab itself")

        async def send() -> Receipt:
            return settle(change, await self._client.write("PUT", one, {"path": name}))

        async def is_true() -> bool:
            return ((await self._client.find(one)) or {}).get("full_path") == path

        return await look_after(change, send, is_true)
