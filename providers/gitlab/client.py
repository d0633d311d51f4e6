"""Requests to GitLab: REST with its pages, GraphQL with its errors, and the limits of both.

Sources: https://docs.gitlab.com/api/rest/#pagination, https://docs.gitlab.com/api/graphql/#limits,
https://docs.gitlab.com/user/gitlab_com/#rate-limits-on-gitlabcom, https://docs.gitlab.com/security/rate_limits/
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import Answer, shorten
from reconciler.provider.rates import Rate
from reconciler.provider.transport import Transport

READING: Final = Rate("", per_minute=1200, burst=60)
WRITING: Final = Rate("write", per_minute=600, burst=20)
REMOVING: Final = Rate("remove", per_minute=60, burst=10, most=60)
"""2,000 requests a minute for a user on GitLab.com, of which reads take three fifths and writes three tenths; and
everywhere 60 members taken out a minute."""
RATES: Final = (READING, WRITING, REMOVING)
PAGE: Final = 100
_MOST_PAGES: Final = 100_000
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
_TOO_COMPLEX = re.compile(r"exceeds max complexity|timeout|timed out", re.IGNORECASE)
_UNAVAILABLE = re.compile(r"answered 50[0234]|no whole answer")


class TooComplexError(TransportError):
    """GitLab would not answer a query that asks for so much at once. Never leaves this folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a GraphQL query found.

    Attributes:
        data: as it was answered; what could not be read is None.
        errors: the path of what is None → GitLab's words.
    """

    data: Mapping[str, Any]
    errors: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)

    def why(self, *path: str | int) -> str:
        """Return the words of the first error at or below a path, or empty."""
        return next((words for at, words in self.errors.items() if at[: len(path)] == path), "")


_COUNT: ContextVar[list[int] | None] = ContextVar("gitlab_count", default=None)


@contextmanager
def counting() -> Iterator[list[int]]:
    """Count the requests that are sent while the context lasts, in the list's only element."""
    count = [0]
    token = _COUNT.set(count)
    try:
        yield count
    finally:
        _COUNT.reset(token)


class GitLabClient:
    """Speaks with one GitLab.

    Args:
        transport: the connection, made with `RATES`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._transport.requests

    def path(self, *parts: str | int) -> str:
        """Return a path below the REST API whose parts are encoded; a group's path may stand for its number."""
        return "/".join(("api/v4", *(quote(str(part), safe="") for part in parts)))

    async def get(self, path: str, **params: str | int) -> Answer:
        """Read; a 404 is an answer.

        Raises:
            TransportError: no answer.
        """
        return await self._send("GET", path, params=params or None)

    async def find(self, path: str, **params: str | int) -> dict[str, Any] | None:
        """Read one object, None where there is none.

        Raises:
            TransportError: no answer, or a refusal.
        """
        answer = await self.get(path, **params)
        if answer.status == 404:  # noqa: PLR2004 - RFC 9110 section 15.5.5
            return None
        answer.raise_for_refusal(f"look up {path}")
        return answer.decode(dict[str, Any])

    async def write(self, method: str, path: str, body: Any = None, *, rate: str = WRITING.name) -> Answer:
        """Change something; a refusal is an answer.

        Raises:
            TransportError: no answer.
        """
        return await self._send(method, path, json=body, rate=rate, idempotent=method != "POST")

    async def pages(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        """Read a whole list, following the links to the next page.

        Where GitLab tells how many there are (`x-total`, up to 10,000), as many must have come.

        Raises:
            TransportError: no answer, a refusal, no list, a link that was followed before, or fewer than there are.
        """
        answer = await self.get(path, **params, per_page=PAGE)
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer.raise_for_refusal(f"list {path}")
            found += answer.decode(list[dict[str, Any]])
            link = _NEXT.search(answer.headers.get("link", ""))
            if link is None:
                total = answer.headers.get("x-total", "")
                if total.isdigit() and int(total) != len(found):
                    words = f"list {path}: {len(found)} of {total} were listed; it was cut off, or changed meanwhile"
                    raise TransportError(words, landed=False)
                return found
            if link[1] in seen:
                break
            seen.add(link[1])
            answer = await self.get(link[1])
        raise TransportError(f"list {path}: the link to the next page leads back", landed=False)

    async def query(self, text: str, variables: Mapping[str, Any]) -> Found:
        """Ask GraphQL. Only queries: it may be sent while planning.

        Raises:
            TooComplexError: it asks for too much at once.
            TransportError: no answer, or none that can be used.
        """
        answer = await self._ask({"query": text, "variables": variables})
        answer.raise_for_refusal("GraphQL")
        document = answer.decode(dict[str, Any])
        errors = [error for error in document.get("errors") or () if isinstance(error, Mapping)]
        if any(not error.get("path") and _TOO_COMPLEX.search(str(error.get("message"))) for error in errors):
            raise TooComplexError(f"GraphQL: {self._words(errors)}", landed=False)
        if not isinstance(document.get("data"), dict):
            raise AnswerError(f"GraphQL: {self._words(errors) or answer.what}", status=answer.status)
        return Found(document["data"], {tuple(one.get("path") or ()): self._words([one]) for one in errors})

    async def _ask(self, body: Mapping[str, Any]) -> Answer:
        """Send a query; one that takes GitLab too long is not sent again as it is."""
        try:
            return await self._post(body, again=False)
        except AnswerError:
            raise
        except TransportError as error:
            if _UNAVAILABLE.search(error.message):
                raise TooComplexError(error.message, landed=False) from None
        return await self._post(body, again=True)

    async def _post(self, body: Any, *, again: bool) -> Answer:
        return await self._send("POST", "api/graphql", json=body, write=False, idempotent=again)

    def _words(self, errors: list[Mapping[str, Any]]) -> str:
        """Return what GraphQL errors say, in one line and without secrets."""
        words = "; ".join(str(error.get("message", "")) for error in errors[:3])
        return shorten(self._transport.redactor.clean(words))

    async def _send(self, method: str, path: str, *, rate: str = "", **more: Any) -> Answer:
        """Send a request, and count it."""
        count = _COUNT.get()
        if count is not None:
            count[0] += 1
        return await self._transport.request(method, path, rate=rate, **more)
