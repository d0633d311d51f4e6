"""Signing in as a GitHub App: a signed JWT is exchanged for an installation's token, which lasts an hour.

Source: docs.github.com, "Generating a JSON Web Token (JWT) for a GitHub App" and "Generating an installation access
token for a GitHub App".
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from providers.github.config import AppCredentials
from reconciler.provider.auth import Asking, RenewedAuth
from reconciler.provider.clock import Clock, SystemClock
from reconciler.provider.contract import Surroundings
from reconciler.provider.signing import sign_rs256

_CREATED = 201
_DRIFT = 60
_LIFETIME = 540
"""Seconds that a JWT lasts; with the drift exactly the ten minutes that GitHub allows."""


class InstallationAuth(RenewedAuth):
    """Bearer tokens of one installation, renewed before their hour is over and once on 401.

    Args:
        credentials: the app.
        url: the REST API's base.
        clock: tells the time of day, for `iat` and `exp`.
        more: as for `RenewedAuth`.
    """

    advice = "check the app's client id, its installation's id and its private key"

    def __init__(  # noqa: PLR0913 - everything but the first three is by name
        self,
        credentials: AppCredentials,
        url: str,
        surroundings: Surroundings,
        *,
        clock: Clock | None = None,
        timeout: float = 30.0,
        allow_http: bool = False,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._credentials = credentials
        self._clock: Clock = clock or SystemClock()
        where = f"{url.rstrip('/')}/app/installations/{credentials.installation}/access_tokens"
        self._selection = "all"
        now = now or self._clock.monotonic
        super().__init__(where, surroundings, timeout=timeout, allow_http=allow_http, now=now)

    def why_hidden(self) -> str:
        """Say why GitHub hides repositories from the app, or empty; known once there is a token."""
        return "" if self._selection == "all" else "the app is installed for some repositories only; choose all"

    async def asking(self) -> Asking:
        """Sign a JWT: issued a minute ago, since clocks differ."""
        key = await self.reveal_text(self._credentials.key)
        now = int(self._clock.epoch())
        claims: dict[str, str | int] = {"iat": now - _DRIFT, "exp": now + _LIFETIME, "iss": self._credentials.client_id}
        signed = sign_rs256(claims, key)
        self._redactor.add(signed)
        accept = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return Asking({**accept, "Authorization": f"Bearer {signed}"})

    def read_token(self, status: int, answer: dict[str, Any]) -> tuple[str, float] | None:
        """Return the token and the seconds until it expires."""
        token, expires = answer.get("token"), answer.get("expires_at")
        self._selection = answer.get("repository_selection", "all")
        if status != _CREATED or not isinstance(token, str) or not isinstance(expires, str):
            return None
        try:
            instant = datetime.fromisoformat(expires)
        except ValueError:
            return None
        return token, max(1.0, instant.timestamp() - self._clock.epoch())
