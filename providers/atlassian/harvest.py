"""What a read asks for: users and groups of the organization or of the site, and the project roles of the site.

The least number of requests, for the organization: one for each 100 users, whose groups come with them, and one for
each 100 groups, whose numbers of members prove that none is missing. Without an organization: one for each 1,000 users
and one more that finds no more, one for each 50 groups, and one for each 50 members of each group. Project roles, which
come no other way: one for each 100 projects, one for the roles that there are (and one for each project that its team
manages and whose own roles are not among them), and one for each role of each project.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from providers.atlassian.client import Client, part
from providers.atlassian.directory import Directory
from providers.atlassian.mapping import (
    ProjectRole,
    User,
    from_directory,
    from_site,
    is_team_managed,
    name_all,
    own_roles_of,
    roles_of,
)
from reconciler.errors import TransportError

T = TypeVar("T")
GROUPS_PATH: Final = "rest/api/3/group/bulk"
MEMBERS_PATH: Final = "rest/api/3/group/member"
_USERS_PAGE, _GROUPS_PAGE, _MEMBERS_PAGE, _PROJECTS_PAGE = 1000, 50, 50, 100


@dataclass(slots=True)
class Part(Generic[T]):
    """A list that was read, or why not."""

    items: list[T] = field(default_factory=list)
    failed: str = ""


@dataclass(slots=True)
class Harvest:
    """Everything that a read asks for.

    Attributes:
        users: those that are somewhere, people and others.
        groups: as the API tells them, with `id` and `name`.
        members: group's id → account ids.
        named: role of a project → its name; empty where roles are not wanted.
        actors: role of a project → what Jira tells of it.
        scopes: why the projects or their roles could not be listed, or empty.
        me: the account id of whom the site's token belongs to, or empty.
    """

    users: Part[User] = field(default_factory=Part)
    groups: Part[dict[str, Any]] = field(default_factory=Part)
    members: dict[str, Part[str]] = field(default_factory=dict)
    named: dict[ProjectRole, str] = field(default_factory=dict)
    actors: dict[ProjectRole, Part[dict[str, Any]]] = field(default_factory=dict)
    scopes: str = ""
    me: str = ""


async def ask_directory(directory: Directory, found: Harvest) -> None:
    """Read groups, and then users with their groups, of an organization's directory.

    In this order, a group that goes in the middle has no members, and not those that it had. A group that counts more
    members than came with the users is asked for by itself.
    """
    found.groups = await _all(directory.groups(expand=["counts.users"]))
    users = await _all(directory.users(expand=["groups"]))
    found.users = Part([user for each in users.items if (user := from_directory(each))], users.failed)
    found.members = {str(group["id"]): Part(failed=users.failed) for group in found.groups.items}
    for each in users.items:
        for group in each.get("groups") or ():
            if members := found.members.get(str(group["id"])):
                members.items.append(str(each["accountId"]))
    if users.failed:
        return

    async def members_of(group: str) -> Part[str]:
        listed = await _all(directory.users(groupIds=[group]))
        return Part([str(each["accountId"]) for each in listed.items], listed.failed)

    found.members |= await _each(_short(found), members_of)


def _short(found: Harvest) -> list[str]:
    """Return the ids of groups that count more members than were seen."""
    counted = {str(group["id"]): (group.get("counts") or {}).get("users") or 0 for group in found.groups.items}
    return [id_ for id_, count in counted.items() if count > len(set(found.members[id_].items))]


async def ask_site(site: Client, found: Harvest) -> None:
    """Read users, groups and their members, of a Jira site."""
    users, groups = await asyncio.gather(
        _all(site.until_empty("rest/api/3/users/search", _USERS_PAGE)),
        _all(site.numbered(GROUPS_PATH, maxResults=_GROUPS_PAGE)),
    )
    found.users = Part([from_site(each) for each in users.items if each.get("accountId")], users.failed)
    found.groups = Part([{**each, "id": str(each["groupId"])} for each in groups.items], groups.failed)
    ids = [str(group["id"]) for group in found.groups.items]

    async def members(group: str) -> Part[str]:
        asked: Mapping[str, Any] = {"groupId": group, "includeInactiveUsers": True, "maxResults": _MEMBERS_PAGE}
        listed = await _all(site.numbered(MEMBERS_PATH, **asked))
        return Part([str(each["accountId"]) for each in listed.items if each.get("accountId")], listed.failed)

    found.members = await _each(ids, members)


async def ask_roles(site: Client, keys: Sequence[str], found: Harvest) -> None:
    """Read who is in which role of which project, and whose token it is."""
    wanted: Mapping[str, Any] = {"keys": tuple(keys)} if keys else {}
    projects, roles, me = await asyncio.gather(
        _all(site.numbered("rest/api/3/project/search", maxResults=_PROJECTS_PAGE, **wanted)),
        _once(site.listed("rest/api/3/role")),
        _whose(site),
    )
    found.me, found.scopes = me, projects.failed or roles.failed
    if found.scopes:
        return
    await _name_roles(site, projects.items, roles.items, found)

    async def actors(role: ProjectRole) -> Part[dict[str, Any]]:
        async def ask() -> list[dict[str, Any]]:
            return [await site.get(role.path)]

        return await _once(ask())

    found.actors = await _each(list(found.named), actors)


async def _name_roles(
    site: Client, projects: Sequence[dict[str, Any]], roles: Sequence[dict[str, Any]], found: Harvest
) -> None:
    """Find out which roles each project has; a project that tells its own to nobody else is asked."""
    names: dict[ProjectRole, str] = {}
    untold = []
    for project in projects:
        names |= (own := roles_of(project, roles))
        untold += [project] if is_team_managed(project) and not own else []
    for project, told in zip(untold, await asyncio.gather(*(_own_roles(site, each) for each in untold)), strict=True):
        names |= own_roles_of(project, told.items[0] if told.items else {})
        if told.failed:
            found.scopes = f"{told.failed}; `projects` may name those whose roles the token can read"
    named = name_all((role.remote_id, name) for role, name in names.items())
    found.named = {role: named[role.remote_id] for role in names}


async def _own_roles(site: Client, project: Mapping[str, Any]) -> Part[dict[str, Any]]:
    """Read the roles of a project that its team manages, where the list of all roles does not have them."""

    async def ask() -> list[dict[str, Any]]:
        return [await site.get(f"rest/api/3/project/{part(str(project['id']))}/role")]

    return await _once(ask())


async def _whose(site: Client) -> str:
    try:
        return str((await site.get("rest/api/3/myself")).get("accountId") or "")
    except TransportError:
        return ""


async def _all(listed: AsyncIterator[dict[str, Any]]) -> Part[dict[str, Any]]:
    """Read a list; a failure is an incomplete part, so that one collection never stops the others."""
    try:
        return Part([each async for each in listed])
    except TransportError as error:
        return Part(failed=error.message)


async def _once(asked: Awaitable[list[dict[str, Any]]]) -> Part[dict[str, Any]]:
    """As `_all`, for what comes at once."""
    try:
        return Part(await asked)
    except TransportError as error:
        return Part(failed=error.message)


async def _each(keys: Sequence[Any], read: Callable[[Any], Awaitable[T]]) -> dict[Any, T]:
    """Read something for each key, side by side; the transport bounds how many at once."""
    return dict(zip(keys, await asyncio.gather(*map(read, keys)), strict=True))
