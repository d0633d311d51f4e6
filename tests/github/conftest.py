"""The fake, and the secrets that its provider is opened with."""

import pytest
from fake_organization import TOKEN, FakeOrganization, app_pem
from github_driving import KEY_VARIABLE, TOKEN_VARIABLE
from servers import setup


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the token where the configuration looks for it; skip where GitHub's own descriptions are not there."""
    if reason := setup.missing():
        pytest.skip(reason)
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FakeOrganization:
    """An organization with nobody but the tool's own account, an owner."""
    monkeypatch.setenv(KEY_VARIABLE, app_pem())
    return FakeOrganization()
