"""The `github` way: one organization, read and changed as the contract says."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Protocol, Self

import httpx
from pydantic import BaseModel

from providers.github.accounts import AccountWriter
from providers.github.app import InstallationAuth
from providers.github.capabilities import capabilities_of
from providers.github.client import HEADERS, RATES, GitHubClient, asked_to_wait, counting
from providers.github.config import GitHubConfig
from providers.github.mapping import INVITATION
from providers.github.people import People
from providers.github.reading import Reader
from providers.github.receipts import failed
from providers.github.repositories import RepositoryWriter
from providers.github.rereading import reread
from providers.github.roles import RoleWriter
from providers.github.teams import TeamWriter
from reconciler.errors import ConfigurationError, ReadOnlyError, TransportError
from reconciler.provider.auth import BearerAuth
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount, Snapshot
from reconciler.provider.transport import Limits, Transport

_CONCURRENCY = 8
_DEADLINE = 900.0
"""Seconds that a request may wait for its turn: many changes queue up, a second apart."""


class Writer(Protocol):
    """What changes one kind of item."""

    async def perform(self, change: Change) -> Receipt:
        """Do one change."""
        ...


class GitHubProvider:
    """One organization on GitHub, or on GitHub Enterprise.

    Args:
        config: how it is reached.
        surroundings: what the core gives.
        clock: where the time comes from.
    """

    name: ClassVar[str] = "github"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = GitHubConfig

    def __init__(self, config: GitHubConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        auth = _auth(config, surroundings, clock)
        self._transport = _transport(config, surroundings, clock, auth)
        self._client = GitHubClient(self._transport, config.organization, config.graphql)
        self._people = People(self._client, clock)
        hidden = auth.why_hidden if isinstance(auth, InstallationAuth) else None
        self._reader = Reader(self._client, self._people, config, hidden)
        self._accounts = AccountWriter(self._client, self._people, self._reader, config)
        self._writers: dict[str, Writer] = {
            ACCOUNTS: self._accounts,
            "role": RoleWriter(self._client, self._people),
            "team": TeamWriter(self._client, self._people),
            "repo": RepositoryWriter(self._client, self._people, self._reader, self._accounts.outsiders),
        }

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the URL cannot be used.
        """
        if not isinstance(config, GitHubConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a github way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read people, teams and repositories, each collection complete or not, and why.

        Raises:
            ProviderError: the organization is not visible, or nothing could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts one by one; None for each that is not in the organization.

        Raises:
            ProviderError: one could not be read.
        """
        return await reread(self._client, self._people, remote_ids)

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it.

        Raises:
            ReadOnlyError: this provider only reads.
        """
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {change.operation} {change.item} would write while planning")
        with counting() as count:
            receipt = await self._perform(change)
        return replace(receipt, requests=count[0])

    async def _perform(self, change: Change) -> Receipt:
        if change.kind != ACCOUNTS and change.account_id.startswith(INVITATION):
            return failed(change, f"{change.holder} is only invited, by address; it is possible once that is accepted")
        try:
            return await self._writers[change.kind].perform(change)
        except TransportError as error:
            outcome = Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
            return Receipt(change, outcome, error.message)


def _transport(config: GitHubConfig, surroundings: Surroundings, clock: Clock, auth: httpx.Auth | None) -> Transport:
    return Transport(
        config.url,
        surroundings,
        name=surroundings.app,
        headers=HEADERS,
        auth=auth,
        rates=RATES,
        concurrency=_CONCURRENCY,
        timeout=config.timeout,
        limits=Limits(deadline=_DEADLINE),
        allow_http=config.allow_http,
        clock=clock,
        throttled=asked_to_wait,
    )


def _auth(config: GitHubConfig, surroundings: Surroundings, clock: Clock) -> httpx.Auth | None:
    if config.app is not None:
        return InstallationAuth(
            config.app,
            config.url,
            surroundings,
            clock=clock,
            timeout=config.timeout,
            allow_http=config.allow_http,
        )
    return BearerAuth(config.token, surroundings) if config.token else None
