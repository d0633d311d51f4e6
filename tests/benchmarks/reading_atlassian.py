"""An Atlassian organization with a Jira site: users with their groups, groups, and the roles of some projects."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("atlassian")

from atlassian_driving import ENVIRONMENT, both  # noqa: E402 - the folders of the tests are not installed
from atlassian_world import API_KEY, API_TOKEN  # noqa: E402 - same
from fake_atlassian import FakeAtlassian  # noqa: E402 - same
from jira_types import missing  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.atlassian.config import AtlassianConfig  # noqa: E402 - same
from providers.atlassian.provider import AtlassianProvider  # noqa: E402 - same

__all__ = ["missing", "start"]
PAGE = 100
PROJECTS, ROLES = 20, 5
WHY = (
    "pages of 100 users with their groups, of 100 groups and 100 projects, one each of roles and of the own account, "
    "one for each of 5 roles of 20 projects"
)


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an organization and its site."""
    os.environ |= {ENVIRONMENT["org"]: API_KEY, ENVIRONMENT["site"]: API_TOKEN}
    app, clock = FakeAtlassian(), SkippingClock()
    users = [app.world.add_user(f"p{number}@acme.example") for number in range(people)]
    groups = [app.world.add_group(f"team{number}") for number in range(teams)]
    for team, person in members(people, teams):
        app.world.members[groups[team]].append(users[person])
    roles = [app.world.add_role(f"role{number}") for number in range(ROLES)]
    for number in range(PROJECTS):
        app.world.act(app.world.add_project(f"P{number}"), roles[0], group=groups[number])
    least = ceil(people / PAGE) + ceil(teams / PAGE) + ceil(PROJECTS / PAGE) + 2 + PROJECTS * ROLES
    began = clock.now
    async with http_server(remember(app.answer)) as server:
        config = AtlassianConfig.model_validate(both(server.url))
        async with AtlassianProvider(config, surroundings(read_only=True), clock) as provider:
            yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
