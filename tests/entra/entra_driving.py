"""An Entra provider for a fake of this machine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fake_graph import CLIENT, TENANT, FakeGraph
from support.http_server import HttpServer, http_server
from support.jumping_clock import JumpingClock
from support.surroundings import surroundings

from providers.entra.config import EntraConfig
from providers.entra.provider import EntraProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.provider.change import Change, Operation, Receipt


def settings(url: str, **more: Any) -> dict[str, Any]:
    """Return what the YAML says of a way to a server of this machine; its secret is in the environment."""
    plain = {"tenant": TENANT, "client_id": CLIENT, "url": f"{url}/v1.0", "login_url": url}
    secret = {} if "client_assertion" in more else {"client_secret": {"env": "ENTRA_CANARY"}}
    return {**plain, **secret, **more}


def open_provider(
    url: str, *, read_only: bool = False, clock: JumpingClock | None = None, **more: Any
) -> EntraProvider:
    """Return a provider, not yet entered."""
    config = EntraConfig.model_validate(settings(url, **more))
    return EntraProvider(config, surroundings(read_only=read_only), clock or JumpingClock())


Work = Callable[[EntraProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeGraph, work: Work, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with http_server(app.answer) as server:
            app.url = server.url
            async with open_provider(server.url, **options) as provider:
                return await work(provider, server)

    return asyncio.run(run())


def perform(app: FakeGraph, *changes: Change, **options: Any) -> list[Receipt]:
    """Perform changes one after the other and return their receipts."""

    async def work(provider: EntraProvider, _: HttpServer) -> list[Receipt]:
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(app, work, **options)
    return found


def read(app: FakeGraph, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: EntraProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, **options)


def grant(holder: str, key: str, entitlement_id: str, operation: Operation = Operation.GRANT, **more: Any) -> Change:
    """Return a grant or a revoke; the holder is a user's id, or `holder_entitlement_id` is given."""
    account = "" if "holder_entitlement_id" in more else holder
    item = GrantItem(holder, key)
    ids = {"account_id": account, "entitlement_id": entitlement_id, "username": holder}
    return Change("acme", operation, item, "entra", **ids, **more)


def on_account(
    operation: Operation, holder: str, account_id: str = "", after: Mapping[str, Value] | None = None
) -> Change:
    """Return a change of an account."""
    ids = {"account_id": account_id, "username": holder}
    return Change("acme", operation, AccountItem(holder), "entra", after=after or {}, **ids)


def on_group(operation: Operation, key: str, group: str = "") -> Change:
    """Return a change of a group."""
    return Change("acme", operation, EntitlementItem(key), "entra", entitlement_id=group)
