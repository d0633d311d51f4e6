"""One read of a whole Google Workspace account, each collection with its proof."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from providers.google.access import AccessReader
from providers.google.client import DIRECTORY, GoogleClient, segment
from providers.google.config import GoogleConfig
from providers.google.listing import Arrived, Listing
from providers.google.mapping import GROUP_FIELDS, USER_FIELDS, Addresses, domains_of, level_of, outsider, to_account
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

MOST_USERS, MOST_GROUPS, MOST_MEMBERS = 500, 200, 200
"""The largest pages that the reference allows."""

_FORBIDDEN, _NOT_FOUND = 403, 404
_NOT_WANTED = Listing([], complete=True, why="not wanted")
GROUP = "group"


class Reader:
    """Reads one Google Workspace account.

    Args:
        client: speaks with Google.
        config: what is wanted of it.
        addresses: names of users and groups.
    """

    def __init__(self, client: GoogleClient, config: GoogleConfig, addresses: Addresses) -> None:
        self._client = client
        self._config = config
        self._addresses = addresses
        self._lists = client.together()
        self._access = AccessReader(self._lists, config)

    async def read(self) -> Snapshot:
        """Read users, groups with their members, admin roles, licences and OAuth grants, as far as they are wanted.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before = self._client.requests
        users, (groups, members), roles = await asyncio.gather(
            self._list_users(), self._list_groups_and_members(), self._access.list_roles()
        )
        if not any(each.items or each.complete for each in (users, groups) if each is not _NOT_WANTED):
            raise ProviderError(f"nothing could be read: {users.why}", hint=users.hint)
        builder = SnapshotBuilder()
        self._add_users(builder, users)
        if self._config.groups:
            self._add_groups(builder, groups, members, domains_of(users.items, groups.items))
        if self._config.roles:
            self._access.add_roles(builder, roles)
        if self._config.licenses:
            await self._access.add_licenses(builder, users)
        if self._config.oauth_grants:
            await self._access.add_oauth_grants(builder, users)
        builder.snapshot.requests = self._client.requests - before
        return builder.snapshot

    async def _list_users(self) -> Listing:
        params: dict[str, str | int] = {"customer": "my_customer", "maxResults": MOST_USERS, "orderBy": "email"}
        users = await self._lists.every(f"{DIRECTORY}/users", "users", USER_FIELDS, params)
        return await self._with_new(users, "users", USER_FIELDS)

    async def _list_groups_and_members(self) -> tuple[Listing, list[Listing]]:
        """List the groups, and the members of each as soon as there is one: nobody waits for the users meanwhile."""
        if not self._config.groups:
            return _NOT_WANTED, []
        running: dict[str, asyncio.Task[Listing]] = {}

        def begin(page: Sequence[Mapping[str, Any]]) -> None:
            for remote_id in (str(group["id"]) for group in page):
                if remote_id not in running:
                    running[remote_id] = asyncio.create_task(self._list_members(remote_id))

        try:
            groups = await self._list_groups(begin)
            begin(groups.items)
            return groups, await asyncio.gather(*(running[str(group["id"])] for group in groups.items))
        finally:
            for task in running.values():
                task.cancel()

    async def _list_groups(self, arrived: Arrived) -> Listing:
        params: dict[str, str | int] = {"customer": "my_customer", "maxResults": MOST_GROUPS, "orderBy": "email"}
        groups = await self._lists.every(f"{DIRECTORY}/groups", "groups", GROUP_FIELDS, params, arrived)
        return await self._with_new(groups, "groups", GROUP_FIELDS)

    async def _with_new(self, listing: Listing, collection: str, fields: str) -> Listing:
        """Add what this provider made a moment ago and the list does not show yet."""
        listed = {str(each["id"]) for each in listing.items}
        for remote_id in sorted(self._client.made[collection] - listed):
            try:
                found = await self._client.get(f"{DIRECTORY}/{collection}/{segment(remote_id)}", fields)
            except TransportError as error:
                return Listing(listing.items, complete=False, why=error.message)
            listing.items.extend([found] if found else [])
        return listing

    def _add_users(self, builder: SnapshotBuilder, users: Listing) -> None:
        for user in users.items:
            builder.account(to_account(user, self._addresses, self._config.external_id_type))
            if fold(self._config.subject) in {fold(str(each)) for each in _addresses_of(user)}:
                builder.snapshot.own_account = str(user["id"])
        conclude(builder, ACCOUNTS, users)

    def _add_groups(
        self, builder: SnapshotBuilder, groups: Listing, listings: Sequence[Listing], domains: set[str]
    ) -> None:
        there = [(g, m) for g, m in zip(groups.items, listings, strict=True) if m.status != _NOT_FOUND]
        for group, _ in there:
            builder.entitlement(self._entitlement(group))
        conclude(builder, entitlements_of(GROUP), groups)
        unread: set[str] = set()
        failed = ""
        for group, members in there:
            key = self._key(group)
            if members.complete:
                strangers = self._add_members(builder, group, members.items, domains)
                unread |= {key} if strangers else set()
            else:
                builder.snapshot.notes.append(f"{key}: {members.why}")
                unread.add(key)
                failed = failed if members.status == _FORBIDDEN else members.why
        self._conclude_members(builder, groups, [members for _, members in there], failed, unread)

    def _conclude_members(
        self, builder: SnapshotBuilder, groups: Listing, members: Sequence[Listing], failed: str, unread: set[str]
    ) -> None:
        """Say whether the memberships are whole: one group that may not be read is named, all of them are a refusal."""
        collection, accounts = grants_of(GROUP), builder.snapshot.collections[ACCOUNTS]
        if members and not any(each.complete for each in members):
            failed = members[0].why
        if not accounts.complete:
            failed = f"members cannot be told from outsiders: {accounts.why}"
        if failed or not groups.complete:
            builder.incomplete(collection, failed or groups.why)
        else:
            builder.complete(collection, f"the members of each of {len(members)} groups", unread=frozenset(unread))

    async def _list_members(self, group_id: str) -> Listing:
        params = {"maxResults": MOST_MEMBERS}
        path = f"{DIRECTORY}/groups/{segment(group_id)}/members"
        return await self._lists.every(path, "members", "id,email,role,type", params)

    def _add_members(
        self, builder: SnapshotBuilder, group: Mapping[str, Any], members: Sequence[Mapping[str, Any]], own: set[str]
    ) -> bool:
        """Add who is in a group; return whether somebody is that no list shows (yet), so that it counts as unread."""
        number, key = builder.entitlement_number(str(group["id"])), self._key(group)
        strangers = False
        for member in members:
            holder = _holder(builder, member, own)
            if holder is not None and number is not None:
                builder.grant(holder, number, level_of(member))
            elif member.get("type") == "CUSTOMER":
                builder.snapshot.notes.append(f"{key}: everybody in the organization is a member")
            else:
                who = member.get("email") or member.get("id")
                builder.snapshot.notes.append(f"{key}: {who} is a member, and in no list of users or groups")
                strangers = True
        return strangers

    def _key(self, group: Mapping[str, Any]) -> str:
        return f"{GROUP}:{self._addresses.name(str(group['email']))}"

    def _entitlement(self, group: Mapping[str, Any]) -> LiveEntitlement:
        attributes = {name: group[name] for name in ("name", "description") if group.get(name)}
        return LiveEntitlement(str(group["id"]), self._key(group), attributes)


def _addresses_of(user: Mapping[str, Any]) -> list[str]:
    return [user.get("primaryEmail", ""), *user.get("aliases", ())]


def _holder(builder: SnapshotBuilder, member: Mapping[str, Any], own: set[str]) -> int | None:
    """Return the number of a member: a user's, `-1 -` a group's, or an outsider's; None for whom nothing shows."""
    email, remote_id = str(member.get("email", "")), str(member.get("id", ""))
    account = builder.account_number(remote_id)
    if account is not None:
        return account
    entitlement = builder.entitlement_number(remote_id)
    if entitlement is not None:
        return -1 - entitlement
    outside = bool(email) and fold(email).partition("@")[2] not in own
    if not outside:
        return None
    found = outsider(email)
    known = builder.account_number(found.remote_id)
    return builder.account(found) if known is None else known


def conclude(builder: SnapshotBuilder, collection: str, listing: Listing) -> None:
    """Say whether a collection is whole, as its list was; one element twice means that the pages moved meanwhile."""
    ids = [str(each.get("id")) for each in listing.items]
    if not listing.complete:
        builder.incomplete(collection, listing.why)
    elif len(set(ids)) < len(ids):
        builder.incomplete(collection, f"{len(ids) - len(set(ids))} came twice: it changed while it was read")
    else:
        builder.complete(collection, listing.why)
