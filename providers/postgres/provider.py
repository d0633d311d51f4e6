"""One PostgreSQL server as an app."""

from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.postgres.capabilities import capabilities_of
from providers.postgres.config import PostgresConfig
from reconciler.errors import ConfigurationError, ProviderError
from reconciler.provider.change import Change, Outcome, Receipt
from reconciler.provider.contract import Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot
from reconciler.version import tool_version


class PostgresProvider:
    """Login roles are accounts, other roles are `role:NAME`, privileges are grants on `database:` and `schema:`.

    Args:
        config: what the YAML says.
        surroundings: the app, what secrets may be read, whether writing is allowed.

    Raises:
        ProviderError: psycopg is not installed.
    """

    name: ClassVar[str] = "postgres"
    version: ClassVar[str] = tool_version()
    Config: ClassVar[type[BaseModel]] = PostgresConfig

    def __init__(self, config: PostgresConfig, surroundings: Surroundings) -> None:
        self.capabilities = capabilities_of(config)
        self._app = surroundings.app
        try:
            from providers.postgres.client import Server  # noqa: PLC0415 - psycopg is an extra, and slow to import
            from providers.postgres.operations import Operations  # noqa: PLC0415 - same
            from providers.postgres.reading import Reader  # noqa: PLC0415 - same
        except ImportError as error:
            raise ProviderError(
                f"{surroundings.app}: the provider postgres needs {error.name}, which is not installed",
                hint="install the extra: pip install 'identity-reconciler[postgres]'",
            ) from error
        self._server = Server(config, surroundings)
        self._reader = Reader(self._server, config)
        self._operations = Operations(self._server, config)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet."""
        if not isinstance(config, PostgresConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a postgres way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    async def read(self) -> Snapshot:
        """Read roles, memberships and privileges, each collection complete or not, and why.

        Raises:
            ProviderError: there is no connection, or not even the roles can be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read roles as accounts, whatever they look like now; None for each that does not exist.

        Raises:
            ProviderError: they could not be read, or the ids are of another cluster.
        """
        return await self._reader.reread(remote_ids)

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it.

        Raises:
            ReadOnlyError: while planning.
        """
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return Receipt(change, Outcome.FAILED, f"{change.operation} {change.item}: {ability.why}")
        return await self._operations.perform(change)
