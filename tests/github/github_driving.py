"""Opening the GitHub provider on a fake of this machine, with a clock that jumps instead of waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fake_organization import FakeOrganization
from support import jumping_clock
from support.http_server import HttpServer, http_server
from support.surroundings import surroundings

from providers.github.config import GitHubConfig
from providers.github.provider import GitHubProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation

TOKEN_VARIABLE, KEY_VARIABLE = "GITHUB_CANARY_TOKEN", "GITHUB_CANARY_KEY"
_LONGEST = 300.0


class GitHubClock(jumping_clock.JumpingClock):
    """A clock that jumps over minutes too: GitHub's secondary limit asks for one."""

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Jump ahead, unless something happens meanwhile."""
        if jumping_clock.LONG < seconds <= _LONGEST:
            self.now += seconds - jumping_clock.LONG
            seconds = jumping_clock.LONG
        await super().wait(seconds, wake)


def config(url: str, **more: Any) -> GitHubConfig:
    """Return a configuration for a server of this machine; its secret is in the environment."""
    keys: dict[str, Any] = {} if "app" in more else {"token": {"env": TOKEN_VARIABLE}}
    return GitHubConfig.model_validate({"organization": "acme", "url": url, **keys, **more})


def open_provider(
    url: str, *, read_only: bool = False, clock: GitHubClock | None = None, **more: Any
) -> GitHubProvider:
    """Return a provider, not yet entered."""
    return GitHubProvider(config(url, **more), surroundings(read_only=read_only), clock or GitHubClock())


Work = Callable[[GitHubProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeOrganization, work: Work, /, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with http_server(app.answer) as server, open_provider(server.url, **options) as provider:
            found = await work(provider, server)
        assert app.rest.violations == []
        return found

    return asyncio.run(run())


def perform(app: FakeOrganization, /, *changes: Change, **options: Any) -> Any:
    """Perform changes one after the other and return their receipts."""

    async def work(provider: GitHubProvider, _: HttpServer) -> Any:
        return [await provider.perform(change) for change in changes]

    return drive(app, work, **options)


def read(app: FakeOrganization, /, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: GitHubProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, **options)


def on_account(
    operation: Operation, holder: str, account_id: str | int = "", after: Mapping[str, Any] | None = None, **more: Any
) -> Change:
    """Return a change of an account."""
    return Change(
        "acme",
        operation,
        AccountItem(holder),
        "github",
        after=after or {},
        account_id=str(account_id),
        **{"username": holder, **more},
    )


def on_entitlement(operation: Operation, key: str, remote_id: str = "", **more: Any) -> Change:
    """Return a change of an entitlement."""
    return Change("acme", operation, EntitlementItem(key), "github", entitlement_id=remote_id, **more)


def grant(holder: str, key: str, operation: Operation = Operation.GRANT, level: str = "", **more: Any) -> Change:
    """Return a change of a grant; `account_id` or `holder_entitlement_id`, and `entitlement_id`, are in `more`."""
    after = {"level": level} if level else {}
    return Change("acme", operation, GrantItem(holder, key), "github", after=after, username=holder, **more)
