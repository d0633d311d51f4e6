"""Who is in which group, from wherever a server tells it, and whether that can be believed."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from providers.scim.client import ScimClient
from providers.scim.dialect import MemberSource
from providers.scim.filters import compare
from providers.scim.lookup import Lookup
from providers.scim.paths import find
from providers.scim.resources import Group, Member, User, parse_group, parse_id, parse_json
from providers.scim.together import each
from reconciler.errors import AnswerError, TransportError

_NOBODY = "00000000-0000-4000-8000-00000000dead"
_FORBIDDEN, _NOT_FOUND, _BAD = 403, 404, 400
_PROBES = 5
"""How many groups are read on their own to find out whether that shows members."""


@dataclass(slots=True)
class Memberships:
    """The groups with their members.

    Attributes:
        groups: each with `members` set, unless it is in `unread`.
        complete: whether the members of all other groups are known.
        why: what proves it, or what is wrong.
        unread: ids of the groups whose members could not be read.
        notes: what a reader should know.
    """

    groups: list[Group]
    complete: bool
    why: str
    unread: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


class MemberReader:
    """Reads memberships.

    Args:
        client: speaks with the server.
        lookup: reads lists.
    """

    def __init__(self, client: ScimClient, lookup: Lookup) -> None:
        self._client = client
        self._lookup = lookup
        self._dialect = client.dialect

    async def read(self, groups: Sequence[Group], users: Sequence[User]) -> Memberships:
        """Complete groups that were listed with who is in them.

        Raises:
            TransportError: nothing could be read.
        """
        if not groups:
            return Memberships([], complete=True, why="there are no groups")
        source: MemberSource = self._dialect.members
        if source == "auto" and (self._client.shows_members or any(group.members for group in groups)):
            self._client.shows_members = True
            source = "listed"
        readers: Mapping[MemberSource, Callable[[Sequence[Group], Sequence[User]], Awaitable[Memberships]]] = {
            "auto": self._find_out,
            "listed": self._listed,
            "single": self._one_by_one,
            "by_group": self._by_group,
            "by_user": self._by_user,
            "never": self._never,
        }
        return await readers[source](groups, users)

    async def _listed(self, groups: Sequence[Group], _: Sequence[User]) -> Memberships:
        return Memberships([_whole(group) for group in groups], complete=True, why="listed with the groups")

    async def _never(self, groups: Sequence[Group], _: Sequence[User]) -> Memberships:
        return Memberships(list(groups), complete=False, why="the server never tells who is in a group")

    async def _find_out(self, groups: Sequence[Group], users: Sequence[User]) -> Memberships:
        """No group was listed with members: either nobody is in any, or the list does not show them."""
        if await self._shows_members([group.id for group in groups]):
            return await self._one_by_one(groups)
        filled = await self._filled(len(groups))
        if filled is not None and not filled:
            return Memberships(
                [_whole(group) for group in groups], complete=True, why="no group has members, by filters"
            )
        if filled and await self._shows_members(filled):
            return await self._one_by_one(groups)
        told = _told_by_users(users)
        if told or (filled and len(filled) < len(groups)):
            who = "users say that they are in some" if told else "`members pr` finds some"
            why = f"the server shows no members of groups, although {who}; say `members:` in the dialect"
            return Memberships(list(groups), complete=False, why=why)
        if told is False or all(group.members is not None for group in groups):
            return Memberships([_whole(group) for group in groups], complete=True, why="every group is shown as empty")
        why = (
            "the server showed no members at all; if the groups really are empty, say `members: listed` in the dialect"
        )
        return Memberships(list(groups), complete=False, why=why)

    async def _shows_members(self, remote_ids: Sequence[str]) -> bool:
        """Say whether one of the first few groups, read on its own, shows members; the very first may well be empty."""
        return any(await each(self._peek, remote_ids[:_PROBES], at_once=self._dialect.concurrency))

    async def _peek(self, remote_id: str) -> bool:
        try:
            single = await self._single(remote_id)
        except TransportError:
            return False
        return bool(single and single.members)

    async def _filled(self, groups: int) -> list[str] | None:
        """Ask for the groups that have members; None where that cannot be asked.

        Who ignores filters names all of them. Who answers what is not understood with nothing is found out by asking
        for the groups without members: those must then be all.
        """
        if self._dialect.filters != "full":
            return None
        try:
            page = await self._client.page("Groups", {"filter": "members pr"})
            if page.resources or page.total:
                return [parse_id(raw) for raw in page.resources] or None
            empty = await self._client.page("Groups", {"filter": "not (members pr)"})
        except TransportError:
            return None
        found = len(empty.resources) if empty.total is None else empty.total
        return [] if found == groups else None

    async def _single(self, remote_id: str) -> Group | None:
        answer = await self._client.get("Groups", remote_id)
        if answer.status == _NOT_FOUND:
            return None
        answer.raise_for_refusal(f"read group {remote_id}")
        return parse_group(answer.content)

    async def _one_by_one(self, groups: Sequence[Group], _: Sequence[User] = ()) -> Memberships:
        result = Memberships([], complete=True, why="each group was read on its own")

        async def read(group: Group) -> Group | None:
            try:
                single = await self._single(group.id)
            except AnswerError as error:
                if error.status != _FORBIDDEN:
                    raise
                result.unread.add(group.id)
                result.notes.append(f"group {group.name}: {error.message}")
                return group
            return None if single is None else _whole(single)

        found = await each(read, groups, at_once=self._dialect.concurrency)
        result.groups = [group for group in found if group is not None]
        return result

    async def _by_group(self, groups: Sequence[Group], users: Sequence[User]) -> Memberships:
        """Ask for the users of each group (`groups.value eq`); where that is refused, for each user's groups."""
        ignored = await self._ignores("Users", "groups.value")
        if ignored is None:
            return await self._by_user(groups, users)
        if ignored:
            why = "the server ignores the filter `groups.value eq`: who is in a group cannot be asked"
            return Memberships(list(groups), complete=False, why=why)

        async def read(group: Group) -> Group:
            found = await self._ids("Users", compare("groups.value", group.id))
            return replace(group, members=tuple(Member(each, group=False) for each in found))

        whole = await each(read, groups, at_once=self._dialect.concurrency)
        return Memberships(whole, complete=True, why="the users of each group were asked for")

    async def _by_user(self, groups: Sequence[Group], users: Sequence[User]) -> Memberships:
        """Ask for the groups of each user: `members.value eq`."""
        ignored = await self._ignores("Groups", "members.value")
        if ignored is not False:
            how = "ignores" if ignored else "refuses"
            why = f"the server {how} the filter `members.value eq`: who is in a group cannot be asked"
            return Memberships(list(groups), complete=False, why=why)
        members: dict[str, list[Member]] = {group.id: [] for group in groups}

        async def read(user: User) -> None:
            for group in await self._ids("Groups", compare("members.value", user.id)):
                if group in members:
                    members[group].append(Member(user.id, group=False))

        await each(read, users, at_once=self._dialect.concurrency)
        whole = [replace(group, members=tuple(members[group.id])) for group in groups]
        return Memberships(whole, complete=True, why=f"the groups of each of {len(users)} users were asked for")

    async def _ignores(self, collection: str, attribute: str) -> bool | None:
        """Ask for what nobody can have: True if something comes nevertheless, None if the filter is refused."""
        try:
            page = await self._client.page(collection, {"filter": compare(attribute, _NOBODY)})
        except AnswerError as error:
            if error.status == _NOT_FOUND:
                return False
            if error.status == _BAD:
                return None
            raise
        return bool(page.resources)

    async def _ids(self, collection: str, expression: str) -> list[str]:
        """Return the ids of everything that a filter finds.

        Raises:
            TransportError: the list is not whole: a membership that is not seen would be granted again.
        """
        listing = await self._lookup.every_thing(collection, filter=expression)
        if not listing.complete:
            raise TransportError(f"{expression}: {listing.why}")
        return [found.id for found in listing.resources]


def _whole(group: Group) -> Group:
    """Return a group whose missing members mean that there are none (RFC 7643 section 2.5)."""
    return replace(group, members=()) if group.members is None else group


def _told_by_users(users: Sequence[User]) -> bool | None:
    """Say whether users are in groups as they say themselves; None where they do not speak of groups at all."""
    spoken = False
    for user in users:
        resource = parse_json(user.raw, "user")
        groups = find(resource, "groups") if isinstance(resource, dict) else None
        if groups:
            return True
        spoken = spoken or groups is not None
    return False if spoken else None
