"""An organization of Okta: people, groups and their members."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("okta")

from okta_api import TOKEN, FakeOkta  # noqa: E402 - the folders of the tests are not installed
from okta_reference import missing  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.okta.config import OktaConfig  # noqa: E402 - same
from providers.okta.provider import OktaProvider  # noqa: E402 - same

__all__ = ["missing", "start"]
PAGE = 200
WHY = "pages of 200 people and one of those deactivated, of 10,000 groups, one of apps, rules and admins, one a group"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an organization."""
    os.environ["OKTA_TOKEN"] = TOKEN
    clock = SkippingClock()
    app = FakeOkta(page=10_000, now=clock.epoch)
    users = [app.add_user(f"p{number}@acme.example") for number in range(people)]
    groups = [app.add_group(f"team{number}") for number in range(teams)]
    app.members = {(groups[team], users[person]) for team, person in members(people, teams)}
    least = ceil(people / PAGE) + 1 + ceil(teams / 10_000) + 3 + teams
    began = clock.now
    async with http_server(remember(app.answer)) as server:
        app.url = server.url
        config = OktaConfig.model_validate({"url": server.url, "token": {"env": "OKTA_TOKEN"}})
        async with OktaProvider(config, surroundings(read_only=True), clock) as provider:
            yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
