"""The `okta` way: one Okta organization, read and changed as the contract says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.okta.accounts import AccountWriter
from providers.okta.capabilities import capabilities_of
from providers.okta.client import OktaClient, counting
from providers.okta.config import OktaConfig
from providers.okta.mapping import to_account
from providers.okta.operations import AppWriter, GroupWriter
from providers.okta.reading import Reader
from providers.okta.roles import RoleWriter
from reconciler.errors import ConfigurationError, ReadOnlyError, TransportError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot

_OF_ENTITLEMENTS = frozenset({Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT})


class OktaProvider:
    """One Okta organization (Okta Management API).

    Args:
        config: how it is reached and what is wanted of it.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.
    """

    name: ClassVar[str] = "okta"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = OktaConfig

    def __init__(self, config: OktaConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._config = config
        self._client = OktaClient(config, surroundings, clock)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        self._reader = Reader(self._client, config)
        self._accounts = AccountWriter(self._client, config)
        self._writers: dict[str, GroupWriter | AppWriter | RoleWriter] = {
            "group": GroupWriter(self._client),
            "app": AppWriter(self._client),
            "role": RoleWriter(self._client),
        }

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the URL or the certificate authority cannot be used.
        """
        if not isinstance(config, OktaConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of an okta way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._client.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.transport.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read users, groups, apps and roles, each collection complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read users one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        users = await asyncio.gather(*(self._client.get("users", one) for one in remote_ids))
        return [to_account(user, self._config.external_id) if user else None for user in users]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {change.operation} {change.item} would write while planning")
        what = " ".join(filter(None, (change.operation, change.username or change.holder, change.entitlement)))
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{what}: {ability.why}")
        missing = _missing(change)
        if missing:
            return Receipt(change, Outcome.FAILED, f"{what}: {missing}")
        with counting() as tally:
            receipt = await self._perform(change, what)
        return replace(receipt, requests=tally.requests)

    async def _perform(self, change: Change, what: str) -> Receipt:
        try:
            if change.kind == "accounts":
                return await self._accounts.perform(change, what)
            return await self._writers[change.kind].perform(change, what)
        except TransportError as error:  # looked up in vain: what was sent before is told by whoever sent it
            outcome = Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
            return Receipt(change, outcome, f"{what}: {error.message}")


def _missing(change: Change) -> str:
    """Say what a change needs that does not exist yet: an empty id would mean another thing."""
    if change.operation in {Operation.CREATE_ACCOUNT, Operation.CREATE_ENTITLEMENT}:
        return ""
    if change.operation not in _OF_ENTITLEMENTS and not (change.account_id or change.holder_entitlement_id):
        return "there is no user yet"
    if change.kind not in {"accounts", "role"} and not change.entitlement_id:
        return f"there is no {change.kind} of that name yet"
    return ""
