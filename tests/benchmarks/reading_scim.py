"""A SCIM server: users, and groups with their members."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

from reading import Reading, add_folders, members, remember

add_folders("scim")

from support.http_server import Reply, Request, http_server  # noqa: E402 - the folders of the tests are not installed
from support.surroundings import surroundings  # noqa: E402 - same

from providers.scim.provider import ScimProvider  # noqa: E402 - same

PAGE = 100
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@asynccontextmanager
async def start(people: int, teams: int) -> AsyncIterator[Reading]:
    """Serve an organization."""
    os.environ["SCIM_TOKEN"] = "not-checked"
    lists = {"Users": [user(number) for number in range(people)], "Groups": groups(people, teams)}

    def answer(request: Request) -> Reply:
        found = lists.get(request.path.rpartition("/")[2])
        return Reply(404, {"detail": "there is no such thing"}) if found is None else Reply(body=page(found, request))

    async with http_server(remember(answer)) as server:
        config = {"url": f"{server.url}/v2", "token": {"env": "SCIM_TOKEN"}, "page_size": PAGE}
        near = surroundings(read_only=True)
        async with ScimProvider.open(ScimProvider.Config.model_validate(config), near) as provider:
            why = f"pages of {PAGE} users, and of {PAGE} groups with their members"
            least = ceil(people / PAGE) + ceil(teams / PAGE)
            yield Reading(provider, least, why, lambda: len(server.requests))


def user(number: int) -> dict[str, Any]:
    """Return one user."""
    email = f"p{number}@acme.example"
    plain = {"id": f"u{number}", "externalId": f"p{number}", "userName": email, "active": True}
    return {**plain, "emails": [{"value": email, "primary": True}], "meta": {"resourceType": "User"}}


def groups(people: int, teams: int) -> list[dict[str, Any]]:
    """Return all groups."""
    held: dict[int, list[dict[str, str]]] = {number: [] for number in range(teams)}
    for team, person in members(people, teams):
        held[team].append({"value": f"u{person}", "type": "User"})
    return [{"id": f"g{team}", "displayName": f"team{team}", "members": found} for team, found in held.items()]


def page(found: list[dict[str, Any]], request: Request) -> str:
    """Return one page of a list."""
    start = int(request.query.get("startIndex", ["1"])[0])
    count = min(int(request.query.get("count", [str(PAGE)])[0]), PAGE)
    part = found[start - 1 : start - 1 + count]
    sizes = {"totalResults": len(found), "startIndex": start, "itemsPerPage": len(part)}
    return json.dumps({"schemas": [LIST], **sizes, "Resources": part})
