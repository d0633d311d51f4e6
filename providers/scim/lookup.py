"""Accounts and groups found by what they are called: asked with a filter, always checked here."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from providers.scim.client import ScimClient
from providers.scim.filters import any_of, compare
from providers.scim.pages import Pager
from providers.scim.proof import Listing, Resource
from providers.scim.resources import Group, Page, Thing, User, parse_group, parse_thing, parse_user
from providers.scim.together import each
from reconciler.errors import AnswerError, TransportError
from reconciler.items import fold

T = TypeVar("T", bound=Resource)

_NO_FILTERS = frozenset({400, 403, 404, 405, 413, 414, 422})


class Lookup:
    """Finds resources in one server.

    Args:
        client: speaks with the server.
        count: how many resources to ask for in each page.
    """

    def __init__(self, client: ScimClient, count: int) -> None:
        self._client = client
        self.count = count

    async def users(self, attribute: str, value: str, *, exists: bool = False) -> list[User]:
        """Find the users whose attribute has a value. What does not match is not returned, whatever the server says.

        Args:
            attribute: `userName`, `externalId`, `id` or `emails.value`.
            value: what it must be.
            exists: whether the server says that there is one: then a filter that finds nothing is not believed.

        Raises:
            TransportError: it could not be found out.
        """
        if not value:
            return []
        page = await self._filtered("Users", compare(attribute, value))
        if page is not None and (page.resources or not exists):
            users = [parse_user(raw) for raw in page.resources]
            found = [user for user in users if self._matches(user, attribute, value)]
            if len(found) == len(users):
                return found
        listing = await self.every_user()
        matching = [user for user in listing.resources if self._matches(user, attribute, value)]
        return self._sure(matching, listing, value)

    async def by_ids(self, remote_ids: Sequence[str]) -> list[User]:
        """Read the users that exist among some ids: one by one, or several with one filter where the dialect says so.

        Raises:
            TransportError: one could not be read.
        """
        dialect = self._client.dialect
        found: dict[str, User] = {}
        if dialect.filter_terms > 1:
            for part, expression in any_of("id", remote_ids, dialect.filter_terms):
                page = await self._filtered("Users", expression)
                users = [parse_user(raw) for raw in page.resources] if page is not None else []
                found |= {user.id: user for user in users if user.id in part}
        missing = [wanted for wanted in remote_ids if wanted not in found]  # a filter that finds nothing proves nothing
        singles = await each(self._by_id, missing, at_once=dialect.concurrency)
        return [*found.values(), *(user for user in singles if user is not None)]

    async def _by_id(self, remote_id: str) -> User | None:
        answer = await self._client.get("Users", remote_id)
        if self._client.means(answer, "absent"):
            return None
        answer.raise_for_refusal(f"read user {remote_id}")
        user = parse_user(answer.content)
        if user.id != remote_id:
            raise TransportError(f"read user {remote_id}: the server answered with {user.id or 'something else'}")
        return user

    async def groups(self, name: str, *, exists: bool = False) -> list[Group]:
        """Find the groups with a name (exactly this one); arguments and errors as for `users`."""
        page = await self._filtered("Groups", compare("displayName", name))
        if page is not None and (page.resources or not exists):
            groups = [parse_group(raw) for raw in page.resources]
            found = [group for group in groups if group.name == name]
            if found or not groups:
                return found
        listing = await self.every_group()
        return self._sure([group for group in listing.resources if group.name == name], listing, name)

    @staticmethod
    def _sure(found: list[T], listing: Listing[T], value: str) -> list[T]:
        """Return what was found; nothing in a list that is not whole is no answer."""
        if not found and not listing.complete:
            raise TransportError(f"{value} could not be looked up: {listing.why}")
        return found

    async def every_user(self, **params: str) -> Listing[User]:
        """Read all users.

        Raises:
            TransportError: a page could not be read.
        """
        return await self._read("Users", parse_user, params)

    async def every_group(self, **params: str) -> Listing[Group]:
        """Read all groups; errors as for `every_user`."""
        return await self._read("Groups", parse_group, params)

    async def every_thing(self, collection: str, **params: str) -> Listing[Thing]:
        """Read all resources of a collection, whatever they are; errors as for `every_user`."""
        return await self._read(collection, parse_thing, params)

    async def _read(self, collection: str, parse: Callable[[msgspec.Raw], T], params: dict[str, str]) -> Listing[T]:
        fetch = Fetcher(self._client, collection, self.count, params)
        return await Pager(fetch, parse, self._client.dialect, self.count, self._cursors).read()

    async def _cursors(self) -> bool:
        return await self._client.offers("pagination", "cursor")

    async def _filtered(self, collection: str, expression: str) -> Page | None:
        """Return the answer to a filter; None where the server has no filters, or more than one page of matches."""
        if self._client.dialect.filters == "none":
            return None
        try:
            page = await self._client.page(collection, {"filter": expression})
        except AnswerError as error:
            if error.status not in _NO_FILTERS:
                raise
            return None
        more = page.cursor or (page.total is not None and page.total > len(page.resources))
        return None if more else page

    def _matches(self, user: User, attribute: str, value: str) -> bool:
        match attribute:
            case "userName":
                return self.same_username(user.username, value)
            case "externalId":
                return user.external_id == value
            case "id":
                return user.id == value
            case _:
                return fold(user.email) == fold(value)

    def same_username(self, one: str, other: str) -> bool:
        """Say whether two usernames are the same in this server (RFC 7643 section 4.1.1: case does not count)."""
        return one == other if self._client.dialect.case == "exact" else fold(one) == fold(other)


class Fetcher:
    """Gets the pages of one collection (see `pages.Fetch`)."""

    def __init__(self, client: ScimClient, collection: str, count: int, more: dict[str, str]) -> None:
        self._client = client
        self._collection = collection
        self._count = count
        self._more = more

    async def __call__(self, *, start: int | None = None, cursor: str | None = None) -> Page:
        """Get one page: by index, by cursor, or everything."""
        params: dict[str, str | int] = dict(self._more)
        if start is not None:
            params |= {"startIndex": start, "count": self._count}
        elif cursor is not None:
            params |= {"cursor": cursor, "count": self._count}
        return await self._client.page(self._collection, params)


def only(users: Sequence[User]) -> User | None:
    """Return the one user there is, or None where there is none or more than one."""
    return users[0] if len(users) == 1 else None
