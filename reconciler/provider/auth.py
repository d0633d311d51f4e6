"""Credentials, added to each request by httpx: bearer tokens, basic, tokens that are asked for (OAuth 2 and others).

All of them hold references; a value is read when the first request needs it, and told to the transport's redactor.
"""

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus

import httpx
import msgspec

from reconciler.errors import SecretError
from reconciler.provider.answer import path_of, shorten
from reconciler.provider.connections import check_base, tls_context
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import REVEALED, Redactor
from reconciler.provider.retry import TokenError
from reconciler.provider.secret import Secret

_EARLY = 30.0
_LONGEST_TOKEN_ANSWER = 1024 * 1024
_USUAL_LIFETIME = 300.0
_OK, _UNAUTHORIZED, _TOO_MANY, _SERVER_FAULT = 200, 401, 429, 500


class SecretAuth(httpx.Auth):
    """The base of credentials that come from secret references.

    Args:
        surroundings: says what references may name.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._redactor = Redactor()
        self._revealed: dict[Secret, str] = {}

    def tell_secrets_to(self, redactor: Redactor) -> None:
        """Give every value that is revealed from now on to a redactor."""
        self._redactor = redactor

    async def reveal(self, secret: Secret) -> str:
        """Return a secret's value, read once; in a thread, since SOPS is another program.

        Raises:
            SecretError: it cannot be read, or cannot be sent in a header.
        """
        value = await self.reveal_text(secret)
        if not (value.isascii() and value.isprintable()):
            raise SecretError(f"the secret {secret} holds characters that no HTTP header can carry")
        return value

    async def reveal_text(self, secret: Secret) -> str:
        """Return a secret's value that is never sent itself and may have several lines: a private key.

        Raises:
            SecretError: it cannot be read.
        """
        value = self._revealed.get(secret)
        if value is None:
            value = await asyncio.to_thread(secret.reveal, self._surroundings)
            self._redactor.add(value)
            self._revealed[secret] = value
        return value

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refuse: the transport is asynchronous."""
        raise NotImplementedError


class BearerAuth(SecretAuth):
    """`Authorization: Bearer …` (RFC 6750), or another scheme or header that a vendor wants.

    Args:
        token: the reference.
        scheme: what stands before the token (`SSWS` for Okta); may be empty.
        header: the header's name.
    """

    def __init__(
        self, token: Secret, surroundings: Surroundings, *, scheme: str = "Bearer", header: str = "Authorization"
    ) -> None:
        super().__init__(surroundings)
        self._token = token
        self._scheme = scheme
        self._header = header

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header."""
        request.headers[self._header] = f"{self._scheme} {await self.reveal(self._token)}".strip()
        yield request


class BasicAuth(SecretAuth):
    """`Authorization: Basic …` (RFC 7617).

    Args:
        username: a text, or a reference where it is secret too.
        password: the reference.
    """

    def __init__(self, username: str | Secret, password: Secret, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._username = username
        self._password = password

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add the header."""
        username = await self.reveal(self._username) if isinstance(self._username, Secret) else self._username
        request.headers["Authorization"] = self._header(username, await self.reveal(self._password))
        yield request

    def _header(self, username: str, password: str) -> str:
        joined = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._redactor.add(joined)
        return f"Basic {joined}"


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """How to get a token (RFC 6749 section 4.4).

    Attributes:
        token_url: the token endpoint; may be of another origin than the app's, since the configuration names it.
        client_id: not secret.
        client_secret: the reference.
        scope, audience: sent where they are not empty.
        style: whether the client's secret goes into a Basic header or into the body (RFC 6749 section 2.3.1).
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str = ""
    audience: str = ""
    style: Literal["basic", "body"] = "basic"


@dataclass(frozen=True, slots=True)
class Asking:
    """What is sent to a token endpoint: a form (RFC 6749) or JSON, where `json` is not None.

    Attributes:
        headers, form, json: hold secrets, and are never shown.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)


class RenewedAuth(SecretAuth):
    """The base of bearer tokens that an endpoint gives for a while: cached, renewed in time and once on 401.

    A subclass says what is asked (`asking`) and, where the answer is not OAuth's, how it is read (`read_token`).

    Args:
        url: where to ask; may be of another origin than the app's, since the configuration names it.
        timeout: seconds for asking.
        verify: as for the transport, of the endpoint.
        allow_http: whether an endpoint on another machine may be http.
        now: a monotonic clock, in seconds.
    """

    def __init__(  # noqa: PLR0913 - everything but the first two is by name and has a default
        self,
        url: str,
        surroundings: Surroundings,
        *,
        timeout: float = 30.0,
        verify: bool | str | ssl.SSLContext = True,
        allow_http: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(surroundings)
        checked = check_base(f"{surroundings.app} token endpoint", url, allow_http=allow_http)
        self._url = str(checked)
        self._tls = tls_context(checked.scheme, verify)
        self._timeout = timeout
        self._now = now
        self._turn = asyncio.Lock()
        self._token = ""
        self._expires = 0.0

    async def asking(self) -> Asking:
        """Return what is sent to the endpoint; called anew for each token.

        Raises:
            SecretError: a secret cannot be read or used.
        """
        raise NotImplementedError

    def read_token(self, status: int, answer: dict[str, Any]) -> tuple[str, float] | None:
        """Return the token and its lifetime in seconds, or None where the answer has none (RFC 6749 section 5)."""
        token, lifetime = answer.get("access_token"), answer.get("expires_in")
        if status != _OK or not isinstance(token, str):
            return None
        known = isinstance(lifetime, int | float) or (isinstance(lifetime, str) and lifetime.isdecimal())
        return token, float(lifetime) if known and lifetime is not None else _USUAL_LIFETIME

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Add a token; on 401 get a new one and try once more."""
        token = await self._current("")
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == _UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._current(token)}"
            yield request

    async def _current(self, refused: str) -> str:
        """Return a token that is not the refused one; whoever comes second finds what the first one got."""
        async with self._turn:
            if not self._token or self._token == refused or self._now() >= self._expires:
                self._token, lifetime = await self._ask()
                self._expires = self._now() + max(lifetime - _EARLY, lifetime / 2)
            return self._token

    async def _ask(self) -> tuple[str, float]:
        """Ask for a token; return it and its lifetime in seconds.

        Raises:
            TokenError: the endpoint did not give one.
        """
        asked = await self.asking()
        try:
            async with (
                httpx.AsyncClient(verify=self._tls, timeout=self._timeout, follow_redirects=False) as client,
                client.stream(
                    "POST", self._url, data=asked.form or None, json=asked.json, headers=asked.headers
                ) as response,
            ):
                content = b""
                async for part in response.aiter_bytes():
                    content = (content + part)[:_LONGEST_TOKEN_ANSWER]
                return self._read(response.status_code, content)
        except httpx.HTTPError as error:
            words = shorten(self._redactor.clean(str(error))) or type(error).__name__
            raise TokenError(f"{self._what}: {words}", again=True) from None

    def _read(self, status: int, content: bytes) -> tuple[str, float]:
        """Read the endpoint's answer."""
        try:
            answer = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer = {}
        found = self.read_token(status, answer)
        if found and found[0].isascii() and found[0].isprintable():
            self._redactor.add(found[0])
            REVEALED.add(found[0])
            return found
        words = " ".join(str(answer[key]) for key in ("error", "error_description", "message") if key in answer)
        said = f": {shorten(self._redactor.clean(words))}" if words else " without a token"
        again = status == _TOO_MANY or status >= _SERVER_FAULT
        raise TokenError(f"{self._what} answered {status}{said}", hint=self.advice, again=again)

    advice = "check what the token is asked with"
    """What to do where no token is given."""

    @property
    def _what(self) -> str:
        return f"{self._surroundings.app}: no token: POST {path_of(self._url)}"


class OAuth2Auth(RenewedAuth):
    """Bearer tokens by OAuth 2 client credentials: cached, renewed in time and once on 401, never twice at once.

    Args:
        credentials: where and as whom to ask.
        more: as for `RenewedAuth`.
    """

    advice = "check the client's id and secret"

    def __init__(self, credentials: ClientCredentials, surroundings: Surroundings, **more: Any) -> None:
        super().__init__(credentials.token_url, surroundings, **more)
        self._credentials = credentials

    async def asking(self) -> Asking:
        """Return the form and the headers of the request for a token."""
        asked = self._credentials
        secret = await self.reveal(asked.client_secret)
        form = {"grant_type": "client_credentials", "scope": asked.scope, "audience": asked.audience}
        form = {key: value for key, value in form.items() if value}
        headers = {"Accept": "application/json"}
        if asked.style == "body":
            return Asking(headers, form | {"client_id": asked.client_id, "client_secret": secret})
        pair = f"{quote_plus(asked.client_id)}:{quote_plus(secret)}"
        encoded = base64.b64encode(pair.encode()).decode()
        self._redactor.add(encoded)
        return Asking(headers | {"Authorization": f"Basic {encoded}"}, form)
