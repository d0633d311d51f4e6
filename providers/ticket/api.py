"""What trackers behind an HTTP API have in common: a connection, a name, and refusals in the tracker's own words."""

import hashlib
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from providers.ticket.config import TicketConfig
from reconciler.errors import ProviderError
from reconciler.provider.contract import Surroundings
from reconciler.provider.transport import Answer, Transport

_NO_LABEL: Final = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_APP: Final = 60


def plain_label(app: str) -> str:
    """Return what says whose a ticket is where a label is one word: a name that had to be changed keeps it unique."""
    plain = _NO_LABEL.sub("-", app)[:_LONGEST_APP]
    return f"access-{plain}" + ("" if plain == app else f"-{hashlib.sha256(app.encode()).hexdigest()[:8]}")


class ApiTracker:
    """The base of a tracker behind an API; an asynchronous context manager.

    Attributes:
        Config: its configuration.
        where: the tracker in a few words.
        writes: the rate class of requests that write.
    """

    Config: ClassVar[type[TicketConfig]]
    where: str
    writes: ClassVar[str] = ""

    def __init__(self, transport: Transport, where: str, app: str) -> None:
        self.where = where
        self._transport = transport
        self._app = app

    @classmethod
    def make(cls, config: Any, surroundings: Surroundings) -> Self:
        """Make it from its own configuration."""
        raise NotImplementedError

    @classmethod
    def open(cls, config: TicketConfig, surroundings: Surroundings) -> Self:
        """Make it; connects to nothing yet.

        Raises:
            ProviderError: the configuration is another tracker's, or cannot work.
        """
        if not isinstance(config, cls.Config):
            raise ProviderError(f"{surroundings.app}: tickets were given another tracker's configuration")
        return cls.make(config, surroundings)

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)

    async def get(self, path: str, doing: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Get something.

        Raises:
            ProviderError: no answer, or a refusal: what was tried, and the tracker's own words.
        """
        answer = await self._transport.request("GET", path, params=dict(params or {}))
        answer.raise_for_refusal(doing)
        return answer

    async def ask(
        self, path: str, body: Mapping[str, Any], doing: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Post a question that writes nothing: a search, a query.

        Raises:
            ProviderError: no answer, or a refusal.
        """
        answer = await self._transport.request("POST", path, params=params, json=body, write=False)
        answer.raise_for_refusal(doing)
        return answer

    async def send(  # noqa: PLR0913 - what is not the request itself is by name
        self,
        method: str,
        path: str,
        body: Any,
        doing: str,
        headers: Mapping[str, str] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send something that writes: JSON, or `content` of which `headers` say what it is.

        Raises:
            ProviderError: no answer, or a refusal.
        """
        answer = await self._transport.request(
            method, path, params=params, json=body, rate=self.writes, headers=headers, content=content
        )
        answer.raise_for_refusal(doing)
        return answer
