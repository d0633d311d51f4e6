"""The HTTP transport that every provider shares: one app's connections, its rates, and its retries.

It refuses to write where it may only read, sends nothing to another origin, and says what went wrong in words that name
the request and hold no secret.
"""

import ssl
import uuid
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.answer import Answer
from reconciler.provider.auth import SecretAuth
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.connections import Slots, check_base, origin, tls_context
from reconciler.provider.contract import Surroundings
from reconciler.provider.exchange import Call, Exchange, Throttled
from reconciler.provider.rates import Gates, Rate
from reconciler.provider.redaction import Redactor
from reconciler.provider.retry import FailedError, Limits, Patience
from reconciler.version import tool_version

__all__ = ["Answer", "Limits", "Rate", "Transport"]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_REPEATABLE = _READING | {"PUT", "DELETE"}
_GONE_AFTER = 3
"""So many requests in a row that were given up mean that the app is gone: until it answers, each gets one try."""


class Transport:
    """One app's connection; an asynchronous context manager.

    Args:
        base_url: where relative paths start: https, or http on this machine.
        surroundings: says whether writes are refused.
        name: the app's name in messages and logs.
        headers: sent with every request.
        auth: adds credentials (see `auth`).
        rates: the vendor's published rate classes; requests of other classes are driven by quota headers alone.
        concurrency: requests in flight at most.
        timeout: seconds for one try, from connecting to the last byte.
        verify: True, or the file of a certificate authority, or a context. Verification cannot be switched off.
        secrets: values that are taken out of every message and log line, besides those that `auth` reveals.
        limits: deadlines, numbers of tries, sizes.
        allow_http: whether http to other machines is allowed (a test network; never a vendor).
        clock: where the time comes from.
        throttled: says of a refusal that it only asks to wait, for apps that do so with another status than 429 (AWS:
            400): the seconds that it asks for, 0 where it does not say how many, None where it is another refusal.

    Raises:
        ProviderError: the URL or `verify` cannot be used.
    """

    def __init__(  # noqa: PLR0913 - everything but the first two is by name and has a default
        self,
        base_url: str,
        surroundings: Surroundings,
        *,
        name: str,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        rates: Sequence[Rate] = (),
        concurrency: int = 8,
        timeout: float = 30.0,
        verify: bool | str | ssl.SSLContext = True,
        secrets: Sequence[str] = (),
        limits: Limits | None = None,
        allow_http: bool = False,
        clock: Clock | None = None,
        throttled: Throttled | None = None,
    ) -> None:
        self.name = name
        self.redactor = Redactor(secrets)
        base = check_base(name, base_url, allow_http=allow_http)
        self._base = base.copy_with(path=base.path.rstrip("/") + "/")
        self._read_only = surroundings.read_only
        self._headers = {"Accept": "application/json", "User-Agent": f"identity-reconciler/{tool_version()}"}
        self._headers |= dict(headers or {})
        self._limits = limits or Limits()
        self._clock: Clock = clock or SystemClock()
        self._gates = Gates(rates, self._clock)
        self._slots = Slots(concurrency, timeout, tls_context(self._base.scheme, verify))
        self._given_up = 0
        self._exchange = Exchange(auth, self._limits, self._clock, timeout, self.redactor, throttled=throttled)
        if isinstance(auth, SecretAuth):
            auth.tell_secrets_to(self.redactor)

    @property
    def requests(self) -> int:
        """How many HTTP requests were sent so far, retries included."""
        return self._exchange.requests

    def pause(self, rate: str, seconds: float) -> None:
        """Let no request of a rate class go for so long: the app asked for it in words that only its provider knows."""
        self._gates[rate].pause(seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._slots.close()

    def __repr__(self) -> str:
        return f"Transport({self.name}, {self._base})"

    async def request(  # noqa: PLR0913 - what is not the request itself is by name
        self,
        method: str,
        path_or_url: str,
        *,
        params: Mapping[str, str | int | float | bool] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        write: bool | None = None,
        rate: str = "",
        idempotent: bool | None = None,
        content: bytes | None = None,
        cost: int = 1,
    ) -> Answer:
        """Send one logical request and return its final answer, whatever a status below 500 says.

        Args:
            method: in capitals.
            path_or_url: a path below the base URL, or a whole URL of the same origin (a link to a next page).
            params: added to the URL's query.
            json: the body, where it is not None.
            headers: over those of the transport.
            write: whether it changes something; by default everything but GET, HEAD and OPTIONS does.
            rate: the rate class.
            idempotent: whether it may be sent again though the first may have landed; by default what does not write,
                PUT and DELETE (RFC 9110 section 9.2.2).
            content: a body that is not JSON, instead of `json`; `headers` say what it is.
            cost: how many requests the app counts it as: those that a batch carries.

        Raises:
            ReadOnlyError: it would write on a transport that only reads; nothing was sent.
            TransportError: no answer, or still 429 or 5xx after retries; `landed` says whether it may have been done.
            AnswerError: 501 or 505, which no retry changes.
            SecretError: a credential cannot be read.
        """
        writes = method not in _READING if write is None else write
        if writes and self._read_only:
            raise ReadOnlyError(f"{self.name}: {method} {path_or_url.partition('?')[0]} would write while planning")
        call = Call(
            app=self.name,
            method=method,
            url=self._url(path_or_url, params),
            headers=httpx.Headers(self._headers),
            body=content if json is None else msgspec.json.encode(json),
            rate=rate,
            writes=writes,
            idempotent=(not writes or method in _REPEATABLE) if idempotent is None else idempotent,
            id=uuid.uuid4().hex,
            cost=cost,
        )
        self._set_headers(call, headers or {})
        async with self._slots.take() as client:
            return await self._persist(client, call)

    async def _persist(self, client: httpx.AsyncClient, call: Call) -> Answer:
        """Try until there is an answer, or until trying again is useless or harmful."""
        patience = Patience(self._limits, self._clock, hopeful=self._given_up < _GONE_AFTER)
        try:
            async for attempt in patience.tries():
                with attempt:
                    answer = await self._exchange.once(client, call, self._gates[call.rate], patience.until)
                    self._given_up = 0
                    return answer
        except FailedError as failed:
            self._given_up += failed.again
            error = failed.error
        else:
            raise AssertionError("a loop of tries ends with an answer or an error")
        if patience.may_have_landed:
            error.landed = None
        raise error

    def _set_headers(self, call: Call, headers: Mapping[str, str]) -> None:
        """Complete a call's headers: its id, and a content type exactly where there is a body."""
        call.headers["X-Request-Id"] = call.id
        if call.body is not None:
            call.headers.setdefault("Content-Type", "application/json")
        else:
            call.headers.pop("Content-Type", None)
        call.headers.update(headers)

    def _url(self, path_or_url: str, params: Mapping[str, str | int | float | bool] | None) -> httpx.URL:
        """Return the URL of a request: below the base, or of its origin.

        Raises:
            ProviderError: it leads elsewhere.
        """
        whole = "://" in path_or_url.partition("?")[0] or path_or_url.startswith("//")
        try:
            url = self._base.join(path_or_url) if whole else self._below(path_or_url)
        except httpx.InvalidURL:
            raise ProviderError(f"{self.name}: a URL is malformed: {path_or_url.partition('?')[0]}") from None
        if origin(url) != origin(self._base) or url.userinfo:
            ours, theirs = (f"{each.scheme}://{each.host}" for each in (self._base, url))
            raise ProviderError(f"{self.name}: {theirs} is another origin than {ours}; nothing was sent there")
        return url.copy_merge_params(dict(params)) if params else url

    def _below(self, path: str) -> httpx.URL:
        """Return a path below the base; one that climbs out of it is refused."""
        if ".." in path.partition("?")[0].split("/"):
            raise ProviderError(f"{self.name}: the path {path.partition('?')[0]} leaves the base URL")
        return httpx.URL(f"{self._base}{path.removeprefix('/')}")
