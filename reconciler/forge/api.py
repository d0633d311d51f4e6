"""The REST API of GitHub, in general: one repository, its pages, and what it says where it refuses.

From the reference (https://docs.github.com/en/rest, version 2022-11-28): pages of 100 linked by `Link: rel="next"`, the
permission that an endpoint wants in `X-Accepted-GitHub-Permissions`.
"""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from reconciler.errors import AnswerError, ConfigurationError, TransportError
from reconciler.provider.answer import Answer
from reconciler.provider.transport import Transport

VERSION: Final = "2022-11-28"
HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
_PAGE: Final = 100
_MOST_PAGES: Final = 100
_NEXT: Final = re.compile(r'<([^<>]{1,2000})>\s*;[^,]{0,200}\brel="next"')
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}")
_NOT_FOUND: Final = 404
_FORBIDDEN: Final = (403, 404)

Params = Mapping[str, str | int | float | bool]


class Api:
    """One repository behind a transport.

    Args:
        transport: to the API's base URL.
        repository: `OWNER/NAME`.
    """

    def __init__(self, transport: Transport, repository: str) -> None:
        self.transport = transport
        self.repository = check_repository(repository)

    async def get(self, path: str, what: str, params: Params | None = None) -> Any:
        """Return what a path below the repository holds.

        Raises:
            AnswerError: it refused, with its own words and the permission that is wanted.
            TransportError: no usable answer.
        """
        return self._agreed(await self.transport.request("GET", self._path(path), params=params), what).json()

    async def find(self, path: str, what: str) -> Any | None:
        """Return what a path holds, None where there is nothing, or nothing that this token may see."""
        answer = await self.transport.request("GET", self._path(path))
        return None if answer.status == _NOT_FOUND else self._agreed(answer, what).json()

    async def pages(self, path: str, what: str, params: Params | None = None, key: str = "") -> AsyncIterator[Any]:
        """Yield the members of a list, page after page.

        Args:
            path: below the repository.
            what: what is listed, for messages.
            params: of the query.
            key: where the list is in an answer that is an object.

        Raises:
            TransportError: it is no list, or has no end.
        """
        url, query = self._path(path), {**(params or {}), "per_page": _PAGE}
        for _ in range(_MOST_PAGES):
            answer = self._agreed(await self.transport.request("GET", url, params=query), what)
            body = answer.json()
            entries = body.get(key) if key and isinstance(body, dict) else body
            if not isinstance(entries, list):
                raise TransportError(f"{what}: {answer.what} without a list", landed=False)
            for entry in entries:
                yield entry
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            url, query = following[1], {}
        raise TransportError(f"{what}: more than {_MOST_PAGES} pages", landed=False)

    async def send(self, method: str, path: str, what: str, body: Mapping[str, Any]) -> Any:
        """Send a body, and return the answer's."""
        return self._agreed(await self.transport.request(method, self._path(path), json=dict(body)), what).json()

    def _path(self, path: str) -> str:
        return f"repos/{self.repository}/{path}".rstrip("/")

    def _agreed(self, answer: Answer, what: str) -> Answer:
        """Return an answer that is no refusal."""
        try:
            answer.raise_for_refusal(what)
        except AnswerError as error:
            wanted = answer.headers.get("x-accepted-github-permissions", "")
            if answer.status in _FORBIDDEN and wanted:
                hint = f"the token needs the permission {wanted}"
                raise AnswerError(error.message, status=error.status, code=error.code, hint=hint) from None
            raise
        return answer


def check_repository(name: str) -> str:
    """Return the name of a repository as it was given.

    Raises:
        ConfigurationError: it is none.
    """
    if not _REPOSITORY.fullmatch(name) or name.endswith(("/.", "/..")):
        raise ConfigurationError(f"{name!r} is no repository", hint="write it like acme/access")
    return name


def part(text: str) -> str:
    """Return a name as one part of a path, whatever is in it.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if text in {"", ".", ".."}:
        raise ConfigurationError(f"{text!r} is no name")
    return quote(text, safe="")


def sha(text: str) -> str:
    """Return a commit's full name, checked.

    Raises:
        ConfigurationError: it is none.
    """
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise ConfigurationError(f"{text!r} is no full commit name")
    return text


def instant(text: object) -> datetime:
    """Return an instant of the API (`2026-03-01T12:00:00Z`).

    Raises:
        TransportError: it is none.
    """
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise TransportError(f"github: {str(text)[:40]!r} is no instant", landed=False) from None
    if found.tzinfo is None:
        raise TransportError(f"github: {str(text)[:40]!r} has no time zone", landed=False)
    return found


def login(user: object) -> str:
    """Return a user's login, empty for one that is gone."""
    return str(user.get("login") or "") if isinstance(user, dict) else ""
