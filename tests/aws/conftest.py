"""The fake, and the secret that its provider is opened with."""

import pytest
from aws_protocol import SECRET_KEY
from fake_identity_center import FakeIdentityCenter


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the secret key where the configuration looks for it."""
    monkeypatch.setenv("AWS_CANARY_KEY", SECRET_KEY)


@pytest.fixture
def app() -> FakeIdentityCenter:
    """An empty Identity Center."""
    return FakeIdentityCenter()
