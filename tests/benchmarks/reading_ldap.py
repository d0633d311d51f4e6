"""A directory on a real server, OpenLDAP: people, groups and their members."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from math import ceil

from reading import Reading, add_folders, members

add_folders("ldap")

from ldap_driving import Place  # noqa: E402 - the folders of the tests are not installed
from losing_proxy import losing_proxy  # noqa: E402 - same
from servers import directories  # noqa: E402 - same

__all__ = ["missing", "start"]
PAGE = 500
WHY = "searches: pages of 500 people and of 500 groups, members included"


def missing() -> str:
    """Return what is missing of the server."""
    return directories.missing_openldap()


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve a directory."""
    os.environ["LDAP_CANARY"] = directories.PASSWORD
    with directories.openldap(durable=False) as running, closing(Place(running, windows=False, plain=True)) as place:
        everybody = [place.add_person(f"p{number}") for number in range(people)]
        held: dict[int, list[str]] = {team: [] for team in range(teams)}
        for team, person in members(people, teams):
            held[team].append(everybody[person])
        for team, listed in held.items():
            place.add_group(f"team{team}", *listed)
        least = ceil(people / PAGE) + ceil(teams / PAGE)
        async with losing_proxy(running.host, running.port) as proxy:
            place.port = proxy.port
            async with place.open(read_only=True) as provider:
                yield Reading(provider, least, WHY, lambda: proxy.searches)
