"""Changes of groups and their members; each ends in a receipt."""

from typing import Any

from providers.aws.accounts import CONFLICT, GONE
from providers.aws.client import STORE, AwsClient
from providers.aws.instance import InstanceFinder
from reconciler.errors import AnswerError, TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt

_LOST = "the answer was lost; it was done"


class GroupWriter:
    """Performs the changes of groups and memberships.

    Args:
        client: speaks with the identity store.
        finder: knows which store.
    """

    def __init__(self, client: AwsClient, finder: InstanceFinder) -> None:
        self._client = client
        self._finder = finder

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a group or of a membership."""
        match change.operation:
            case Operation.CREATE_ENTITLEMENT:
                return await self._create(change)
            case Operation.RENAME_ENTITLEMENT:
                return await self._rename(change)
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        if change.holder_entitlement_id:
            return Receipt(change, Outcome.FAILED, f"{what}: a group cannot hold another in Identity Center")
        if not (change.account_id and change.entitlement_id):
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such user or group yet")
        adds = change.operation is Operation.GRANT
        return await (self._add(change, what) if adds else self._remove(change, what))

    async def _call(self, operation: str, **body: Any) -> dict[str, Any]:
        instance = await self._finder.find()
        return await self._client.call(STORE, operation, {"IdentityStoreId": instance.store, **body})

    async def _create(self, change: Change) -> Receipt:
        name = name_of(change.entitlement)
        try:
            made = await self._call("CreateGroup", DisplayName=name)
        except TransportError as error:
            words = f"create {name}: {error.message}"
            lost = error.landed is None
            if lost or _is(error, CONFLICT):
                return await self._adopt(change, name, words, lost=lost)
            return Receipt(change, Outcome.FAILED, words)
        return Receipt(change, Outcome.DONE, remote_id=str(made.get("GroupId") or ""))

    async def _adopt(self, change: Change, name: str, words: str, *, lost: bool) -> Receipt:
        otherwise = Outcome.UNKNOWN if lost else Outcome.FAILED
        try:
            found = await self._find(name)
        except TransportError as error:
            return Receipt(change, otherwise, f"{words}; {error.message}")
        if not found:
            return Receipt(change, otherwise, f"{words}; there is no group {name}")
        return Receipt(change, Outcome.DONE, _LOST if lost else "it existed already: adopted", found)

    async def _find(self, name: str) -> str:
        """Return the id of the group of a name, or empty."""
        unique = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}}
        try:
            return str((await self._call("GetGroupId", AlternateIdentifier=unique))["GroupId"])
        except AnswerError as error:
            if error.code == GONE:
                return ""
            raise

    async def _rename(self, change: Change) -> Receipt:
        name, group = name_of(change.entitlement), change.entitlement_id
        operations = [{"AttributePath": "displayName", "AttributeValue": name}]
        try:
            await self._call("UpdateGroup", GroupId=group, Operations=operations)
        except TransportError as error:
            return await self._look_after_rename(change, name, error)
        return Receipt(change, Outcome.DONE, remote_id=group)

    async def _look_after_rename(self, change: Change, name: str, error: TransportError) -> Receipt:
        words = f"rename to {name}: {error.message}"
        if error.landed is None or _is(error, CONFLICT):
            try:
                if await self._find(name) == change.entitlement_id:
                    return Receipt(change, Outcome.DONE, "it has the name", change.entitlement_id)
            except TransportError as other:
                words = f"{words}; {other.message}"
        outcome = Outcome.UNKNOWN if error.landed is None else Outcome.FAILED
        return Receipt(change, outcome, words, change.entitlement_id)

    async def _add(self, change: Change, what: str) -> Receipt:
        member = {"UserId": change.account_id}
        try:
            await self._call("CreateGroupMembership", GroupId=change.entitlement_id, MemberId=member)
        except TransportError as error:
            if error.landed is not None and not _is(error, CONFLICT):
                return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
            return await self._look_after(change, f"{what}: {error.message}", error, wanted=True)
        return Receipt(change, Outcome.DONE)

    async def _remove(self, change: Change, what: str) -> Receipt:
        try:
            membership = await self._membership(change)
            if not membership:
                return Receipt(change, Outcome.DONE, "was no member")
            await self._call("DeleteGroupMembership", MembershipId=membership)
        except TransportError as error:
            if _is(error, GONE):
                return Receipt(change, Outcome.DONE, "was no member")
            if error.landed is not None and not _is(error, CONFLICT):
                return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
            return await self._look_after(change, f"{what}: {error.message}", error, wanted=False)
        return Receipt(change, Outcome.DONE)

    async def _membership(self, change: Change) -> str:
        """Return the id of a membership, or empty."""
        member = {"UserId": change.account_id}
        try:
            found = await self._call("GetGroupMembershipId", GroupId=change.entitlement_id, MemberId=member)
        except AnswerError as error:
            if error.code == GONE:
                return ""
            raise
        return str(found["MembershipId"])

    async def _look_after(self, change: Change, words: str, error: TransportError, *, wanted: bool) -> Receipt:
        """Find out what is true after a lost answer or a conflict: both may mean that it is as it should be."""
        lost = error.landed is None
        otherwise = Outcome.UNKNOWN if lost else Outcome.FAILED
        try:
            there = bool(await self._membership(change))
        except TransportError as other:
            return Receipt(change, otherwise, f"{words}; {other.message}")
        if there is wanted:
            return Receipt(change, Outcome.DONE, _LOST if lost else "it was so already")
        return Receipt(change, otherwise, words)


def _is(error: TransportError, code: str) -> bool:
    return isinstance(error, AnswerError) and error.code == code
