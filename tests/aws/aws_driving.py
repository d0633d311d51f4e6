"""Opening the AWS provider on a server of this machine, with a clock that jumps instead of waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aws_protocol import ACCESS_KEY
from fake_identity_center import FakeIdentityCenter
from support.http_server import HttpServer, http_server
from support.surroundings import surroundings

from providers.aws.config import AwsConfig
from providers.aws.provider import AwsProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation

LONG = 60.0


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


def config(url: str, **more: Any) -> AwsConfig:
    """Return a configuration for a server of this machine; its secret is in the environment."""
    keys = {"access_key_id": ACCESS_KEY, "secret_access_key": {"env": "AWS_CANARY_KEY"}}
    return AwsConfig.model_validate({"region": "eu-central-1", "credentials": keys, "endpoint": url, **more})


def open_provider(url: str, *, read_only: bool = False, clock: JumpingClock | None = None, **more: Any) -> AwsProvider:
    """Return a provider, not yet entered."""
    return AwsProvider(config(url, **more), surroundings(read_only=read_only), clock or JumpingClock())


Work = Callable[[AwsProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeIdentityCenter, work: Work, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with http_server(app.answer) as server, open_provider(server.url, **options) as provider:
            return await work(provider, server)

    return asyncio.run(run())


def perform(app: FakeIdentityCenter, *changes: Change, **options: Any) -> Any:
    """Perform changes side by side and return their receipts."""

    async def work(provider: AwsProvider, _: HttpServer) -> Any:
        return await asyncio.gather(*map(provider.perform, changes))

    return drive(app, work, **options)


def read(app: FakeIdentityCenter, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: AwsProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, **options)


def grant(holder: str, key: str, entitlement_id: str, operation: Operation = Operation.GRANT, **more: Any) -> Change:
    """Return a grant or a revoke; the holder is a user's id, or `holder_entitlement_id` is given."""
    account = "" if "holder_entitlement_id" in more else holder
    return Change(
        "acme",
        operation,
        GrantItem(holder, key),
        "aws",
        account_id=account,
        entitlement_id=entitlement_id,
        username=holder,
        **more,
    )


def on_account(
    operation: Operation, holder: str, account_id: str = "", after: Mapping[str, Any] | None = None
) -> Change:
    """Return a change of an account."""
    return Change(
        "acme", operation, AccountItem(holder), "aws", after=after or {}, account_id=account_id, username=holder
    )


def on_group(operation: Operation, key: str, group: str = "") -> Change:
    """Return a change of a group."""
    return Change("acme", operation, EntitlementItem(key), "aws", entitlement_id=group)
