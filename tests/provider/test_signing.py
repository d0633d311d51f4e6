"""JSON Web Tokens that vendors take in place of a password."""

import sys

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from reconciler.errors import SecretError
from reconciler.provider.signing import sign_rs256

CLAIMS = {"iss": "Iv23li", "iat": 1_700_000_000, "exp": 4_000_000_000}


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """An RSA key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat, password: bytes = b"") -> str:
    """Return a key as text."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, encryption).decode()


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_what_is_signed_is_verified_with_the_public_key(key: rsa.RSAPrivateKey, form: PrivateFormat) -> None:
    """Both forms that vendors hand out are taken, with the claims and the key's id as given."""
    token = sign_rs256(CLAIMS, pem(key, form), key_id="k1")
    assert jwt.decode(token, key.public_key(), algorithms=["RS256"]) == CLAIMS
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}


def test_what_is_no_rsa_key_is_refused_without_being_told(key: rsa.RSAPrivateKey) -> None:
    """No error repeats what may be a secret."""
    other = pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8)
    locked = pem(key, PrivateFormat.PKCS8, b"canary")
    for text in ("canary-7f3a", other, locked, pem(key, PrivateFormat.PKCS8)[:200], "x" * 100_000):
        with pytest.raises(SecretError) as caught:
            sign_rs256(CLAIMS, text)
        assert caught.value.__cause__ is None
        assert "private key" in str(caught.value)
        assert text[:40] not in f"{caught.value!r}{caught.value}"


def test_a_missing_extra_is_named(key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks the package reads how to get it."""
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(SecretError, match=r"identity-reconciler\[jwt\]"):
        sign_rs256(CLAIMS, pem(key, PrivateFormat.PKCS8))
