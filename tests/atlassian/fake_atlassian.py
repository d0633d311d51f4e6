"""A stateful Atlassian behind one server: the organization's API and a Jira site, as their references describe them.

Each has its own credential and its own words for errors. The organization pages by cursors, Jira by numbers or until a
page is empty; a POST without a body is refused with 415; what is so already is refused; addresses may be hidden.
"""

import base64
import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from atlassian_directory import DirectoryRoutes
from atlassian_jira import JiraRoutes
from atlassian_world import ACCOUNT_KEY, API_KEY, API_TOKEN, EMAIL, RefusedError, World
from jira_types import check_fields
from support.http_server import Reply, Request

SITE = "ex/jira/c10d"
_BASIC = base64.b64encode(f"{EMAIL}:{API_TOKEN}".encode()).decode()


@dataclass(slots=True)
class FakeAtlassian:
    """The data, and the faults that are on.

    Attributes:
        page: the most that one page lists, whatever is asked for.
        forbidden: patterns of paths that are refused with 403.
        throttled: how many requests are answered 429.
        refusing: the words with which every write is refused, its secret beside them; or empty.
        losing: whether the next write is done and not answered.
        log: (method, path) of everything that was asked.
        afterwards: pattern of a path → what happens once it was answered.
    """

    page: int = 1000
    world: World = field(default_factory=World)
    forbidden: list[str] = field(default_factory=list)
    throttled: int = 0
    refusing: str = ""
    losing: bool = False
    log: list[tuple[str, str]] = field(default_factory=list)
    afterwards: dict[str, Callable[[], None]] = field(default_factory=dict)
    directory: DirectoryRoutes = field(init=False)
    jira: JiraRoutes = field(init=False)

    def __post_init__(self) -> None:
        self.directory = DirectoryRoutes(self.world, self.page)
        self.jira = JiraRoutes(self.world, self.page)

    def answer(self, request: Request) -> Reply:
        """Answer a request, with whatever fault is on."""
        path = unquote(request.path).lstrip("/")
        site = path.startswith(SITE)
        path = path.removeprefix(f"{SITE}/rest/api/3/")
        self.log.append((request.method, path))
        writes = request.method != "GET" and not path.endswith("/search")
        if self.throttled:
            self.throttled -= 1
            return _throttle(site=site)
        try:
            self._admit(request, path, writes=writes, site=site)
            found = self._ask_site(request, path) if site else self._ask_directory(request, path)
        except RefusedError as error:
            return error.reply(site=site)
        for pattern in [pattern for pattern in self.afterwards if re.fullmatch(pattern, path)]:
            found = copy.deepcopy(found)
            self.afterwards.pop(pattern)()
        if self.losing and writes:
            self.losing = False
            return Reply(reset=True)
        return Reply(204) if found is None else Reply(201 if writes else 200, found)

    def _admit(self, request: Request, path: str, *, writes: bool, site: bool) -> None:
        """Check the credential, each for its own part."""
        key = ACCOUNT_KEY if path.startswith("users/") and not site else API_KEY
        wanted = f"Basic {_BASIC}" if site else f"Bearer {key}"
        if request.headers.get("authorization") != wanted:
            raise RefusedError(401, "Client must be authenticated to access this resource.")
        if any(re.fullmatch(pattern, path) for pattern in self.forbidden):
            raise RefusedError(403, "You do not have permission to perform this action.", "ADMIN-403-3")
        if writes and self.refusing:
            raise RefusedError(403, f"{self.refusing} ({API_TOKEN if site else key})")
        if request.method == "POST" and request.headers.get("content-type") != "application/json":
            raise RefusedError(415, "Unsupported Media Type")

    def _ask_directory(self, request: Request, path: str) -> Any:
        for method, pattern, do in self.directory.table():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                return do(*match.groups(), dict(request.json()) if request.body else {})
        raise RefusedError(404, f"Unknown resource {path}", "ADMIN-404-1")

    def _ask_site(self, request: Request, path: str) -> Any:
        for method, pattern, kind, do in self.jira.table():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                check_fields(kind, request.query)
                body = {"body": dict(request.json())} if request.method == "POST" else {}
                return do(*match.groups(), query=request.query, **body)
        raise RefusedError(404, f"null for uri: {path}")


def _throttle(*, site: bool) -> Reply:
    """Refuse as the vendor does when too much is asked."""
    headers = {"Retry-After": "1", "X-RateLimit-Limit": "350", "X-RateLimit-Remaining": "0"}
    if site:
        return Reply(
            429, {"errorMessages": ["Rate limit exceeded."]}, {**headers, "RateLimit-Reason": "jira-burst-based"}
        )
    return Reply(429, {"errors": [{"status": "429", "code": "ADMIN-429-1", "detail": "Rate limit exceeded"}]}, headers)
