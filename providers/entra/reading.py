"""One read of a tenant: users with their licenses, groups with their members, directory roles and app roles.

The least number of requests: one for each 999 users, groups and applications; the pages of one delta query for the
members of all groups, in place of one request a group; one each for licenses, roles and role assignments, which have no
pages to speak of; and one for each enterprise application. A delta query that was not asked before tells everything
there is, and its last page says that it is the last
(https://learn.microsoft.com/graph/delta-query-groups: groups and members may come in parts and in any order).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from providers.entra.client import PAGE, GraphClient, is_expired, literal, part
from providers.entra.mapping import (
    APP,
    DEFAULT,
    GROUP,
    LICENSE,
    NO_ROLE,
    ROLE,
    USER_FIELDS,
    AppRole,
    licenses_of,
    name_all,
    roles_of,
    to_account,
)
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

T = TypeVar("T")
ROLES: Final = "roleManagement/directory"
EVERYWHERE: Final = "/"
_ALL_PAGES = "every page was read to the last"
_ENTERPRISE = f"tags/any(t:t eq {literal('WindowsAzureActiveDirectoryIntegratedApp')})"
_GROUP_FIELDS = "id,displayName,visibility,assignedLicenses"
_READINGS = 2
"""How often a list is read whose next page has expired."""
_HIDDEN = "HiddenMembership"
"""Groups whose members only an application with Member.Read.Hidden is shown; to any other they seem to be empty
(https://learn.microsoft.com/graph/api/group-list-members)."""


@dataclass(slots=True)
class Part(Generic[T]):
    """A list that was read, or why not."""

    items: list[T] = field(default_factory=list)
    failed: str = ""


Objects = Part[dict[str, Any]]


@dataclass(slots=True)
class _Answers:
    """Everything that a read asks for; `apps` and `assigned` (by the app's id) are empty where they are not wanted."""

    users: Objects
    groups: Objects
    members: Objects
    skus: Objects
    roles: Objects
    assignments: Objects
    apps: Objects
    assigned: dict[str, Objects]


class Reader:
    """Reads one tenant.

    Args:
        client: speaks with Graph.
        enterprise_apps: whether app roles are wanted.
    """

    def __init__(self, client: GraphClient, *, enterprise_apps: bool) -> None:
        self._client = client
        self._apps = enterprise_apps

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before = self._client.requests
        answers = await self._ask()
        if answers.users.failed and answers.groups.failed and answers.roles.failed:
            raise ProviderError(f"nothing could be read: {answers.users.failed}")
        snapshot = _Assembly(answers).assemble(apps=self._apps)
        snapshot.requests = self._client.requests - before
        return snapshot

    async def _ask(self) -> _Answers:
        users, groups, members, skus, roles, assignments, apps = await asyncio.gather(
            self._list("users", select=USER_FIELDS, top=PAGE),
            self._list("groups", select=_GROUP_FIELDS, top=PAGE),
            self._list("groups/delta", closing="@odata.deltaLink", select="members"),
            self._list("subscribedSkus", select="skuId,skuPartNumber"),
            self._list(f"{ROLES}/roleDefinitions", select="id,displayName,isEnabled"),
            self._list(f"{ROLES}/roleAssignments", select="principalId,roleDefinitionId,directoryScopeId"),
            self._enterprise_apps(),
        )
        ids = [str(app["id"]) for app in apps.items]
        return _Answers(users, groups, members, skus, roles, assignments, apps, await _each(ids, self._assigned_in))

    async def _enterprise_apps(self) -> Objects:
        if not self._apps:
            return Part()
        return await self._list("servicePrincipals", filter=_ENTERPRISE, select="id,displayName,appRoles", top=PAGE)

    async def _assigned_in(self, app: str) -> Objects:
        return await self._list(f"servicePrincipals/{part(app)}/appRoleAssignedTo", top=PAGE)

    async def _list(self, path: str, *, closing: str = "", **params: str | int) -> Objects:
        """Read a list; a failure is an incomplete part, so that one collection never stops the others."""
        found: Objects = Part()
        for _ in range(_READINGS):
            try:
                return Part([each async for each in self._client.pages(path, closing=closing, **params)])
            except TransportError as error:
                found.failed = error.message
                if not is_expired(error):
                    break
        return found


class _Assembly:
    """Puts what was answered together, each collection with its proof."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers
        self._builder = SnapshotBuilder()
        self._strangers: dict[str, int] = {}

    def assemble(self, *, apps: bool) -> Snapshot:
        """Return the snapshot."""
        answers, builder = self._answers, self._builder
        for user in answers.users.items:
            builder.account(to_account(user))
        self._conclude(ACCOUNTS, answers.users.failed)
        names = name_all((str(group["id"]), str(group.get("displayName") or "")) for group in answers.groups.items)
        for id_, name in names.items():
            builder.entitlement(LiveEntitlement(id_, f"{GROUP}:{name}"))
        self._conclude(entitlements_of(GROUP), answers.groups.failed)
        self._add_members(names)
        self._add_roles()
        self._add_licenses()
        if apps:
            self._add_apps()
        builder.snapshot.notes += [
            f"{key} is also held by {count} that {'is' if count == 1 else 'are'} neither user nor group here"
            for key, count in sorted(self._strangers.items())
        ]
        return builder.snapshot

    def _add_members(self, names: Mapping[str, str]) -> None:
        """Add who is in which group, from all parts of the delta query."""
        answers = self._answers
        members = _merge_members(answers.members.items)
        hidden = {str(group["id"]) for group in answers.groups.items if group.get("visibility") == _HIDDEN}
        unread = {
            f"{GROUP}:{names[id_]}" for id_ in names if id_ not in members or (id_ in hidden and not members[id_])
        }
        for id_, held in members.items():
            number = self._builder.entitlement_number(id_)
            if number is not None and self._add_holders(number, held):
                unread.add(self._builder.snapshot.entitlements[number].key)
        failed = answers.groups.failed or answers.members.failed
        self._conclude(grants_of(GROUP), failed, frozenset() if failed else frozenset(unread))

    def _add_roles(self) -> None:
        """Add the directory's roles, and who has them for the whole tenant."""
        answers = self._answers
        enabled = [role for role in answers.roles.items if role.get("isEnabled") is not False]
        names = name_all((str(role["id"]), str(role.get("displayName") or "")) for role in enabled)
        held: dict[str, dict[str, str]] = {id_: {} for id_ in names}
        narrow = 0
        for each in answers.assignments.items:
            if each.get("directoryScopeId") != EVERYWHERE:
                narrow += 1
            elif (role := str(each["roleDefinitionId"])) in held:
                held[role][str(each["principalId"])] = ""
        if narrow:
            self._builder.snapshot.notes.append(
                f"{narrow} role assignments for a part of the tenant are left alone: they are not read here"
            )
        self._add_kind(ROLE, names, held, answers.roles.failed, answers.assignments.failed)

    def _add_licenses(self) -> None:
        """Add the licenses, and who holds them: users themselves, or groups for their members."""
        answers = self._answers
        names = {str(sku["skuId"]): str(sku.get("skuPartNumber") or sku["skuId"]) for sku in answers.skus.items}
        held: dict[str, dict[str, str]] = {id_: {} for id_ in names}
        for user in answers.users.items:
            for sku in licenses_of(user):
                held.setdefault(sku, {})[str(user["id"])] = "user"
        for group in answers.groups.items:
            for each in group.get("assignedLicenses") or []:
                held.setdefault(str(each["skuId"]), {})[str(group["id"])] = "group"
        names |= {sku: sku for sku in held if sku not in names}
        hidden = frozenset(f"{LICENSE}:{name}" for name in names.values() if answers.groups.failed)
        self._add_kind(LICENSE, names, held, answers.skus.failed, answers.users.failed, unread=hidden)

    def _add_apps(self) -> None:
        """Add the roles of enterprise applications, and who has them."""
        answers = self._answers
        called = name_all((str(app["id"]), str(app.get("displayName") or "")) for app in answers.apps.items)
        names: dict[str, str] = {}
        held: dict[str, dict[str, str]] = {}
        unread: set[str] = set()
        for app in answers.apps.items:
            id_, assigned = str(app["id"]), answers.assigned[str(app["id"])]
            roles = roles_of(app)
            if any(each.get("appRoleId") == NO_ROLE for each in assigned.items):
                roles.setdefault(NO_ROLE, DEFAULT)
            for role, name in roles.items():
                names[AppRole(id_, role).remote_id] = f"{called[id_]}/{name}"
                if assigned.failed:
                    unread.add(f"{APP}:{called[id_]}/{name}")
            for each in assigned.items:
                holder = {str(each["principalId"]): str(each.get("principalType") or "").lower()}
                held.setdefault(AppRole(id_, str(each["appRoleId"])).remote_id, {}).update(holder)
        every = [part_.failed for part_ in answers.assigned.values()]
        holders = every[0] if every and all(every) else ""
        self._add_kind(APP, names, held, answers.apps.failed, holders, unread=frozenset(unread))

    def _add_kind(  # noqa: PLR0913 - what there is, who holds it, and what is missing of both
        self,
        kind: str,
        names: Mapping[str, str],
        held: Mapping[str, Mapping[str, str]],
        failed: str,
        holders_failed: str,
        *,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        """Add the entitlements of a kind by their ids, and their holders: id → what it is, where that is known."""
        hidden = set(unread)
        for id_, name in names.items():
            number = self._builder.entitlement(LiveEntitlement(id_, f"{kind}:{name}"))
            if self._add_holders(number, held.get(id_, {})):
                hidden.add(f"{kind}:{name}")
        self._conclude(entitlements_of(kind), failed)
        failed = failed or holders_failed
        self._conclude(grants_of(kind), failed, frozenset() if failed else frozenset(hidden))

    def _add_holders(self, number: int, holders: Mapping[str, str]) -> bool:
        """Add the holders of one entitlement; say whether some may be hidden by a list that could not be read."""
        builder, answers = self._builder, self._answers
        hidden = False
        for id_, kind in holders.items():
            account, group = builder.account_number(id_), builder.entitlement_number(id_)
            if account is not None:
                builder.grant(account, number)
            elif group is not None:
                builder.grant(-1 - group, number)
            elif _may_be_hidden(kind, answers):
                hidden = True
            else:
                key = builder.snapshot.entitlements[number].key
                self._strangers[key] = self._strangers.get(key, 0) + 1
        return hidden

    def _conclude(self, name: str, failed: str, unread: frozenset[str] = frozenset()) -> None:
        if failed:
            self._builder.incomplete(name, failed)
        else:
            self._builder.complete(name, _ALL_PAGES, unread=unread)


def _may_be_hidden(kind: str, answers: _Answers) -> bool:
    """Say whether a holder that was not found may be a user or group of a list that could not be read."""
    users = bool(answers.users.failed) and kind in ("user", "")
    return users or (bool(answers.groups.failed) and kind in ("group", ""))


def _merge_members(parts: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Return group's id → member's id → what it is, from parts that may repeat a group, without what was removed."""
    merged: dict[str, dict[str, str]] = {}
    for group in parts:
        if "@removed" in group:
            merged.pop(str(group["id"]), None)
            continue
        members = merged.setdefault(str(group["id"]), {})
        for member in group.get("members@delta") or []:
            if "@removed" in member:
                members.pop(str(member["id"]), None)
            else:
                members[str(member["id"])] = str(member.get("@odata.type") or "").rpartition(".")[2].lower()
    return merged


async def _each(keys: Sequence[str], read: Callable[[str], Awaitable[T]]) -> dict[str, T]:
    """Read something for each key, side by side; the transport bounds how many at once."""
    return dict(zip(keys, await asyncio.gather(*map(read, keys)), strict=True))
