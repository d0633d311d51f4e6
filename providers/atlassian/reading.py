"""One read: what was asked of the organization and of the site, put together, each collection with its proof."""

import asyncio
from collections.abc import Iterable
from typing import Any

from providers.atlassian.client import Client
from providers.atlassian.config import AtlassianConfig
from providers.atlassian.directory import Directory
from providers.atlassian.harvest import Harvest, ask_directory, ask_roles, ask_site
from providers.atlassian.mapping import GROUP, ROLE, actors_of, name_all, why_fixed
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

_ALL_PAGES = "every page was read to the last"
_NAMED = 10


class Reader:
    """Reads an organization, a site, or both.

    Args:
        config: what is wanted.
        directory: the organization's directory, or None.
        site: speaks with the site, or None.
    """

    def __init__(self, config: AtlassianConfig, directory: Directory | None, site: Client | None) -> None:
        self._config = config
        self._directory = directory
        self._site = site

    async def read(self) -> Snapshot:
        """Read everything.

        Raises:
            ProviderError: nothing at all could be read, or the organization has several directories.
        """
        clients = [client for client in (self._site, self._directory and self._directory.client) if client]
        before = sum(client.requests for client in clients)
        found = Harvest()
        await asyncio.gather(*self._asking(found))
        wants_roles = self._config.reads_roles
        if found.users.failed and found.groups.failed and (found.scopes or not wants_roles):
            raise ProviderError(f"nothing could be read: {found.users.failed}")
        snapshot = _Assembly(found).assemble(roles=wants_roles)
        snapshot.requests = sum(client.requests for client in clients) - before
        return snapshot

    def _asking(self, found: Harvest) -> Iterable[Any]:
        if self._directory is not None:
            yield ask_directory(self._directory, found)
        elif self._site is not None:
            yield ask_site(self._site, found)
        if self._site is not None and self._config.reads_roles:
            yield ask_roles(self._site, self._config.projects, found)


class _Assembly:
    """Makes a snapshot of what was found."""

    def __init__(self, found: Harvest) -> None:
        self._found = found
        self._builder = SnapshotBuilder()
        self._others = {user.id for user in found.users.items if not user.person}
        self._strangers: dict[str, int] = {}

    def assemble(self, *, roles: bool) -> Snapshot:
        """Return the snapshot."""
        found, snapshot = self._found, self._builder.snapshot
        snapshot.own_account = found.me
        for user in found.users.items:
            if user.person:
                self._builder.account(user.account)
        self._conclude(ACCOUNTS, found.users.failed)
        self._add_groups()
        if roles:
            self._add_roles()
        snapshot.notes += self._notes()
        return snapshot

    def _add_groups(self) -> None:
        found = self._found
        names = name_all((str(group["id"]), str(group.get("name") or "")) for group in found.groups.items)
        unread = set()
        for id_, name in names.items():
            number = self._builder.entitlement(LiveEntitlement(id_, f"{GROUP}:{name}"))
            if self._hold(number, found.members[id_].items) or found.members[id_].failed:
                unread.add(f"{GROUP}:{name}")
        self._conclude(entitlements_of(GROUP), found.groups.failed)
        self._conclude(grants_of(GROUP), found.groups.failed or _every(found.members.values()), unread)

    def _add_roles(self) -> None:
        """Add project roles; a group in one holds the role itself, and its members only by being in the group."""
        found, unread = self._found, set()
        for role, name in found.named.items():
            number = self._builder.entitlement(LiveEntitlement(role.remote_id, f"{ROLE}:{name}"))
            told = found.actors[role]
            users, groups = actors_of(told.items[0]) if told.items else ([], [])
            if any((self._hold(number, users), self._hold_groups(number, groups), told.failed)):
                unread.add(f"{ROLE}:{name}")
        self._conclude(entitlements_of(ROLE), found.scopes)
        self._conclude(grants_of(ROLE), found.scopes or _every(found.actors.values()), unread)

    def _hold(self, number: int, accounts: Iterable[str]) -> bool:
        """Add people who hold an entitlement; say whether some may be hidden by a list that could not be read."""
        hidden = False
        for id_ in dict.fromkeys(accounts):
            account = self._builder.account_number(id_)
            if account is not None:
                self._builder.grant(account, number)
            elif self._found.users.failed:
                hidden = True
            elif id_ not in self._others:
                self._miss(number)
        return hidden

    def _hold_groups(self, number: int, groups: Iterable[str]) -> bool:
        hidden = False
        for id_ in dict.fromkeys(groups):
            group = self._builder.entitlement_number(id_)
            if group is not None:
                self._builder.grant(-1 - group, number)
            elif self._found.groups.failed:
                hidden = True
            else:
                self._miss(number)
        return hidden

    def _miss(self, number: int) -> None:
        key = self._builder.snapshot.entitlements[number].key
        self._strangers[key] = self._strangers.get(key, 0) + 1

    def _notes(self) -> Iterable[str]:
        if self._others:
            yield f"accounts of apps and of a service desk's customers are left alone: {len(self._others)}"
        people = [user for user in self._found.users.items if user.person]
        if hiding := [user.id for user in people if not user.email]:
            yield f"addresses are hidden; these accounts go by their account id as username: {_some(hiding)}"
        names = name_all((str(group["id"]), str(group.get("name") or "")) for group in self._found.groups.items)
        fixed: dict[str, list[str]] = {}
        for group in self._found.groups.items:
            if why := why_fixed(group):
                fixed.setdefault(why, []).append(f"{GROUP}:{names[str(group['id'])]}")
        for why, keys in sorted(fixed.items()):
            yield f"{_some(keys)}: {why}"
        for key, count in sorted(self._strangers.items()):
            yield f"{key} is also held by {count} that {'is' if count == 1 else 'are'} neither account nor group here"

    def _conclude(self, name: str, failed: str, unread: Iterable[str] = ()) -> None:
        if failed:
            self._builder.incomplete(name, failed)
        else:
            self._builder.complete(name, _ALL_PAGES, unread=frozenset(unread))


def _every(parts: Iterable[Any]) -> str:
    """Return why parts could not be read where none could; empty where some could."""
    failed = [part.failed for part in parts]
    return failed[0] if failed and all(failed) else ""


def _some(names: Iterable[str]) -> str:
    """Return the first names of many."""
    listed = sorted(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more
