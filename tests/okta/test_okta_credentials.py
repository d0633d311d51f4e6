"""Signing in: an API token, or a service app with a private key."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from okta_api import CLIENT, TOKEN, FakeOkta, serve
from okta_driving import JumpingClock, grant, open_provider, perform, read
from pydantic import ValidationError

from providers.okta.config import OktaConfig
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Outcome

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")
SERVICE = {"client_id": CLIENT, "key": {"env": "OKTA_KEY"}, "key_id": "k1"}
READING = {f"okta.{what}.read" for what in ("users", "groups", "apps", "roles")}
MANAGING = {f"okta.{what}.manage" for what in ("users", "groups", "apps", "roles")}


def as_pem(key: RSAPrivateKey) -> str:
    """Return a private key as text."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    """A key; making one takes a moment."""
    return generate_private_key(65537, 2048)


@pytest.fixture
def service(app: FakeOkta, key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> FakeOkta:
    """The organization with a service app that was granted everything."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    app.public_key, app.scopes = public.decode(), READING | MANAGING
    monkeypatch.setenv("OKTA_KEY", as_pem(key))
    return app


def test_a_plan_asks_only_for_scopes_that_read(service: FakeOkta) -> None:
    """A service app that was granted nothing else is enough for it."""
    service.add_user("ana@acme.example")
    service.scopes = READING
    snapshot = read(service, read_only=True, service=SERVICE)
    assert len(snapshot.accounts) == 1
    assert snapshot.own_account == ""
    (asked,) = service.asked
    assert set(asked["scope"].split()) == READING
    assert asked["grant_type"] == "client_credentials"
    assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def test_only_scopes_of_wanted_kinds_are_asked_for(service: FakeOkta) -> None:
    """Without apps and roles nobody needs to grant theirs."""
    read(service, read_only=True, service=SERVICE, kinds=["group"])
    assert service.asked[0]["scope"] == "okta.users.read okta.groups.read"


def test_an_apply_asks_for_scopes_that_manage_too(service: FakeOkta) -> None:
    """One token serves all changes."""
    ana, group = service.add_user("ana@acme.example"), service.add_group("eng")
    receipts = perform(service, *(grant(ana, "group:eng", group) for _ in range(3)), service=SERVICE)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    (asked,) = service.asked
    assert set(asked["scope"].split()) == READING | MANAGING


def test_a_token_is_renewed_before_its_hour_is_over(service: FakeOkta, clock: JumpingClock) -> None:
    """And no assertion is used twice."""

    async def run() -> None:
        async with serve(service) as server, open_provider(server.url, clock=clock, service=SERVICE) as provider:
            await provider.read()
            clock.now += 3590
            await provider.read()

    asyncio.run(run())
    assert len(service.tokens) == 2
    assert len({form["client_assertion"] for form in service.asked}) == 2


def test_a_scope_that_was_not_granted_is_told_in_oktas_words(service: FakeOkta) -> None:
    """With what to check; neither the key nor the assertion is in it."""
    service.scopes = {"okta.users.read"}
    with pytest.raises(ProviderError, match="One or more scopes are not configured") as caught:
        read(service, service=SERVICE)
    assert "PRIVATE KEY" not in repr(caught.value)
    assert service.asked[0]["client_assertion"] not in repr(caught.value)


def test_a_wrong_key_gets_no_token(service: FakeOkta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read, and Okta's words are told."""
    monkeypatch.setenv("OKTA_KEY", as_pem(generate_private_key(65537, 2048)))
    with pytest.raises(ProviderError, match="client_assertion is bad"):
        read(service, service=SERVICE)


def test_a_wrong_api_token_reads_nothing(app: FakeOkta, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is not in the error."""
    monkeypatch.setenv("OKTA_TOKEN", "canary-wrong")
    with pytest.raises(ProviderError, match="Invalid token provided") as caught:
        read(app)
    assert "canary-wrong" not in repr(caught.value)


def test_the_tools_own_account_is_known_where_a_user_made_the_token(app: FakeOkta) -> None:
    """An API token acts as whoever made it, so that nobody locks the tool out."""
    app.myself = app.add_user("tool@acme.example")
    assert read(app).own_account == app.myself


def test_a_plan_changes_nothing_whatever_is_asked(app: FakeOkta) -> None:
    """The provider refuses before anything is sent."""
    with pytest.raises(ReadOnlyError):
        perform(app, grant("00u1", "group:eng", "00g2"), read_only=True)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({}, "say either `token` or `service`"),
        ({"token": {"env": "OKTA_TOKEN"}, "service": SERVICE}, "say either `token` or `service`"),
        ({"token": {"env": "OKTA_TOKEN"}, "url": "https://acme-admin.okta.com"}, "https://acme.okta.com"),
        ({"token": TOKEN}, "token"),
    ],
)
def test_a_configuration_that_cannot_work_says_what_to_change(written: dict[str, object], words: str) -> None:
    """Both or no credentials, the console's address, a token in clear text (which is not repeated)."""
    with pytest.raises(ValidationError) as caught:
        OktaConfig.model_validate({"url": "https://acme.okta.com"} | written)
    assert words in str(caught.value)
    assert TOKEN not in str(caught.value)
