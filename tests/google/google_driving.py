"""Doing single things to an imitation, and reading it, in a line each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from google_fake import FakeGoogle
from google_harness import DOMAIN, RunningGoogle, running

from providers.google.provider import GoogleProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.snapshot import Snapshot

T = TypeVar("T")
Work = Callable[[RunningGoogle, GoogleProvider], Awaitable[T]]
_ON_ENTITLEMENTS = {Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.UPDATE_ENTITLEMENT}
_ON_GRANTS = {Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE}


def drive(work: Work[T], *, app: FakeGoogle | None = None, **config: Any) -> T:
    """Run something with a provider for an imitation, and return what it returns."""

    async def run() -> T:
        async with running() as google:
            if app is not None:
                app.now = google.clock.monotonic
                google.app = app
                google.server.handler = app.answer
            async with google.open(**config) as provider:
                found = await work(google, provider)
            assert google.app.violated == []
            return found

    return asyncio.run(run())


def perform(app: FakeGoogle, *changes: Change, **config: Any) -> list[Receipt]:
    """Perform changes one after the other and return their receipts."""

    async def work(_: RunningGoogle, provider: GoogleProvider) -> list[Receipt]:
        return [await provider.perform(each) for each in changes]

    return drive(work, app=app, **config)


def read(app: FakeGoogle, **config: Any) -> Snapshot:
    """Read an imitation once."""

    async def work(_: RunningGoogle, provider: GoogleProvider) -> Snapshot:
        return await provider.read()

    return drive(work, app=app, **config)


def change(operation: Operation, holder: str = "", entitlement: str = "", **more: Any) -> Change:
    """Return a change of the app under test; `more` are fields of the change."""
    item: AccountItem | EntitlementItem | GrantItem = AccountItem(holder)
    if operation in _ON_ENTITLEMENTS:
        item = EntitlementItem(entitlement)
    elif operation in _ON_GRANTS:
        item = GrantItem(holder, entitlement)
    return Change("google", operation, item, "google", username=holder, **more)


def join(app: FakeGoogle, group: dict[str, Any], email: str, kind: str = "USER", role: str = "MEMBER") -> str:
    """Put somebody into a group and return the id by which the group knows them."""
    known = app.find(email) or app.find_group(email)
    remote_id = str(known["id"]) if known else f"x-{email}"
    app.members[group["id"]][remote_id] = {"id": remote_id, "email": email, "role": role, "type": kind}
    return remote_id


def outcome(receipt: Receipt) -> tuple[str, str]:
    """Return how a change ended, and the words for it."""
    return receipt.outcome.value, receipt.detail


def at(name: str) -> str:
    """Return an address in the company's domain."""
    return f"{name}@{DOMAIN}"
