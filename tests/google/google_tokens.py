"""The imitation's token endpoint: signed assertions of one service account for tokens with scopes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support.http_server import Reply, Request

ACCOUNT = "reconciler@acme-it.iam.gserviceaccount.example"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST = 3600


@cache
def private_key() -> RSAPrivateKey:
    """Return the service account's key, the same for all tests."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def key_file() -> str:
    """Return the JSON file that Google Cloud gives out for the key."""
    pem = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {"type": "service_account", "client_email": ACCOUNT, "private_key_id": "key-1", "private_key": pem}
    )


@dataclass
class Tokens:
    """Tokens that were given out.

    Attributes:
        url: the endpoint's own address, which an assertion must be made for.
        subject: the only administrator whom the service account may act as.
        allowed: the scopes that the admin console allows the service account; None for all.
        given: token → its scopes.
    """

    url: str = ""
    subject: str = ""
    allowed: frozenset[str] | None = None
    given: dict[str, frozenset[str]] = field(default_factory=dict)
    count: int = 0

    def answer(self, request: Request) -> Reply:
        """Give a token for an assertion, or refuse as Google does."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert form["grant_type"] == GRANT
        try:
            claims = jwt.decode(
                form["assertion"],
                private_key().public_key(),
                algorithms=["RS256"],
                audience=self.url,
                issuer=ACCOUNT,
                options={"require": ["iss", "sub", "aud", "iat", "exp", "scope"]},
            )
        except jwt.InvalidTokenError as error:
            return Reply(400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {error}"})
        assert jwt.get_unverified_header(form["assertion"])["kid"] == "key-1"
        assert claims["exp"] - claims["iat"] <= _LONGEST
        scopes = frozenset(claims["scope"].split())
        if claims["sub"] != self.subject or (self.allowed is not None and not scopes <= self.allowed):
            words = "Client is unauthorized to retrieve access tokens using this method, or not for any of the scopes."
            return Reply(401, {"error": "unauthorized_client", "error_description": words})
        self.count += 1
        token = f"canary-ya29-delegated-{self.count}"
        self.given[token] = scopes
        return Reply(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
