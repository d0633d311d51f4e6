"""Changes as the core makes them, and the provider run on one server for a moment."""

from __future__ import annotations

import asyncio
from typing import Any

from postgres_harness import PostgresApp
from support.surroundings import surroundings

from providers.postgres.config import PostgresConfig
from providers.postgres.provider import PostgresProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value, name_of
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.snapshot import LiveAccount, Snapshot


def read(app: PostgresApp, *, read_only: bool = True, **config: Any) -> Snapshot:
    """Read the server once, as a plan does."""

    async def run() -> Snapshot:
        async with PostgresProvider.open(app.config(**config), surroundings(read_only=read_only)) as provider:
            return await provider.read()

    return asyncio.run(run())


def perform(app: PostgresApp, *changes: Change, **config: Any) -> list[Receipt]:
    """Perform some changes, one after the other."""

    async def run() -> list[Receipt]:
        async with PostgresProvider.open(app.config(**config), surroundings()) as provider:
            return [await provider.perform(change) for change in changes]

    return asyncio.run(run())


def account(snapshot: Snapshot, name: str) -> LiveAccount:
    """Return the account of a name."""
    return next(each for each in snapshot.accounts if each.username == name)


def on_account(snapshot: Snapshot, operation: Operation, name: str, **after: Value) -> Change:
    """Return a change of an account that was read."""
    found = account(snapshot, name)
    return Change(
        "db", operation, AccountItem(name), "postgres", after=after, account_id=found.remote_id, username=name
    )


def on_entitlement(snapshot: Snapshot, operation: Operation, old: str, new: str = "", **after: Value) -> Change:
    """Return a change of an entitlement that was read, perhaps to a new name."""
    identifier = entitlement_id(snapshot, old)
    before = {"name": name_of(old)}
    return Change(
        "db", operation, EntitlementItem(new or old), "postgres", before=before, after=after, entitlement_id=identifier
    )


def on_grant(snapshot: Snapshot, operation: Operation, holder: str, key: str, level: str | None = None) -> Change:
    """Return a change of a grant to an account, or to an entitlement (`role:team`)."""
    is_entitlement = holder.startswith("role:")
    return Change(
        "db",
        operation,
        GrantItem(holder, key),
        "postgres",
        after={} if level is None else {"level": level},
        account_id="" if is_entitlement else account(snapshot, holder).remote_id,
        holder_entitlement_id=entitlement_id(snapshot, holder) if is_entitlement else "",
        entitlement_id=entitlement_id(snapshot, key),
        username=holder,
    )


def entitlement_id(snapshot: Snapshot, key: str) -> str:
    """Return the remote id of an entitlement."""
    return next(each.remote_id for each in snapshot.entitlements if each.key == key)


def grants_by_name(snapshot: Snapshot) -> set[tuple[str, str, str | None]]:
    """Return grants with the holders' names."""
    names = {each.remote_id: each.username for each in snapshot.accounts}
    return {(names.get(holder, holder), key, level) for holder, key, level in snapshot.grants()}


def parts_of(config: PostgresConfig) -> str:
    """Return where a server is, for YAML."""
    return f"host: {config.host}, port: {config.port}, user: {config.user}"
