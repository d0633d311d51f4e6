"""An app's accounts and grants in files that a person exports; writable where the YAML says so."""

import asyncio
from collections.abc import Sequence
from datetime import UTC
from types import TracebackType
from typing import ClassVar, Self

from pydantic import BaseModel

from providers.file.client import Content, locate
from providers.file.config import ExportedAt, FileConfig
from providers.file.reading import ALL, read_snapshot
from providers.file.writing import Writer
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import CAN, Ability, Capabilities, Surroundings, cannot
from reconciler.provider.snapshot import ACCOUNTS, Snapshot, entitlements_of, grants_of
from reconciler.version import tool_version

_NOT_WRITABLE = cannot("the file is only an export: say `writable: true` if it is the app's own record")
_ACCOUNT_OPERATIONS = (
    Operation.CREATE_ACCOUNT,
    Operation.UPDATE_ACCOUNT,
    Operation.SUSPEND_ACCOUNT,
    Operation.REACTIVATE_ACCOUNT,
    Operation.DELETE_ACCOUNT,
)


class FileProvider:
    """One app in one to three files: accounts, and perhaps grants and entitlements.

    Args:
        config: what the YAML says.
        surroundings: the app, the root that paths start from, whether writing is allowed.
    """

    name: ClassVar[str] = "file"
    version: ClassVar[str] = tool_version()
    Config: ClassVar[type[BaseModel]] = FileConfig

    def __init__(self, config: FileConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings
        self._writer = Writer(config, surroundings.root)
        self._turn = asyncio.Lock()
        self.capabilities = capabilities_of(config)

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider; reads nothing yet.

        Raises:
            ProviderError: a path leads out of the tree.
        """
        if not isinstance(config, FileConfig):
            raise ProviderError(f"{surroundings.app}: the file provider was given another provider's configuration")
        for part in config.parts:
            locate(surroundings.root, part.path)
            if isinstance(part.exported_at, ExportedAt) and part.exported_at.sidecar:
                locate(surroundings.root, part.exported_at.sidecar)
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open."""

    async def read(self) -> Snapshot:
        """Read the files. What is written afterwards is refused if they have changed since.

        Raises:
            ProviderError: the accounts' file cannot be read; the message names file and line.
        """
        async with self._turn:
            now = self._surroundings.now.astimezone(UTC)
            snapshot, contents = await asyncio.to_thread(read_snapshot, self._config, self._surroundings.root, now)
            self._remember(contents)
            return snapshot

    def _remember(self, contents: dict[str, Content]) -> None:
        self._writer.seen = {path: content.digest for path, content in contents.items()}

    async def perform(self, change: Change) -> Receipt:
        """Write one change."""
        return (await self.perform_batch([change]))[0]

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Write changes with one replacement of each file.

        Raises:
            ReadOnlyError: while planning.
        """
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{self._surroundings.app}: {self._config.path} may not be written while planning")
        if refused := [self.capabilities.ability(change.operation, change.kind) for change in changes]:
            why = next((ability.why for ability in refused if not ability), "")
            if why:
                return [Receipt(change, Outcome.FAILED, detail=why) for change in changes]
        async with self._turn:
            return await asyncio.to_thread(self._writer.write, changes)


def capabilities_of(config: FileConfig) -> Capabilities:
    """Say what can be read from and written into files that are configured so.

    Kinds are whatever the files hold, so the kind `*` stands for all of them.
    """
    reads = {ACCOUNTS: CAN}
    kinds = (ALL, config.kind) if config.kind else (ALL,)
    if config.shows_grants:
        reads.update({grants_of(kind): CAN for kind in kinds})
    if config.entitlements:
        reads.update({entitlements_of(kind): CAN for kind in kinds})
    columns = config.columns
    written = {*columns.attributes, *(name for name in ("username", "email") if getattr(columns, name))}
    return Capabilities(
        reads=reads,
        operations={operation: _on_accounts(config, operation) for operation in _ACCOUNT_OPERATIONS},
        kinds={ALL: _on_entitlements(config)},
        stable_ids=columns.id not in {columns.username, columns.email},
        levels=config.levels,
        attributes=frozenset(written),
        batches=True,
        concurrency=1,
        least_share=config.minimum.share,
    )


def _on_accounts(config: FileConfig, operation: Operation) -> Ability:
    if not config.writable:
        return _NOT_WRITABLE
    if operation in {Operation.SUSPEND_ACCOUNT, Operation.REACTIVATE_ACCOUNT} and not config.columns.status:
        return cannot("the file has no column for the status: name it in `columns`")
    return CAN


def _on_entitlements(config: FileConfig) -> dict[Operation, Ability]:
    if not config.writable:
        names = (Operation.GRANT, Operation.REVOKE, Operation.SET_LEVEL, Operation.CREATE_ENTITLEMENT)
        return dict.fromkeys((*names, Operation.RENAME_ENTITLEMENT, Operation.UPDATE_ENTITLEMENT), _NOT_WRITABLE)
    grants = CAN if config.shows_grants else cannot("the file has no place for grants")
    catalogue = CAN if config.entitlements else cannot("an entitlement is in this file only while somebody holds it")
    return {
        Operation.GRANT: grants,
        Operation.REVOKE: grants,
        Operation.SET_LEVEL: grants if config.holds_levels else cannot("the file has no place for levels"),
        Operation.CREATE_ENTITLEMENT: catalogue,
        Operation.RENAME_ENTITLEMENT: CAN if config.entitlements or config.shows_grants else catalogue,
        Operation.UPDATE_ENTITLEMENT: catalogue,
    }
