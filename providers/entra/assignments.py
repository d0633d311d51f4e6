"""Directory roles, app roles and licenses, given and taken away; each ends in a receipt."""

from typing import Any

from providers.entra.client import PAGE, GraphClient, literal, part
from providers.entra.mapping import APP, LICENSE, AppRole, licenses_of
from providers.entra.reading import EVERYWHERE, ROLES
from providers.entra.settling import ALREADY, GONE, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class AssignmentWriter:
    """Performs grants and revokes of roles, app roles and licenses, for users and for groups.

    Args:
        client: speaks with Graph.
    """

    def __init__(self, client: GraphClient) -> None:
        self._client = client

    async def perform(self, change: Change) -> Receipt:
        """Do one grant or revoke."""
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        principal = change.account_id or change.holder_entitlement_id
        if not (principal and change.entitlement_id):
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such user, group, role, app or license yet")
        if change.kind == LICENSE:
            return await self._license(change, what, principal)
        if change.kind == APP and AppRole.parse(change.entitlement_id) is None:
            return Receipt(change, Outcome.FAILED, f"{what}: {change.entitlement_id} is no role of an application")
        if change.operation is Operation.GRANT:
            return await self._assign(change, what, principal)
        return await self._unassign(change, what, principal)

    async def _assign(self, change: Change, what: str, principal: str) -> Receipt:
        """Assign a role; Graph refuses a second assignment of the same.

        Sources: https://learn.microsoft.com/graph/api/rbacapplication-post-roleassignments and
        serviceprincipal-post-approleassignedto
        """
        role = AppRole.parse(change.entitlement_id) if change.kind == APP else None

        async def send() -> dict[str, Any]:
            if role is None:
                body = {"roleDefinitionId": change.entitlement_id, "directoryScopeId": EVERYWHERE}
                return await self._client.post(f"{ROLES}/roleAssignments", body | {"principalId": principal})
            body = {"principalId": principal, "resourceId": role.app, "appRoleId": role.role}
            return await self._client.post(f"servicePrincipals/{part(role.app)}/appRoleAssignedTo", body)

        async def is_true() -> bool:
            return bool(await self._find(change, principal))

        return await settle(change, what, send, is_true)

    async def _unassign(self, change: Change, what: str, principal: str) -> Receipt:
        """Take a role away, by the id that its assignment has."""
        try:
            path = await self._find(change, principal)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if not path:
            return Receipt(change, Outcome.DONE, ALREADY, change.account_id)

        async def send() -> dict[str, Any]:
            return await self._client.delete(path)

        async def is_true() -> bool:
            return not await self._find(change, principal)

        return await settle(change, what, send, is_true)

    async def _find(self, change: Change, principal: str) -> str:
        """Return the path of the assignment that a change is about, or empty."""
        role = AppRole.parse(change.entitlement_id) if change.kind == APP else None
        if role is None:
            asked = f"principalId eq {literal(principal)} and roleDefinitionId eq {literal(change.entitlement_id)}"
            found = await self._client.every(f"{ROLES}/roleAssignments", filter=asked)
            ids = [str(each["id"]) for each in found if each.get("directoryScopeId") == EVERYWHERE]
            return f"{ROLES}/roleAssignments/{part(ids[0])}" if ids else ""
        below = f"servicePrincipals/{part(role.app)}/appRoleAssignedTo"
        try:
            listed = await self._client.every(below, top=PAGE)
        except AnswerError as error:
            if error.status == GONE:
                return ""
            raise
        wanted = (principal, role.role)
        ids = [str(each["id"]) for each in listed if (each.get("principalId"), each.get("appRoleId")) == wanted]
        return f"{below}/{part(ids[0])}" if ids else ""

    async def _license(self, change: Change, what: str, principal: str) -> Receipt:
        """Give a license or take it away; a user needs a `usageLocation` first, and Graph's own words say so.

        Sources: https://learn.microsoft.com/graph/api/user-assignlicense and group-assignlicense
        """
        sku, adds = change.entitlement_id, change.operation is Operation.GRANT
        owner = f"{'users' if change.account_id else 'groups'}/{part(principal)}"
        given: list[dict[str, Any]] = [{"skuId": sku, "disabledPlans": []}] if adds else []

        async def held() -> bool:
            if change.account_id:
                return sku in licenses_of(await self._client.get(owner, select="licenseAssignmentStates"))
            found = await self._client.get(owner, select="assignedLicenses")
            return any(each.get("skuId") == sku for each in found.get("assignedLicenses") or [])

        async def send() -> dict[str, Any]:
            body = {"addLicenses": given, "removeLicenses": [] if adds else [sku]}
            return await self._client.post(f"{owner}/assignLicense", body)

        async def is_true() -> bool:
            try:
                return await held() is adds
            except AnswerError as error:
                return error.status == GONE and not adds

        return await settle(change, what, send, is_true)
