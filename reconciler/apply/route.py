"""The opened ways of one app, in the order of its route: which one does a change, and which one shows it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler.provider.change import Change
from reconciler.provider.contract import BatchProvider, Capabilities, Provider, RereadProvider, TicketProvider
from reconciler.provider.snapshot import ACCOUNTS


@dataclass
class OpenedWay:
    """One way of one app, opened and entered.

    Attributes:
        gate: lets only as many changes in as the way's capabilities allow at once.
    """

    name: str
    provider: Provider
    gate: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(max(1, self.capabilities.concurrency))

    @cached_property
    def capabilities(self) -> Capabilities:
        """Return what this way can do, as configured."""
        return self.provider.capabilities

    @cached_property
    def batch(self) -> BatchProvider | None:
        """Return the provider as one that takes several changes at once, if it is one."""
        provider = self.provider
        return provider if self.capabilities.batches and isinstance(provider, BatchProvider) else None

    def takes_together(self, changes: Sequence[Change]) -> BatchProvider | None:
        """Return the provider if it takes these changes at once: of one entitlement, by ticket of one holder."""
        if len(changes) < 2 or {change.way for change in changes} != {self.name}:  # noqa: PLR2004 - one is no batch
            return None
        one = {change.holder if self.ticket else (change.operation, change.entitlement) for change in changes}
        return self.batch if len(one) == 1 else None

    @cached_property
    def reread(self) -> RereadProvider | None:
        """Return the provider as one that reads single accounts, if it is one."""
        provider = self.provider
        return provider if isinstance(provider, RereadProvider) else None

    @cached_property
    def ticket(self) -> TicketProvider | None:
        """Return the provider as one whose changes are done by a person, if it is one."""
        provider = self.provider
        return provider if isinstance(provider, TicketProvider) else None

    def reads(self, collection: str) -> bool:
        """Say whether this way reads a collection, by name or by a star that stands for every kind."""
        reads = self.capabilities.reads
        everything = collection if collection == ACCOUNTS else f"{collection.partition(':')[0]}:*"
        ability = reads.get(collection, reads.get(everything))
        return bool(ability)


@dataclass(frozen=True)
class Route:
    """The opened ways of one app."""

    app: str
    ways: Mapping[str, OpenedWay]

    def reader(self, collection: str) -> OpenedWay | None:
        """Return the way that a collection is read from; never a person's: what somebody says is no proof."""
        return next((way for way in self.ways.values() if not way.ticket and way.reads(collection)), None)


def routes_of(providers: Mapping[tuple[str, str], Provider], order: Mapping[str, Sequence[str]]) -> dict[str, Route]:
    """Sort opened providers by app.

    Args:
        providers: (app, way's name) → provider, entered.
        order: app → names of its ways in the order of the route; ways that it does not name come last.
    """
    found: dict[str, dict[str, OpenedWay]] = {}
    for (app, name), provider in providers.items():
        found.setdefault(app, {})[name] = OpenedWay(name, provider)
    return {app: Route(app, _ordered(ways, order.get(app, ()))) for app, ways in found.items()}


def _ordered(ways: Mapping[str, OpenedWay], order: Sequence[str]) -> dict[str, OpenedWay]:
    named = [name for name in order if name in ways]
    return {name: ways[name] for name in [*named, *(name for name in ways if name not in named)]}
