"""Lists, read to their end: by index (RFC 7644 section 3.4.2.4), by cursor (RFC 9865), or at once.

What makes a list whole is decided in `proof`.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar

import msgspec

from providers.scim.dialect import Dialect
from providers.scim.proof import Leaf, Listing, Resource, Walk, judge, judge_at_once, judge_cursors, judge_two
from providers.scim.resources import Page
from providers.scim.together import each
from reconciler.errors import AnswerError

R = TypeVar("R", bound=Resource)

_MOST_PAGES = 200_000
_MOST_CRUMBS = 100
_MOST_EMPTY = 20
_PAST_THE_END = frozenset({400, 404, 416})
_EXPIRED = ("expiredcursor", "invalidcursor", "expired cursor", "invalid cursor")


class Fetch(Protocol):
    """Gets one page: by its first index, by a cursor (the first one is empty), or (neither) everything."""

    async def __call__(self, *, start: int | None = None, cursor: str | None = None) -> Page:
        """Get one page.

        Raises:
            TransportError: it could not be read, or the answer is no list.
        """
        ...


class Pager(Generic[R]):
    """Reads one list.

    Args:
        fetch: gets a page.
        parse: makes a resource of its JSON; done as the pages come, while others are still on their way.
        dialect: how the server pages and how far its totals are trusted.
        count: how many resources are asked for in each page.
        offers_cursor: finds out whether the server says that it has cursors; asked only where the index failed.
    """

    def __init__(
        self,
        fetch: Fetch,
        parse: Callable[[msgspec.Raw], R],
        dialect: Dialect,
        count: int,
        offers_cursor: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._fetch = fetch
        self._parse = parse
        self._dialect = dialect
        self._count = count
        self._offers_cursor = offers_cursor

    async def read(self) -> Listing[R]:
        """Read the whole list.

        Raises:
            TransportError: a page could not be read.
        """
        match self._dialect.pagination:
            case "none":
                return await self._read_at_once()
            case "cursor":
                return await self._read_by_cursor()
            case "index":
                return await self._read_by_index()
            case "auto":
                return await self._find_out()

    async def _get(self, *, start: int | None = None, cursor: str | None = None) -> Leaf[R]:
        page = await self._fetch(start=start, cursor=cursor)
        return Leaf([self._parse(raw) for raw in page.resources], page.total, page.cursor)

    async def _find_out(self) -> Listing[R]:
        """Read by index, and by cursor where the server turns out to have only that."""
        try:
            listing = await self._read_by_index()
        except AnswerError:
            if not await self._has_cursor():
                raise
            return await self._read_by_cursor()
        if listing.complete or not await self._has_cursor():
            return listing
        return await self._read_by_cursor()

    async def _has_cursor(self) -> bool:
        return self._offers_cursor is not None and await self._offers_cursor()

    async def _read_at_once(self) -> Listing[R]:
        walk = Walk[R](ended=True)
        walk.add(await self._get())
        return judge_at_once(walk, self._dialect)

    async def _read_by_index(self) -> Listing[R]:
        first = await self._get(start=self._dialect.first_index)
        if first.cursor and self._dialect.pagination == "auto":
            return await self._read_by_cursor(first)
        side_by_side = await self._read_side_by_side(first)
        if side_by_side is not None:
            return side_by_side
        walk = await self._walk(first)
        verdict = judge(walk, self._dialect, self._count)
        return verdict if verdict is not None else judge_two(walk, await self._walk(None), self._dialect)

    async def _walk(self, first: Leaf[R] | None) -> Walk[R]:
        """Read page after page until nothing comes, or nothing new."""
        walk, start = Walk[R](), self._dialect.first_index
        leaf: Leaf[R] | None = first or await self._get(start=start)
        while leaf is not None and walk.pages < _MOST_PAGES and walk.crumbs < _MOST_CRUMBS:
            fresh = walk.add(leaf)
            if not leaf.resources or self._is_enough(walk):
                leaf = None
            elif not fresh:
                walk.repeated = start
                return walk
            else:
                start += len(leaf.resources)
                leaf = await self._get_behind(start, walk)
        walk.ended = leaf is None
        return walk

    def _is_enough(self, walk: Walk[R]) -> bool:
        trusted = self._dialect.totals == "trusted"
        return trusted and walk.total is not None and len(walk.seen) >= walk.total

    async def _get_behind(self, start: int, walk: Walk[R]) -> Leaf[R] | None:
        """Get a page that may be behind the end; a server that refuses that, once its total is reached, has ended."""
        try:
            return await self._get(start=start)
        except AnswerError as error:
            if walk.total is None or len(walk.seen) < walk.total or error.status not in _PAST_THE_END:
                raise
            return None

    async def _read_side_by_side(self, first: Leaf[R]) -> Listing[R] | None:
        """Read the other pages side by side; None where anything is not exactly as the first page promised."""
        step, total = len(first.resources), first.total
        if not self._dialect.parallel or self._dialect.totals == "ignored" or not step or not total or total <= step:
            return None
        walk = Walk[R]()
        if walk.add(first) != step:
            return None
        begin = self._dialect.first_index
        starts = list(range(begin + step, begin + total, step))
        if self._dialect.totals != "trusted":
            starts.append(begin + total)
        leaves = await self._get_all(starts, step, total)
        if leaves is None:
            return None
        for leaf in leaves:
            walk.add(leaf)
        if walk.duplicates or walk.nameless or len(walk.seen) != total:
            return None
        return walk.listing(complete=True, why=f"{total} ids on {walk.pages} pages, as many as totalResults")

    async def _get_all(self, starts: Iterable[int], step: int, total: int) -> list[Leaf[R]] | None:
        """Get pages at once; None as soon as one is not as long as it must be, or tells another total."""
        end = self._dialect.first_index + total
        ok = True

        async def get(start: int) -> Leaf[R] | None:
            nonlocal ok
            if not ok:
                return None
            leaf = await self._get_or_end(start, behind=start >= end)
            if len(leaf.resources) != max(0, min(step, end - start)) or (start < end and leaf.total != total):
                ok = False
            return leaf

        leaves = await each(get, starts, at_once=self._dialect.concurrency)
        return [leaf for leaf in leaves if leaf is not None] if ok else None

    async def _get_or_end(self, start: int, *, behind: bool) -> Leaf[R]:
        try:
            return await self._get(start=start)
        except AnswerError as error:
            if behind and error.status in _PAST_THE_END:
                return Leaf([])
            raise

    async def _read_by_cursor(self, first: Leaf[R] | None = None) -> Listing[R]:
        """Follow cursors to the end; once more from the beginning where one expired (RFC 9865 section 2.1)."""
        try:
            return await self._follow(first or await self._get(cursor=""))
        except AnswerError as error:
            if not any(word in f"{error.code} {error.message}".lower() for word in _EXPIRED):
                raise
        try:
            return await self._follow(await self._get(cursor=""))
        except AnswerError as error:
            return Listing([], complete=False, why=f"the cursor expired twice: {error.message}")

    async def _follow(self, leaf: Leaf[R]) -> Listing[R]:
        walk, cursors, empty = Walk[R](), set[str](), 0
        while True:
            fresh = walk.add(leaf)
            empty = 0 if fresh else empty + 1
            if not leaf.cursor:
                return judge_cursors(walk, leaf.total, self._dialect)
            if leaf.cursor in cursors or (leaf.resources and not fresh) or empty > _MOST_EMPTY:
                return walk.listing(complete=False, why=f"the cursors go round after {len(walk.seen)}")
            cursors.add(leaf.cursor)
            leaf = await self._get(cursor=leaf.cursor)
