"""Opening the Okta provider on a server of this machine, with a clock that jumps instead of waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from okta_api import FakeOkta, serve
from support.http_server import HttpServer
from support.surroundings import surroundings

from providers.okta.config import OktaConfig
from providers.okta.provider import OktaProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.provider.snapshot import Snapshot

LONG = 100.0


class JumpingClock:
    """A clock that jumps ahead instead of waiting."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the test's time."""
        return self.now

    def epoch(self) -> float:
        """Return the test's time of day."""
        return 1.8e9 + self.now

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Jump ahead, unless something happens meanwhile."""
        if seconds > LONG:  # until somebody else's answer: that is no time that passes
            await wake.wait()
            return
        for _ in range(20):
            await asyncio.sleep(0)
            if wake.is_set():
                return
        self.now += max(seconds, 1e-6)  # a wait that rounding swallows would never end


def open_provider(url: str, *, read_only: bool = False, clock: JumpingClock | None = None, **more: Any) -> OktaProvider:
    """Return a provider, not yet entered, with a token from the environment unless it is a service app."""
    written = {"url": url, **({} if "service" in more else {"token": {"env": "OKTA_TOKEN"}}), **more}
    config = OktaConfig.model_validate(written)
    return OktaProvider(config, surroundings(read_only=read_only), clock or JumpingClock())


Work = Callable[[OktaProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeOkta, work: Work, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with serve(app) as server, open_provider(server.url, **options) as provider:
            return await work(provider, server)

    return asyncio.run(run())


def perform(app: FakeOkta, *changes: Change, **options: Any) -> list[Receipt]:
    """Perform changes side by side and return their receipts."""

    async def work(provider: OktaProvider, _: HttpServer) -> list[Receipt]:
        return await asyncio.gather(*map(provider.perform, changes))

    found: list[Receipt] = drive(app, work, **options)
    return found


def read(app: FakeOkta, **options: Any) -> Snapshot:
    """Read a fake."""

    async def work(provider: OktaProvider, _: HttpServer) -> Snapshot:
        return await provider.read()

    found: Snapshot = drive(app, work, **options)
    return found


def grant(holder: str, key: str, entitlement_id: str, operation: Operation = Operation.GRANT, **more: Any) -> Change:
    """Return a grant or a revoke; the holder is a user's id, or `holder_entitlement_id` is given."""
    account = "" if "holder_entitlement_id" in more else holder
    item = GrantItem(holder, key)
    ids = {"account_id": account, "entitlement_id": entitlement_id}
    return Change("acme", operation, item, "okta", username=holder, **ids, **more)


def on_account(
    operation: Operation, holder: str, account_id: str = "", after: Mapping[str, Any] | None = None
) -> Change:
    """Return a change of an account."""
    item = AccountItem(holder)
    return Change("acme", operation, item, "okta", after=after or {}, account_id=account_id, username=holder)


def on_group(operation: Operation, key: str, group: str = "") -> Change:
    """Return a change of a group."""
    return Change("acme", operation, EntitlementItem(key), "okta", entitlement_id=group)
