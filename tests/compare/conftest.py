"""The repository that pull requests are made against, and servers to attack and to be attacked."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

for _name in ("cli", "security", "plan"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / _name))

from checkout import Checkout  # noqa: E402 - the path comes first
from listening import Listener, listen  # noqa: E402 - same


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Return a company in git whose apps show exactly what `main` declares."""
    folder = tmp_path / "company"
    folder.mkdir()
    checkout = Checkout(folder)
    checkout.apply_all()
    return checkout


@pytest.fixture
def app() -> Iterator[Listener]:
    """Return an app's server."""
    with listen() as server:
        yield server


@pytest.fixture
def attacker() -> Iterator[Listener]:
    """Return somebody else's server: another origin."""
    with listen() as server:
        yield server
