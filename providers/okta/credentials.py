"""How requests are signed in: an API token (SSWS), or tokens that a service app asks for with a signed JWT.

Sources: developer.okta.com, "Okta API authentication methods" and "Implement OAuth for Okta with a service app"; the
method is private_key_jwt of OpenID Connect Core section 9 (RFC 7523), the only one that Okta takes for these scopes.
"""

import uuid
from typing import Final

from providers.okta.config import OktaConfig, ServiceApp
from reconciler.provider.auth import Asking, BearerAuth, RenewedAuth, SecretAuth
from reconciler.provider.clock import Clock
from reconciler.provider.contract import Surroundings
from reconciler.provider.signing import sign_rs256

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 300
"""Seconds that a JWT lasts; Okta takes at most an hour."""


class KeyAuth(RenewedAuth):
    """Bearer tokens of a service app, renewed before they expire (Okta gives them an hour) and once on 401.

    Args:
        service: the integration and its key.
        url: the organization's address; its own authorization server gives the tokens.
        scopes: what is asked for.
        surroundings: what the core gives.
        clock: tells the time of day, for `iat` and `exp`.
        timeout, verify, allow_http: as for `RenewedAuth`.
    """

    advice = "check the service app's client id and key, that its scopes are granted, and that it asks for no DPoP"

    def __init__(  # noqa: PLR0913 - everything but the first three is by name
        self,
        service: ServiceApp,
        url: str,
        scopes: tuple[str, ...],
        *,
        surroundings: Surroundings,
        clock: Clock,
        timeout: float,
        verify: bool | str,
        allow_http: bool,
    ) -> None:
        where = f"{url.rstrip('/')}/oauth2/v1/token"
        super().__init__(
            where, surroundings, timeout=timeout, verify=verify, allow_http=allow_http, now=clock.monotonic
        )
        self._service = service
        self._scopes = scopes
        self._clock = clock

    async def asking(self) -> Asking:
        """Sign a JWT and put it into the form; its id is never used twice.

        Raises:
            SecretError: the key cannot be read or used.
        """
        key = await self.reveal_text(self._service.key)
        now, client = int(self._clock.epoch()), self._service.client_id
        claims: dict[str, str | int] = {"aud": self._url, "iss": client, "sub": client, "jti": uuid.uuid4().hex}
        signed = sign_rs256(claims | {"iat": now, "exp": now + _LIFETIME}, key, key_id=self._service.key_id)
        self._redactor.add(signed)
        form = {"grant_type": "client_credentials", "scope": " ".join(self._scopes)}
        form |= {"client_assertion_type": _ASSERTION, "client_assertion": signed}
        return Asking({"Accept": "application/json"}, form)


def scopes_of(config: OktaConfig, *, read_only: bool) -> tuple[str, ...]:
    """Return the scopes that a way needs: only reading ones while planning.

    Source: developer.okta.com, "OAuth 2.0 scopes" of the Okta Management API.
    """
    if config.service and config.service.scopes:
        return config.service.scopes
    wanted = ["users", "groups", *(["apps"] if "app" in config.kinds else [])]
    wanted += ["roles"] if {"role", "custom-role"} & set(config.kinds) else []
    kinds_of_access = ("read",) if read_only else ("read", "manage")
    return tuple(f"okta.{what}.{access}" for what in wanted for access in kinds_of_access)


def make_auth(config: OktaConfig, surroundings: Surroundings, clock: Clock, verify: bool | str) -> SecretAuth:
    """Return what signs the requests of a way.

    Raises:
        ProviderError: the address cannot be used.
    """
    if config.service is None:
        assert config.token is not None  # noqa: S101 - the configuration's own check
        return BearerAuth(config.token, surroundings, scheme="SSWS")
    return KeyAuth(
        config.service,
        config.url,
        scopes_of(config, read_only=surroundings.read_only),
        surroundings=surroundings,
        clock=clock,
        timeout=config.timeout,
        verify=verify,
        allow_http=config.allow_http,
    )
