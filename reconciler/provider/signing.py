"""Signed JSON Web Tokens (RFC 7519) for vendors that want a private key in place of a password: RS256 only.

Needs the extra `jwt` (PyJWT with cryptography), which is imported when the first token is signed.
"""

from collections.abc import Mapping

from reconciler.errors import SecretError

_LONGEST_KEY = 64 * 1024


def sign_rs256(claims: Mapping[str, str | int], key: str, *, key_id: str = "") -> str:
    """Return a JWT, signed with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 7518 section 3.3).

    Args:
        claims: `iss`, `iat`, `exp` and whatever the vendor wants; instants are whole seconds since 1970.
        key: an RSA private key as PEM, PKCS#1 or PKCS#8, not encrypted. Never part of an error.
        key_id: goes into the header as `kid` where it is not empty.

    Raises:
        SecretError: the extra is missing, or the key is not such a key; the message never echoes it.
    """
    try:
        import jwt  # noqa: PLC0415 - an extra, and only whoever signs pays for it
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 - same
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - same
    except ImportError:
        hint = "install it with its extra: pip install 'identity-reconciler[jwt]'"
        raise SecretError("signing needs PyJWT and cryptography, which are not installed", hint=hint) from None
    hint = "it is an RSA private key as PEM, from `-----BEGIN` to `-----END …-----`, without a passphrase"
    if len(key) > _LONGEST_KEY:
        raise SecretError("the private key cannot be used: it is too long", hint=hint)
    try:
        loaded = load_pem_private_key(key.strip().encode(), password=None)
    except (ValueError, TypeError):  # TypeError: it is encrypted
        raise SecretError("the private key cannot be used: it is no PEM, or is encrypted", hint=hint) from None
    if not isinstance(loaded, RSAPrivateKey):
        raise SecretError("the private key cannot be used: it is no RSA key", hint=hint)
    return jwt.encode(dict(claims), loaded, algorithm="RS256", headers={"kid": key_id} if key_id else None)
