"""A GitLab instance: users, groups and their members by pages of a hundred."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("gitlab")

from fake_gitlab import TOKEN, FakeGitLab  # noqa: E402 - the folders of the tests are not installed
from gitlab_driving import VARIABLE, settings  # noqa: E402 - same
from gitlab_world import DEVELOPER, Membership  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.gitlab.config import GitLabConfig  # noqa: E402 - same
from providers.gitlab.provider import GitLabProvider  # noqa: E402 - same

__all__ = ["start"]
PAGE = 100
WHY = "pages of a hundred users, and of a hundred groups with their members; as many that tell which are synchronized"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an instance."""
    os.environ[VARIABLE] = TOKEN
    app, clock = FakeGitLab(), SkippingClock()
    users = [app.world.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    groups = [app.world.add_group(f"team{number}") for number in range(teams)]
    for team, person in members(people, teams):
        app.world.groups[groups[team]].members[users[person]] = Membership(DEVELOPER)
    least = ceil((people + 1) / PAGE) + 2 * ceil(teams / PAGE)
    began = clock.now
    async with http_server(remember(app.answer)) as server:
        config = GitLabConfig.model_validate(settings(server.url))
        async with GitLabProvider(config, surroundings(read_only=True), clock) as provider:
            yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
