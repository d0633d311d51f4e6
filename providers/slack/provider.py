"""The `slack` way: one workspace, read and changed as the contract says."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.slack.capabilities import capabilities_of
from providers.slack.channels import ChannelWriter
from providers.slack.client import SlackClient, counting
from providers.slack.config import SlackConfig
from providers.slack.mapping import ROLE, USERGROUP
from providers.slack.people import PeopleWriter
from providers.slack.reading import Reader
from providers.slack.usergroups import UserGroupWriter
from reconciler.errors import ConfigurationError, ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot


class SlackProvider:
    """One workspace.

    Args:
        config: where it is, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.
    """

    name: ClassVar[str] = "slack"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = SlackConfig

    def __init__(self, config: SlackConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        self._client = SlackClient(config, surroundings, clock)
        self._reader = Reader(self._client, config)
        self._people = PeopleWriter(self._client, self._reader.workspace)
        self._usergroups = UserGroupWriter(self._client)
        self._channels = ChannelWriter(self._client)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the endpoint cannot be used.
        """
        if not isinstance(config, SlackConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a slack way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read people, user groups, channels, and who is in them; each complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read people one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        return [await self._people.describe(remote_id) for remote_id in remote_ids]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        return (await self.perform_batch([change]))[0]

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Do several changes of one entitlement, all of the same operation; a receipt each, in the same order."""
        first = changes[0]
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {first.operation} {first.item} would write while planning")
        ability = self.capabilities.ability(first.operation, first.kind)
        if not ability:
            return [Receipt(each, Outcome.FAILED, f"{each.operation} {each.item}: {ability.why}") for each in changes]
        with counting() as tally:
            receipts = await self._perform(changes)
        return [
            replace(receipt, requests=count) for receipt, count in zip(receipts, tally.share(len(changes)), strict=True)
        ]

    async def _perform(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        first = changes[0]
        if first.operation is Operation.END_SESSIONS:
            return [await self._people.end_sessions(each) for each in changes]
        if first.kind == ROLE:
            return [await self._set_role(each) for each in changes]
        writer = self._usergroups if first.kind == USERGROUP else self._channels
        match first.operation:
            case Operation.CREATE_ENTITLEMENT:
                return [await writer.create(each) for each in changes]
            case Operation.RENAME_ENTITLEMENT:
                return [await writer.rename(each) for each in changes]
            case _:
                return await writer.perform(changes)

    async def _set_role(self, change: Change) -> Receipt:
        try:
            return await self._people.set_role(change)
        except ProviderError as error:  # which workspace it is cannot be told: nothing was asked of it yet
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {error.message}")
