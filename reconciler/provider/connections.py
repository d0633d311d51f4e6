"""The worker slots of a transport: one small httpx client each, all sharing one TLS context.

One pool for all would scan itself on every request; clients of one connection do not.
"""

import asyncio
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from reconciler.errors import ProviderError

# They log whole URLs and the headers of answers, unredacted; our own debug log takes their place.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_SLOWEST_CONNECT = 10.0


class Slots:
    """At most so many requests at once, each on a connection that is reused."""

    def __init__(self, concurrency: int, timeout: float, tls: ssl.SSLContext) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self._idle: list[httpx.AsyncClient] = []
        self._all: list[httpx.AsyncClient] = []
        self._timeout = httpx.Timeout(timeout, connect=min(timeout, _SLOWEST_CONNECT))
        self._tls = tls

    @asynccontextmanager
    async def take(self) -> AsyncIterator[httpx.AsyncClient]:
        """Wait for a slot and lend its client; the one that was used last comes first."""
        async with self._free:
            client = self._idle.pop() if self._idle else self._connect()
            try:
                yield client
            finally:
                self._idle.append(client)

    async def close(self) -> None:
        """Close all connections."""
        clients, self._all, self._idle = self._all, [], []
        for client in clients:
            await client.aclose()

    def _connect(self) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            verify=self._tls,
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=30.0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
        )
        self._all.append(client)
        return client


def tls_context(scheme: str, verify: "bool | str | ssl.SSLContext") -> ssl.SSLContext:
    """Return the TLS context for a transport: system or bundled authorities, or those of a file.

    Raises:
        ProviderError: verification was to be switched off, or the file cannot be used.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    if verify is False:
        raise ProviderError(
            "TLS verification cannot be switched off",
            hint="give the file with the certificate authority that signed the server's certificate",
        )
    if scheme == "http" and verify is True:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; loading authorities would cost 20 ms
    if verify is True:
        return _usual_context()
    try:
        return ssl.create_default_context(cafile=verify)
    except (OSError, ssl.SSLError) as error:
        raise ProviderError(f"the certificate authorities in {verify} cannot be used: {error}") from None


@cache
def _usual_context() -> ssl.SSLContext:
    """Return the one context of the bundled authorities: loading them takes 20 ms, and there may be 100 apps."""
    return httpx.create_ssl_context()


def check_base(name: str, text: str, *, allow_http: bool) -> httpx.URL:
    """Return a base URL, checked: https, or http on this machine only; no user, query or fragment in it.

    Raises:
        ProviderError: it cannot be a base URL; the message does not repeat a password in it.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ProviderError(f"{name}: the URL is malformed", hint="write it like https://host/path") from None
    if url.userinfo or url.query or url.fragment:
        raise ProviderError(f"{name}: the URL holds more than an origin and a path", hint="put secrets into `token`")
    if url.scheme not in {"http", "https"} or not url.host:
        raise ProviderError(f"{name}: {text} is no web address", hint="write it like https://host/path")
    if url.scheme == "http" and not (allow_http or is_loopback(url.host)):
        raise ProviderError(f"{name}: {text} would send secrets unencrypted", hint="use https://")
    return url


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return the scheme, host and port of a URL: what a secret is sent to."""
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)
