"""Requests to Okta's Management API: below `/api/v1`, a page at a time, within each endpoint's own limit.

Sources: developer.okta.com/docs/api ("Link header", "Errors") and developer.okta.com/docs/reference/rl-best-practices:
the limit of each endpoint is in `X-Rate-Limit-*`, and a 429 is over at `X-Rate-Limit-Reset`; where too many requests
are unfinished at once, the same headers are about that.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from providers.okta.config import OktaConfig
from providers.okta.credentials import make_auth
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Answer, Rate, Transport

CONCURRENCY = 8
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_ABSENT = 404
_MOST_PAGES = 10_000
_DEPTHS = ("", "/id", "/id/…")
_RATES = [
    Rate(f"{resource}{depth}{way}")
    for resource in ("users", "groups", "apps", "iam")
    for depth in _DEPTHS
    for way in ("", " (write)")
]


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("okta_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the requests that are made from here while the context lasts; others go on beside."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class OktaClient:
    """Speaks with one organization.

    Args:
        config: how it is reached.
        surroundings: what the core gives.
        clock: where the time comes from; None for the machine's.

    Raises:
        ProviderError: the address or the certificate authority cannot be used.
    """

    def __init__(self, config: OktaConfig, surroundings: Surroundings, clock: Clock | None = None) -> None:
        clock = clock or SystemClock()
        verify = str(surroundings.root / config.ca) if config.ca else True
        self.transport = Transport(
            f"{config.url.rstrip('/')}/api/v1",
            surroundings,
            name=surroundings.app,
            auth=make_auth(config, surroundings, clock, verify),
            rates=_RATES,
            concurrency=CONCURRENCY,
            timeout=config.timeout,
            verify=verify,
            allow_http=config.allow_http,
            clock=clock,
        )

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.transport.requests

    async def send(
        self,
        method: str,
        *path: str,
        params: Mapping[str, str | int | bool] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """Send one request; a refusal is an answer.

        Args:
            method: in capitals.
            path: its segments below `/api/v1`, each of any text.
            params: added to the query.
            body: sent as JSON.
            idempotent: whether it may be sent again though the first may have landed.

        Raises:
            TransportError: no usable answer; `landed` says whether it may have been done.
        """
        asked = {name: _text(value) for name, value in (params or {}).items()}
        _count()
        return await self.transport.request(
            method, join(*path), params=asked, json=body, rate=rate_of(method, path), idempotent=idempotent
        )

    async def list_all(self, *path: str, **params: str | int) -> list[dict[str, Any]]:
        """Read a whole list, following its links to the last page.

        Raises:
            TransportError: a page could not be read, or the pages do not end.
        """
        return [entry async for page in self._pages(path, params) for entry in page]

    async def get(self, *path: str, **params: str | int) -> dict[str, Any] | None:
        """Get one object; None where there is none.

        Raises:
            TransportError: no usable answer, or a refusal.
        """
        answer = await self.send("GET", *path, params=params)
        if answer.status == _ABSENT:
            return None
        answer.raise_for_refusal(f"get {'/'.join(path[:1])}")
        return answer.decode(dict[str, Any])

    async def list_assignees(self) -> list[str]:
        """Read the ids of all users with admin roles; this list comes in an object, with its link inside.

        Raises:
            TransportError: it could not be read.
        """
        found: list[str] = []
        url, seen = "", set[str]()
        while True:
            answer = await self._page(("iam", "assignees", "users"), {"limit": 100}, url)
            page = answer.decode(dict[str, Any])
            found += [str(one["id"]) for one in page.get("value") or ()]
            inside = ((page.get("_links") or {}).get("next") or {}).get("href")
            url = str(inside) if inside else next_link(answer)
            if not url:
                return found
            _note(url, seen, answer)

    async def _pages(
        self, path: tuple[str, ...], params: Mapping[str, str | int]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        url, seen = "", set[str]()
        while True:
            answer = await self._page(path, params, url)
            yield answer.decode(list[dict[str, Any]])
            url = next_link(answer)
            if not url:
                return
            _note(url, seen, answer)

    async def _page(self, path: tuple[str, ...], params: Mapping[str, str | int], url: str) -> Answer:
        """Get the first page, or the one that a link leads to."""
        if url:
            _count()
            answer = await self.transport.request("GET", url, rate=rate_of("GET", path))
        else:
            answer = await self.send("GET", *path, params=params)
        answer.raise_for_refusal(f"list {path[-1]}")
        return answer


def next_link(answer: Answer) -> str:
    """Return where the next page is (RFC 8288), or empty on the last one."""
    found = _NEXT.search(answer.headers.get("link", ""))
    return found[1] if found else ""


def join(*path: str) -> str:
    """Return segments as a path: ids and logins hold anything, and must not lead elsewhere."""
    quoted = [quote(part, safe="@:+=,;!$()*~") for part in path]
    return "/".join(part.replace(".", "%2E") if set(part) == {"."} else part for part in quoted)


def rate_of(method: str, path: tuple[str, ...]) -> str:
    """Return the class of a request: Okta limits lists, single objects and what is below them apart."""
    depth = _DEPTHS[min(len(path), len(_DEPTHS)) - 1]
    return f"{path[0]}{depth}{'' if method == 'GET' else ' (write)'}"


def is_absent(answer: Answer) -> bool:
    """Say whether an answer means that there is no such thing (E0000007)."""
    return answer.status == _ABSENT


def refusal(answer: Answer, what: str) -> str:
    """Return what a receipt says of a refusal: what was tried, and Okta's own words with its code."""
    try:
        answer.raise_for_refusal(what)
    except AnswerError as error:
        return f"{error.message} ({error.code})" if error.code else error.message
    return f"{what}: {answer.what}"


def _count() -> None:
    tally = _TALLY.get()
    if tally:
        tally.requests += 1


def _note(url: str, seen: set[str], answer: Answer) -> None:
    """Notice a list that leads in a circle."""
    if url in seen or len(seen) >= _MOST_PAGES:
        raise TransportError(f"{answer.what}: the link to the next page leads back; the list does not end")
    seen.add(url)


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
