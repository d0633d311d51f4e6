"""What is done to people themselves: read singly, signed out, made admins and owners and no longer.

The last three are admin methods: Enterprise plans only, with the token of an organization's owner or admin
(https://docs.slack.dev/reference/methods/admin.users.session.reset, …/admin.users.setAdmin, …/admin.users.setRegular).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from providers.slack.client import RefusedError, SlackClient
from providers.slack.mapping import ADMIN, OWNER, Workspace, role_of, to_account
from reconciler.errors import TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import LiveAccount

_GONE = frozenset({"user_not_found", "user_not_visible"})
_METHODS = {ADMIN: "admin.users.setAdmin", OWNER: "admin.users.setOwner"}
_SO_ALREADY = "it was so already"


class PeopleWriter:
    """Performs changes of single people.

    Args:
        client: speaks with the workspace.
        workspace: says which workspace it is.
    """

    def __init__(self, client: SlackClient, workspace: Callable[[], Awaitable[Workspace]]) -> None:
        self._client = client
        self._workspace = workspace

    async def describe(self, user_id: str) -> LiveAccount | None:
        """Read one person; None where there is none, or it is a bot, or somebody else's.

        Raises:
            TransportError: it could not be read.
        """
        user = await self._look(user_id)
        return to_account(user) if user and (await self._workspace()).owns(user) else None

    async def end_sessions(self, change: Change) -> Receipt:
        """Sign somebody out of every device; nobody's sessions are nothing to end."""
        try:
            await self._client.call("admin.users.session.reset", {"user_id": change.account_id})
        except TransportError as error:
            if isinstance(error, RefusedError) and error.code in _GONE:
                return Receipt(change, Outcome.DONE, "not found", change.account_id)
            outcome = Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
            return Receipt(change, outcome, f"end sessions of {change.username}: {error.message}", change.account_id)
        return Receipt(change, Outcome.DONE, remote_id=change.account_id)

    async def set_role(self, change: Change) -> Receipt:
        """Make somebody an admin or owner of the workspace, or a plain member again.

        Taking a role looks first: who holds another one by now must not lose it.
        """
        role, wanted = name_of(change.entitlement), change.operation is Operation.GRANT
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        if not change.account_id or change.holder_entitlement_id or role not in _METHODS:
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such account or role")
        try:
            user = await self._look(change.account_id)
            if user is None and wanted:
                return Receipt(change, Outcome.FAILED, f"{what}: there is no such user")
            if user is None or (role_of(user) == role) is wanted:
                return Receipt(change, Outcome.DONE, _SO_ALREADY if user else "not found")
            asked = {"team_id": (await self._workspace()).team, "user_id": change.account_id}
            await self._client.call(_METHODS[role] if wanted else "admin.users.setRegular", asked)
        except TransportError as error:
            return await self._look_after(change, role, f"{what}: {error.message}", error)
        return Receipt(change, Outcome.DONE)

    async def _look_after(self, change: Change, role: str, words: str, error: TransportError) -> Receipt:
        if error.landed is not None:
            return Receipt(change, Outcome.FAILED, words)
        try:
            user = await self._look(change.account_id)
        except TransportError as other:
            return Receipt(change, Outcome.UNKNOWN, f"{words}; {other.message}")
        if (role_of(user or {}) == role) is (change.operation is Operation.GRANT):
            return Receipt(change, Outcome.DONE, "the answer was lost; it was done")
        return Receipt(change, Outcome.UNKNOWN, words)

    async def _look(self, user_id: str) -> Mapping[str, Any] | None:
        try:
            found = (await self._client.call("users.info", {"user": user_id})).get("user")
        except RefusedError as error:
            if error.code in _GONE:
                return None
            raise
        return found if isinstance(found, Mapping) else None
