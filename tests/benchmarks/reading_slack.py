"""A workspace of Slack: people, and channels with their members."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("slack")

from fake_slack import FakeSlack  # noqa: E402 - the folders of the tests are not installed
from slack_driving import config  # noqa: E402 - same
from slack_protocol import TOKEN  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.slack.provider import SlackProvider  # noqa: E402 - same

PAGE = 999
WHY = "whose token it is, pages of 999 people and channels, the user groups, one a channel or a person"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve a workspace."""
    os.environ["SLACK_CANARY"] = TOKEN
    app, clock = FakeSlack(), SkippingClock()
    app.now = clock.monotonic
    app.page = PAGE
    users = [app.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    held: dict[int, list[str]] = {}
    for team, person in members(people, teams):
        held.setdefault(team, []).append(users[person])
    for team, found in held.items():
        app.add_channel(f"team{team}", found)
    least = 1 + ceil((people + 1) / PAGE) + ceil(teams / PAGE) + 1 + min(people, teams)
    began = clock.now
    async with (
        http_server(remember(app.answer)) as server,
        SlackProvider(config(server.url), surroundings(read_only=True), clock) as provider,
    ):
        yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
