"""Changes of groups and their members, by the organization where there is one, else by the site."""

from typing import Any, Protocol

from providers.atlassian.client import Client
from providers.atlassian.directory import Directory
from providers.atlassian.harvest import GROUPS_PATH
from providers.atlassian.mapping import why_fixed
from providers.atlassian.settling import GONE, LOST, settle
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold, name_of
from reconciler.provider.change import Change, Operation, Outcome, Receipt


class Groups(Protocol):
    """What either API does with groups; all raise TransportError."""

    async def find(self, name: str) -> str:
        """Return the id of the group of a name, or empty."""
        ...

    async def make(self, name: str) -> str:
        """Make a group and return its id; empty where it is not told."""
        ...

    async def add(self, group: str, account: str) -> Any:
        """Add a member."""
        ...

    async def remove(self, group: str, account: str) -> Any:
        """Remove a member."""
        ...

    async def has(self, group: str, account: str) -> bool:
        """Say whether somebody is a member."""
        ...

    async def why_refused(self, group: str) -> str:
        """Say why a group's members cannot be changed, where that is known."""
        ...


class DirectoryGroups:
    """Groups by the organization (https://developer.atlassian.com/cloud/admin/organization/rest/api-group-groups/)."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def find(self, name: str) -> str:
        """See `Groups.find`."""
        listed = [each async for each in self._directory.groups(groupNames=[name])]
        return next((str(each["id"]) for each in listed if fold(str(each.get("name"))) == fold(name)), "")

    async def make(self, name: str) -> str:
        """See `Groups.make`; the organization tells no id."""
        await self._directory.client.post(await self._directory.path("groups"), {"name": name})
        return ""

    async def add(self, group: str, account: str) -> Any:
        """See `Groups.add`."""
        path = await self._directory.path("groups", group, "memberships")
        return await self._directory.client.post(path, {"accountId": account})

    async def remove(self, group: str, account: str) -> Any:
        """See `Groups.remove`."""
        return await self._directory.client.delete(await self._directory.path("groups", group, "memberships", account))

    async def has(self, group: str, account: str) -> bool:
        """See `Groups.has`."""
        found = [each async for each in self._directory.users(accountIds=[account], groupIds=[group])]
        return any(each.get("accountId") == account for each in found)

    async def why_refused(self, group: str) -> str:
        """See `Groups.why_refused`."""
        return why_fixed(await self._directory.group(group))


class SiteGroups:
    """Groups by the site (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-groups/)."""

    def __init__(self, site: Client) -> None:
        self._site = site

    async def find(self, name: str) -> str:
        """See `Groups.find`."""
        listed = [each async for each in self._site.numbered(GROUPS_PATH, groupName=name)]
        return next((str(each["groupId"]) for each in listed if fold(str(each.get("name"))) == fold(name)), "")

    async def make(self, name: str) -> str:
        """See `Groups.make`."""
        return str((await self._site.post("rest/api/3/group", {"name": name})).get("groupId") or "")

    async def add(self, group: str, account: str) -> Any:
        """See `Groups.add`."""
        return await self._site.post("rest/api/3/group/user", {"accountId": account}, groupId=group)

    async def remove(self, group: str, account: str) -> Any:
        """See `Groups.remove`."""
        return await self._site.delete("rest/api/3/group/user", groupId=group, accountId=account)

    async def has(self, group: str, account: str) -> bool:
        """See `Groups.has`."""
        try:
            listed = await self._site.listed("rest/api/3/user/groups", accountId=account)
        except AnswerError as error:
            if error.status == GONE:
                return False
            raise
        return any(each.get("groupId") == group for each in listed)

    async def why_refused(self, group: str) -> str:  # noqa: ARG002 - the organization's needs it
        """See `Groups.why_refused`; Jira does not tell who manages a group."""
        return ""


class GroupWriter:
    """Performs the changes of groups and memberships.

    Args:
        groups: the API that does them.
    """

    def __init__(self, groups: Groups) -> None:
        self._groups = groups

    async def perform(self, change: Change) -> Receipt:
        """Do one change of a group or of a membership."""
        if change.operation is Operation.CREATE_ENTITLEMENT:
            return await self._create(change)
        what = f"{change.operation} {change.username or change.holder} {change.entitlement}"
        if change.holder_entitlement_id:
            return Receipt(change, Outcome.FAILED, f"{what}: in Atlassian no group is in another one")
        if not (change.account_id and change.entitlement_id):
            return Receipt(change, Outcome.FAILED, f"{what}: there is no such account or group yet")
        return await self._change_member(change, what)

    async def _change_member(self, change: Change, what: str) -> Receipt:
        adds, groups = change.operation is Operation.GRANT, self._groups
        pair = (change.entitlement_id, change.account_id)

        async def is_true() -> bool:
            return await groups.has(*pair) is adds

        async def explain() -> str:
            return await groups.why_refused(change.entitlement_id)

        return await settle(change, what, lambda: (groups.add if adds else groups.remove)(*pair), is_true, explain)

    async def _create(self, change: Change) -> Receipt:
        """Make a group, unless one has the name."""
        name = name_of(change.entitlement)
        what = f"create {name}"
        try:
            found = await self._groups.find(name)
        except TransportError as error:
            return Receipt(change, Outcome.FAILED, f"{what}: {error.message}")
        if found:
            return Receipt(change, Outcome.DONE, "it existed already: adopted", found)
        try:
            made = await self._groups.make(name)
        except TransportError as error:
            words = f"{what}: {error.message}"
            if error.landed is False or isinstance(error, AnswerError):
                return Receipt(change, Outcome.FAILED, words)
            found = await self._look(name)
            return Receipt(change, Outcome.DONE, LOST, found) if found else Receipt(change, Outcome.UNKNOWN, words)
        return Receipt(change, Outcome.DONE, remote_id=made or await self._look(name))

    async def _look(self, name: str) -> str:
        try:
            return await self._groups.find(name)
        except TransportError:
            return ""
