"""A customer of Google Workspace: users, groups and their members, in batches."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members

add_folders("google")

from google_fake import TOKEN, FakeGoogle  # noqa: E402 - the folders of the tests are not installed
from google_harness import DOMAIN  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.google.config import GoogleConfig  # noqa: E402 - same
from providers.google.provider import GoogleProvider  # noqa: E402 - same

WHY = (
    "pages of 500 users and 200 groups, each page with all that is known by then to be asked for, and one for the rest"
)


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve a customer."""
    os.environ["GOOGLE_TOKEN"] = TOKEN
    app, clock = FakeGoogle(limit=10**9), SkippingClock()
    users = [app.add_user(f"p{number}@{DOMAIN}") for number in range(people)]
    groups = [app.add_group(f"team{number}@{DOMAIN}")["id"] for number in range(teams)]
    for team, person in members(people, teams):
        user = users[person]
        member = {"id": user["id"], "email": user["primaryEmail"], "role": "MEMBER", "type": "USER"}
        app.members[groups[team]][user["id"]] = member
    least = max(ceil(people / 500), ceil(teams / 200) + 1)
    began = clock.now
    async with http_server(app.answer) as server:  # what is asked for in a batch is never the same twice
        config = {"subject": f"admin@{DOMAIN}", "token": {"env": "GOOGLE_TOKEN"}, "domain": DOMAIN}
        valid = GoogleConfig.model_validate({**config, "directory_url": server.url})
        async with GoogleProvider(valid, surroundings(read_only=True), clock=clock) as provider:
            yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)
