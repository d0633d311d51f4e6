"""The conformance suite's harness for the fake Okta."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from okta_api import PAGE, REFUSAL, TOKEN, FakeOkta, fake_okta
from support.surroundings import surroundings
from support.watching import Watch

from providers.okta.provider import OktaProvider
from reconciler.items import Value
from reconciler.provider.conformance import Fault, World
from reconciler.provider.contract import CAN, Ability, cannot


def open_okta(url: str, *, read_only: bool = False, **config: Any) -> OktaProvider:
    """Return a provider for an organization, with a token from the environment."""
    written = {"url": url, "token": {"env": "OKTA_TOKEN"}, **config}
    return OktaProvider.open(OktaProvider.Config.model_validate(written), surroundings(read_only=read_only))


class RunningOkta:
    """The running fake."""

    def __init__(self, app: FakeOkta, url: str, kinds: Sequence[str], watch: Watch) -> None:
        self.app = app
        self.watch = watch
        self.url = url
        self.kinds = kinds

    def open(self, *, read_only: bool = False) -> OktaProvider:
        """Return a provider for it."""
        return open_okta(self.url, read_only=read_only, kinds=self.kinds)

    async def peek(self) -> World:
        """Return what is true."""
        return self.app.world()

    async def inject(self, fault: Fault, subject: str = "", to: str = "") -> None:
        """Make a fault happen."""
        if fault is Fault.VANISH:
            self.watch.after(r"GET /api/v1/groups$", lambda: self.app.drop(self.app.world().entitlements[subject]))
        else:
            self.app.suffer(fault, subject, to)


class OktaHarness:
    """What the suite knows of it."""

    name = "okta"
    kinds: Mapping[str, tuple[str | None, ...]] = {"group": (None,), "app": (None,)}
    nesting: Mapping[str, tuple[str, ...]] = {"app": ("group",)}
    troubles: Mapping[str, frozenset[Fault]] = {
        "group": frozenset({Fault.RENAME_ENTITLEMENT, Fault.RECYCLE_ENTITLEMENT, Fault.VANISH}),
        "app": frozenset({Fault.RECYCLE_ENTITLEMENT}),
    }
    page = PAGE
    attribute: tuple[str, Value] | None = ("title", "Engineer")
    secrets = (TOKEN,)
    refusal = REFUSAL
    suspended = True

    def can(self, fault: Fault) -> Ability:
        """Say that every fault can be injected."""
        assert fault
        return CAN

    def start(self, world: World) -> AbstractAsyncContextManager[RunningOkta]:
        """Start a fake with this world."""
        return self._start(world)

    @asynccontextmanager
    async def _start(self, world: World) -> AsyncIterator[RunningOkta]:
        async with fake_okta(world) as (app, server, watch):
            yield RunningOkta(app, server.url, list(self.kinds), watch)


class RolesHarness(OktaHarness):
    """The same with admin roles, which are Okta's own: nobody can make, rename or delete them, nor hide their list."""

    name = "okta roles"
    kinds: Mapping[str, tuple[str | None, ...]] = {"role": (None,)}
    nesting: Mapping[str, tuple[str, ...]] = {}
    troubles: Mapping[str, frozenset[Fault]] = {}
    names: Mapping[str, Mapping[str, str]] = {
        "role": {"alpha": "HELP_DESK_ADMIN", "beta": "REPORT_ADMIN", "gamma": "APP_ADMIN"}
    }

    def can(self, fault: Fault) -> Ability:
        """Say which faults make sense."""
        if fault in {Fault.DELETE_ENTITLEMENT, Fault.FORBID, Fault.CUT_SHORT}:
            return cannot("the standard roles are no list")
        return CAN
