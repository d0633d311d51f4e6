"""The `google` way: one Google Workspace or Cloud Identity account, read and changed as the contract says."""

from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.google.accounts import AccountWriter
from providers.google.capabilities import DIRECTORY_RATE, LICENSING_RATE, capabilities_of
from providers.google.client import DIRECTORY, GoogleClient, segment, throttled
from providers.google.config import LICENSING_SCOPE, GoogleConfig
from providers.google.credentials import auth_of
from providers.google.groups import GroupWriter
from providers.google.licenses import LicenseWriter
from providers.google.mapping import USER_FIELDS, Addresses, outside_address, outsider, to_account
from providers.google.offboarding import Offboarder
from providers.google.operations import Operations
from providers.google.reading import Reader
from providers.google.roles import RoleWriter
from reconciler.errors import ConfigurationError, ReadOnlyError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot
from reconciler.provider.transport import Limits, Transport

_PATIENCE = Limits(attempts=8, first_wait=1.0, longest_wait=32.0, jitter=1.0)
"""Google counts by the minute and seldom says how long to wait: 1, 2, 4, … seconds, as its page on limits asks for."""


class GoogleProvider:
    """One Google Workspace account (Directory, Data Transfer and Enterprise License Manager APIs).

    Args:
        config: whose account, as whom, and what of it.
        surroundings: what the core gives.
        clock: where the time comes from.
        limits: how long requests are tried.
    """

    name: ClassVar[str] = "google"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = GoogleConfig

    def __init__(
        self,
        config: GoogleConfig,
        surroundings: Surroundings,
        *,
        clock: Clock | None = None,
        limits: Limits = _PATIENCE,
    ) -> None:
        self._config = config
        self._read_only = surroundings.read_only
        self.capabilities: Capabilities = capabilities_of(config)
        self._addresses = Addresses(config.domain)
        ticking = clock or SystemClock()
        scopes = config.reading_scopes if surroundings.read_only else config.writing_scopes
        self._transports = [
            Transport(
                url,
                surroundings,
                name=surroundings.app,
                auth=auth_of(config, surroundings, wanted),
                rates=[rate],
                timeout=config.timeout,
                limits=limits,
                clock=ticking,
                throttled=throttled,
            )
            for url, wanted, rate in (
                (config.directory_url, scopes, DIRECTORY_RATE),
                (config.licensing_url, (LICENSING_SCOPE,), LICENSING_RATE),
            )
        ]
        self._client = GoogleClient(self._transports[0], self._transports[1], ticking)
        self._reader = Reader(self._client, config, self._addresses)
        self._accounts = AccountWriter(self._client, config, self._addresses)
        self._operations = Operations(
            self._accounts,
            GroupWriter(self._client, self._addresses),
            RoleWriter(self._client),
            LicenseWriter(self._client, config),
            Offboarder(self._client, config, surroundings.now),
        )

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: a URL cannot be used.
        """
        if not isinstance(config, GoogleConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a google way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._transports:
            await transport.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read users, groups, admin roles, licences and OAuth grants, each collection complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        return [await self._reread(remote_id) for remote_id in remote_ids]

    async def _reread(self, remote_id: str) -> LiveAccount | None:
        address = outside_address(remote_id)
        if address:
            return outsider(address) if await self._accounts.groups_of(address) else None
        user = await self._client.get(f"{DIRECTORY}/users/{segment(remote_id)}", USER_FIELDS)
        return to_account(user, self._addresses, self._config.external_id_type) if user else None

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it.

        Raises:
            ReadOnlyError: while planning, also where it would turn out that there is nothing to do.
        """
        if self._read_only:
            raise ReadOnlyError(f"{change.app}: {change.operation} {change.item} would write while planning")
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        return await self._operations.perform(change)
