"""Atlassian's two APIs: requests with their errors, and the three ways in which they give pages."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from providers.atlassian.config import AtlassianConfig
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Rate, Transport

T = TypeVar("T")
WRITE: Final = "write"
WRITES_PER_MINUTE, WRITES_AT_ONCE, _READS_PER_MINUTE, _READS_AT_ONCE = 600.0, 10, 3000.0, 50
"""Our own choice, far below what Jira lets an API token do, since the organization's API tells no numbers beforehand.
What is left of both is in `X-RateLimit-*`, and 429 comes with `Retry-After`: the transport keeps to both
(https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ and .../cloud/admin/organization/rest/intro/)."""
_MOST_PAGES = 10_000


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("atlassian_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the calls that are made from here while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class Client:
    """Speaks with one of the APIs by one credential; an asynchronous context manager.

    Args:
        url: where it is.
        auth: the credential.
        config, surroundings: as for the provider.
        clock: where the time comes from; None for the machine's.

    Raises:
        ProviderError: the URL or a reference cannot be used.
    """

    def __init__(
        self, url: str, auth: httpx.Auth, config: AtlassianConfig, surroundings: Surroundings, clock: Clock | None
    ) -> None:
        self._transport = Transport(
            url,
            surroundings,
            name=surroundings.app,
            auth=auth,
            rates=[Rate("", _READS_PER_MINUTE, _READS_AT_ONCE), Rate(WRITE, WRITES_PER_MINUTE, WRITES_AT_ONCE)],
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

    async def get(self, path: str, **params: str | int | bool) -> dict[str, Any]:
        """Read one object.

        Raises:
            AnswerError: it was refused.
            TransportError: there was no answer.
        """
        return await self._call("GET", path, dict[str, Any], params=params)

    async def ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Search by a POST that changes nothing; see `get` for what is raised."""
        return await self._call("POST", path, dict[str, Any], json=dict(body), write=False)

    async def post(self, path: str, body: Mapping[str, Any], **params: str) -> dict[str, Any]:
        """Make something, or do an action. A body is needed even where it is empty: without one Atlassian answers 415.

        Raises:
            ReadOnlyError: while planning.
        """
        return await self._call("POST", path, dict[str, Any], params=params, json=dict(body), rate=WRITE)

    async def delete(self, path: str, **params: str) -> dict[str, Any]:
        """Remove something; as `post`."""
        return await self._call("DELETE", path, dict[str, Any], params=params, rate=WRITE)

    async def listed(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        """Return a list that comes at once; as `get`."""
        return await self._call("GET", path, list[dict[str, Any]], params=params)

    async def searched(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Yield everything that a search of the organization finds, page by page, by its cursors.

        Raises:
            TransportError: as for `get`; a page came twice, or has no list.
        """
        seen = {""}
        cursor = ""
        for _ in range(_MOST_PAGES):
            answer = await self.ask(path, {**body, **({"cursor": cursor} if cursor else {})})
            for each in _list_in(answer, "data", path):
                yield each
            cursor = _cursor_of(str((answer.get("links") or {}).get("next") or ""))
            if not cursor:
                return
            if cursor in seen:
                raise TransportError(f"{path} gave the same page twice")
            seen.add(cursor)
        raise TransportError(f"{path} has more than {_MOST_PAGES} pages")

    async def numbered(self, path: str, **params: str | int | bool) -> AsyncIterator[dict[str, Any]]:
        """Yield everything of a list of Jira that counts from `startAt`, and tells `total` and `isLast`.

        Raises:
            TransportError: as for `get`; it ended before as many came as it told.
        """
        start = 0
        for _ in range(_MOST_PAGES):
            answer = await self.get(path, startAt=start, **params)
            values = _list_in(answer, "values", path)
            for each in values:
                yield each
            start, total = start + len(values), int(answer.get("total") or 0)
            if not values or answer.get("isLast", start >= total):
                if start < total:
                    raise TransportError(f"{path} ended after {start} of {total}: the list is cut off")
                return
        raise TransportError(f"{path} has more than {_MOST_PAGES} pages")

    async def until_empty(self, path: str, most: int) -> AsyncIterator[dict[str, Any]]:
        """Yield everything of a list of Jira that tells no total: it ends with a page without anything.

        Raises:
            TransportError: as for `get`.
        """
        start = 0
        for _ in range(_MOST_PAGES):
            page = await self.listed(path, startAt=start, maxResults=most)
            for each in page:
                yield each
            if not page:
                return
            start += len(page)
        raise TransportError(f"{path} has more than {_MOST_PAGES} pages")

    async def _call(self, method: str, path: str, kind: type[T], **more: Any) -> T:
        tally = _TALLY.get()
        if tally is not None:
            tally.requests += 1
        answer = await self._transport.request(method, path, **more)
        if not answer.ok:
            said = ": ".join(filter(None, (answer.what, answer.words())))
            raise AnswerError(said, status=answer.status, code=answer.code())
        return answer.decode(kind) if answer.content.strip() else kind()


def part(text: str) -> str:
    """Return a text as one segment of a path."""
    return quote(text, safe="")


def _list_in(answer: Mapping[str, Any], key: str, path: str) -> list[dict[str, Any]]:
    found = answer.get(key)
    if not isinstance(found, list):
        raise TransportError(f"{path} answered without a list")
    return found


def _cursor_of(told: str) -> str:
    """Return the cursor of a next page; told as such, or within a link."""
    if "?" not in told:
        return told
    return parse_qs(urlsplit(told).query).get("cursor", [""])[0]
