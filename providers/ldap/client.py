"""One connection to a directory: searches by pages, values by ranges, and writes, in threads of their own.

`ldap3` is blocking; each request runs in a thread, one at a time on the connection. A connection that is lost is made
anew by the next request. Referrals are never followed: the password would go to whatever server they name.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPCommunicationError, LDAPExceptionError, LDAPStartTLSError

from providers.ldap.config import LdapConfig
from providers.ldap.mapping import Entry
from reconciler.errors import AnswerError, ProviderError, ReadOnlyError, TransportError
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import REVEALED

T = TypeVar("T")
SUCCESS, NO_ATTRIBUTE, VALUE_EXISTS, NO_OBJECT, EXISTS = 0, 16, 20, 32, 68
"""Result codes (RFC 4511 section 4.1.9)."""
ADD, REMOVE, REPLACE = ldap3.MODIFY_ADD, ldap3.MODIFY_DELETE, ldap3.MODIFY_REPLACE
_PAGED: Final = "1.2.840.113556.1.4.319"
_LOOPBACK = frozenset({"localhost", "::1"})
_MOST_PAGES = 100_000


@dataclass(slots=True)
class Found:
    """What a search found.

    Attributes:
        entries: all of them, or those before it failed.
        failed: why it is not whole, or empty.
        referrals: other servers that the directory named in place of entries.
    """

    entries: list[Entry] = field(default_factory=list)
    failed: str = ""
    referrals: list[str] = field(default_factory=list)


class LdapClient:
    """Speaks with one directory; an asynchronous context manager.

    Args:
        config: where, and as whom.
        surroundings: what the core gives.

    Raises:
        ProviderError: the connection would be in clear, or the certificate authority's file cannot be used.
    """

    def __init__(self, config: LdapConfig, surroundings: Surroundings) -> None:
        self._config = config
        self._surroundings = surroundings
        self._name = surroundings.app
        parts = urlsplit(config.url)
        self._secure = parts.scheme == "ldaps"
        host = parts.hostname or ""
        if config.plain and not (host in _LOOPBACK or host.startswith("127.")):
            raise ProviderError(
                f"{self._name}: `plain` sends the password in clear to {host}",
                hint="leave it out: ldap:// is then secured by StartTLS",
            )
        self._server = ldap3.Server(
            host,
            port=parts.port or (636 if self._secure else 389),
            use_ssl=self._secure,
            tls=self._tls(),
            get_info=ldap3.NONE,
            connect_timeout=config.timeout,
        )
        self._connection: ldap3.Connection | None = None
        self._turn = asyncio.Lock()
        self.requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await asyncio.to_thread(connection.unbind)

    async def search(
        self, base: str, filter_: str, attributes: Sequence[str], *, ranged: str = "", scope: str = ldap3.SUBTREE
    ) -> Found:
        """Find entries, page by page (RFC 2696).

        Args:
            base: where to look.
            filter_: RFC 4515; values in it are escaped by the caller.
            attributes: what is wanted of each.
            ranged: the attribute whose values may come in parts; all parts are fetched ([MS-ADTS] 3.1.1.3.1.3.3).
            scope: of `ldap3`.
        """
        found, cookie = Found(), b""
        wanted = [*attributes, *([f"{ranged}{self._window}"] if ranged else ())]
        for _ in range(_MOST_PAGES):
            try:
                result, response = await self._run(
                    lambda connection, at=cookie: connection.search(  # type: ignore[misc]  # of this page
                        base, filter_, scope, attributes=wanted, paged_size=self._config.page, paged_cookie=at or None
                    )[1:3],
                )
            except TransportError as error:
                found.failed = error.message
                return found
            for each in response or ():
                if each["type"] == "searchResEntry":
                    found.entries.append(await self._whole(each, ranged))
                else:
                    found.referrals += [str(uri) for uri in each.get("uri", ())]
            if result["result"] != SUCCESS:  # entries may have come all the same, before a limit
                found.failed = self._words("search", base, result)
                return found
            cookie = result.get("controls", {}).get(_PAGED, {}).get("value", {}).get("cookie") or b""
            if not cookie:
                return found
        found.failed = f"search {base}: more than {_MOST_PAGES} pages"
        return found

    _window = ""
    """What is asked for of an attribute with ranges at first: everything; the directory itself cuts it."""

    async def _whole(self, answered: Mapping[str, Any], ranged: str) -> Entry:
        """Return an entry with all values of the attribute that came in parts."""
        values = {name.lower(): list(raw) for name, raw in answered["raw_attributes"].items()}
        while part := next((name for name in values if name.startswith(f"{ranged.lower()};range=")), ""):
            gathered = values.setdefault(ranged.lower(), [])
            gathered += values.pop(part)
            end = part.rpartition("-")[2]
            if end == "*":
                break
            values |= await self._next_range(answered["dn"], ranged, int(end) + 1)
        return Entry(answered["dn"], values)

    async def _next_range(self, dn: str, name: str, start: int) -> dict[str, list[bytes]]:
        asked = f"{name};range={start}-*"
        result, response = await self._run(
            lambda connection: connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[asked])[1:3]
        )
        if result["result"] != SUCCESS:
            raise TransportError(self._words("read", dn, result))
        entries = [each for each in response or () if each["type"] == "searchResEntry"]
        got: Mapping[str, list[bytes]] = entries[0]["raw_attributes"] if entries else {}
        parts = {key.lower(): list(raw) for key, raw in got.items() if key.lower().startswith(f"{name.lower()};range=")}
        if not parts:
            raise TransportError(f"read {dn}: {asked} was answered without values")
        return parts

    async def add(self, dn: str, values: Mapping[str, Sequence[bytes]]) -> None:
        """Make an entry.

        Raises:
            AnswerError: the directory refused; `status` is the result code.
            TransportError: there was no answer.
            ReadOnlyError: while planning.
        """
        await self._write("add", dn, lambda connection: _untyped(connection).add(dn, attributes=dict(values))[:3])

    async def modify(self, dn: str, *changes: tuple[str, str, Sequence[bytes]]) -> None:
        """Change attributes of an entry, all or nothing: (ADD, REMOVE or REPLACE, attribute, values); as `add`."""
        grouped: dict[str, list[tuple[str, list[bytes]]]] = {}
        for operation, name, values in changes:
            grouped.setdefault(name, []).append((operation, list(values)))
        await self._write("modify", dn, lambda connection: _untyped(connection).modify(dn, grouped)[:3])

    async def rename(self, dn: str, rdn: str, container: str = "") -> None:
        """Give an entry another first part of its name, or another container; as `add`."""
        await self._write(
            "rename", dn, lambda connection: connection.modify_dn(dn, rdn, new_superior=container or None)[:3]
        )

    async def delete(self, dn: str) -> None:
        """Delete an entry; as `add`."""
        await self._write("delete", dn, lambda connection: _untyped(connection).delete(dn)[:3])

    async def _write(self, what: str, dn: str, do: Callable[[ldap3.Connection], tuple[Any, ...]]) -> None:
        if self._surroundings.read_only:
            raise ReadOnlyError(f"{self._name}: {what} {dn} would write while planning")
        _, result, _ = await self._run(do, writes=True)
        if result["result"] != SUCCESS:
            said = str(result.get("description") or "")
            raise AnswerError(self._words(what, dn, result), status=int(result["result"]), code=said)

    async def _run(self, do: Callable[[ldap3.Connection], T], *, writes: bool = False) -> T:
        """Do one request; a connection that fails is given up, and made anew by the next request."""
        async with self._turn:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._connect)
            connection = self._connection
            self.requests += 1
            try:
                return await asyncio.to_thread(do, connection)
            except LDAPExceptionError as error:
                self._connection = None
                await asyncio.to_thread(_give_up, connection)
                lost = writes and isinstance(error, LDAPCommunicationError)
                words = f"{self._name}: {type(error).__name__}: {error}"
                raise TransportError(words, landed=None if lost else False) from None

    def _connect(self) -> ldap3.Connection:
        """Connect, secure the connection, and sign in.

        Raises:
            TransportError: it did not come about; nothing was asked for.
        """
        password = self._config.password.reveal(self._surroundings)
        REVEALED.add(password)
        connection = ldap3.Connection(
            self._server,
            self._config.bind_dn,
            password,
            client_strategy=ldap3.SAFE_SYNC,
            read_only=self._surroundings.read_only,
            auto_referrals=False,
            receive_timeout=ceil(self._config.timeout),
            raise_exceptions=False,
        )
        try:
            if not self._secure and not self._config.plain:
                connection.start_tls()
                if not connection.tls_started:  # the password would go in clear
                    raise LDAPStartTLSError(connection.last_error)
            done, result, *_ = connection.bind()
        except LDAPExceptionError as error:
            _give_up(connection)
            raise TransportError(f"{self._name}: {self._config.url}: {error}", landed=False) from None
        if not done:
            _give_up(connection)
            raise TransportError(self._words("sign in as", self._config.bind_dn, result), landed=False)
        return connection

    def _tls(self) -> ldap3.Tls:
        try:
            return ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._config.ca_file or None)
        except LDAPExceptionError as error:
            raise ProviderError(f"{self._name}: ca_file {self._config.ca_file}: {error}") from None

    def _words(self, what: str, dn: str, result: Mapping[str, Any]) -> str:
        said = " ".join(str(result.get("message") or "").split())[:300]
        return f"{what} {dn}: {result.get('description')} ({result.get('result')})" + (f": {said}" if said else "")


def _give_up(connection: ldap3.Connection) -> None:
    """Close a connection that failed."""
    with suppress(LDAPExceptionError, OSError):
        connection.unbind()


def _untyped(connection: ldap3.Connection) -> Any:
    """Return a connection whose published types leave out what these methods take and return."""
    return connection
