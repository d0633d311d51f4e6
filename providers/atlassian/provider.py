"""The `atlassian` way: an organization, a Jira site of it, or both, read and changed as the contract says."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.atlassian.accounts import AccountWriter
from providers.atlassian.capabilities import capabilities_of
from providers.atlassian.client import Client, counting
from providers.atlassian.config import AtlassianConfig
from providers.atlassian.directory import Directory
from providers.atlassian.groups import DirectoryGroups, GroupWriter, SiteGroups
from providers.atlassian.mapping import GROUP
from providers.atlassian.reading import Reader
from providers.atlassian.roles import RoleWriter
from providers.atlassian.siteaccounts import SiteAccountWriter
from reconciler.errors import ConfigurationError, ReadOnlyError
from reconciler.provider.auth import BasicAuth, BearerAuth
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.snapshot import LiveAccount, Snapshot


class AtlassianProvider:
    """An Atlassian organization, a Jira site of it, or both.

    Args:
        config: where they are, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.
    """

    name: ClassVar[str] = "atlassian"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = AtlassianConfig

    def __init__(self, config: AtlassianConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        self._stack = AsyncExitStack()
        site = _site(config, surroundings, clock)
        directory = _directory(config, surroundings, clock)
        keyed = _keyed(config.account_key, config, surroundings, clock)
        self._clients = [client for client in (site, directory and directory.client, keyed) if client]
        self._reader = Reader(config, directory, site)
        self._roles = RoleWriter(site) if site else None
        if directory is not None:
            self._accounts: AccountWriter | SiteAccountWriter = AccountWriter(config, directory, keyed)
            self._groups = GroupWriter(DirectoryGroups(directory))
        elif site is not None:
            self._accounts = SiteAccountWriter(config, site)
            self._groups = GroupWriter(SiteGroups(site))
        else:
            raise ConfigurationError(f"{self._app}: give an `organization`, a `site`, or both")

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: a URL or a reference cannot be used.
        """
        if not isinstance(config, AtlassianConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of an atlassian way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        for client in self._clients:
            await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def read(self) -> Snapshot:
        """Read accounts, groups and project roles, and who has them; each complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read, or the organization has several directories.
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
        with counting() as tally:
            receipt = await self._perform(change)
        return replace(receipt, requests=tally.requests)

    async def _perform(self, change: Change) -> Receipt:
        if change.kind == "accounts":
            return await self._accounts.perform(change)
        if change.kind == GROUP or self._roles is None:
            return await self._groups.perform(change)
        return await self._roles.perform(change)


def _site(config: AtlassianConfig, surroundings: Surroundings, clock: Clock | None) -> Client | None:
    if config.site is None or config.email is None or config.api_token is None:
        return None
    auth = BasicAuth(config.email, config.api_token, surroundings)
    return Client(config.site, auth, config, surroundings, clock)


def _directory(config: AtlassianConfig, surroundings: Surroundings, clock: Clock | None) -> Directory | None:
    client = _keyed(config.api_key, config, surroundings, clock)
    if config.organization is None or client is None:
        return None
    return Directory(client, config.organization, config.directory or "")


def _keyed(
    key: Secret | None, config: AtlassianConfig, surroundings: Surroundings, clock: Clock | None
) -> Client | None:
    if key is None:
        return None
    return Client(config.url, BearerAuth(key, surroundings), config, surroundings, clock)
