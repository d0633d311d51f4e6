"""Secrets taken out of text: by value in every form that they travel in, and by name."""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.provider.redaction import MARK, Redactor

SECRET = 'ca/na+ry "7f3k"=='


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        json.dumps(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"u:{SECRET}:more".encode()).decode(),
    ],
)
def test_a_known_secret_is_found_in_each_form(form: str) -> None:
    """Plain, escaped, URL-encoded, or inside of something base64-encoded at any alignment."""
    redactor = Redactor([SECRET])
    assert redactor.holds(f"before {form} after")
    cleaned = redactor.clean(f"before {form} after")
    assert MARK in cleaned
    assert not redactor.holds(cleaned)
    assert "7f3k" not in cleaned


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_value_survives(value: str, before: str, after: str) -> None:
    """Whatever a secret looks like, and whatever stands around it, cleaning leaves no form of it."""
    redactor = Redactor([value])
    encoded = base64.b64encode(f"{before}{value}{after}".encode("utf-8", "surrogatepass")).decode()
    for text in (f"{before}{value}{after}", json.dumps(value)):
        assert value not in redactor.clean(text).replace(MARK, "\x00" if value != "\x00" * len(value) else "")
    assert redactor.clean(encoded) != encoded


def test_a_short_secret_is_replaced_only_as_a_word() -> None:
    """A password of `a` must not turn every text into marks."""
    redactor = Redactor(["abc"])
    assert redactor.clean("abc in cabc, abc.") == f"{MARK} in cabc, {MARK}."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('{"access_token": "abc", "id": 7}', f'{{"access_token": "{MARK}", "id": 7}}'),
        ('{\\"password\\": \\"abc\\"}', f'{{\\"password\\": \\"{MARK}\\"}}'),
        ("client_secret=abc&scope=x", f"client_secret={MARK}&scope=x"),
        ("GET /x?api_key=abc&q=1", f"GET /x?api_key={MARK}&q=1"),
        ("Authorization: Bearer abc", f"Authorization: Bearer {MARK}"),
        ("authorization: token abcdefghij", f"authorization: token {MARK}"),
        ("Set-Cookie: session=abc; Path=/", f"Set-Cookie: {MARK}; Path=/"),
        ("we sent Bearer abcdefgh.ijkl", f"we sent Bearer {MARK}"),
        ("https://ana:hunter2@host/path", f"https://ana:{MARK}@host/path"),
        ("password: hunter2", f"password: {MARK}"),
        ("xoxb-1234567890-abcdef is revoked", f"{MARK} is revoked"),
        ("use ghp_abcdefghijklmnopqrst1234", f"use {MARK}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def", MARK),
        ("key AKIAABCDEFGHIJKLMNOP", f"key {MARK}"),
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, cleaned: str) -> None:
    """Nobody told us of it; its name or its shape does."""
    assert Redactor().clean(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "invalid token: expired",
        "the secret {env: TOKEN} is not set",
        "grant ana team:platform",
        "password: required",
        "Basic realm is acme",
        "2 tokens left",
    ],
)
def test_prose_about_credentials_stays_readable(text: str) -> None:
    """An error that loses its words helps nobody."""
    assert Redactor().clean(text) == text


def test_cleaning_a_hostile_text_takes_linear_time() -> None:
    """A vendor's body cannot hang the tool."""
    text = "token" * 20_000 + "token=" * 5_000 + "-----BEGIN PRIVATE KEY-----" * 500 + "://" * 10_000 + "a:" * 20_000
    assert len(Redactor([SECRET]).clean(text)) > 0


def test_secrets_that_are_revealed_at_the_same_time_are_all_known() -> None:
    """Ways of one app reveal theirs in threads; each is known by when its `add` has come back."""
    redactor = Redactor()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def reveal(number: int) -> bool:
        secret = f"secret-number-{number % 40}"
        redactor.add(secret)
        return secret not in redactor.clean(f"a {secret} b")

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(reveal, range(160)))
    finally:
        sys.setswitchinterval(before)


def test_it_shows_no_secret_itself() -> None:
    """Its repr counts, and says no more."""
    assert repr(Redactor([SECRET])) == "Redactor(1 secrets)"
