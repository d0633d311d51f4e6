"""A fake that is watched: what was true after each write, and something that happens once a list was answered."""

import re
from collections.abc import Callable

from support.http_server import Reply, Request

from reconciler.provider.conformance import World


class Watch:
    """Passes requests on to a fake, and looks into it.

    Args:
        answer: the fake's.

    Attributes:
        look: returns what is true; set once there is somebody who can tell.
        worlds: what was true after each write, the oldest first.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self._answer = answer
        self._pattern = ""
        self._then: Callable[[], None] | None = None
        self.look: Callable[[], World] = World
        self.worlds: list[World] = []

    def after(self, pattern: str, then: Callable[[], None]) -> None:
        """Let something happen once a request was answered: `pattern` is looked for in `METHOD /path` and the body."""
        self._pattern, self._then = pattern, then

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        reply = self._answer(request)
        then = self._then
        if then and re.search(self._pattern, f"{request.method} {request.path}\n{request.body.decode()}"):
            self._then = None
            then()
        if request.method != "GET":
            self.worlds.append(self.look())
        return reply
