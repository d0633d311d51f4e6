"""Changes of groups, of who is in them, and of who is assigned to apps.

Source: developer.okta.com, Okta Management API, "Groups", "Application Users" and "Application Groups".
"""

from dataclasses import replace
from typing import Any

from providers.okta.client import OktaClient, is_absent, refusal
from providers.okta.rules import Rules
from reconciler.errors import TransportError
from reconciler.items import name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.transport import Answer

_BAD_REQUEST = 400
_GROUPS_GRANT = "E0000046"
"""Okta's code where somebody is assigned directly and through a group, which keeps the direct one as well."""


class GroupWriter:
    """Creates and renames groups, and puts users into them.

    Args:
        client: speaks with Okta.
    """

    def __init__(self, client: OktaClient) -> None:
        self._client = client
        self._rules = Rules(client)

    async def perform(self, change: Change, what: str) -> Receipt:
        """Do one change of a group, or of who is in it."""
        match change.operation:
            case Operation.CREATE_ENTITLEMENT:
                return await self._create(change, what)
            case Operation.RENAME_ENTITLEMENT:
                return await self._rename(change, what)
        if change.holder_entitlement_id:
            return Receipt(change, Outcome.FAILED, f"{what}: groups hold no groups in Okta; write a group rule there")
        if change.operation is Operation.REVOKE and (rule := await self._rules.filling(change.entitlement_id)):
            words = f"the group rule {rule} fills this group: change the rule, or what it goes by"
            return Receipt(change, Outcome.FAILED, f"{what}: {words}; taking people out makes them exceptions of it")
        method = "PUT" if change.operation is Operation.GRANT else "DELETE"
        path = ("groups", change.entitlement_id, "users", change.account_id)
        return await _put_or_delete(self._client, change, method, path, what)

    async def _create(self, change: Change, what: str) -> Receipt:
        """Create an empty group; one of that name is adopted."""
        name = name_of(change.entitlement)
        words, landed = "", False
        try:
            answer = await self._client.send("POST", "groups", body={"profile": {"name": name}}, idempotent=False)
        except TransportError as error:
            words, landed = f"{what}: {error.message}", error.landed is not False
        else:
            if answer.ok:
                return Receipt(change, Outcome.DONE, remote_id=str(answer.decode(dict[str, Any])["id"]))
            words = refusal(answer, what)
            if answer.status != _BAD_REQUEST:
                return Receipt(change, Outcome.FAILED, words)
        try:
            found = await self._find(name)
        except TransportError:
            return Receipt(change, Outcome.UNKNOWN if landed else Outcome.FAILED, words)
        if len(found) == 1:
            return Receipt(change, Outcome.DONE, "it existed already: adopted", found[0])
        return Receipt(change, Outcome.UNKNOWN if landed else Outcome.FAILED, words)

    async def _find(self, name: str) -> list[str]:
        """Return the ids of the groups of a name that can be written; `q` finds those that begin like it."""
        found = await self._client.list_all("groups", q=name)
        return [str(one["id"]) for one in found if one.get("type") == "OKTA_GROUP" and one["profile"]["name"] == name]

    async def _rename(self, change: Change, what: str) -> Receipt:
        """Rename in place: PUT replaces the whole profile, so that the rest of it goes along."""
        name = name_of(change.entitlement)
        try:
            group = await self._client.get("groups", change.entitlement_id)
            if group is None:
                return Receipt(change, Outcome.FAILED, f"{what}: Okta has no group {change.entitlement_id}")
            if group["profile"].get("name") == name:
                return Receipt(change, Outcome.DONE, "is called so already", change.entitlement_id)
            profile = {**group["profile"], "name": name}
            answer = await self._client.send("PUT", "groups", change.entitlement_id, body={"profile": profile})
        except TransportError as error:
            return Receipt(change, _unsure(error), f"{what}: {error.message}")
        return _receipt(change, answer, what)


class AppWriter:
    """Assigns users and groups to apps.

    Args:
        client: speaks with Okta.
    """

    def __init__(self, client: OktaClient) -> None:
        self._client = client

    async def perform(self, change: Change, what: str) -> Receipt:
        """Grant or revoke an assignment of a user, or of a group."""
        if change.holder_entitlement_id:
            method = "PUT" if change.operation is Operation.GRANT else "DELETE"
            path = ("apps", change.entitlement_id, "groups", change.holder_entitlement_id)
            return await _put_or_delete(self._client, change, method, path, what)
        if change.operation is Operation.GRANT:
            return await self._assign(change, what)
        return await self._unassign(change, what)

    async def _assign(self, change: Change, what: str) -> Receipt:
        """Assign a user directly; twice is as good as once.

        Whoever is assigned through a group stays so: Okta has no API that makes it a direct assignment.
        """
        body = {"id": change.account_id, "scope": "USER"}
        try:
            answer = await self._client.send("POST", "apps", change.entitlement_id, "users", body=body, idempotent=True)
        except TransportError as error:
            return Receipt(change, _unsure(error), f"{what}: {error.message}")
        if answer.ok and answer.decode(dict[str, Any]).get("scope") == "GROUP":
            words = (
                "is assigned through a group already, and Okta turns that into a direct assignment only in its console"
            )
            return Receipt(change, Outcome.FAILED, f"{what}: {words}; grant it to the group instead")
        return _receipt(change, answer, what)

    async def _unassign(self, change: Change, what: str) -> Receipt:
        """Take a direct assignment away; one through a group is none of ours, and deleting it would lose its data."""
        path = ("apps", change.entitlement_id, "users", change.account_id)
        try:
            found = await self._client.get(*path)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if found is None:
            return Receipt(change, Outcome.DONE, "was not assigned")
        if found.get("scope") == "GROUP":
            return Receipt(change, Outcome.DONE, "is assigned through a group only")
        receipt = await _put_or_delete(self._client, change, "DELETE", path, what)
        if receipt.outcome is Outcome.FAILED and _GROUPS_GRANT in receipt.detail:
            hint = "take them out of the assigned groups first, or convert the assignment in Okta's console"
            return replace(receipt, detail=f"{receipt.detail}; {hint}")
        return receipt


async def _put_or_delete(client: OktaClient, change: Change, method: str, path: tuple[str, ...], what: str) -> Receipt:
    """Put or delete a link between two things: either may be repeated, and what is absent is gone already."""
    params = {"sendEmail": False} if (method, path[0], path[2]) == ("DELETE", "apps", "users") else None
    try:
        answer = await client.send(method, *path, params=params, body={} if _wants_body(method, path) else None)
    except TransportError as error:
        return Receipt(change, _unsure(error), f"{what}: {error.message}")
    if method == "DELETE" and is_absent(answer):
        return Receipt(change, Outcome.DONE, "not found")
    return _receipt(change, answer, what)


def _wants_body(method: str, path: tuple[str, ...]) -> bool:
    """Say whether a PUT has a body: an assignment of a group has one, with nothing that must be in it."""
    return method == "PUT" and path[0] == "apps"


def _receipt(change: Change, answer: Answer, what: str) -> Receipt:
    if answer.ok:
        return Receipt(change, Outcome.DONE)
    return Receipt(change, Outcome.FAILED, refusal(answer, what))


def _unsure(error: TransportError) -> Outcome:
    """Return how a request ended that got no answer."""
    return Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
