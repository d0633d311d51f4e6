"""The fake, and the secrets that its provider is opened with."""

import jira_types
import pytest
from atlassian_driving import ENVIRONMENT
from atlassian_world import ACCOUNT_KEY, API_KEY, API_TOKEN
from fake_atlassian import FakeAtlassian


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the secrets where the configuration looks for them; needs Jira's types."""
    if jira_types.missing():
        pytest.skip(jira_types.missing())
    for name, value in (("org", API_KEY), ("account", ACCOUNT_KEY), ("site", API_TOKEN)):
        monkeypatch.setenv(ENVIRONMENT[name], value)


@pytest.fixture
def app() -> FakeAtlassian:
    """An empty organization with a Jira site."""
    return FakeAtlassian()
