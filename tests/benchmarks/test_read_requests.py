"""Reading a whole organization takes hardly more requests than the vendor's API asks for."""

import asyncio
import importlib
import os
from collections.abc import Iterator

import pytest
import read_requests


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Forget the tokens that readings set."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("name", read_requests.registered())
def test_a_read_takes_hardly_more_requests_than_the_least(name: str) -> None:
    """Of 1,000 people in 200 teams, by each provider that is registered."""
    reading = importlib.import_module(f"reading_{name}")
    if reason := read_requests.missing(reading):
        pytest.skip(reason)
    requests, least, _, _ = asyncio.run(read_requests.read(reading, 1000, 200))
    assert least * 0.95 <= requests <= least * read_requests.MOST
