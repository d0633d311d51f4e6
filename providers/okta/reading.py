"""One read of a whole organization: users, groups, apps and roles side by side, each collection with its proof."""

import asyncio
from typing import Any

from providers.okta.client import OktaClient
from providers.okta.config import OktaConfig
from providers.okta.listing import Listing, attempt, attempt_each, conclude, find_doubles
from providers.okta.mapping import BUILT_IN, GROUP_KINDS, is_known, to_account
from providers.okta.roles import RoleReader
from providers.okta.rules import PAGE as RULES
from providers.okta.rules import filled_groups
from reconciler.errors import ProviderError, TransportError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

_SHOWN_RULES = 5
_LAST_PAGE = "read to the last page"
_USERS, _GROUPS, _MEMBERS, _APPS, _APP_USERS, _APP_GROUPS = 200, 200, 1000, 200, 500, 200
"""Entries in a page, at most: what the vendor recommends or allows for each list."""


class Reader:
    """Reads one organization.

    Args:
        client: speaks with it.
        config: what is wanted of it.
    """

    def __init__(self, client: OktaClient, config: OktaConfig) -> None:
        self._client = client
        self._config = config

    async def read(self) -> Snapshot:
        """Read accounts, entitlements and grants.

        Raises:
            ProviderError: nothing at all could be read.
        """
        before = self._client.requests
        users, groups, apps, rules, own = await asyncio.gather(
            attempt(self._list_users()), self._list_groups(), self._list_apps(), self._list_rules(), self._find_myself()
        )
        if users.failure and groups.failure:
            raise ProviderError(f"nothing could be read: {users.failure}")
        builder = SnapshotBuilder()
        self._add_users(builder, users)
        _add_groups(builder, groups)
        await asyncio.gather(
            self._add_members(builder, groups),
            self._add_apps(builder, apps, groups),
            RoleReader(self._client, self._config.kinds).add(builder, groups, _strangers),
        )
        builder.snapshot.notes += _rule_notes(rules, groups)
        builder.snapshot.own_account = own
        builder.snapshot.requests = self._client.requests - before
        return builder.snapshot

    async def _list_users(self) -> list[dict[str, Any]]:
        """List everybody: the plain list leaves out who is deactivated, and only `filter` shows what is true now.

        In this order, so that somebody who is deactivated between the two is in both and not in neither.
        """
        present = await self._client.list_all("users", limit=_USERS)
        gone = await self._client.list_all("users", limit=_USERS, filter='status eq "DEPROVISIONED"')
        return list({user["id"]: user for user in (*present, *gone)}.values())

    async def _list_groups(self) -> Listing:
        """List the groups, and whether each has admin roles: that saves a request for nearly each of them."""
        stats = {"expand": "stats"} if {"role", "custom-role"} & set(self._config.kinds) else {}
        return await attempt(self._client.list_all("groups", limit=_GROUPS, **stats))

    async def _list_apps(self) -> Listing:
        if "app" not in self._config.kinds:
            return Listing()
        return await attempt(self._client.list_all("apps", limit=_APPS))

    async def _list_rules(self) -> Listing:
        """List the rules of groups; whoever may not see them misses only a note."""
        if "group" not in self._config.kinds:
            return Listing()
        return await attempt(self._client.list_all("groups", "rules", limit=RULES))

    async def _find_myself(self) -> str:
        """Return the id of the user whose token this is; a service app is no user."""
        if self._config.service:
            return ""
        try:
            answer = await self._client.send("GET", "users", "me")
            return str(answer.decode(dict[str, Any]).get("id", "")) if answer.ok else ""
        except TransportError:
            return ""

    def _add_users(self, builder: SnapshotBuilder, users: Listing) -> None:
        for user in users.entries:
            builder.account(to_account(user, self._config.external_id))
        conclude(builder, ACCOUNTS, users.failure, _LAST_PAGE)
        staged = sum(user.get("status") == "STAGED" for user in users.entries)
        strange = {str(user.get("status")) for user in users.entries if not is_known(str(user.get("status")))}
        if staged:
            builder.snapshot.notes.append(f"{staged} users are STAGED: nobody has activated them yet")
        builder.snapshot.notes += [f"there are users in the unknown status {status}" for status in sorted(strange)]

    async def _add_members(self, builder: SnapshotBuilder, groups: Listing) -> None:
        """Add who is in each group, as far as its kind is wanted."""
        wanted = [group for group in groups.entries if _kind(group) in self._config.kinds]
        listings = await attempt_each(
            lambda group: self._client.list_all("groups", group["id"], "users", limit=_MEMBERS), wanted
        )
        failures = {group["id"]: listing.failure for group, listing in zip(wanted, listings, strict=True)}
        strangers = 0
        for group, listing in zip(wanted, listings, strict=True):
            strangers += _grant(builder, group["id"], [user["id"] for user in listing.entries])
        for kind in set(GROUP_KINDS.values()) & set(self._config.kinds):
            some = [group for group in groups.entries if _kind(group) == kind]
            failed = {_key(group): failures[group["id"]] for group in some if failures[group["id"]]}
            _conclude_grants(builder, kind, groups.failure or _strangers(builder, strangers), some, failed)

    async def _add_apps(self, builder: SnapshotBuilder, apps: Listing, groups: Listing) -> None:
        """Add apps, and who is assigned to them: users directly, and groups."""
        if "app" not in self._config.kinds:
            return
        for app in apps.entries:
            builder.entitlement(LiveEntitlement(app["id"], f"app:{app['label']}"))
        conclude(builder, entitlements_of("app"), apps.failure, _LAST_PAGE)
        users, assigned = await asyncio.gather(
            attempt_each(lambda app: self._client.list_all("apps", app["id"], "users", limit=_APP_USERS), apps.entries),
            attempt_each(
                lambda app: self._client.list_all("apps", app["id"], "groups", limit=_APP_GROUPS), apps.entries
            ),
        )
        strangers, failed = 0, dict[str, str]()
        for app, its_users, its_groups in zip(apps.entries, users, assigned, strict=True):
            direct = [user["id"] for user in its_users.entries if user.get("scope") == "USER"]
            strangers += _grant(builder, app["id"], direct)
            strangers += _grant(builder, app["id"], [group["id"] for group in its_groups.entries])
            if its_users.failure or its_groups.failure:
                failed[f"app:{app['label']}"] = its_users.failure or its_groups.failure
        keyed = [{"id": app["id"], "key": f"app:{app['label']}"} for app in apps.entries]
        _conclude_grants(builder, "app", apps.failure or _strangers(builder, strangers, groups), keyed, failed)


def _add_groups(builder: SnapshotBuilder, groups: Listing) -> None:
    for group in groups.entries:
        builder.entitlement(LiveEntitlement(group["id"], _key(group)))
    for kind in GROUP_KINDS.values():
        conclude(builder, entitlements_of(kind), groups.failure, _LAST_PAGE)
    builder.complete(
        grants_of(BUILT_IN), "nobody is put into one: being in it follows from having an account or a role"
    )


def _conclude_grants(
    builder: SnapshotBuilder, kind: str, failure: str, entitlements: list[dict[str, Any]], failed: dict[str, str]
) -> None:
    """Say whether the grants of a kind are whole, but for those entitlements that could not be read or told apart."""
    keys = [each.get("key") or _key(each) for each in entitlements]
    twice = find_doubles(keys)
    builder.snapshot.notes += [f"several are called {key}" for key in sorted(twice)]
    if failed and not set(keys) - set(failed):
        failure = failure or next(iter(failed.values()))
    why = next(iter(failed.values()), "each was read to the last page")
    conclude(builder, grants_of(kind), failure, why, frozenset(twice | set(failed)))


def _grant(builder: SnapshotBuilder, entitlement: str, holders: list[str]) -> int:
    """Add grants to users or groups; return how many of the holders are not among those that were read."""
    number, strangers = builder.entitlement_number(entitlement), 0
    for holder in holders:
        account, group = builder.account_number(holder), builder.entitlement_number(holder)
        if number is None or (account is None and group is None):
            strangers += 1
        elif account is not None:
            builder.grant(account, number)
        elif group is not None:
            builder.grant(-1 - group, number)
    return strangers


def _strangers(builder: SnapshotBuilder, strangers: int, groups: Listing | None = None) -> str:
    """Say what strangers among the holders mean: they are a gap only where not everybody could be read."""
    whole = builder.snapshot.collections[ACCOUNTS].complete and not (groups and groups.failure)
    if not strangers or whole:
        return ""
    return f"{strangers} holders are not among the users and groups that could be read"


def _rule_notes(rules: Listing, groups: Listing) -> list[str]:
    """Name the groups that rules fill, the first few of them."""
    if rules.failure:
        return [f"group rules are not known: {rules.failure}"]
    names = {group["id"]: _key(group) for group in groups.entries}
    filled = sorted((names.get(group, group), rule) for group, rule in filled_groups(rules.entries).items())
    if not filled:
        return []
    shown = ", ".join(f"{key} ({rule})" for key, rule in filled[:_SHOWN_RULES])
    more = f" and {len(filled) - _SHOWN_RULES} more" if len(filled) > _SHOWN_RULES else ""
    return [f"group rules fill {shown}{more}: nobody is taken out of these here"]


def _kind(group: dict[str, Any]) -> str:
    return GROUP_KINDS.get(str(group.get("type")), "app-group")


def _key(group: dict[str, Any]) -> str:
    return f"{_kind(group)}:{group['profile']['name']}"
