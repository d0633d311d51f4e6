"""The world that requests are made in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from request_world import World, make_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a company in a clone, with a bare remote and a forge."""
    with make_world(tmp_path) as made:
        yield made
