"""The fake, and the token that its provider is opened with."""

import os

import okta_reference
import pytest
from okta_api import TOKEN, FakeOkta
from okta_driving import JumpingClock


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the token where the configuration looks for it."""
    monkeypatch.setenv("OKTA_TOKEN", TOKEN)


@pytest.fixture(autouse=True, scope="session")
def reference() -> None:
    """Nothing is tested without Okta's description of its API."""
    if (reason := okta_reference.missing()) and not os.environ.get("CI"):
        pytest.skip(f"needs {reason}")


@pytest.fixture
def clock() -> JumpingClock:
    """A clock that jumps."""
    return JumpingClock()


@pytest.fixture
def app(clock: JumpingClock) -> FakeOkta:
    """An empty organization, with pages that are as large as Okta's."""
    return FakeOkta(page=10_000, now=clock.epoch)
