"""Actors of project roles, put in and taken out; each ends in a receipt."""

from typing import Any

from providers.atlassian.client import Client
from providers.atlassian.mapping import ProjectRole, actors_of
from providers.atlassian.settling import GONE, settle
from reconciler.errors import AnswerError
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class RoleWriter:
    """Performs grants and revokes of project roles, for people and for groups.

    Args:
        site: speaks with the site.
    """

    def __init__(self, site: Client) -> None:
        self._site = site

    async def perform(self, change: Change) -> Receipt:
        """Do one grant or revoke; one person's or group's, never the whole list of actors.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-project-role-actors/
        """
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        role = ProjectRole.parse(change.entitlement_id)
        actor = change.account_id or change.holder_entitlement_id
        if role is None or not actor:
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such account, group or role of a project yet")
        adds, field = change.operation is Operation.GRANT, "user" if change.account_id else "groupId"

        async def send() -> dict[str, Any]:
            if adds:
                return await self._site.post(role.path, {field: [actor]})
            return await self._site.delete(role.path, **{field: actor})

        async def is_true() -> bool:
            return await self._has(role, actor) is adds

        return await settle(change, what, send, is_true)

    async def _has(self, role: ProjectRole, actor: str) -> bool:
        try:
            users, groups = actors_of(await self._site.get(role.path))
        except AnswerError as error:
            if error.status == GONE:
                return False
            raise
        return actor in users or actor in groups
