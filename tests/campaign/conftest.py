"""The company of the campaign, made once for all of its tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scim"))

from scene import Company, Theatre, theatre


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Servers, a forge, and the company in its first state."""
    if sys.platform == "win32":
        pytest.skip("needs fork")
    with theatre(tmp_path_factory.mktemp("campaign")) as started:
        yield started


@pytest.fixture
def company(stage: Theatre) -> Company:
    """Return a fresh company: its first state applied, its second one declared."""
    return stage.company()
