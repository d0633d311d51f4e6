"""The fake, and the secrets that its provider is opened with."""

import pytest
from fake_slack import FakeSlack
from slack_protocol import ADMIN_TOKEN, SCIM_TOKEN, TOKEN


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the tokens where the configuration looks for them."""
    monkeypatch.setenv("SLACK_CANARY", TOKEN)
    monkeypatch.setenv("SLACK_ADMIN_CANARY", ADMIN_TOKEN)
    monkeypatch.setenv("SLACK_SCIM_CANARY", SCIM_TOKEN)


@pytest.fixture
def app() -> FakeSlack:
    """A workspace with nobody in it but the tool's bot."""
    return FakeSlack()
