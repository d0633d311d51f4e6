"""An Atlassian provider for a fake of this machine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from atlassian_world import DIRECTORY, EMAIL, ORGANIZATION
from fake_atlassian import SITE, FakeAtlassian
from support.http_server import HttpServer, http_server
from support.jumping_clock import JumpingClock
from support.surroundings import surroundings

from providers.atlassian.config import AtlassianConfig
from providers.atlassian.provider import AtlassianProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.provider.change import Change, Operation, Receipt

ENVIRONMENT = {"org": "ATLASSIAN_ORG_CANARY", "account": "ATLASSIAN_ACCOUNT_CANARY", "site": "ATLASSIAN_SITE_CANARY"}
STARTS = {"starts_with": {"ari:cloud:jira-software::site/1": "atlassian/user"}}


def organization(url: str, **more: Any) -> dict[str, Any]:
    """Return what the YAML says of an organization alone; its secret is in the environment."""
    plain = {"organization": ORGANIZATION, "api_key": {"env": ENVIRONMENT["org"]}, "directory": DIRECTORY, "url": url}
    return {**plain, **STARTS, **more}


def site(url: str, **more: Any) -> dict[str, Any]:
    """Return what the YAML says of a Jira site alone."""
    return {"site": f"{url}/{SITE}", "email": EMAIL, "api_token": {"env": ENVIRONMENT["site"]}, **more}


def both(url: str, **more: Any) -> dict[str, Any]:
    """Return what the YAML says of an organization and its site."""
    return {**organization(url), **site(url), **more}


def with_account_key(url: str, **more: Any) -> dict[str, Any]:
    """As `both`, with a key that deactivates accounts."""
    return {**both(url), "account_key": {"env": ENVIRONMENT["account"]}, **more}


Settings = Callable[..., dict[str, Any]]
Work = Callable[[AtlassianProvider, HttpServer], Awaitable[Any]]


def open_provider(
    settings: Mapping[str, Any], *, read_only: bool = False, clock: JumpingClock | None = None
) -> AtlassianProvider:
    """Return a provider, not yet entered."""
    config = AtlassianConfig.model_validate(settings)
    return AtlassianProvider(config, surroundings(read_only=read_only), clock or JumpingClock())


def drive(app: FakeAtlassian, work: Work, settings: Settings = both, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with http_server(app.answer) as server, open_provider(settings(server.url, **options)) as provider:
            return await work(provider, server)

    return asyncio.run(run())


def perform(app: FakeAtlassian, *changes: Change, settings: Settings = both, **options: Any) -> list[Receipt]:
    """Perform changes one after the other and return their receipts."""

    async def work(provider: AtlassianProvider, _: HttpServer) -> list[Receipt]:
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(app, work, settings, **options)
    return found


def read(app: FakeAtlassian, settings: Settings = both, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: AtlassianProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, settings, **options)


def grant(holder: str, key: str, entitlement_id: str, operation: Operation = Operation.GRANT, **more: Any) -> Change:
    """Return a grant or a revoke; the holder is an account id, or `holder_entitlement_id` is given."""
    account = "" if "holder_entitlement_id" in more else holder
    ids = {"account_id": account, "entitlement_id": entitlement_id, "username": holder}
    return Change("acme", operation, GrantItem(holder, key), "atlassian", **ids, **more)


def on_account(
    operation: Operation, holder: str, account_id: str = "", after: Mapping[str, Value] | None = None
) -> Change:
    """Return a change of an account."""
    ids = {"account_id": account_id, "username": holder}
    return Change("acme", operation, AccountItem(holder), "atlassian", after=after or {}, **ids)


def on_group(operation: Operation, key: str, group: str = "") -> Change:
    """Return a change of a group."""
    return Change("acme", operation, EntitlementItem(key), "atlassian", entitlement_id=group)
