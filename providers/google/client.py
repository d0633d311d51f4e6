"""Requests to Google's admin APIs: pages, the parts of answers that are asked for, and what refusals mean.

Two servers, each with a quota of its own: the Directory and Data Transfer APIs, and the Enterprise License Manager.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from providers.google.batching import Batcher
from providers.google.listing import Lister
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import Answer
from reconciler.provider.clock import Clock
from reconciler.provider.transport import Transport

DIRECTORY = "admin/directory/v1"
TRANSFERS = "admin/datatransfer/v1"
LICENSES = "apps/licensing/v1"

_BAD, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 400, 401, 403, 404
_CONFLICT, _FAILED_BEFORE, _TOO_MANY = 409, 412, 429
_SLOW = frozenset({"userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"})
_SETTLING = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between looks at something that was just made and is not found everywhere yet."""


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0


_TALLY: ContextVar[Tally | None] = ContextVar("google_tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the requests that are sent from here (and from tasks started here) while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


class GoogleClient:
    """Speaks with Google.

    Args:
        directory: the connection to `admin.googleapis.com`.
        licensing: the connection to `licensing.googleapis.com`.
        clock: waits for what was just made.

    Attributes:
        made: `users` and `groups` → ids of what this provider made: not found means not yet, for these.
        lists: reads lists, a page in each request.
    """

    def __init__(self, directory: Transport, licensing: Transport, clock: Clock) -> None:
        self._directory = directory
        self._licensing = licensing
        self._clock = clock
        self.made: dict[str, set[str]] = {"users": set(), "groups": set()}
        self._new: set[str] = set()
        self.lists = Lister(self.page)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._directory.requests + self._licensing.requests

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        idempotent: bool | None = None,
    ) -> Answer:
        """Send one request; what was made a moment ago is asked for again until Google finds it.

        Args:
            method: in capitals.
            path: below the server, its keys quoted by `segment`.
            params: added to the query.
            body: sent as JSON.
            idempotent: whether it may be sent again though the first may have landed.

        Raises:
            TransportError: no usable answer; `landed` says whether it may have been done.
        """
        answer = await self._once(method, path, params, body, idempotent)
        for seconds in _SETTLING:
            if not (is_unfinished(answer) or (is_gone(answer) and self._is_new(path, body))):
                break
            await self._clock.wait(seconds, asyncio.Event())
            answer = await self._once(method, path, params, body, idempotent)
        return answer

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        idempotent: bool | None,
    ) -> Answer:
        tally = _TALLY.get()
        if tally is not None:
            tally.requests += 1
        transport = self._licensing if path.startswith(LICENSES) else self._directory
        return await transport.request(method, path, params=params, json=body, idempotent=idempotent)

    def _is_new(self, path: str, body: Mapping[str, Any] | None) -> bool:
        """Say whether a request is about something that was made by this provider."""
        keys = {*path.split("/"), *(value for value in (body or {}).values() if isinstance(value, str))}
        return bool(keys & self._new)

    def expect(self, address: str) -> None:
        """Note an address that must be found soon: Google says that something has it."""
        self._new |= {address, segment(address)}

    def remember(self, collection: str, remote_id: str, address: str) -> None:
        """Note a user or a group that was made."""
        self.made[collection].add(remote_id)
        self._new |= {remote_id, address, segment(address)}

    def forget(self, collection: str, remote_id: str) -> None:
        """Note that a user or a group is to be deleted."""
        self.made[collection].discard(remote_id)
        self._new.discard(remote_id)

    async def get(self, path: str, fields: str = "") -> Mapping[str, Any] | None:
        """Get one object; None where there is none.

        Raises:
            TransportError: no answer, a refusal, or no object.
        """
        answer = await self.send("GET", path, params={"fields": fields} if fields else None)
        if is_gone(answer):
            return None
        answer.raise_for_refusal(f"read {path.rpartition('/')[2]}")
        return answer.decode(dict[str, Any])

    async def page(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """Ask for one page of a list, in a request of its own.

        Raises:
            TransportError: no usable answer.
        """
        return await self.send("GET", path, params=params)

    def together(self) -> Lister:
        """Return what reads lists of the Directory API in batches, for whoever asks for many at once."""
        batcher = Batcher(self._directory, self.page, self._may_change)

        async def get(path: str, params: Mapping[str, str | int]) -> Answer:
            return await (batcher.get if path.startswith(DIRECTORY) else self.page)(path, params)

        return Lister(get)

    def _may_change(self, path: str, answer: Answer) -> bool:
        """Say whether another try may answer better: with a new token, after a wait, or once something new is found."""
        asks_to_wait = answer.status == _UNAUTHORIZED or throttled(answer) is not None
        return asks_to_wait or (is_gone(answer) and self._is_new(path, None))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._clock.wait(seconds, asyncio.Event())

    def now(self) -> float:
        """Return a time that never goes back, in seconds."""
        return self._clock.monotonic()


def segment(key: str) -> str:
    """Return an id or an address as one segment of a path."""
    quoted = quote(key, safe="@:+=,!$()*~")
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted


def throttled(answer: Answer) -> float | None:
    """Say that a refusal only asks to wait: Google says so with 403 too, and seldom for how long.

    Source: https://developers.google.com/workspace/admin/directory/v1/limits
    """
    if answer.status not in {_FORBIDDEN, _TOO_MANY}:
        return None
    return 0.0 if reason_of(answer) in _SLOW else None


def reason_of(answer: Answer) -> str:
    """Return Google's reason for a refusal (`notFound`, `duplicate`), or empty."""
    error = _error_in(answer)
    several = error.get("errors")
    first = several[0] if isinstance(several, list) and several else {}
    return str(first.get("reason", "")) if isinstance(first, Mapping) else ""


def message_of(answer: Answer) -> str:
    """Return Google's words for a refusal, in lower case, or empty."""
    return str(_error_in(answer).get("message", "")).lower() if answer.status >= _BAD else ""


def _error_in(answer: Answer) -> Mapping[str, Any]:
    try:
        found = answer.decode(dict[str, Any]).get("error")
    except TransportError:
        return {}
    return found if isinstance(found, Mapping) else {}


def is_gone(answer: Answer) -> bool:
    """Say whether what a request is about does not exist; of a member, Google says so with 400."""
    if answer.status == _BAD:
        return "field: memberkey" in message_of(answer)
    return answer.status == _NOT_FOUND


def is_there(answer: Answer) -> bool:
    """Say whether what was to be made exists."""
    return answer.status == _CONFLICT


def is_unfinished(answer: Answer) -> bool:
    """Say whether a user was made a moment ago and cannot be changed yet (users.insert, in the reference)."""
    return answer.status in {_BAD, _CONFLICT, _FAILED_BEFORE, 503} and "creation is not complete" in message_of(answer)


def is_taken(answer: Answer) -> bool:
    """Say whether a user has another licence of the same product already."""
    return answer.status == _FAILED_BEFORE and "already has a license" in message_of(answer)


def refusal(answer: Answer, what: str) -> str:
    """Return what a receipt says of a refusal: what was tried, and Google's own words."""
    try:
        answer.raise_for_refusal(what)
    except AnswerError as error:
        return error.message
    return f"{what}: {answer.what}"
