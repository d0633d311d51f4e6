"""Changes of users: created or adopted, changed, disabled, deleted, signed out, without licenses."""

from collections.abc import Mapping
from typing import Any

from providers.entra.client import GraphClient, part
from providers.entra.mapping import USER_FIELDS, changed_user, licenses_of, new_user, to_account
from providers.entra.settling import GONE, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount


class UserWriter:
    """Performs the changes of users.

    Args:
        client: speaks with Graph.
    """

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a user."""
        what = f"{change.operation} {change.username or change.holder}"
        match change.operation:
            case Operation.CREATE_ACCOUNT:
                return await self._create(change)
            case Operation.UPDATE_ACCOUNT:
                return await self._patch(change, what, changed_user(change.after))
            case Operation.SUSPEND_ACCOUNT | Operation.REACTIVATE_ACCOUNT:
                enabled = change.operation is Operation.REACTIVATE_ACCOUNT
                return await self._patch(change, what, {"accountEnabled": enabled})
            case Operation.END_SESSIONS:
                return await self._end_sessions(change, what)
            case Operation.REMOVE_LICENSES:
                return await self._remove_licenses(change, what)
            case _:
                return await self._delete(change, what)

    async def describe(self, user: str) -> LiveAccount | None:
        """Read one user by id or user principal name; None where there is none.

        Raises:
            TransportError: it could not be read.
        """
        found = await self._get(user)
        return to_account(found) if found else None

    async def _get(self, user: str) -> dict[str, Any]:
        try:
            return await self._client.get(f"users/{part(user)}", select=USER_FIELDS)
        except AnswerError as error:
            if error.status == GONE:
                return {}
            raise

    async def _create(self, change: Change) -> Receipt:
        email = str(change.after.get("email") or "")
        username = str(change.after.get("username") or "") or email
        what = f"create {username or change.holder}"
        if not username:
            return Receipt(change, Outcome.FAILED, f"{what}: no username, and no email to use as one")
        try:
            made = await self._client.post("users", new_user(change.after, username))
        except TransportError as error:
            words = f"{what}: {error.message}"
            refused = isinstance(error, AnswerError)
            if error.landed is False and not refused:
                return Receipt(change, Outcome.FAILED, words)
            return await self._adopt(change, username, email, Outcome.FAILED if refused else Outcome.UNKNOWN, words)
        self._client.expect(str(made["id"]))
        return Receipt(change, Outcome.DONE, remote_id=str(made["id"]))

    async def _adopt(self, change: Change, username: str, email: str, otherwise: Outcome, words: str) -> Receipt:
        """Take the user that exists already, or that a lost answer made, if it is the one that is meant."""
        try:
            found = await self.describe(username)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        if found is None:
            return Receipt(change, otherwise, words)
        if fold(found.email) not in {fold(email), fold(username)}:
            return Receipt(change, Outcome.FAILED, f"{words}; {username} belongs to somebody else: {found.email}")
        if found.status is AccountStatus.SUSPENDED:
            return Receipt(change, Outcome.FAILED, f"{words}; {username} exists and is disabled ({found.remote_id})")
        remark = LOST if otherwise is Outcome.UNKNOWN else "it existed already: adopted"
        return Receipt(change, Outcome.DONE, remark, found.remote_id)

    async def _patch(self, change: Change, what: str, body: Mapping[str, Any]) -> Receipt:
        async def send() -> dict[str, Any]:
            return await self._client.patch(f"users/{part(change.account_id)}", body)

        async def is_true() -> bool:
            found = await self._get(change.account_id)
            if not found:
                return change.operation is Operation.SUSPEND_ACCOUNT
            return all((found.get(key) or None) == (value or None) for key, value in body.items())

        return await settle(change, what, send, is_true)

    async def _end_sessions(self, change: Change, what: str) -> Receipt:
        """Revoke refresh tokens and browser sessions; whether that was done cannot be seen, and twice is harmless.

        Source: https://learn.microsoft.com/graph/api/user-revokesigninsessions
        """
        path = f"users/{part(change.account_id)}/revokeSignInSessions"

        async def send() -> dict[str, Any]:
            return await self._client.post(path, {})

        async def is_true() -> bool:
            if not await self._get(change.account_id):
                return True
            await self._client.post(path, {})
            return True

        return await settle(change, what, send, is_true)

    async def _remove_licenses(self, change: Change, what: str) -> Receipt:
        """Take away what the user holds itself; licenses that come by a group go with the membership."""
        try:
            held = licenses_of(await self._get(change.account_id))
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if not held:
            return Receipt(change, Outcome.DONE, "no license of its own", change.account_id)

        async def send() -> dict[str, Any]:
            body = {"addLicenses": [], "removeLicenses": held}
            return await self._client.post(f"users/{part(change.account_id)}/assignLicense", body)

        async def is_true() -> bool:
            return not licenses_of(await self._get(change.account_id))

        return await settle(change, what, send, is_true)

    async def _delete(self, change: Change, what: str) -> Receipt:
        """Delete a user; Entra keeps it for 30 days, in which it can be restored."""

        async def send() -> dict[str, Any]:
            return await self._client.delete(f"users/{part(change.account_id)}")

        async def is_true() -> bool:
            return not await self._get(change.account_id)

        return await settle(change, what, send, is_true)
