"""One read of a workspace: people, user groups, channels, and who is in them.

The least number of requests: one to learn which workspace it is; one for each 999 people and each 999 channels; one for
all user groups with their members; and one a channel (more where it has more than 999 members), or one a person, by
`users.conversations`, where there are that much fewer people than channels.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from providers.slack.client import SlackClient, listed
from providers.slack.config import SlackConfig
from providers.slack.mapping import (
    ADMIN,
    CHANNEL,
    GUEST,
    OWNER,
    PRIVATE,
    ROLE,
    USERGROUP,
    WORKSPACE,
    Workspace,
    guest_level,
    is_disabled,
    role_of,
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
V = TypeVar("V")
_ALL_PAGES = "every page was read to the last"
_WORTH = 1.3
"""How many times as many channels as people make it worth asking by person, which Slack lets be done half as fast."""


@dataclass(slots=True)
class Part(Generic[T]):
    """A list that was read, or why not."""

    items: list[T] = field(default_factory=list)
    failed: str = ""


@dataclass(slots=True)
class Members:
    """Who is in channels.

    Attributes:
        found: channel → users.
        unread: channels of which it is not known.
        failed: why nothing could be read at all, or empty.
    """

    found: dict[str, list[str]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    failed: str = ""


class Reader:
    """Reads one workspace.

    Args:
        client: speaks with it.
        config: says which private channels are managed.
    """

    def __init__(self, client: SlackClient, config: SlackConfig) -> None:
        self._client = client
        self._config = config
        self._workspace: Workspace | None = None

    async def workspace(self) -> Workspace:
        """Return which workspace it is, asked once.

        Raises:
            ProviderError: the token is not accepted, or is one of an organization and no workspace was chosen.
        """
        if self._workspace is None:
            said = await self._client.call("auth.test")
            if said.get("is_enterprise_install") and not self._config.team:
                hint = "name the workspace as `team: T…`"
                raise ProviderError("slack: the token is one of a whole organization", hint=hint)
            team = self._config.team or str(said.get("team_id") or "")
            self._workspace = Workspace(team, str(said.get("user_id") or ""))
        return self._workspace

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before, workspace = self._client.requests, await self.workspace()
        users, groups, public, private = await asyncio.gather(
            self._list("users.list", "members"), self._usergroups(), self._channels(CHANNEL), self._channels(PRIVATE)
        )
        users.items = [each for each in users.items if workspace.owns(each)]
        kinds = {CHANNEL: public, PRIVATE: private} if self._config.private_channels else {CHANNEL: public}
        members = {kind: await self._members(kind, part, users) for kind, part in kinds.items()}
        builder = SnapshotBuilder()
        _add_people(builder, users, workspace)
        _add_groups(builder, users, groups)
        for kind, part in kinds.items():
            _add_channels(builder, kind, users, part, members[kind])
        builder.snapshot.requests = self._client.requests - before
        return builder.snapshot

    async def _list(self, method: str, key: str, **arguments: str | int | bool) -> Part[Any]:
        """Read a list; a failure is an incomplete part, so that one collection never stops the others."""
        try:
            return Part(await self._client.every(method, key, self._client.in_team(**arguments)))
        except TransportError as error:
            return Part(failed=error.message)

    async def _usergroups(self) -> Part[Any]:
        """Read all user groups with their members: one request, without pages."""
        asked = self._client.in_team(include_users=True, include_disabled=True)
        try:
            found = listed("usergroups.list", await self._client.call("usergroups.list", asked), "usergroups")
        except TransportError as error:
            return Part(failed=error.message)
        return Part([group for group in found if not group.get("is_external")])

    async def _channels(self, kind: str) -> Part[Any]:
        """Read the channels of a kind that are in use; of private ones, those that are managed, each or it is told."""
        managed = self._config.private_channels
        if kind == PRIVATE and not managed:
            return Part()
        types = "public_channel" if kind == CHANNEL else "private_channel"
        part = await self._list("conversations.list", "channels", types=types, exclude_archived=True)
        if kind == CHANNEL:
            # everybody is in #general and cannot leave: that follows from being a member, and is no grant
            return Part([each for each in part.items if not each.get("is_general")], part.failed)
        seen = {str(each["id"]) for each in part.items}
        hidden = ", ".join(each for each in managed if each not in seen)
        why = f"not shown to the tool's user: {hidden}; invite it there, or take archived ones off the list"
        return Part([each for each in part.items if each["id"] in managed], part.failed or (why if hidden else ""))

    async def _members(self, kind: str, channels: Part[Any], users: Part[Any]) -> Members:
        """Read who is in the channels of a kind: by channel, or by person where that takes far fewer requests."""
        ids = [str(each["id"]) for each in channels.items]
        people = [str(each["id"]) for each in users.items if not each.get("deleted")]
        if kind == CHANNEL and not (users.failed or channels.failed) and len(ids) > _WORTH * len(people):
            return await self._members_by_person(ids, people)

        async def read(channel: str) -> Part[Any]:
            try:
                return Part(await self._client.every("conversations.members", "members", {"channel": channel}))
            except TransportError as error:
                return Part(failed=error.message)

        parts = await _each(ids, read)
        found = Members({channel: list(map(str, part.items)) for channel, part in parts.items()})
        found.unread = {channel for channel, part in parts.items() if part.failed}
        if parts and len(found.unread) == len(parts):
            found.failed = next(part.failed for part in parts.values())
        return found

    async def _members_by_person(self, channels: Iterable[str], people: Sequence[str]) -> Members:
        """Read the channels of each person; one that cannot be read leaves everything open."""

        async def read(user: str) -> Part[Any]:
            return await self._list(
                "users.conversations", "channels", user=user, types="public_channel", exclude_archived=True
            )

        found = Members({channel: [] for channel in channels})
        for user, part in (await _each(people, read)).items():
            found.failed = found.failed or part.failed
            for channel in part.items:
                if channel["id"] in found.found:
                    found.found[channel["id"]].append(user)
        return found


def _add_people(builder: SnapshotBuilder, users: Part[Any], workspace: Workspace) -> None:
    """Add everybody, and what follows from how they are listed: who administers, and who is a guest."""
    numbers = {
        key: builder.entitlement(LiveEntitlement(key.partition(":")[2], key))
        for key in (f"{ROLE}:{ADMIN}", f"{ROLE}:{OWNER}", f"{GUEST}:{WORKSPACE}")
    }
    for user in users.items:
        account = builder.account(to_account(user))
        if user["id"] == workspace.user:
            builder.snapshot.own_account = workspace.user
        if role := role_of(user):
            builder.grant(account, numbers[f"{ROLE}:{role}"])
        if level := guest_level(user):
            builder.grant(account, numbers[f"{GUEST}:{WORKSPACE}"], level)
    _conclude(builder, ACCOUNTS, users.failed)
    for kind in (ROLE, GUEST):
        _conclude(builder, entitlements_of(kind), users.failed, "Slack's own")
        _conclude(builder, grants_of(kind), users.failed)
    if users.items and not any((user.get("profile") or {}).get("email") for user in users.items):
        builder.snapshot.notes.append("Slack shows nobody's email: does the token have the scope users:read.email?")


def _add_groups(builder: SnapshotBuilder, users: Part[Any], groups: Part[Any]) -> None:
    """Add the user groups and their members; a disabled group is there, and in use for nobody."""
    unread: set[str] = set()
    for group in groups.items:
        key = f"{USERGROUP}:{group.get('name') or ''}"
        number = builder.entitlement(LiveEntitlement(str(group["id"]), key))
        if is_disabled(group):
            continue
        if not isinstance(group.get("users"), list):
            unread.add(key)
        for user in dict.fromkeys(group.get("users") or ()):
            holder = builder.account_number(str(user))
            if holder is not None:
                builder.grant(holder, number)
    why = "Slack lists all of them at once"
    _conclude(builder, entitlements_of(USERGROUP), groups.failed, why)
    _conclude(builder, grants_of(USERGROUP), groups.failed or users.failed, why, frozenset(unread))


def _add_channels(builder: SnapshotBuilder, kind: str, users: Part[Any], channels: Part[Any], members: Members) -> None:
    """Add the channels of a kind and who of our people is in them: bots and other companies' people are not ours."""
    keys: dict[str, str] = {}
    for channel in channels.items:
        keys[channel["id"]] = f"{kind}:{channel.get('name') or ''}"
        number = builder.entitlement(LiveEntitlement(str(channel["id"]), keys[channel["id"]]))
        for user in dict.fromkeys(members.found.get(channel["id"], ())):
            holder = builder.account_number(user)
            if holder is not None:
                builder.grant(holder, number)
    unread = frozenset(keys[channel] for channel in members.unread)
    _conclude(builder, entitlements_of(kind), channels.failed)
    _conclude(builder, grants_of(kind), channels.failed or users.failed or members.failed, unread=unread)


async def _each(keys: Iterable[str], read: Callable[[str], Awaitable[V]]) -> dict[str, V]:
    """Read something for each key, side by side; the transport bounds how many at once."""
    asked = list(dict.fromkeys(keys))
    return dict(zip(asked, await asyncio.gather(*map(read, asked)), strict=True))


def _conclude(
    builder: SnapshotBuilder, name: str, failed: str, why: str = _ALL_PAGES, unread: frozenset[str] = frozenset()
) -> None:
    if failed:
        builder.incomplete(name, failed)
    else:
        builder.complete(name, why, unread=unread)
