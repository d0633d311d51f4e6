"""The protocol (RFC 7644): requests with the server's headers, rates and paths, and its errors in its own words."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from providers.scim.bulk import Bulk, NoBulkError
from providers.scim.dialect import Dialect, Meaning
from providers.scim.resources import Page, parse_json, parse_page
from reconciler.errors import AnswerError, TransportError
from reconciler.provider.transport import Answer, Transport

_CONFLICT, _GONE, _TOO_LARGE, _STALE, _NEEDS_VERSION, _BAD = 409, 404, 413, 412, 428, 400


@dataclass(slots=True)
class Tally:
    """How many requests were sent for something."""

    requests: int = 0

    def share(self, parts: int) -> list[int]:
        """Split the count among the parts of a batch, so that their sum is the count."""
        each, rest = divmod(self.requests, parts)
        return [each + (number < rest) for number in range(parts)]


_TALLY: ContextVar[Tally | None] = ContextVar("tally", default=None)


@contextmanager
def counting() -> Iterator[Tally]:
    """Count the requests that are sent from here (and from tasks started here) while the context lasts."""
    tally = Tally()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


def _count() -> None:
    tally = _TALLY.get()
    if tally is not None:
        tally.requests += 1


class ScimClient:
    """Speaks SCIM with one server.

    Args:
        transport: the app's connection.
        dialect: what the server does in its own way.
        bulk: whether creations may travel together, where the server says that it can.

    Attributes:
        shows_members: whether a list of groups was seen that shows members: then a group without any has none.
    """

    def __init__(self, transport: Transport, dialect: Dialect, *, bulk: bool = False) -> None:
        self.transport = transport
        self.dialect = dialect
        self._config: Mapping[str, Any] | None = None
        self.shows_members = False
        self._turn = asyncio.Lock()
        self._bulk: Bulk | None = None
        self._wants_bulk = bulk

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self.transport.requests

    async def page(self, collection: str, params: Mapping[str, str | int]) -> Page:
        """Get one page of `Users` or `Groups`.

        Raises:
            TransportError: no answer, a refusal, or no list.
        """
        what = f"list {collection}"
        answer = await self.send("GET", collection, params=params)
        answer.raise_for_refusal(what)
        return parse_page(answer.content, what)

    async def get(self, collection: str, remote_id: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Get one resource; a 404 is an answer."""
        return await self.send("GET", collection, remote_id, params=params)

    async def send(  # noqa: PLR0913 - a request has these parts
        self,
        method: str,
        collection: str,
        remote_id: str = "",
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str | int] | None = None,
        version: str = "",
        idempotent: bool | None = None,
    ) -> Answer:
        """Send one request to a collection or to one of its resources.

        Args:
            method: in capitals.
            collection: `Users`, `Groups` or a path.
            remote_id: the resource, or empty for the collection.
            body: sent as JSON.
            params: added to the query.
            version: sent as `If-Match` (RFC 7644 section 3.14), where it is not empty.
            idempotent: whether it may be sent again though the first may have landed.

        Raises:
            TransportError: no usable answer; `landed` says whether it may have been done.
        """
        path = self.dialect.path_of(collection) if collection in {"Users", "Groups"} else collection
        if remote_id:
            path = f"{path}/{_segment(remote_id)}"
        headers = {"If-Match": version} if version and self.dialect.etag != "never" else {}
        if body is not None:
            headers["Content-Type"] = self.dialect.content_type
        _count()
        size = len(msgspec.json.encode(body)) if body is not None and self.dialect.rates else 0
        return await self.transport.request(
            method,
            path,
            params=params,
            json=body,
            headers=headers,
            rate=self.dialect.rate_of(method, collection, size),
            idempotent=idempotent,
        )

    async def service_config(self) -> Mapping[str, Any]:
        """Return what the server says about itself (RFC 7643 section 5), or nothing: it is optional and often wrong."""
        async with self._turn:
            if self._config is None:
                self._config = await self._discover() if self.dialect.discovery else {}
            return self._config

    async def create(self, collection: str, body: Mapping[str, Any]) -> Answer:
        """Create a resource, in a bulk request where that is wanted and possible.

        Raises:
            TransportError: no usable answer; `landed` says whether it may have been done.
        """
        bulk = await self._find_bulk() if self._wants_bulk else None
        if bulk is not None:
            _count()
            try:
                return await bulk.create(self.dialect.path_of(collection), body)
            except NoBulkError:
                self._wants_bulk = False  # whatever the server says about itself
        return await self.send("POST", collection, body=body, idempotent=False)

    async def _find_bulk(self) -> Bulk | None:
        said = (await self.service_config()).get("bulk")
        if self._bulk is None and isinstance(said, Mapping) and _is_true(said.get("supported")):
            most, size = said.get("maxOperations"), said.get("maxPayloadSize")
            if isinstance(most, int) and isinstance(size, int) and most > 1 and size > 0:
                self._bulk = Bulk(self.transport, most, size)
        return self._bulk

    async def _discover(self) -> Mapping[str, Any]:
        try:
            answer = await self.transport.request("GET", self.dialect.discovery_path)
            found = parse_json(answer.content, "discovery") if answer.ok else {}
        except TransportError:
            return {}
        if isinstance(found, list) or (isinstance(found, dict) and isinstance(found.get("Resources"), list)):
            several = found if isinstance(found, list) else found["Resources"]
            found = several[0] if several else {}
        return found if isinstance(found, dict) else {}

    async def offers(self, feature: str, part: str = "supported") -> bool:
        """Say whether the server says that it has a feature: `bulk`, or `pagination` with the part `cursor`."""
        said = (await self.service_config()).get(feature)
        return isinstance(said, Mapping) and _is_true(said.get(part))

    def means(self, answer: Answer, meaning: Meaning) -> bool:
        """Say whether an answer means something, by its status or by how this server words it."""
        words = f"{answer.code()} {answer.words()}".lower() if answer.status >= _BAD else ""
        for alias in self.dialect.errors:
            if alias.status == answer.status and alias.contains.lower() in words:
                return alias.means == meaning
        match meaning:
            case "conflict":
                unique = answer.status == _BAD and "uniqueness" in answer.code().lower()
                return answer.status == _CONFLICT or unique
            case "absent":
                return answer.status == _GONE
            case "too_large":
                return answer.status == _TOO_LARGE
            case "not_member":
                return answer.status == _BAD and "notarget" in answer.code().lower()
            case "already":
                return answer.status == _CONFLICT

    @staticmethod
    def is_stale(answer: Answer) -> bool:
        """Say whether the version that was sent is no longer the resource's."""
        return answer.status == _STALE

    @staticmethod
    def needs_version(answer: Answer) -> bool:
        """Say whether the server wants an `If-Match` (RFC 6585 section 3)."""
        return answer.status == _NEEDS_VERSION


def _is_true(value: Any) -> bool:
    return value in {True, "true", "True"} if isinstance(value, bool | str) else False


def version_in(answer: Answer, resource: Mapping[str, Any]) -> str:
    """Return a resource's version: the answer's ETag, or `meta.version`."""
    meta = resource.get("meta")
    inside = meta.get("version") if isinstance(meta, Mapping) else ""
    return answer.etag or (inside if isinstance(inside, str) else "")


def refusal(answer: Answer, what: str) -> str:
    """Return what a receipt says of a refusal: what was tried, and the app's own words."""
    try:
        answer.raise_for_refusal(what)
    except AnswerError as error:
        return error.message
    return f"{what}: {answer.what}"


def _segment(remote_id: str) -> str:
    """Return an id as one segment of a path: ids hold anything, and must not lead elsewhere."""
    quoted = quote(remote_id, safe="@:+=,;!$()*~")
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted
