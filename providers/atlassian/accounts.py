"""Changes of accounts in an organization: invited or adopted, suspended or deactivated, restored, removed."""

from typing import Any

from providers.atlassian.client import Client, part
from providers.atlassian.config import AtlassianConfig
from providers.atlassian.directory import Directory
from providers.atlassian.mapping import from_directory, is_deactivated, is_out, refused_of
from providers.atlassian.settling import ALREADY, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount

_MESSAGE = "Your organization has deactivated this account."


class AccountWriter:
    """Performs the changes of accounts of an organization.

    Args:
        config: what a new account starts with.
        directory: the organization's directory.
        accounts: speaks with the User management API by a key without scopes, or None.
    """

    def __init__(self, config: AtlassianConfig, directory: Directory, accounts: Client | None) -> None:
        self._starts_with = config.starts_with
        self._directory = directory
        self._accounts = accounts

    async def perform(self, change: Change) -> Receipt:
        """Do one change of an account."""
        what = f"{change.operation} {change.username or change.holder}"
        try:
            match change.operation:
                case Operation.CREATE_ACCOUNT:
                    return await self._invite(change)
                case Operation.SUSPEND_ACCOUNT:
                    return await self._suspend(change, what)
                case Operation.REACTIVATE_ACCOUNT:
                    return await self._restore(change, what)
                case _:
                    return await self._remove(change, what)
        except TransportError as error:  # of looking before anything was written
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")

    async def describe(self, account: str) -> LiveAccount | None:
        """Read one account; None where there is none in the directory.

        Raises:
            TransportError: it could not be read.
        """
        found = await self._directory.user(account)
        user = from_directory(found) if found else None
        return user.account if user and user.person else None

    async def _invite(self, change: Change) -> Receipt:
        """Invite an address, unless it has an account here.

        Source: https://developer.atlassian.com/cloud/admin/organization/rest/api-group-users/ (users/invite).
        """
        email = str(change.after.get("email") or "")
        what = f"invite {email or change.holder}"
        if not email:
            return Receipt(change, Outcome.FAILED, f"{what}: Atlassian invites by address, and there is none")
        found = await self._find(email)
        if found is not None:
            return _adopted(change, what, found, "it existed already: adopted")
        rules = [{"resource": resource, "role": role} for resource, role in sorted(self._starts_with.items())]
        body = {"emails": [email], "permissionRules": rules, "sendNotification": True}
        try:
            answer = await self._directory.client.post(f"{self._directory.organization}/users/invite", body)
        except TransportError as error:
            words = f"{what}: {error.message}"
            if error.landed is False or isinstance(error, AnswerError):
                return Receipt(change, Outcome.FAILED, words)
            return await self._look_after(change, what, email, LOST, Receipt(change, Outcome.UNKNOWN, words))
        if lacking := "; ".join(refused_of(answer)):
            failed = Receipt(change, Outcome.FAILED, f"{what}: {lacking}")
            return await self._look_after(change, what, email, lacking, failed)
        ids = [str(each["id"]) for each in answer.get("data") or () if each.get("id")]
        return Receipt(change, Outcome.DONE, remote_id=ids[0] if ids else "")

    async def _look_after(self, change: Change, what: str, email: str, remark: str, otherwise: Receipt) -> Receipt:
        """Say that it was done where the account is there."""
        try:
            found = await self._find(email)
        except TransportError:
            return otherwise
        return _adopted(change, what, found, remark) if found else otherwise

    async def _find(self, email: str) -> LiveAccount | None:
        listed = [user async for each in self._directory.users(emails=[email]) if (user := from_directory(each))]
        return listed[0].account if listed else None

    async def _suspend(self, change: Change, what: str) -> Receipt:
        """Deactivate a managed account where there is a key for that, else suspend its access in the directory.

        Sources: https://developer.atlassian.com/cloud/admin/user-management/rest/api-group-lifecycle/ (disable) and
        .../cloud/admin/organization/rest/api-group-users/ (suspend).
        """
        user = await self._directory.user(change.account_id)
        if not user or is_out(user):
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)

        async def is_true() -> bool:
            found = await self._directory.user(change.account_id)
            return not found or is_out(found)

        return await settle(change, what, lambda: self._put_out(change.account_id, user), is_true)

    async def _put_out(self, account: str, user: dict[str, Any]) -> None:
        if self._accounts is not None and user.get("claimStatus") == "managed":
            await self._accounts.post(f"users/{part(account)}/manage/lifecycle/disable", {"message": _MESSAGE})
        else:
            await self._directory.client.post(await self._directory.path("users", account, "suspend"), {})

    async def _restore(self, change: Change, what: str) -> Receipt:
        """Undo both: enable the account, and restore its access, whichever it takes."""
        user = await self._directory.user(change.account_id)
        if not user:
            return Receipt(change, Outcome.FAILED, f"{what}: it is not in the directory any more: it has to be invited")
        if not is_out(user):
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)
        if user.get("status") == "for_deletion":
            return Receipt(change, Outcome.FAILED, f"{what}: it is about to be deleted: an administrator cancels that")
        if is_deactivated(user) and self._accounts is None:
            return Receipt(change, Outcome.FAILED, f"{what}: the account is deactivated, which takes an `account_key`")

        async def send() -> None:
            if is_deactivated(user) and self._accounts is not None:
                await self._accounts.post(f"users/{part(change.account_id)}/manage/lifecycle/enable", {})
            if user.get("membershipStatus") == "suspended":
                await self._directory.client.post(await self._directory.path("users", change.account_id, "restore"), {})

        async def is_true() -> bool:
            found = await self._directory.user(change.account_id)
            return bool(found) and not is_out(found)

        return await settle(change, what, send, is_true)

    async def _remove(self, change: Change, what: str) -> Receipt:
        """Remove a user from the directory; the account itself stays its holder's, or the organization's."""
        path = await self._directory.path("users", change.account_id)

        async def is_true() -> bool:
            return await self.describe(change.account_id) is None

        return await settle(change, what, lambda: self._directory.client.delete(path), is_true)


def _adopted(change: Change, what: str, found: LiveAccount, remark: str) -> Receipt:
    if found.status is AccountStatus.SUSPENDED:
        words = f"{what}: the account exists and is suspended ({found.remote_id})"
        return Receipt(change, Outcome.FAILED, words)
    return Receipt(change, Outcome.DONE, remark, found.remote_id)
