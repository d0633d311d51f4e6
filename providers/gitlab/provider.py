"""The `gitlab` way: an instance or a top-level group, read and changed as the contract says."""

from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.gitlab.capabilities import capabilities_of
from providers.gitlab.client import RATES, GitLabClient, counting
from providers.gitlab.config import GitLabConfig
from providers.gitlab.groups import GroupWriter
from providers.gitlab.mapping import ROLE
from providers.gitlab.members import MemberWriter
from providers.gitlab.people import PeopleWriter
from providers.gitlab.reading import Reader
from providers.gitlab.users import UserWriter
from reconciler.errors import ConfigurationError, ReadOnlyError, TransportError
from reconciler.provider.auth import BearerAuth
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import ACCOUNTS, LiveAccount, Snapshot
from reconciler.provider.transport import Limits, Transport

_DEADLINE = 900.0
"""Seconds that a request may wait for its turn: only 60 members may be taken out a minute."""
_MAKING = frozenset({Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT})


class GitLabProvider:
    """One GitLab.

    Args:
        config: where it is, and how much of it is kept.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.
    """

    name: ClassVar[str] = "gitlab"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = GitLabConfig

    def __init__(self, config: GitLabConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self.capabilities: Capabilities = capabilities_of(config)
        self._app = surroundings.app
        self._read_only = surroundings.read_only
        self._transport = _transport(config, surroundings, clock)
        client = GitLabClient(self._transport)
        self._reader = Reader(client, config)
        self._users = UserWriter(client, config)
        self._accounts = self._users if config.group is None else PeopleWriter(client, self._reader, config)
        self._groups = GroupWriter(client, config)
        self._members = MemberWriter(client, config)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the URL cannot be used.
        """
        if not isinstance(config, GitLabConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a gitlab way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read people, groups and projects, each collection complete or not, and why.

        Raises:
            ProviderError: the group is not visible, or nothing could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts one by one; None for each that is not there.

        Raises:
            ProviderError: one could not be read.
        """
        return [await self._accounts.describe(remote_id) for remote_id in remote_ids]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it.

        Raises:
            ReadOnlyError: this provider only reads.
        """
        if self._read_only:
            raise ReadOnlyError(f"{self._app}: {change.operation} {change.item} would write while planning")
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        with counting() as count:
            try:
                receipt = await self._perform(change)
            except TransportError as error:
                outcome = Outcome.FAILED if error.landed is False else Outcome.UNKNOWN
                receipt = Receipt(change, outcome, error.message)
        return replace(receipt, requests=count[0])

    async def _perform(self, change: Change) -> Receipt:
        if change.kind == ACCOUNTS:
            return await self._accounts.perform(change)
        if change.operation in _MAKING:
            return await self._groups.perform(change)
        if change.kind == ROLE:
            return await self._users.set_role(change)
        return await self._members.perform(change)


def _transport(config: GitLabConfig, surroundings: Surroundings, clock: Clock | None) -> Transport:
    return Transport(
        config.url,
        surroundings,
        name=surroundings.app,
        auth=BearerAuth(config.token, surroundings),
        rates=RATES,
        timeout=config.timeout,
        limits=Limits(deadline=_DEADLINE),
        allow_http=config.allow_http,
        clock=clock,
    )
