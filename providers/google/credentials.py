"""Tokens for a service account that acts as an administrator: domain-wide delegation (RFC 7523).

Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from providers.google.config import GoogleConfig
from reconciler.errors import SecretError
from reconciler.provider.auth import Asking, BearerAuth, RenewedAuth, SecretAuth
from reconciler.provider.contract import Surroundings
from reconciler.provider.redaction import REVEALED
from reconciler.provider.secret import Secret
from reconciler.provider.signing import sign_rs256

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME = 3600
_SKEW = 30


class DelegatedAuth(RenewedAuth):
    """A service account's token, made for one administrator and some scopes.

    Args:
        key: the reference to the service account's JSON key.
        subject: the administrator's address.
        scopes: what the token is for.
        epoch: the seconds since 1970.
        more: as for `RenewedAuth`.
    """

    advice = "is the service account's client id allowed these scopes, under domain-wide delegation?"

    def __init__(  # noqa: PLR0913 - everything but the first three is by name
        self,
        key: Secret,
        url: str,
        surroundings: Surroundings,
        *,
        subject: str,
        scopes: Sequence[str],
        epoch: Callable[[], float] = time.time,
        **more: Any,
    ) -> None:
        super().__init__(url, surroundings, **more)
        self._key = key
        self._subject = subject
        self._scopes = scopes
        self._epoch = epoch

    async def asking(self) -> Asking:
        """Return the signed assertion."""
        key = await self._read_key()
        now = int(self._epoch()) - _SKEW
        claims: dict[str, str | int] = {
            "iss": key["client_email"],
            "sub": self._subject,
            "scope": " ".join(self._scopes),
            "aud": self._url,
            "iat": now,
            "exp": now + _LIFETIME,
        }
        assertion = sign_rs256(claims, key["private_key"], key_id=key.get("private_key_id", ""))
        self._redactor.add(assertion)
        return Asking({"Accept": "application/json"}, {"grant_type": _GRANT, "assertion": assertion})

    async def _read_key(self) -> dict[str, str]:
        text = await self.reveal_text(self._key)
        try:
            key = msgspec.json.decode(text.encode(), type=dict[str, str])
        except msgspec.DecodeError:
            key = {}
        missing = [name for name in ("client_email", "private_key") if not key.get(name)]
        if missing:
            hint = "it is the whole JSON file that Google Cloud gives out for a service account's key"
            raise SecretError(f"the secret {self._key} has no {' and no '.join(missing)}", hint=hint)
        for part in (key["private_key"], key["private_key"].strip()):
            self._redactor.add(part)
            REVEALED.add(part)
        return key


def auth_of(config: GoogleConfig, surroundings: Surroundings, scopes: Sequence[str]) -> SecretAuth:
    """Return the credentials of a way, for some scopes.

    Raises:
        ProviderError: the token endpoint's URL cannot be used.
        SecretError: nothing is configured (the configuration refuses that already).
    """
    if config.token is not None:
        return BearerAuth(config.token, surroundings)
    if config.service_account is None:
        raise SecretError("neither `service_account` nor `token` is given")
    return DelegatedAuth(
        config.service_account,
        config.token_url,
        surroundings,
        subject=config.subject,
        scopes=scopes,
        timeout=config.timeout,
    )
