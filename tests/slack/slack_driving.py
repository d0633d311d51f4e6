"""Opening the Slack provider on a server of this machine, with a clock that jumps instead of waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fake_slack import FakeSlack
from support.http_server import HttpServer, http_server
from support.jumping_clock import JumpingClock
from support.surroundings import surroundings

from providers.slack.config import SlackConfig
from providers.slack.provider import SlackProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation


def config(url: str, **more: Any) -> SlackConfig:
    """Return a configuration for a server of this machine; its secrets are in the environment."""
    return SlackConfig.model_validate({"token": {"env": "SLACK_CANARY"}, "endpoint": f"{url}/api", **more})


def open_provider(
    url: str, *, read_only: bool = False, clock: JumpingClock | None = None, **more: Any
) -> SlackProvider:
    """Return a provider, not yet entered."""
    return SlackProvider(config(url, **more), surroundings(read_only=read_only), clock or JumpingClock())


Work = Callable[[SlackProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeSlack, work: Work, **options: Any) -> Any:
    """Run something with a provider for a fake whose time is the provider's, and return what it returns."""
    clock = JumpingClock()
    app.now = clock.monotonic

    async def run() -> Any:
        async with http_server(app.answer) as server, open_provider(server.url, clock=clock, **options) as provider:
            return await work(provider, server)

    return asyncio.run(run())


def perform(app: FakeSlack, *changes: Change, **options: Any) -> Any:
    """Perform changes side by side and return their receipts."""

    async def work(provider: SlackProvider, _: HttpServer) -> Any:
        return await asyncio.gather(*map(provider.perform, changes))

    return drive(app, work, **options)


def perform_batch(app: FakeSlack, *changes: Change, **options: Any) -> Any:
    """Perform changes of one entitlement together and return their receipts."""

    async def work(provider: SlackProvider, _: HttpServer) -> Any:
        return await provider.perform_batch(changes)

    return drive(app, work, **options)


def read(app: FakeSlack, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: SlackProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, **options)


def grant(user: str, key: str, entitlement_id: str, operation: Operation = Operation.GRANT) -> Change:
    """Return a grant or a revoke."""
    item = GrantItem(user, key)
    return Change("acme", operation, item, "slack", account_id=user, entitlement_id=entitlement_id, username=user)


def revoke(user: str, key: str, entitlement_id: str) -> Change:
    """Return a revoke."""
    return grant(user, key, entitlement_id, Operation.REVOKE)


def on_account(operation: Operation, user: str, after: Mapping[str, Any] | None = None) -> Change:
    """Return a change of an account."""
    return Change("acme", operation, AccountItem(user), "slack", after=after or {}, account_id=user, username=user)


def on_entitlement(operation: Operation, key: str, remote_id: str = "") -> Change:
    """Return a change of a user group or a channel."""
    return Change("acme", operation, EntitlementItem(key), "slack", entitlement_id=remote_id)
