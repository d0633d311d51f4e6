"""Changes of who has which admin role, for the whole account or in one organizational unit.

The reference: https://developers.google.com/workspace/admin/directory/reference/rest/v1/roleAssignments
"""

from providers.google.client import DIRECTORY, GoogleClient, is_gone, segment
from providers.google.mapping import split_scoped, unit_id
from providers.google.receipts import done, gone, refused
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Receipt

_ASSIGNMENTS = f"{DIRECTORY}/customer/my_customer/roleassignments"
_NOT_FOUND = 404


class RoleWriter:
    """Performs grants and revokes of admin roles.

    Args:
        client: speaks with Google.
    """

    def __init__(self, client: GoogleClient) -> None:
        self._client = client

    async def grant(self, change: Change) -> Receipt:
        """Assign a role to a user or a group, by id; what is assigned already is not assigned again."""
        held = await self._held(change)
        if held is None:
            return gone(change, change.username or change.holder)
        if held:
            return done(change, "held already")
        role_id, unit = split_scoped(change.entitlement_id)
        body = {"roleId": role_id, "assignedTo": _assignee(change), "scopeType": "ORG_UNIT" if unit else "CUSTOMER"}
        body |= {"orgUnitId": unit} if unit else {}
        params = {"fields": "roleAssignmentId"}
        try:
            answer = await self._client.send("POST", _ASSIGNMENTS, body=body, params=params, idempotent=False)
        except TransportError as error:
            if error.landed is None and await self._held(change):
                return done(change, "the answer was lost; it was done")
            raise
        return done(change) if answer.ok else refused(change, answer)

    async def revoke(self, change: Change) -> Receipt:
        """Delete the assignments of a role to a user or a group, as many as there are."""
        held = await self._held(change)
        for assignment in held or ():
            answer = await self._client.send("DELETE", f"{_ASSIGNMENTS}/{segment(assignment)}")
            if not (answer.ok or is_gone(answer)):
                return refused(change, answer)
        return done(change, "" if held else "not held")

    async def _held(self, change: Change) -> list[str] | None:
        """Return the ids of the assignments that a change is about; None where the holder does not exist.

        Raises:
            AnswerError: they cannot be listed.
        """
        role_id, unit = split_scoped(change.entitlement_id)
        fields = "roleAssignmentId,orgUnitId,roleId,condition"
        params: dict[str, str | int] = {"userKey": _assignee(change), "maxResults": 200}
        listing = await self._client.lists.every(_ASSIGNMENTS, "items", fields, params)
        if listing.status == _NOT_FOUND:
            return None
        if not listing.complete:
            raise AnswerError(f"the roles of {change.username or change.holder}: {listing.why}", status=listing.status)
        return [
            str(each["roleAssignmentId"])
            for each in listing.items
            if str(each["roleId"]) == role_id
            and unit_id(str(each.get("orgUnitId", ""))) == unit
            and not each.get("condition")
        ]


def _assignee(change: Change) -> str:
    return change.holder_entitlement_id or change.account_id
