"""Requests to GitHub: REST with its paging, GraphQL with its errors, and the limits of both.

Sources: docs.github.com, "Rate limits for the REST API", "Rate limits and query limits for the GraphQL API", "Best
practices for using the REST API", "Using pagination in the REST API".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import shorten
from reconciler.provider.rates import Rate
from reconciler.provider.transport import Answer, Transport

WRITING = Rate("write", per_minute=60, burst=1, most=500, window=3600)
RATES = (
    # 900 points a minute for REST: a read is 1 point, a write 5. Writes are a second apart (300 points a minute), so
    # that reads have 600 left: 60 at once and 500 a minute. Content that is made: 80 a minute, 500 an hour.
    Rate("", per_minute=500, burst=60),
    WRITING,
    # 2,000 points a minute for GraphQL: a query is 1 point.
    Rate("graphql", per_minute=1200, burst=60),
)
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="next"')
_SECONDARY_WAIT = 60.0
_MOST_WAITS = 3
_TOO_SLOW = re.compile(
    r"timeout|timedout|something went wrong while executing your query|couldn't respond", re.IGNORECASE
)
_LIMITED = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_HEAVY = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"})
_FORBIDDEN, _TOO_MANY = 403, 429
_PAGE = 100
_LEFT_OUT = "partial-results"
"""How `X-GitHub-SSO` begins where GitHub left out what SAML protects (docs.github.com, "Authenticating to the REST
API", about personal access tokens and SAML SSO)."""
_UNAUTHORIZED = "GitHub left out what SAML single sign-on protects: authorize the token for the organization"


class TooHeavyError(TransportError):
    """GitHub could not answer a query in its time: it must ask for less. Never leaves this folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a GraphQL query found.

    Attributes:
        data: as it was answered; what could not be read is None.
        errors: the path of what is None → GitHub's words.
    """

    data: Mapping[str, Any]
    errors: Mapping[tuple[str | int, ...], str] = field(default_factory=dict)

    def why(self, *path: str | int) -> str:
        """Return the words of the first error at or below a path, or empty."""
        return next((words for at, words in self.errors.items() if at[: len(path)] == path), "")


_COUNT: ContextVar[list[int] | None] = ContextVar("count", default=None)


@contextmanager
def counting() -> Iterator[list[int]]:
    """Count the requests that are sent while the context lasts, in the list's only element."""
    count = [0]
    token = _COUNT.set(count)
    try:
        yield count
    finally:
        _COUNT.reset(token)


class GitHubClient:
    """Speaks with one organization's GitHub.

    Args:
        transport: the connection, made with `RATES`.
        organization: the organization's login.
        graphql: the path or address of GraphQL.
    """

    def __init__(self, transport: Transport, organization: str, graphql: str) -> None:
        self.transport = transport
        self.organization = organization
        self._graphql = graphql

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.transport.requests

    def path(self, *parts: str | int) -> str:
        """Return a path whose parts are encoded."""
        return "/".join(quote(str(part), safe="") for part in parts)

    def org(self, *parts: str | int) -> str:
        """Return a path below the organization."""
        return self.path("orgs", self.organization, *parts)

    async def get(
        self, path: str, params: Mapping[str, str | int] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Read; a 404 is an answer.

        Raises:
            TransportError: no answer.
        """
        return await self._send("GET", path, params=params, headers=headers)

    async def write(self, method: str, path: str, body: Any = None, *, idempotent: bool | None = None) -> Answer:
        """Change something, at least a second after the last change; a refusal is an answer.

        Raises:
            TransportError: no answer.
        """
        if idempotent is None:
            idempotent = method != "POST"
        return await self._send(method, path, json=body, rate="write", idempotent=idempotent)

    async def pages(self, path: str, params: Mapping[str, str | int] | None = None) -> list[dict[str, Any]]:
        """Read a whole list, following the links to the next page.

        Raises:
            TransportError: no answer, a refusal, no list, one with parts left out, or a link that was followed before.
        """
        answer = await self.get(path, {**(params or {}), "per_page": _PAGE})
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        while True:
            answer.raise_for_refusal(f"list {path}")
            if answer.headers.get("x-github-sso", "").startswith(_LEFT_OUT):
                raise TransportError(f"list {path}: {_UNAUTHORIZED}", landed=False)
            found += answer.decode(list[dict[str, Any]])
            link = _NEXT.search(answer.headers.get("link", ""))
            if link is None:
                return found
            if link[1] in seen:
                raise TransportError(f"list {path}: the link to the next page leads back", landed=False)
            seen.add(link[1])
            answer = await self.get(link[1])

    async def query(self, text: str, variables: Mapping[str, Any]) -> Found:
        """Ask GraphQL. Only queries: it may be sent while planning.

        Raises:
            TooHeavyError: it would take GitHub too long.
            TransportError: no answer, or none that can be used.
        """
        for _ in range(_MOST_WAITS):
            answer = await self._ask(text, variables)
            document = answer.decode(dict[str, Any])
            errors = document.get("errors") or []
            if any(str(error.get("type", "")).upper() in _LIMITED for error in errors):
                self._wait(answer)
                continue
            if any(_is_heavy(error) for error in errors):
                raise TooHeavyError(f"GraphQL: {_words(errors)}", landed=False)
            if not isinstance(document.get("data"), dict):
                raise AnswerError(f"GraphQL: {_words(errors) or answer.what}", status=answer.status)
            return Found(document["data"], {tuple(one.get("path") or ()): _words([one]) for one in errors})
        raise TransportError("GraphQL: still limited after waiting", hint="run again later", landed=False)

    async def _ask(self, text: str, variables: Mapping[str, Any]) -> Answer:
        body = {"query": text, "variables": variables}
        try:
            answer = await self._post(body, again=False)
        except AnswerError:
            raise
        except TransportError as error:
            if re.search(r"answered 50[0234]|no whole answer", error.message):
                raise TooHeavyError(error.message, landed=False) from None
            answer = await self._post(body, again=True)
        answer.raise_for_refusal("GraphQL")
        return answer

    async def _post(self, body: Any, *, again: bool) -> Answer:
        return await self._send("POST", self._graphql, json=body, rate="graphql", write=False, idempotent=again)

    def _wait(self, answer: Answer) -> None:
        """Hold everybody back for a minute, where GitHub does not say for how long (its quota headers say it else)."""
        if answer.headers.get("x-ratelimit-remaining") != "0":
            self.transport.pause("graphql", _SECONDARY_WAIT)

    async def _send(self, method: str, path: str, *, rate: str = "", **more: Any) -> Answer:
        """Send a request, and count it."""
        count = _COUNT.get()
        if count is not None:
            count[0] += 1
        return await self.transport.request(method, path, rate=rate, **more)


def asked_to_wait(answer: Answer) -> float | None:
    """Say of a refusal that it is the secondary limit, and asks to wait a minute where no header names a time.

    `Retry-After` and quotas that are used up are read by the transport itself.
    """
    if answer.status not in {_FORBIDDEN, _TOO_MANY} or "secondary rate limit" not in answer.words().lower():
        return None
    told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return None if told else _SECONDARY_WAIT


def _is_heavy(error: Mapping[str, Any]) -> bool:
    """Say whether an error means that a query asks for too much at once."""
    if str(error.get("type", "")).upper() in _HEAVY:
        return True
    return not error.get("path") and bool(_TOO_SLOW.search(str(error.get("message", ""))))


def _words(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what GraphQL errors say, in one line."""
    return shorten("; ".join(str(error.get("message", "")) for error in errors[:3]))
