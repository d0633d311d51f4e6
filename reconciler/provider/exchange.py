"""One try of one request: through the gate, to the app, and what its answer or its silence means."""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import Answer, id_hint, path_of, shorten
from reconciler.provider.clock import Clock
from reconciler.provider.connections import origin
from reconciler.provider.quota import Quota, quota_headers, read_quotas, spent_wait, told_wait
from reconciler.provider.rates import Gate, TooLongError
from reconciler.provider.redaction import Redactor
from reconciler.provider.retry import FailedError, Limits, TokenError

Throttled: TypeAlias = Callable[[Answer], float | None]
"""Says of a refusal with whatever status that it only asks to wait: so many seconds (0: it does not say how many)."""

_LOG = logging.getLogger("reconciler.http")
_LOGGED_HEADERS = (
    "content-type",
    "content-length",
    "retry-after",
    "x-retry-after",
    "ratelimit",
    "etag",
    "date",
    "server",
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPING_THE_METHOD = frozenset({307, 308})
_MOST_REDIRECTS = 3
_NEVER_BETTER = frozenset({501, 505})
_SHORTEST_TOLD = 0.05
_REFUSED, _TOO_MANY, _FORBIDDEN, _UNAVAILABLE, _SERVER_FAULT = 400, 429, 403, 503, 500


@dataclass(frozen=True, slots=True)
class Call:
    """One logical request; every try of it sends the same.

    Attributes:
        app: the transport's name, for messages.
        writes: whether it changes something.
        idempotent: whether sending it twice is as good as once.
        id: what is sent as `X-Request-Id`.
        cost: how many requests the app counts it as.
    """

    app: str
    method: str
    url: httpx.URL
    headers: httpx.Headers
    body: bytes | None
    rate: str
    writes: bool
    idempotent: bool
    id: str
    cost: int = 1

    @property
    def what(self) -> str:
        """The request in a few words: `scim: GET /Users`."""
        return f"{self.app}: {self.method} {path_of(str(self.url))}"

    def fault(self, words: str, *, landed: bool | None, hint: str = "") -> TransportError:
        """Return an error about this request; the words go on from it: `answered 503`, `got no answer`."""
        return TransportError(f"{self.what} {words}", hint=hint or id_hint(self.id), landed=landed)


class Exchange:
    """Sends tries, and turns whatever comes back into an `Answer` or a `FailedError`.

    Args:
        auth: adds credentials to each try, or None.
        timeout: seconds for one try, from connecting to the last byte.
        redactor: knows the secrets.
        throttled: see `Transport`.
    """

    def __init__(  # noqa: PLR0913 - what one try depends on
        self,
        auth: httpx.Auth | None,
        limits: Limits,
        clock: Clock,
        timeout: float,
        redactor: Redactor,
        *,
        throttled: Throttled | None = None,
    ) -> None:
        self._auth = auth
        self._limits = limits
        self._clock = clock
        self._timeout = timeout
        self._redactor = redactor
        self._throttled = throttled
        self.requests = 0

    async def once(self, client: httpx.AsyncClient, call: Call, gate: Gate, until: float) -> Answer:
        """Send one try.

        Args:
            client: the slot's client.
            call: the request.
            gate: the gate of its rate class.
            until: the monotonic time at which the whole request must have its answer.

        Raises:
            FailedError: no usable answer; says whether another try can help.
        """
        try:
            asked = await gate.enter(until, call.cost)
        except TooLongError as error:
            raise FailedError(self._quota_error(call, error.seconds), again=False) from None
        quotas: list[Quota] = []
        heard = False
        try:
            answer, raw = await self._send(client, call)
            now = self._clock.epoch()
            headers = quota_headers(raw)
            quotas = read_quotas(headers, now)
            heard = True
            slow = self._throttled(answer) if self._throttled and answer.status >= _REFUSED else None
            if slow is not None:
                return self._judge(call, answer, slow or told_wait(headers, now), gate, until, throttled=True)
            return self._judge(call, answer, _asked_wait(answer.status, told_wait(headers, now), quotas), gate, until)
        finally:
            gate.leave(asked, quotas, heard=heard)

    def _quota_error(self, call: Call, seconds: float) -> TransportError:
        """Return the error of a request that would have to wait longer than it may."""
        hint = f"a request may take {self._limits.deadline:g} s; run again later"
        return call.fault(f"would have to wait {seconds:.0f} s for the app's quota", landed=False, hint=hint)

    async def _send(self, client: httpx.AsyncClient, call: Call) -> tuple[Answer, list[tuple[bytes, bytes]]]:
        """Send a try and read its answer, following redirects inside the origin."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                request = client.build_request(call.method, call.url, headers=call.headers, content=call.body)
                for _ in range(_MOST_REDIRECTS + 1):
                    response, content = await self._read(client, call, request)
                    if response.status_code not in _REDIRECTS:
                        self._log(call, response, len(content), self._clock.monotonic() - started)
                        return self._answer(call, response, content), response.headers.raw
                    request = self._redirected(client, call, response)
        except TimeoutError:
            words = f"got no whole answer within {self._timeout:g} s"
            raise FailedError(call.fault(words, landed=None), again=call.idempotent) from None
        except TokenError as error:
            raise FailedError(error, again=error.again) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failure(call, error) from None
        raise FailedError(call.fault(f"was redirected more than {_MOST_REDIRECTS} times", landed=None), again=False)

    async def _read(
        self, client: httpx.AsyncClient, call: Call, request: httpx.Request
    ) -> tuple[httpx.Response, bytes]:
        """Send one HTTP request and read its body, within bounds."""
        self.requests += 1
        response = await client.send(request, auth=self._auth, stream=True)
        try:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > self._limits.max_bytes:
                    words = f"answered with more than {self._limits.max_bytes // 1024} KiB"
                    raise FailedError(call.fault(words, landed=None), again=False)
                parts.append(part)
        except httpx.HTTPError as error:
            words = f"answered {response.status_code}, but the body was cut off: {self._words(error)}"
            raise FailedError(call.fault(words, landed=None), again=call.idempotent) from None
        finally:
            await response.aclose()
        return response, parts[0] if len(parts) == 1 else b"".join(parts)

    def _answer(self, call: Call, response: httpx.Response, content: bytes) -> Answer:
        return Answer(
            status=response.status_code,
            headers=response.headers,
            content=content,
            url=str(response.url),
            method=call.method,
            request_id=call.id,
            redactor=self._redactor,
        )

    def _redirected(self, client: httpx.AsyncClient, call: Call, response: httpx.Response) -> httpx.Request:
        """Return the request that a redirect asks for: never to another origin, never with another method."""
        where = response.headers.get("location", "")
        try:
            target = response.url.join(where)
        except httpx.InvalidURL:
            target = httpx.URL("")
        status = response.status_code
        if not where or origin(target) != origin(call.url) or target.userinfo:
            to = f"{target.scheme}://{target.host}" if target.host else "nowhere"
            error = call.fault(
                f"answered {status} with a redirect to {to}, which is another origin; nothing was sent there",
                landed=None if call.writes else False,
                hint="is the URL right, and is the token accepted?",
            )
            raise FailedError(error, again=False)
        if status not in _KEEPING_THE_METHOD and call.method not in {"GET", "HEAD"}:
            error = call.fault(f"answered {status} with a redirect that would change the request", landed=None)
            raise FailedError(error, again=False)
        return client.build_request(call.method, target, headers=call.headers, content=call.body)

    def _judge(  # noqa: PLR0913 - what was asked, what came back, and how long there is
        self, call: Call, answer: Answer, wait: float | None, gate: Gate, until: float, *, throttled: bool = False
    ) -> Answer:
        """Return a final answer, or raise with whether to come back, and make all workers wait where the app asks."""
        status = _TOO_MANY if throttled else answer.status
        if status < _SERVER_FAULT and status != _TOO_MANY and (status != _FORBIDDEN or wait is None):
            return answer
        landed = False if status in {_TOO_MANY, _FORBIDDEN} else None
        words = answer.words()
        message = f"answered {answer.status}" + (f": {words}" if words else "")
        if status in _NEVER_BETTER:
            refusal = AnswerError(f"{call.what} {message}", status=status, code=answer.code(), hint=id_hint(call.id))
            raise FailedError(refusal, again=False)
        if wait is not None and wait >= _SHORTEST_TOLD:
            if self._clock.monotonic() + wait > until:
                if status == _FORBIDDEN:
                    return answer
                hint = f"a request may take {self._limits.deadline:g} s; run again later"
                error = call.fault(f"{message}; it asks to wait {wait:.0f} s", landed=landed, hint=hint)
                raise FailedError(error, again=False)
            gate.pause(wait + random.uniform(0, min(0.5, wait * 0.05)))
            raise FailedError(call.fault(message, landed=landed), again=True, told=True)
        raise FailedError(
            call.fault(message, landed=landed), again=status in {_TOO_MANY, _FORBIDDEN} or call.idempotent
        )

    def _failure(self, call: Call, error: Exception) -> FailedError:
        """Return what a failure of the connection means."""
        words = self._words(error)
        if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol | httpx.InvalidURL):
            return FailedError(call.fault(f"cannot be sent: {words}", landed=False), again=False)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error) or isinstance(error.__cause__, ssl.CertificateError)
            host = call.url.netloc.decode("ascii", "replace")
            return FailedError(call.fault(f"cannot connect to {host}: {words}", landed=False), again=not untrusted)
        return FailedError(call.fault(f"got no answer: {words}", landed=None), again=call.idempotent)

    def _words(self, error: Exception) -> str:
        """Return an error's own words, redacted; its class where it has none."""
        return shorten(self._redactor.clean(str(error))) or type(error).__name__

    def _log(self, call: Call, response: httpx.Response, size: int, seconds: float) -> None:
        """Write one line for debugging: no body, only harmless headers, the query redacted."""
        if not _LOG.isEnabledFor(logging.DEBUG):
            return
        query = response.url.query.decode("ascii", "replace")
        headers = "; ".join(
            f"{name}: {value}"
            for name, value in response.headers.items()
            if name in _LOGGED_HEADERS or name.startswith(("x-ratelimit-", "x-rate-limit-", "ratelimit-"))
        )
        what = f"{call.what}{'?' + query if query else ''} -> {response.status_code}"
        line = f"{what}, {size} bytes, {seconds * 1000:.0f} ms, request {call.id} [{headers}]"
        _LOG.debug("%s", self._redactor.clean(line))


def _asked_wait(status: int, told: float | None, quotas: list[Quota]) -> float | None:
    """Return the seconds that an answer asks to wait: what it says, else until its quota is filled again."""
    if told is not None or status not in {_TOO_MANY, _FORBIDDEN}:
        return told if status in {_TOO_MANY, _FORBIDDEN, _UNAVAILABLE} else None
    return spent_wait(quotas)
