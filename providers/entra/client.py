"""Microsoft Graph: requests, pages, delta queries, and the sign-in of an application."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx

from providers.entra.config import EntraConfig
from reconciler.errors import AnswerError, ProviderError, TransportError
from reconciler.provider.answer import Answer
from reconciler.provider.auth import Asking, ClientCredentials, OAuth2Auth, RenewedAuth
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret
from reconciler.provider.transport import Rate, Transport

PAGE: Final = 999
WRITE: Final = "write"

_MOST_PAGES = 10_000
WRITES_PER_MINUTE, WRITES_AT_ONCE, _READS_PER_MINUTE = 1200.0, 20, 7000.0
"""3,000 writes in 150 seconds, and 3,500 resource units in 10 seconds of which a read takes up to 3, for an
application in a tenant (https://learn.microsoft.com/graph/throttling-limits, identity and access)."""
_SETTLING: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries about something that was just made and that not every replica of the directory knows yet
(https://learn.microsoft.com/graph/api/group-post-members: replication delays, told as 404 or as 400)."""
_BAD, _ABSENT, _EXPIRED = 400, 404, 410
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("entra_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the calls that are made from here while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class AssertionAuth(RenewedAuth):
    """Tokens for an application that proves itself with another's token (RFC 7523 section 2.2).

    Args:
        assertion: the reference to that token.
        form: what else is asked with.
        more: as for `RenewedAuth`.
    """

    advice = "check the federated credential: its issuer, subject and audience"

    def __init__(
        self, url: str, assertion: Secret, form: Mapping[str, str], surroundings: Surroundings, **more: Any
    ) -> None:
        super().__init__(url, surroundings, **more)
        self._assertion = assertion
        self._form = form

    async def asking(self) -> Asking:
        """Return the form of the request for a token."""
        proof = {"client_assertion_type": _ASSERTION, "client_assertion": await self.reveal(self._assertion)}
        return Asking({"Accept": "application/json"}, {"grant_type": "client_credentials", **self._form, **proof})


class GraphClient:
    """Speaks with Microsoft Graph for one tenant; an asynchronous context manager.

    Args:
        config: where, and as whom.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.

    Raises:
        ProviderError: a URL or a reference cannot be used.
    """

    def __init__(self, config: EntraConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        self._url = config.url.rstrip("/")
        self._clock = clock or SystemClock()
        self._new: set[str] = set()
        self._transport = Transport(
            config.url,
            surroundings,
            name=surroundings.app,
            auth=_sign_in(config, surroundings),
            rates=[Rate("", _READS_PER_MINUTE, 100), Rate(WRITE, WRITES_PER_MINUTE, WRITES_AT_ONCE)],
            timeout=config.timeout,
            allow_http=config.allow_http,
            clock=clock,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._transport.requests

    async def get(self, path: str, **params: str | int) -> dict[str, Any]:
        """Read one object; parameters without their `$`.

        Raises:
            AnswerError: Graph refused; `code` is its error's name.
            TransportError: there was no answer.
        """
        return await self._call("GET", path, params={f"${name}": value for name, value in params.items()})

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make something, or do an action; see `get` for what is raised.

        Raises:
            ReadOnlyError: while planning.
        """
        return await self._call("POST", path, json=dict(body), rate=WRITE)

    async def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change an object; as `post`. Setting values again changes nothing, so that it may be sent twice."""
        return await self._call("PATCH", path, json=dict(body), rate=WRITE, idempotent=True)

    async def delete(self, path: str) -> dict[str, Any]:
        """Delete an object, or a reference where the path ends with `$ref`; as `post`."""
        return await self._call("DELETE", path, rate=WRITE)

    def expect(self, id_: str) -> None:
        """Note an object that was made: that Graph does not find it means not yet."""
        self._new.add(id_)

    def reference(self, id_: str) -> dict[str, str]:
        """Return the body that names an object of the directory."""
        return {"@odata.id": f"{self._url}/directoryObjects/{part(id_)}"}

    async def pages(self, path: str, *, closing: str = "", **params: str | int) -> AsyncIterator[dict[str, Any]]:
        """Yield everything of a list, page by page.

        Args:
            path: below the base URL.
            closing: what the last page must have, where the list has such an end (`@odata.deltaLink`).
            params: without their `$`.

        Raises:
            TransportError: as for `get`; a page came twice, has no list, or the last one lacks `closing`.
        """
        seen, at = set[str](), path
        asked: dict[str, str | int] = {f"${name}": value for name, value in params.items()}
        for _ in range(_MOST_PAGES):
            answer = await self._call("GET", at, params=asked)
            listed = answer.get("value")
            if not isinstance(listed, list):
                raise TransportError(f"{path} answered without a list")
            for each in listed:
                yield each
            at, asked = str(answer.get("@odata.nextLink") or ""), {}
            if not at:
                if closing and not answer.get(closing):
                    raise TransportError(f"{path} ended without {closing}: the list is cut off")
                return
            if at in seen:
                raise TransportError(f"{path} gave the same page twice")
            seen.add(at)
        raise TransportError(f"{path} has more than {_MOST_PAGES} pages")

    async def every(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        """Return all of a list; see `pages`."""
        return [each async for each in self.pages(path, closing="", **params)]

    async def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        tally = _TALLY.get()
        if tally is not None:
            tally.requests += 1
        answer = await self._transport.request(method, path, **more)
        for seconds in _SETTLING:
            if answer.ok or not (_is_absent(answer) and self._is_new(path, more.get("json"))):
                break
            await self._clock.wait(seconds, asyncio.Event())
            answer = await self._transport.request(method, path, **more)
        if not answer.ok:
            said = ": ".join(filter(None, (answer.what, answer.words())))
            raise AnswerError(said, status=answer.status, code=answer.code())
        return answer.decode(dict[str, Any]) if answer.content.strip() else {}

    def _is_new(self, path: str, body: Mapping[str, Any] | None) -> bool:
        """Say whether a request is about something that was made here."""
        named = "/".join((path, *(value for value in (body or {}).values() if isinstance(value, str)))).split("/")
        return not self._new.isdisjoint(named)


def is_expired(error: TransportError) -> bool:
    """Say whether a list must be read anew, since what names its next page is worth nothing any more.

    Sources: https://learn.microsoft.com/graph/delta-query-overview (410) and the error Directory_ExpiredPageToken.
    """
    return isinstance(error, AnswerError) and (error.status == _EXPIRED or error.code == "Directory_ExpiredPageToken")


def _is_absent(answer: Answer) -> bool:
    return answer.status == _ABSENT or (answer.status == _BAD and "not exist" in answer.words())


def part(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")


def literal(text: str) -> str:
    """Return a text as a literal in a `$filter` (OData 4.01 ABNF: a quote is doubled)."""
    return "'" + text.replace("'", "''") + "'"


def _sign_in(config: EntraConfig, surroundings: Surroundings) -> RenewedAuth:
    """Return how tokens are got (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow)."""
    url = f"{config.login_url.rstrip('/')}/{config.tenant}/oauth2/v2.0/token"
    graph = httpx.URL(config.url)
    scope = f"{graph.scheme}://{graph.netloc.decode('ascii')}/.default"
    more = {"timeout": config.timeout, "allow_http": config.allow_http}
    if config.client_secret is None and config.client_assertion is not None:
        form = {"client_id": config.client_id, "scope": scope}
        return AssertionAuth(url, config.client_assertion, form, surroundings, **more)
    if config.client_secret is None:
        raise ProviderError(f"{surroundings.app}: neither `client_secret` nor `client_assertion` is given")
    asked = ClientCredentials(url, config.client_id, config.client_secret, scope, style="body")
    return OAuth2Auth(asked, surroundings, **more)
