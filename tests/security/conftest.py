"""The company that is attacked, and the servers that attack it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _name in ("cli", "scim"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / _name))

from cli_company import Company  # noqa: E402 - the path comes first
from listening import Listener, listen  # noqa: E402 - same


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return a company of four people and two apps: one in files, one that only tickets reach."""
    folder = tmp_path / "company"
    folder.mkdir()
    return Company(folder)


@pytest.fixture
def app() -> Iterator[Listener]:
    """Return an app's server, which answers what a test tells it to."""
    with listen() as server:
        yield server


@pytest.fixture
def attacker() -> Iterator[Listener]:
    """Return somebody else's server: another origin."""
    with listen() as server:
        yield server
