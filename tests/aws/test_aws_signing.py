"""Credentials: given, or from botocore's chain; signed per service; never seen."""

import logging

import pytest
from aws_driving import config, drive, read
from aws_protocol import ACCESS_KEY, SECRET_KEY, SESSION_TOKEN
from fake_identity_center import FakeIdentityCenter
from support.http_server import HttpServer
from support.surroundings import surroundings

from providers.aws.config import AwsConfig
from providers.aws.provider import AwsProvider
from providers.aws.signing import find_endpoint
from reconciler.errors import ProviderError, SecretError
from reconciler.provider.registry import validate_config

pytestmark = pytest.mark.evidence("aws", against="our own fake", of="signatures checked with botocore's signer")


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment, as CI's OIDC step leaves them, and no other source."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION_TOKEN)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("chain")
def test_keys_come_from_the_chain_and_are_never_logged(
    app: FakeIdentityCenter, caplog: pytest.LogCaptureFixture
) -> None:
    """A temporary key is sent with its token; neither is in any log, at the finest level."""
    app.add_user("ana")
    with caplog.at_level(logging.DEBUG):
        snapshot = read(app, credentials=None)
    assert [each.username for each in snapshot.accounts] == ["ana"]
    assert SECRET_KEY not in caplog.text
    assert SESSION_TOKEN not in caplog.text


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(("allowed", "works"), [(("SLACK_*",), False), (("AWS_*",), True)])
def test_keys_in_the_environment_need_to_be_allowed(
    app: FakeIdentityCenter, allowed: tuple[str, ...], works: bool
) -> None:
    """Where the organization lists what may be read, the chain keeps to it."""

    async def work(_: AwsProvider, server: HttpServer) -> None:
        found = AwsProvider(config(server.url, credentials=None), surroundings(secrets_env=allowed))
        async with found:
            if works:
                assert (await found.read()).collections["accounts"].complete
                return
            with pytest.raises(SecretError, match="AWS_SECRET_ACCESS_KEY may not be read"):
                await found.read()

    drive(app, work)


def test_each_service_is_asked_where_it_is() -> None:
    """Organizations has one endpoint in a partition, signed for its own region."""
    assert find_endpoint("sso", "eu-central-1").url == "https://sso.eu-central-1.amazonaws.com"
    assert find_endpoint("organizations", "eu-central-1").region == "us-east-1"
    assert find_endpoint("identitystore", "cn-north-1").url.endswith(".amazonaws.com.cn")
    with pytest.raises(ProviderError, match="there is no region `xx-nowhere-1`"):
        find_endpoint("sso", "xx-nowhere-1")


def test_a_configuration_is_checked() -> None:
    """A region that is none, and two kinds of credentials, are named."""
    wrong = {"region": "Frankfurt", "profile": "p", "credentials": {"access_key_id": "a", "secret_access_key": "plain"}}
    faults = [str(fault) for fault in validate_config("aws", wrong)]
    assert any(fault.startswith("region") for fault in faults)
    assert any("secret_access_key" in fault for fault in faults)
    assert not any("plain" in fault for fault in faults)
    assert AwsConfig(region="us-gov-west-1").directory == "own"
