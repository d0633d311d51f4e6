"""What either API says of its limits is kept, and a refusal for now is waited out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from atlassian_driving import both, grant, open_provider, organization, perform, site
from fake_atlassian import FakeAtlassian
from support.http_server import HttpServer, Reply, Request, http_server
from support.jumping_clock import JumpingClock

from providers.atlassian.provider import AtlassianProvider
from reconciler.provider.change import Outcome

pytestmark = pytest.mark.evidence("atlassian", against="our own fake", of="Jira's requests checked against jira.js")


def run(app: FakeAtlassian, settings: Any, answer: Any, clock: JumpingClock) -> Any:
    """Read through a server that answers in an own way, by a clock of the test's."""
    import asyncio  # noqa: PLC0415 - only here

    async def work() -> Any:
        async with http_server(answer) as server, open_provider(settings(server.url), clock=clock) as provider:
            return await provider.read()

    return asyncio.run(work())
