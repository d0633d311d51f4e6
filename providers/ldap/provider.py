"""The `ldap` way: one directory, read and changed as the contract says."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.ldap.accounts import AccountWriter
from providers.ldap.capabilities import capabilities_of
from providers.ldap.client import LdapClient
from providers.ldap.config import LdapConfig
from providers.ldap.finder import Finder
from providers.ldap.groups import GroupWriter
from providers.ldap.product import directory_of
from providers.ldap.reading import Reader
from reconciler.errors import ConfigurationError, ReadOnlyError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot


class LdapProvider:
    """One directory.

    Args:
        config: where it is, and as whom.
        surroundings: what the core gives.
    """

    name: ClassVar[str] = "ldap"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = LdapConfig

    def __init__(self, config: LdapConfig, surroundings: Surroundings) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        directory = directory_of(config)
        self._client = LdapClient(config, surroundings)
        self._reader = Reader(self._client, directory, config.bind_dn)
        finder = Finder(self._client, directory, config.base)
        self._accounts = AccountWriter(self._client, directory, finder, config.move_to)
        self._groups = GroupWriter(self._client, directory, finder)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the connection would be in clear, or a file cannot be used.
        """
        if not isinstance(config, LdapConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of an ldap way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read people, groups and members; each complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        return [await self._accounts.describe(remote_id) for remote_id in remote_ids]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {change.operation} {change.item} would write while planning")
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        before = self._client.requests
        writer = self._accounts if change.kind == "accounts" else self._groups
        receipt = await writer.perform(change)
        return replace(receipt, requests=self._client.requests - before)
