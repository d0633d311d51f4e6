"""Credentials as a stranger's API wants them: in headers, in the URL, or as either half of a Basic login."""

import base64
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import httpx

from reconciler.provider.auth import SecretAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.secret import Secret

_NO_PASSWORD = "x"  # noqa: S105 - what vendors who take a token as username want in its place


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is sent.

    Attributes:
        headers: header → what stands before the secret, and the secret.
        query: parameter → secret. It is in no message: those name paths only.
        basic: username and password (RFC 7617); a username that is secret needs no password.
    """

    headers: Mapping[str, tuple[str, Secret]] = field(default_factory=dict)
    query: Mapping[str, Secret] = field(default_factory=dict)
    basic: tuple[str | Secret, Secret | None] | None = None


class GivenAuth(SecretAuth):
    """Adds what the YAML says to each request.

    Args:
        credentials: what.
        surroundings: says what references may name.
    """

    def __init__(self, credentials: Credentials, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._credentials = credentials

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add headers and parameters."""
        for name, (scheme, secret) in self._credentials.headers.items():
            gap = "" if not scheme or scheme.endswith("=") else " "
            request.headers[name] = f"{scheme}{gap}{await self.reveal(secret)}"
        for name, secret in self._credentials.query.items():
            request.url = request.url.copy_set_param(name, await self.reveal(secret))
        if self._credentials.basic:
            username, password = self._credentials.basic
            user = await self.reveal(username) if isinstance(username, Secret) else username
            word = await self.reveal(password) if password else _NO_PASSWORD
            joined = base64.b64encode(f"{user}:{word}".encode()).decode()
            self._redactor.add(joined)
            request.headers["Authorization"] = f"Basic {joined}"
        yield request
