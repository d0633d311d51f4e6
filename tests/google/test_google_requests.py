"""How many requests a read takes, counted by the imitation."""

import asyncio

import pytest
from google_harness import running

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


def test_a_read_takes_the_least_number_of_requests_that_there_is() -> None:
    """1,000 users are 2 pages, 200 groups 1 page and a list of members each; roles, units and licences are 4 more."""

    async def read() -> tuple[int, int]:
        async with running() as google:
            for number in range(1000):
                google.app.add_user(f"p{number}@acme.example")
            for number in range(200):
                google.app.add_group(f"g{number}@acme.example")
            async with google.open(oauth_grants=False) as provider:
                snapshot = await provider.read()
            assert all(each.complete for each in snapshot.collections.values())
            return snapshot.requests, len(google.server.requests)

    assert asyncio.run(read()) == (207, 207)
