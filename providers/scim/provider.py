"""The `scim` way: one SCIM 2.0 server, read and changed as the contract says."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Self

import httpx
from pydantic import BaseModel

from providers.scim.accounts import AccountWriter
from providers.scim.capabilities import capabilities_of
from providers.scim.client import ScimClient, counting
from providers.scim.config import BasicCredentials, BearerToken, OAuth2Credentials, ScimConfig
from providers.scim.editing import Editor
from providers.scim.groups import GroupWriter
from providers.scim.lookup import Lookup
from providers.scim.mapping import to_account
from providers.scim.memberships import MembershipWriter
from providers.scim.paths import NameTable
from providers.scim.reading import Reader
from providers.scim.values import ValueWriter
from reconciler.errors import ConfigurationError
from reconciler.provider.auth import BasicAuth, BearerAuth, ClientCredentials, OAuth2Auth
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.contract import Capabilities, Surroundings
from reconciler.provider.snapshot import LiveAccount, Snapshot
from reconciler.provider.transport import Rate, Transport


class ScimProvider:
    """One SCIM server (RFC 7643, 7644, 9865).

    Args:
        config: how it is reached and how it speaks.
        surroundings: what the core gives.
    """

    name: ClassVar[str] = "scim"
    version: ClassVar[str] = "1"
    Config: ClassVar[type[BaseModel]] = ScimConfig

    def __init__(self, config: ScimConfig, surroundings: Surroundings) -> None:
        self._config = config
        self.capabilities: Capabilities = capabilities_of(config)
        names = NameTable(config.extensions, config.dialect.renamed)
        self._names = names
        self._transport = _transport(config, surroundings)
        self._client = ScimClient(self._transport, config.dialect, bulk=config.bulk)
        self._lookup = Lookup(self._client, config.count)
        editor = Editor(self._client)
        self._reader = Reader(self._client, self._lookup, config, names)
        self._accounts = AccountWriter(self._client, self._lookup, editor, names)
        self._groups = GroupWriter(self._client, self._lookup, editor)
        self._memberships = MembershipWriter(self._client, editor)
        self._values = ValueWriter(editor, names, config.value_kinds)
        self._users_in_flight = 0
        self._users_written = asyncio.Event()
        self._users_written.set()

    @classmethod
    def open(cls, config: BaseModel, surroundings: Surroundings) -> Self:
        """Make the provider for one app; connects to nothing, and reads no secret yet.

        Raises:
            ProviderError: the URL, the credentials or the certificate authority cannot be used.
        """
        if not isinstance(config, ScimConfig):
            raise ConfigurationError(f"{surroundings.app}: this is no configuration of a scim way")
        return cls(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def read(self) -> Snapshot:
        """Read accounts, groups and values, each collection complete or not, and why.

        Raises:
            ProviderError: nothing at all could be read.
        """
        return await self._reader.read()

    async def reread(self, remote_ids: Sequence[str]) -> Sequence[LiveAccount | None]:
        """Read accounts one by one; None for each that does not exist.

        Raises:
            ProviderError: one could not be read.
        """
        found = {user.id: user for user in await self._lookup.by_ids(remote_ids)}
        return [to_account(found[each], self._names) if each in found else None for each in remote_ids]

    async def perform(self, change: Change) -> Receipt:
        """Do one change and say what came of it."""
        return (await self.perform_batch([change]))[0]

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Do several changes of one entitlement, all of the same operation; a receipt each, in the same order."""
        with counting() as tally:
            receipts = await self._perform(changes)
        return [
            replace(receipt, requests=count) for receipt, count in zip(receipts, tally.share(len(changes)), strict=True)
        ]

    async def _perform(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        change = changes[0]
        ability = self.capabilities.ability(change.operation, change.kind)
        if not ability:
            return [Receipt(each, Outcome.FAILED, f"{each.operation} {each.item}: {ability.why}") for each in changes]
        if change.kind == "accounts":
            with self._writing_users():
                return [await self._accounts.perform(each) for each in changes]
        if change.kind in self._config.value_kinds:
            return [await self._values.perform(each) for each in changes]
        if self._config.dialect.users_first:
            await self._users_written.wait()
        match change.operation:
            case Operation.CREATE_ENTITLEMENT:
                return [await self._groups.create(each) for each in changes]
            case Operation.RENAME_ENTITLEMENT:
                return [await self._groups.rename(each) for each in changes]
            case _:
                return await self._memberships.perform(changes)

    @contextmanager
    def _writing_users(self) -> Iterator[None]:
        """Hold back the changes of groups, where the server wants users first."""
        self._users_in_flight += 1
        self._users_written.clear()
        try:
            yield
        finally:
            self._users_in_flight -= 1
            if not self._users_in_flight:
                self._users_written.set()


def _transport(config: ScimConfig, surroundings: Surroundings) -> Transport:
    dialect = config.dialect
    headers = {"Accept": dialect.accept, **dialect.headers, **config.headers}
    if dialect.user_agent:
        headers["User-Agent"] = dialect.user_agent
    return Transport(
        config.url,
        surroundings,
        name=surroundings.app,
        headers=headers,
        auth=_auth(config, surroundings),
        rates=[Rate(rule.name, rule.per_minute, rule.burst) for rule in dialect.rates],
        concurrency=dialect.concurrency,
        timeout=config.timeout,
        verify=str(surroundings.root / config.ca) if config.ca else True,
        allow_http=config.allow_http,
    )


def _auth(config: ScimConfig, surroundings: Surroundings) -> httpx.Auth | None:
    match config.auth:
        case BearerToken() as given:
            return BearerAuth(given.bearer, surroundings, scheme=given.scheme, header=given.header)
        case BasicCredentials() as given:
            return BasicAuth(given.username, given.password, surroundings)
        case OAuth2Credentials() as given:
            credentials = ClientCredentials(
                token_url=given.token_url,
                client_id=given.client_id,
                client_secret=given.client_secret,
                scope=given.scope,
                audience=given.audience,
                style=given.style,
            )
            return OAuth2Auth(credentials, surroundings, timeout=config.timeout, allow_http=config.allow_http)
        case None:
            return BearerAuth(config.token, surroundings) if config.token else None
