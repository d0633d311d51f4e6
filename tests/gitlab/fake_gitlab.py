"""A stateful GitLab: REST and GraphQL over one world, with its limits' headers and whatever fault is on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gitlab_graphql import Executor
from gitlab_rest import RefusedError, Rest
from gitlab_world import World
from support.http_server import Reply, Request

TOKEN = "canary-gitlab-7e3a"
_COLLECTIONS = {"accounts": r"users", "grants:role": r"users", "entitlements:role": r"users"}


@dataclass(slots=True)
class FakeGitLab:
    """The data, and the faults that are on.

    Attributes:
        page: the most that one page lists.
        throttled: how many requests are answered 429.
        refusing: the words with which every write is refused, or empty.
        losing: whether the next write is done and not answered.
        forbidden: patterns of paths below `/api/v4/` that are refused with 403.
        log: (method, path) of everything that was asked.
        watching: called after each write.
    listening: called before each request.
    """

    page: int = 100
    throttled: int = 0
    refusing: str = ""
    losing: bool = False
    forbidden: list[str] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    watching: list[Callable[[], None]] = field(default_factory=list)
    listening: list[Callable[[], None]] = field(default_factory=list)
    world: World = field(default_factory=World)
    graphql: Executor = field(init=False)
    rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        self.graphql, self.rest = Executor(self.world), Rest(self.world)
        self.graphql.page = self.rest.page = self.page

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What would have changed something."""
        return [(method, path) for method, path in self.log if method != "GET" and path != "/api/graphql"]

    def forbid(self, collection: str) -> None:
        """Refuse a collection."""
        if collection in _COLLECTIONS:
            self.forbidden.append(_COLLECTIONS[collection])
        else:
            self.graphql.forbidden.add(collection)

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        self.log.append((request.method, request.path))
        for listen in self.listening:
            listen()
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, {"message": "401 Unauthorized"})
        if self.throttled:
            self.throttled -= 1
            told = {"RateLimit-Limit": "2000", "RateLimit-Remaining": "0", "Retry-After": "1"}
            return Reply(429, "Retry later", told)
        if request.path == "/api/graphql":
            return Reply(200, self.graphql.run(request.json()))
        return self._rest(request)

    def _rest(self, request: Request) -> Reply:
        path, writes = request.path.removeprefix("/api/v4/"), request.method != "GET"
        if any(re.fullmatch(pattern, path) for pattern in self.forbidden):
            return Reply(403, {"message": "403 Forbidden"})
        if self.refusing and writes:
            return Reply(403, {"message": self.refusing})
        try:
            reply = self.rest.answer(request, path)
        except RefusedError as error:
            return error.reply
        if writes:
            for watch in self.watching:
                watch()
            if self.losing:
                self.losing = False
                return Reply(reset=True)
        return reply
