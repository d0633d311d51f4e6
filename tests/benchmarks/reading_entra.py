"""A tenant of Microsoft Entra ID: users, groups and their members, where the service gives whole pages."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("entra")

from entra_driving import settings  # noqa: E402 - the folders of the tests are not installed
from fake_graph import SECRET, FakeGraph  # noqa: E402 - same
from graph_types import missing  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.entra.config import EntraConfig  # noqa: E402 - same
from providers.entra.provider import EntraProvider  # noqa: E402 - same

__all__ = ["missing", "start"]
PAGE = 999
WHY = (
    "pages of 999 users and groups, a delta query for all members, one each of roles, who holds them, licences and apps"
)


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve a tenant."""
    os.environ["ENTRA_CANARY"] = SECRET
    app, clock = FakeGraph(), SkippingClock()
    users = [app.add_user(f"p{number}@acme.example") for number in range(people)]
    groups = [app.add_group(f"team{number}") for number in range(teams)]
    for team, person in members(people, teams):
        app.members[groups[team]].append(users[person])
    least = ceil(people / PAGE) + ceil(teams / PAGE) + ceil(2 * teams / PAGE) + 4
    began = clock.now
    async with http_server(remember(app.answer)) as server:
        app.url = server.url
        config = EntraConfig.model_validate(settings(server.url))
        async with EntraProvider(config, surroundings(read_only=True), clock) as provider:
            yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
