"""One read of a whole server: users and groups side by side, each collection with its proof."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from providers.scim.client import ScimClient
from providers.scim.config import ScimConfig, ValueKind
from providers.scim.lookup import Lookup
from providers.scim.mapping import read, to_account
from providers.scim.members import MemberReader, Memberships
from providers.scim.paths import NameTable, elements, find
from providers.scim.proof import Listing
from providers.scim.resources import Group, User, parse_json, parse_user
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)


class Reader:
    """Reads one server.

    Args:
        client: speaks with it.
        lookup: reads its lists.
        config: what is wanted of it.
        names: what users call its attributes.
    """

    def __init__(self, client: ScimClient, lookup: Lookup, config: ScimConfig, names: NameTable) -> None:
        self._client = client
        self._lookup = lookup
        self._config = config
        self._names = names
        self._dialect = client.dialect

    async def read(self) -> Snapshot:
        """Read accounts, entitlements and grants.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before = self._client.requests
        listed_users, listed_groups = await asyncio.gather(self._list_users(), self._list_groups())
        if not any(listing.resources or listing.complete for listing in (listed_users, listed_groups)):
            raise ProviderError(f"nothing could be read: {listed_users.why}")
        builder = SnapshotBuilder()
        users = self._add_users(builder, listed_users)
        if self._config.groups:
            await self._add_groups(builder, listed_groups, users)
        for kind, rule in self._config.value_kinds.items():
            await self._add_values(builder, kind, rule, users)
        builder.snapshot.own_account = await self._own_account(users)
        builder.snapshot.notes.extend(self._dialect.notes)
        builder.snapshot.requests = self._client.requests - before
        return builder.snapshot

    async def _list_users(self) -> Listing[User]:
        """Read the users; a failure is an incomplete list, so that one collection never stops the other."""
        try:
            listing = await self._lookup.every_user(**self._projection("Users"))
        except TransportError as error:
            return Listing([], complete=False, why=error.message)
        made_up = next((user.username for user in listing.resources if user.username in self._dialect.samples), "")
        return _made_up(made_up, "users") if made_up else listing

    async def _list_groups(self) -> Listing[Group]:
        """Read the groups, as the users."""
        if not self._config.groups:
            return Listing([], complete=False, why="groups are not wanted")
        try:
            listing = await self._lookup.every_group(**self._projection("Groups"))
        except TransportError as error:
            return Listing([], complete=False, why=error.message)
        made_up = next((group.name for group in listing.resources if group.name in self._dialect.samples), "")
        return _made_up(made_up, "groups") if made_up else listing

    def _projection(self, collection: str) -> dict[str, str]:
        """Leave out what is not needed, where the server is trusted to leave out only that."""
        if not self._dialect.projection:
            return {}
        if collection == "Users":
            return {"excludedAttributes": "groups"}
        return {} if self._dialect.members in {"auto", "listed"} else {"excludedAttributes": "members"}

    def _add_users(self, builder: SnapshotBuilder, listing: Listing[User]) -> Sequence[User]:
        for user in listing.resources:
            builder.account(to_account(user, self._names))
        _conclude(builder, ACCOUNTS, listing.complete, listing.why)
        return listing.resources

    async def _add_groups(self, builder: SnapshotBuilder, listing: Listing[Group], users: Sequence[User]) -> None:
        """Add groups as entitlements and memberships as grants."""
        kind = self._config.groups
        groups = listing.resources
        nameless = sum(not group.name for group in groups)
        listed = listing.complete and not nameless
        _conclude(builder, entitlements_of(kind), listed, f"{nameless} without a name" if nameless else listing.why)
        for group in groups:
            builder.entitlement(LiveEntitlement(group.id, f"{kind}:{group.name}", version=group.version))
        try:
            known = await MemberReader(self._client, self._lookup).read(groups, users)
        except TransportError as error:
            known = Memberships([], complete=False, why=error.message)
        self._add_memberships(builder, known, complete=listing.complete and known.complete, listed=listing.why)

    def _add_memberships(self, builder: SnapshotBuilder, known: Memberships, *, complete: bool, listed: str) -> None:
        kind, strangers = self._config.groups, 0
        for group in known.groups:
            number = builder.entitlement_number(group.id)
            for member in group.members or () if number is not None else ():
                holder = _holder(builder, member.id, member.group)
                if holder is None:
                    strangers += 1
                elif number is not None:
                    builder.grant(holder, number)
        accounts = builder.snapshot.collections[ACCOUNTS]
        if strangers:
            builder.snapshot.notes.append(f"{strangers} members of groups are neither listed users nor groups")
        why = known.why if complete or not known.complete else listed
        if strangers and not accounts.complete:
            complete, why = False, f"{strangers} members are not among the users that could be read"
        twice = _twice(group.name for group in known.groups)
        builder.snapshot.notes.extend(f"several groups are called {name}" for name in sorted(twice))
        unread = {f"{kind}:{each.name}" for each in known.groups if each.id in known.unread or each.name in twice}
        builder.snapshot.notes.extend(known.notes)
        _conclude(builder, grants_of(kind), complete, why, frozenset(unread))

    async def _add_values(self, builder: SnapshotBuilder, kind: str, rule: ValueKind, users: Sequence[User]) -> None:
        """Add the values of an attribute as entitlements, and who has them as grants."""
        values = dict.fromkeys(rule.values)
        held = [(user, self.values_of(user, rule)) for user in users]
        values |= dict.fromkeys(value for _, some in held for value in some)
        complete, why = await self._add_catalogue(rule, values)
        for value in values:
            builder.entitlement(LiveEntitlement(f"{kind}:{value}", f"{kind}:{value}"))
        accounts = builder.snapshot.collections[ACCOUNTS]
        _conclude(builder, entitlements_of(kind), accounts.complete and complete, why if not complete else accounts.why)
        for user, some in held:
            holder = builder.account_number(user.id)
            for value in some:
                number = builder.entitlement_number(f"{kind}:{value}")
                if holder is not None and number is not None:
                    builder.grant(holder, number)
        _conclude(builder, grants_of(kind), accounts.complete, accounts.why)

    def values_of(self, user: User, rule: ValueKind) -> list[str]:
        """Return the values of an attribute that an account has, as far as they belong to the kind."""
        resource = parse_json(user.raw, f"user {user.id}")
        path = self._names.path(rule.attribute)
        return list(dict.fromkeys(value for _, value in typed_values(read(resource, path), rule)))

    async def _add_catalogue(self, rule: ValueKind, values: dict[str, Any]) -> tuple[bool, str]:
        """Add what the server lists of a kind, if it does."""
        if not rule.catalogue:
            return True, "the values that accounts have"
        try:
            listing = await self._lookup.every_thing(rule.catalogue)
        except TransportError as error:
            return False, error.message
        for thing in listing.resources:
            resource = parse_json(thing.raw, rule.catalogue)
            of_type = not rule.type or str(find(resource, "type")).lower() == rule.type.lower()
            if of_type:
                values.setdefault(str(find(resource, "value") or find(resource, "id")))
        if rule.catalogue_cap and len(listing.resources) >= rule.catalogue_cap:
            return False, f"{rule.catalogue} lists only {rule.catalogue_cap}"
        return listing.complete, listing.why

    async def _own_account(self, users: Sequence[User]) -> str:
        """Return the id of the account that the tool acts as, as far as that is known."""
        name = self._config.own_username
        own = next((user.id for user in users if name and self._lookup.same_username(user.username, name)), "")
        if own or not self._config.ask_me:
            return own
        try:
            answer = await self._client.send("GET", "Me")
        except TransportError:
            return ""
        return parse_user(answer.content).id if answer.ok else ""


def _made_up(name: str, what: str) -> Listing[Any]:
    """Refuse a list that holds what the server makes up: it is not the real one."""
    return Listing([], complete=False, why=f"the server lists {name}, which it makes up, instead of its {what}")


def typed_values(value: Any, rule: ValueKind) -> Iterable[tuple[dict[str, Any], str]]:
    """Yield the elements of an attribute that belong to a kind, with their values."""
    for element in elements(value):
        found = find(element, "value")
        matches = not rule.type or str(find(element, "type")).lower() == rule.type.lower()
        if matches and found is not None and found != "":
            yield element, str(found)


def _holder(builder: SnapshotBuilder, remote_id: str, is_group: bool | None) -> int | None:
    """Return the number of a member: an account's, or `-1 -` a group's; None where it is neither."""
    account = None if is_group else builder.account_number(remote_id)
    if account is not None:
        return account
    entitlement = None if is_group is False else builder.entitlement_number(remote_id)
    return None if entitlement is None else -1 - entitlement


def _twice(names: Iterable[str]) -> set[str]:
    """Return the names that occur more than once."""
    return {name for name, times in Counter(names).items() if times > 1}


def _conclude(
    builder: SnapshotBuilder, collection: str, complete: bool, why: str, unread: frozenset[str] = frozenset()
) -> None:
    if complete:
        builder.complete(collection, why, unread=unread)
    else:
        builder.incomplete(collection, why)
