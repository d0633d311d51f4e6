"""One read of an Identity Center: people, groups, AWS accounts, permission sets, and who is assigned what.

The least number of requests: one for each 100 users, groups and permission sets and each 20 AWS accounts; one a group
for its members; one a permission set for its name; one for each permission set that is provisioned anywhere (or each
AWS account, whichever are fewer) to learn where; and one for each permission set in each account where it is. Asking by
person (`ListAccountAssignmentsForPrincipal`) would take one for each user and group, answers in the management account
only, and leaves out the assignments of people who were deleted.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from providers.aws.client import CENTER, ORGANIZATIONS, STORE, AwsClient
from providers.aws.instance import Instance, InstanceFinder
from providers.aws.mapping import ACCOUNT, GROUP, Target, name_accounts, to_account
from reconciler.errors import ProviderError, TransportError
from reconciler.items import fold
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
_ALL_PAGES = "every page was read to the last"


@dataclass(slots=True)
class Part(Generic[T]):
    """A list that was read, or why not."""

    items: list[T] = field(default_factory=list)
    failed: str = ""


@dataclass(slots=True)
class Assignments:
    """Who is assigned what.

    Attributes:
        found: target → (principal's type, principal's id) of each.
        unread: targets whose assignments could not be read.
        failed: why nothing could be read at all, or empty.
        why: the first reason for something unread.
    """

    found: dict[Target, list[tuple[str, str]]] = field(default_factory=dict)
    unread: set[Target] = field(default_factory=set)
    failed: str = ""
    why: str = ""


class Reader:
    """Reads one Identity Center.

    Args:
        client: speaks with its services.
        finder: knows its instance.
        own_username: the user that the tool acts as, or empty.
    """

    def __init__(self, client: AwsClient, finder: InstanceFinder, own_username: str) -> None:
        self._client = client
        self._finder = finder
        self._own = own_username

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before = self._client.requests
        instance = await self._finder.find()
        store = {"IdentityStoreId": instance.store}
        users, groups, accounts, sets = await asyncio.gather(
            self._list(STORE, "ListUsers", store, "Users"),
            self._list(STORE, "ListGroups", store, "Groups"),
            self._list(ORGANIZATIONS, "ListAccounts", {}, "Accounts"),
            self._list(CENTER, "ListPermissionSets", {"InstanceArn": instance.arn}, "PermissionSets"),
        )
        if all(part.failed for part in (users, groups, accounts, sets)):
            raise ProviderError(f"nothing could be read: {users.failed}")
        builder = SnapshotBuilder()
        self._add_users(builder, users)
        members, assignments, names = await asyncio.gather(
            self._members(instance, groups.items),
            self._assignments(instance, accounts, sets),
            self._names(instance, sets),
        )
        self._add_groups(builder, users, groups, members)
        self._add_assignments(builder, _Directory(users, groups), accounts, names, assignments)
        builder.snapshot.requests = self._client.requests - before
        return builder.snapshot

    async def _list(self, service: str, operation: str, body: Mapping[str, Any], key: str) -> Part[Any]:
        """Read a list; a failure is an incomplete part, so that one collection never stops the others."""
        try:
            return Part(await self._client.every(service, operation, body, key))
        except TransportError as error:
            return Part(failed=error.message)

    async def _members(self, instance: Instance, groups: Sequence[Mapping[str, Any]]) -> dict[str, Part[Any]]:
        """Read the members of each group, by its id."""

        async def read(group: str) -> Part[Any]:
            body = {"IdentityStoreId": instance.store, "GroupId": group}
            return await self._list(STORE, "ListGroupMemberships", body, "GroupMemberships")

        return await _each([str(group["GroupId"]) for group in groups], read)

    async def _names(self, instance: Instance, sets: Part[str]) -> Part[tuple[str, str]]:
        """Read the name of each permission set: lists have only their ARNs."""

        async def read(arn: str) -> Mapping[str, Any]:
            body = {"InstanceArn": instance.arn, "PermissionSetArn": arn}
            return await self._client.call(CENTER, "DescribePermissionSet", body)

        if sets.failed:
            return Part(failed=sets.failed)
        try:
            found = await _each(sets.items, read)
        except TransportError as error:
            return Part(failed=error.message)
        named = [(arn, str((answer.get("PermissionSet") or {}).get("Name") or "")) for arn, answer in found.items()]
        nameless = next((arn for arn, name in named if not name), "")
        return Part(named, f"the permission set {nameless} has no name" if nameless else "")

    async def _assignments(self, instance: Instance, accounts: Part[Any], sets: Part[str]) -> Assignments:
        """Read who is assigned each permission set in each account where it is provisioned."""

        async def read(target: Target) -> Part[Any]:
            body = {"InstanceArn": instance.arn, "AccountId": target.account, "PermissionSetArn": target.permission_set}
            return await self._list(CENTER, "ListAccountAssignments", body, "AccountAssignments")

        targets = await self._targets(instance, accounts, sets)
        if targets.failed:
            return Assignments(failed=targets.failed)
        parts = await _each(targets.items, read)
        found = Assignments()
        for target, part in parts.items():
            found.found[target] = [(str(each["PrincipalType"]), str(each["PrincipalId"])) for each in part.items]
            if part.failed:
                found.unread.add(target)
                found.why = found.why or part.failed
        if parts and len(found.unread) == len(parts):
            found.failed = found.why
        return found

    async def _targets(self, instance: Instance, accounts: Part[Any], sets: Part[str]) -> Part[Target]:
        """Find where permission sets are provisioned: an assignment provisions its set."""
        if sets.failed:
            return Part(failed=sets.failed)
        if accounts.failed or len(sets.items) <= len(accounts.items):
            parts = await _each(sets.items, partial(self._accounts_of, instance))
            targets = [Target(account, arn) for arn, part in parts.items() for account in part.items]
        else:
            parts = await _each([str(each["Id"]) for each in accounts.items], partial(self._sets_of, instance))
            targets = [Target(account, arn) for account, part in parts.items() for arn in part.items]
        return Part(targets, next((part.failed for part in parts.values() if part.failed), ""))

    async def _accounts_of(self, instance: Instance, permission_set: str) -> Part[str]:
        body = {"InstanceArn": instance.arn, "PermissionSetArn": permission_set}
        return await self._list(CENTER, "ListAccountsForProvisionedPermissionSet", body, "AccountIds")

    async def _sets_of(self, instance: Instance, account: str) -> Part[str]:
        body = {"InstanceArn": instance.arn, "AccountId": account}
        return await self._list(CENTER, "ListPermissionSetsProvisionedToAccount", body, "PermissionSets")

    def _add_users(self, builder: SnapshotBuilder, users: Part[Any]) -> None:
        for user in users.items:
            account = to_account(user)
            builder.account(account)
            if self._own and fold(account.username) == fold(self._own):
                builder.snapshot.own_account = account.remote_id
        _conclude(builder, ACCOUNTS, users.failed)

    def _add_groups(
        self, builder: SnapshotBuilder, users: Part[Any], groups: Part[Any], members: Mapping[str, Part[Any]]
    ) -> None:
        keys = {str(group["GroupId"]): f"{GROUP}:{group.get('DisplayName') or ''}" for group in groups.items}
        for remote_id, key in keys.items():
            builder.entitlement(LiveEntitlement(remote_id, key))
        _conclude(builder, entitlements_of(GROUP), groups.failed)
        unread: set[str] = set()
        for remote_id, part in members.items():
            number, strangers = builder.entitlement_number(remote_id), False
            for member in part.items:
                holder = builder.account_number(str((member.get("MemberId") or {}).get("UserId") or ""))
                strangers = strangers or holder is None
                if holder is not None and number is not None:
                    builder.grant(holder, number)
            if part.failed or (strangers and users.failed):
                unread.add(keys[remote_id])
            elif strangers:
                builder.snapshot.notes.append(f"{keys[remote_id]} has members who are not among the users")
        why = groups.failed or next((part.failed for part in members.values() if part.failed), "")
        all_failed = bool(members) and all(part.failed for part in members.values())
        _conclude(builder, grants_of(GROUP), why if groups.failed or all_failed else "", frozenset(unread))

    def _add_assignments(
        self,
        builder: SnapshotBuilder,
        directory: "_Directory",
        accounts: Part[Any],
        sets: Part[tuple[str, str]],
        assignments: Assignments,
    ) -> None:
        """Add each permission set in each account as an entitlement, and the assignments as grants."""
        called = name_accounts(accounts.items)
        gone = {target.account for target in assignments.found} - called.keys()
        called |= {number: number for number in gone}
        names = dict(sets.items)
        for number, account in called.items():
            for arn, name in names.items():
                builder.entitlement(LiveEntitlement(Target(number, arn).remote_id, f"{ACCOUNT}:{account}/{name}"))
        if gone and not accounts.failed:
            builder.snapshot.notes.append(f"assigned in accounts that the organization does not list: {_some(gone)}")
        failed = accounts.failed or sets.failed
        _conclude(builder, entitlements_of(ACCOUNT), failed)
        unread = {f"{ACCOUNT}:{called[t.account]}/{names.get(t.permission_set, '')}" for t in assignments.unread}
        for target, principals in assignments.found.items():
            granted = builder.entitlement_number(target.remote_id)
            if granted is not None and _add_holders(builder, directory, granted, principals):
                unread.add(builder.snapshot.entitlements[granted].key)
        _conclude(builder, grants_of(ACCOUNT), failed or assignments.failed, frozenset(unread))


@dataclass(frozen=True, slots=True)
class _Directory:
    """The users and groups that were read, to tell an unknown principal from one that was deleted."""

    users: Part[Any]
    groups: Part[Any]


def _add_holders(
    builder: SnapshotBuilder, directory: _Directory, number: int, principals: Iterable[tuple[str, str]]
) -> bool:
    """Add the holders of one entitlement; say whether some may be hidden by a list that could not be read."""
    hidden = False
    for kind, principal in dict.fromkeys(principals):
        if kind == "GROUP":
            group = builder.entitlement_number(principal)
            holder = None if group is None else -1 - group
        else:
            holder = builder.account_number(principal)
        if holder is not None:
            builder.grant(holder, number)
        elif directory.groups.failed if kind == "GROUP" else directory.users.failed:
            hidden = True
        else:
            key = builder.snapshot.entitlements[number].key
            builder.snapshot.notes.append(f"{key} is still assigned to a deleted {kind.lower()}, {principal}")
    return hidden


async def _each(keys: Iterable[K], read: Callable[[K], Awaitable[V]]) -> dict[K, V]:
    """Read something for each key, side by side; the transport bounds how many at once."""
    asked = list(dict.fromkeys(keys))
    return dict(zip(asked, await asyncio.gather(*map(read, asked)), strict=True))


def _some(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")  # noqa: PLR2004


def _conclude(builder: SnapshotBuilder, name: str, failed: str, unread: frozenset[str] = frozenset()) -> None:
    if failed:
        builder.incomplete(name, failed)
    else:
        builder.complete(name, _ALL_PAGES, unread=unread)
