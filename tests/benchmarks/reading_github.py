"""An organization of GitHub: members, teams, and 2,000 repositories with who and which team may do what in them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("github")

from fake_organization import TOKEN, FakeOrganization  # noqa: E402 - the folders of the tests are not installed
from github_driving import TOKEN_VARIABLE, config  # noqa: E402 - same
from support.github_reference import missing  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.github.provider import GitHubProvider  # noqa: E402 - same

__all__ = ["missing", "start"]
PAGE, REPOSITORIES = 100, 2000
WHY = "queries with the next page of 100 of everything at once, one of outside collaborators and one of invitations"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an organization."""
    os.environ[TOKEN_VARIABLE] = TOKEN
    clock, app = SkippingClock(), FakeOrganization(page=PAGE)
    fill(app, people, teams)
    least = max(ceil(each / PAGE) for each in (people, teams, REPOSITORIES)) + 2
    began = clock.now
    async with (
        http_server(remember(app.answer)) as server,
        GitHubProvider(config(server.url), surroundings(read_only=True), clock) as provider,
    ):
        yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)


def fill(app: FakeOrganization, people: int, teams: int) -> None:
    """Make members, one of which is the tool's own account; each repository has a team and a collaborator."""
    world = app.world
    everybody = [world.viewer, *(world.add_member(f"p{number}") for number in range(1, people))]
    made = [world.add_team(f"team{number}") for number in range(teams)]
    for team, person in members(people, teams):
        world.teams[made[team]].members[everybody[person]] = "member"
    for number in range(REPOSITORIES):
        repository = world.add_repository(f"repo{number}")
        world.teams[made[number % teams]].repositories[repository] = "push"
        world.repositories[repository].direct[everybody[number % people]] = "maintain"
