"""Changes of groups and their members; each ends in a receipt."""

from typing import Any

from providers.entra.client import PAGE, GraphClient, literal, part
from providers.entra.settling import GONE, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class GroupWriter:
    """Performs the changes of groups and memberships.

    Args:
        client: speaks with Graph.
    """

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a group or of a membership."""
        match change.operation:
            case Operation.CREATE_ENTITLEMENT:
                return await self._create(change)
            case Operation.RENAME_ENTITLEMENT:
                return await self._rename(change)
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        member = change.account_id or change.holder_entitlement_id
        if not (member and change.entitlement_id):
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such user or group yet")
        return await self._change_member(change, what, member)

    async def _create(self, change: Change) -> Receipt:
        """Make a security group, unless one has the name: names are not unique, and a second would be made."""
        name = name_of(change.entitlement)
        what = f"create {name}"
        try:
            found = await self._find(name)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if found:
            return _adopted(change, what, found, "it existed already: adopted")
        nickname = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-"))[:60] or "group"
        body = {"displayName": name, "mailEnabled": False, "mailNickname": nickname, "securityEnabled": True}
        try:
            made = await self._client.post("groups", body)
        except TransportError as error:
            return await self._look_after_create(change, what, name, error)
        self._client.expect(str(made["id"]))
        return Receipt(change, Outcome.DONE, remote_id=str(made["id"]))

    async def _look_after_create(self, change: Change, what: str, name: str, error: TransportError) -> Receipt:
        words = f"{what}: {error.message}"
        if error.landed is False or isinstance(error, AnswerError):
            return Receipt(change, Outcome.FAILED, words)
        try:
            found = await self._find(name)
        except TransportError:
            found = []
        return _adopted(change, what, found, LOST) if found else Receipt(change, Outcome.UNKNOWN, words)

    async def _find(self, name: str) -> list[str]:
        """Return the ids of all groups of a name."""
        found = await self._client.every("groups", filter=f"displayName eq {literal(name)}", select="id")
        return [str(each["id"]) for each in found]

    async def _rename(self, change: Change) -> Receipt:
        name = name_of(change.entitlement)
        path = f"groups/{part(change.entitlement_id)}"

        async def send() -> dict[str, Any]:
            return await self._client.patch(path, {"displayName": name})

        async def is_true() -> bool:
            return (await self._client.get(path, select="displayName")).get("displayName") == name

        return await settle(change, f"rename to {name}", send, is_true)

    async def _change_member(self, change: Change, what: str, member: str) -> Receipt:
        """Add or remove a member. Without `$ref` a removal would delete the user: the reference warns of it.

        Sources: https://learn.microsoft.com/graph/api/group-post-members and group-delete-members
        """
        adds = change.operation is Operation.GRANT
        path = f"groups/{part(change.entitlement_id)}/members"

        async def send() -> dict[str, Any]:
            if adds:
                return await self._client.post(f"{path}/$ref", self._client.reference(member))
            return await self._client.delete(f"{path}/{part(member)}/$ref")

        async def is_true() -> bool:
            try:
                listed = await self._client.every(path, select="id", top=PAGE)
            except AnswerError as error:
                return error.status == GONE and not adds
            return any(each.get("id") == member for each in listed) is adds

        return await settle(change, what, send, is_true)


def _adopted(change: Change, what: str, found: list[str], remark: str) -> Receipt:
    if len(found) > 1:
        return Receipt(change, Outcome.FAILED, f"{what}: {len(found)} groups have this name; which is meant?")
    return Receipt(change, Outcome.DONE, remark, found[0])
