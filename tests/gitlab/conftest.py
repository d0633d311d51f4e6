"""The fake, and the token that its provider is opened with."""

import pytest
from fake_gitlab import TOKEN, FakeGitLab
from gitlab_driving import VARIABLE


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the token where the configuration looks for it."""
    monkeypatch.setenv(VARIABLE, TOKEN)


@pytest.fixture
def app() -> FakeGitLab:
    """An empty GitLab."""
    return FakeGitLab()
