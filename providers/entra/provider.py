"""The `entra` way: one tenant of Microsoft Entra ID, read and changed as the contract says."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.entra.accounts import UserWriter
from providers.entra.assignments import AssignmentWriter
from providers.entra.capabilities import capabilities_of
from providers.entra.client import GraphClient, counting
from providers.entra.config import EntraConfig
from providers.entra.groups import GroupWriter
from providers.entra.mapping import GROUP
from providers.entra.reading import Reader
from reconciler.errors import ConfigurationError, ReadOnlyError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot


class EntraProvider:
    """One tenant of Microsoft Entra ID.

    Args:
        config: where it is, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.
    """

    name: ClassVar[str] = "entra"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = EntraConfig

    def __init__(self, config: EntraConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        self._client = GraphClient(config, surroundings, clock)
        self._reader = Reader(self._client, enterprise_apps=config.enterprise_apps)
        self._users = UserWriter(self._client)
        self._groups = GroupWriter(self._client)
        self._assignments = AssignmentWriter(self._client)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: a URL or a reference cannot be used.
        """
        if not isinstance(config, EntraConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of an entra way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read users, groups, roles, app roles and licenses, and who has them; each complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read users one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        return [await self._users.describe(remote_id) for remote_id in remote_ids]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {change.operation} {change.item} would write while planning")
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        with counting() as tally:
            receipt = await self._perform(change)
        return replace(receipt, requests=tally.requests)

    async def _perform(self, change: Change) -> Receipt:
        if change.kind == "accounts":
            return await self._users.perform(change)
        if change.kind == GROUP:
            return await self._groups.perform(change)
        return await self._assignments.perform(change)
