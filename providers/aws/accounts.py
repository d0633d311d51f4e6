"""Changes of users: created or adopted, updated, deleted; each ends in a receipt."""

from typing import Any

from providers.aws.client import STORE, AwsClient
from providers.aws.instance import InstanceFinder
from providers.aws.mapping import attribute_operations, new_user, to_account
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount

CONFLICT, GONE = "ConflictException", "ResourceNotFoundException"


class UserWriter:
    """Performs the changes of users.

    Args:
        client: speaks with the identity store.
        finder: knows which store.
    """

    def __init__(self, client: AwsClient, finder: InstanceFinder) -> None:
        self._client = client
        self._finder = finder

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a user."""
        match change.operation:
            case Operation.CREATE_ACCOUNT:
                return await self._create(change)
            case Operation.UPDATE_ACCOUNT:
                return await self._update(change)
            case _:
                return await self._delete(change)

    async def describe(self, user_id: str) -> LiveAccount | None:
        """Read one user; None where there is none.

        Raises:
            TransportError: it could not be read.
        """
        try:
            return to_account(await self._call("DescribeUser", UserId=user_id))
        except AnswerError as error:
            if error.code == GONE:
                return None
            raise

    async def _call(self, operation: str, **body: Any) -> dict[str, Any]:
        instance = await self._finder.find()
        return await self._client.call(STORE, operation, {"IdentityStoreId": instance.store, **body})

    async def _create(self, change: Change) -> Receipt:
        email = str(change.after.get("email") or change.after.get("person.email") or "")
        username = str(change.after.get("username") or "") or email
        what = f"create {username or change.holder}"
        if not username:
            return Receipt(change, Outcome.FAILED, f"{what}: no username, and no email to use as one")
        try:
            made = await self._call("CreateUser", **new_user(change.after, username, email))
        except AnswerError as error:
            if error.code == CONFLICT:
                return await self._adopt(change, username, email, Outcome.FAILED, f"{what}: {error.message}")
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        except TransportError as error:
            if error.landed is False:
                return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
            return await self._adopt(change, username, email, Outcome.UNKNOWN, f"{what}: {error.message}")
        return Receipt(change, Outcome.DONE, remote_id=str(made.get("UserId") or ""))

    async def _adopt(self, change: Change, username: str, email: str, otherwise: Outcome, words: str) -> Receipt:
        """Find the user that exists already, or that a lost answer made: taken only if it is the one that is meant."""
        try:
            found = await self._find(username)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        if found is None:
            return Receipt(change, otherwise, f"{words}; there is no user {username}")
        if fold(found.email) != fold(email):
            told = found.email or "without an email"
            return Receipt(change, Outcome.FAILED, f"{words}; {username} belongs to somebody else: {told}")
        if found.status is AccountStatus.SUSPENDED:
            return Receipt(change, Outcome.FAILED, f"{words}; {username} exists and is disabled ({found.remote_id})")
        remark = "the answer was lost; it was done" if otherwise is Outcome.UNKNOWN else "it existed already: adopted"
        return Receipt(change, Outcome.DONE, remark, found.remote_id)

    async def _find(self, username: str) -> LiveAccount | None:
        """Find a user by name, as the store itself compares names."""
        unique = {"UniqueAttribute": {"AttributePath": "userName", "AttributeValue": username}}
        try:
            found = await self._call("GetUserId", AlternateIdentifier=unique)
        except AnswerError as error:
            if error.code == GONE:
                return None
            raise
        return await self.describe(str(found["UserId"]))

    async def _update(self, change: Change) -> Receipt:
        what = f"update {change.username or change.holder}"
        try:
            await self._call("UpdateUser", UserId=change.account_id, Operations=attribute_operations(change.after))
        except TransportError as error:
            if error.landed is False:
                return Receipt(change, Outcome.FAILED, f"{what}: {error.message}", change.account_id)
            return await self._look_after_update(change, f"{what}: {error.message}")
        return Receipt(change, Outcome.DONE, remote_id=change.account_id)

    async def _look_after_update(self, change: Change, words: str) -> Receipt:
        try:
            now = await self.describe(change.account_id)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN, words, change.account_id)
        if now is not None and all((now.attributes.get(k) or "") == (v or "") for k, v in change.after.items()):
            return Receipt(change, Outcome.DONE, "the answer was lost; it was done", change.account_id)
        return Receipt(change, Outcome.UNKNOWN, words, change.account_id)

    async def _delete(self, change: Change) -> Receipt:
        what = f"delete {change.username or change.holder}"
        try:
            await self._call("DeleteUser", UserId=change.account_id)
        except AnswerError as error:
            if error.code == GONE:
                return Receipt(change, Outcome.DONE, "not found", change.account_id)
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}", change.account_id)
        except TransportError as error:
            return await self._look_after_delete(change, f"{what}: {error.message}", error.landed is False)
        return Receipt(change, Outcome.DONE, remote_id=change.account_id)

    async def _look_after_delete(self, change: Change, words: str, never_sent: bool) -> Receipt:
        if never_sent:
            return Receipt(change, Outcome.FAILED, words, change.account_id)
        try:
            now = await self.describe(change.account_id)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN, words, change.account_id)
        if now is None:
            return Receipt(change, Outcome.DONE, "the answer was lost; it is gone", change.account_id)
        return Receipt(change, Outcome.UNKNOWN, words, change.account_id)
