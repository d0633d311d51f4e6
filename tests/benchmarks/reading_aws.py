"""AWS IAM Identity Center: users, groups, and each group with one permission set in one account."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from reading import Reading, SkippingClock, add_folders, members, remember

add_folders("aws")

from aws_driving import config  # noqa: E402 - the folders of the tests are not installed
from aws_protocol import SECRET_KEY  # noqa: E402 - same
from fake_identity_center import FakeIdentityCenter  # noqa: E402 - same
from support.http_server import http_server  # noqa: E402 - same
from support.surroundings import surroundings  # noqa: E402 - same

from providers.aws.provider import AwsProvider  # noqa: E402 - same

ACCOUNTS, SETS = 20, 10
WHY = (
    "the instance, pages of 100 users and groups and of 20 accounts, the sets and one for each, one a group, one for "
    "each set's accounts, one for each pair that is in use"
)


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an organization."""
    os.environ["AWS_CANARY_KEY"] = SECRET_KEY
    app, clock = FakeIdentityCenter(), SkippingClock()
    pairs = fill(app, people, teams)
    least = 1 + ceil(people / 100) + ceil(teams / 100) + ceil(ACCOUNTS / 20) + 1 + SETS + teams + SETS + pairs
    began = clock.now
    async with (
        http_server(remember(app.answer)) as server,
        AwsProvider(config(server.url), surroundings(read_only=True), clock) as provider,
    ):
        yield Reading(provider, least, WHY, lambda: len(server.requests), lambda: clock.now - began)


def fill(app: FakeIdentityCenter, people: int, teams: int) -> int:
    """Make users, groups, members and assignments; return how many pairs of account and set are in use."""
    users = [app.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    groups = [app.add_group(f"team{number}") for number in range(teams)]
    accounts = [app.add_account(f"account{number}") for number in range(ACCOUNTS)]
    sets = [app.add_set(f"Set{number}") for number in range(SETS)]
    for team, person in members(people, teams):
        app.members[app.id()] = (groups[team], users[person])
    for number, group in enumerate(groups):
        app.assigned.add((accounts[number % ACCOUNTS], sets[number % SETS], "GROUP", group))
    return len({each[:2] for each in app.assigned})
