"""Lists, read whole or said not to be: by index (RFC 7644 section 3.4.2.4), by cursor (RFC 9865), or at once.

`totalResults` alone proves nothing: servers cap it, count one page only, or answer the same page for ever. A list is
complete when reading on gave nothing more *and* the number of different ids agrees with the total; or when the server's
totals contradict themselves and two readings agree.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from providers.scim.dialect import Dialect
from providers.scim.resources import Page, parse_id
from providers.scim.together import each
from reconciler.errors import AnswerError

_MOST_PAGES = 200_000
_MOST_CRUMBS = 100
_MOST_EMPTY = 20
_USUAL_CAPS = frozenset({10, 20, 25, 30})
_EXPIRED = ("expiredcursor", "invalidcursor", "expired cursor", "invalid cursor")


class Fetch(Protocol):
    """Gets one page: by its first index, by a cursor (the first one is empty), or (neither) everything."""

    async def __call__(self, *, start: int | None = None, cursor: str | None = None) -> Page:
        """Get one page.

        Raises:
            TransportError: it could not be read, or the answer is no list.
        """
        ...


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list gave.

    Attributes:
        resources: each different one, once.
        complete: whether that is proven to be all.
        why: what proves it, or what is wrong.
    """

    resources: Sequence[msgspec.Raw]
    complete: bool
    why: str


@dataclass(slots=True)
class _Walk:
    """One reading from the first page on.

    Attributes:
        first: how many resources the first page had.
        ended: whether it went on until nothing came (or the total, where that is trusted, was reached).
        repeated: `startIndex` of a page that had only what was there before, or 0.
        promised: the total that the first page told.
        crumbs: short pages beyond it: a list that grows while it is read has no end.
    """

    seen: dict[str, msgspec.Raw] = field(default_factory=dict)
    totals: set[int | None] = field(default_factory=set)
    duplicates: int = 0
    nameless: int = 0
    pages: int = 0
    first: int = 0
    ended: bool = False
    repeated: int = 0
    promised: int = 0
    crumbs: int = 0

    def add(self, page: Page) -> int:
        """Take a page in, and return how many of its resources are new."""
        before = len(self.seen)
        for raw in page.resources:
            key = parse_id(raw)
            if not key:
                self.nameless += 1
            elif key in self.seen:
                self.duplicates += 1
            else:
                self.seen[key] = raw
        self.pages += 1
        self.first = self.first or len(page.resources)
        if page.resources or page.total:
            self.totals.add(page.total)
        if self.pages == 1:
            self.promised = page.total or 0
        elif before >= self.promised and len(page.resources) < self.first:
            self.crumbs += 1
        return len(self.seen) - before

    @property
    def total(self) -> int | None:
        """The total, where all pages told the same."""
        return next(iter(self.totals)) if len(self.totals) == 1 else None

    @property
    def steady(self) -> bool:
        """Whether all pages told the same total, or none told any."""
        return len(self.totals) <= 1

    def listing(self, *, complete: bool, why: str) -> Listing:
        """Return what was read."""
        return Listing(list(self.seen.values()), complete, why)


class Pager:
    """Reads one list.

    Args:
        fetch: gets a page.
        dialect: how the server pages and how far its totals are trusted.
        count: how many resources were asked for in each page.
        offers_cursor: finds out whether the server says that it has cursors; asked only where the index failed.
    """

    def __init__(
        self, fetch: Fetch, dialect: Dialect, count: int, offers_cursor: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        self._fetch = fetch
        self._dialect = dialect
        self._count = count
        self._offers_cursor = offers_cursor

    async def read(self) -> Listing:
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

    async def _find_out(self) -> Listing:
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

    async def _read_at_once(self) -> Listing:
        walk = _Walk(ended=True)
        walk.add(await self._fetch())
        return self._judge_once(walk)

    def _judge_once(self, walk: _Walk) -> Listing:
        size, total = len(walk.seen), walk.total
        if walk.nameless:
            return walk.listing(complete=False, why=f"{walk.nameless} without an id")
        if total is not None and total > size and self._dialect.totals != "ignored":
            return walk.listing(complete=False, why=f"{size} came where totalResults says {total}")
        return walk.listing(complete=True, why=f"{size} in one answer; the server has no pages")

    async def _read_by_index(self) -> Listing:
        first = await self._fetch(start=self._dialect.first_index)
        if first.cursor and self._dialect.pagination == "auto":
            return await self._read_by_cursor(first)
        side_by_side = await self._read_side_by_side(first)
        if side_by_side is not None:
            return side_by_side
        walk = await self._walk(first)
        verdict = self._judge(walk)
        if verdict is not None:
            return verdict
        return self._compare(walk, await self._walk(None))

    async def _walk(self, first: Page | None) -> _Walk:
        """Read page after page until nothing comes, or nothing new."""
        walk = _Walk()
        start = self._dialect.first_index
        page = first or await self._fetch(start=start)
        while walk.pages < _MOST_PAGES and walk.crumbs < _MOST_CRUMBS:
            fresh = walk.add(page)
            start += len(page.resources)
            if not page.resources or self._is_enough(walk):
                walk.ended = True
                break
            if not fresh:
                walk.repeated = start - len(page.resources)
                break
            following = await self._fetch_behind(start, walk)
            if following is None:
                walk.ended = True
                break
            page = following
        return walk

    def _is_enough(self, walk: _Walk) -> bool:
        trusted = self._dialect.totals == "trusted"
        return trusted and walk.total is not None and len(walk.seen) >= walk.total

    async def _fetch_behind(self, start: int, walk: _Walk) -> Page | None:
        """Get a page that may be behind the end; a server that refuses that, once its total is reached, has ended."""
        try:
            return await self._fetch(start=start)
        except AnswerError as error:
            if walk.total is None or len(walk.seen) < walk.total or error.status not in {400, 404, 416}:
                raise
            return None

    def _judge(self, walk: _Walk) -> Listing | None:
        """Say whether one reading proves that it is whole; None where another one must agree."""
        size, total = len(walk.seen), walk.total
        if walk.nameless:
            return walk.listing(complete=False, why=f"{walk.nameless} without an id")
        if walk.repeated:
            return self._judge_repeated(walk)
        if not walk.ended:
            return walk.listing(complete=False, why=f"no end after {walk.pages} pages")
        ignored = self._dialect.totals == "ignored"
        if walk.duplicates or not (walk.steady or ignored):
            return None
        if total is not None and size < total and not ignored:
            return walk.listing(complete=False, why=f"an empty page after {size}, although totalResults says {total}")
        why = f"{size} ids, as many as totalResults" if size == total else f"{size} until nothing more came"
        capped = f"; totalResults says {total}" if total is not None and size > total else ""
        return walk.listing(complete=True, why=why + capped)

    def _judge_repeated(self, walk: _Walk) -> Listing:
        """Judge a server that gives the same again: it may have no pages, or have begun anew behind the end."""
        size, total = len(walk.seen), walk.total
        if total == size and (walk.pages > 2 or not self._may_be_capped(size)):  # noqa: PLR2004 - the first page and its copy
            return walk.listing(complete=True, why=f"{size} ids, as many as totalResults; the server repeats its pages")
        says = "" if total is None else f"; totalResults says {total}"
        why = f"the page at startIndex {walk.repeated} repeats what came before ({size}{says})"
        return walk.listing(complete=False, why=f"{why}; say `pagination: none` if the server gives everything at once")

    def _may_be_capped(self, size: int) -> bool:
        """Say whether so many may be all that the server gives in one answer, rather than all that there are."""
        return size == self._count or size in _USUAL_CAPS or not size % 50

    def _compare(self, one: _Walk, other: _Walk) -> Listing:
        """Judge two readings, where the totals of one contradict each other or it had duplicates."""
        size = len(other.seen)
        if one.seen.keys() != other.seen.keys() or not (one.ended and other.ended):
            return other.listing(
                complete=False, why=f"two readings differ ({len(one.seen)} and {size}): it changes, or lies"
            )
        total = other.total
        if other.nameless or (total is not None and total > size and self._dialect.totals != "ignored"):
            return other.listing(complete=False, why=f"{size} came where totalResults says {total}")
        return other.listing(complete=True, why=f"{size} ids in each of two readings that agree")

    async def _read_side_by_side(self, first: Page) -> Listing | None:
        """Read the other pages side by side; None where anything is not exactly as the first page promised."""
        step, total = len(first.resources), first.total
        if not self._dialect.parallel or self._dialect.totals == "ignored" or not step or not total or total <= step:
            return None
        walk = _Walk()
        if walk.add(first) != step:
            return None
        begin = self._dialect.first_index
        starts = list(range(begin + step, begin + total, step))
        if self._dialect.totals != "trusted":
            starts.append(begin + total)
        pages = await self._fetch_all(starts, step, total)
        if pages is None:
            return None
        for page in pages:
            walk.add(page)
        if walk.duplicates or walk.nameless or len(walk.seen) != total:
            return None
        return walk.listing(complete=True, why=f"{total} ids on {walk.pages} pages, as many as totalResults")

    async def _fetch_all(self, starts: Iterable[int], step: int, total: int) -> list[Page] | None:
        """Get pages at once; None as soon as one is not as long as it must be, or tells another total."""
        end = self._dialect.first_index + total
        ok = True

        async def get(start: int) -> Page | None:
            nonlocal ok
            if not ok:
                return None
            page = await self._fetch_or_end(start, behind=start >= end)
            if len(page.resources) != max(0, min(step, end - start)) or (start < end and page.total != total):
                ok = False
            return page

        pages = await each(get, starts, at_once=self._dialect.concurrency)
        return [page for page in pages if page is not None] if ok else None

    async def _fetch_or_end(self, start: int, *, behind: bool) -> Page:
        try:
            return await self._fetch(start=start)
        except AnswerError as error:
            if behind and error.status in {400, 404, 416}:
                return Page([])
            raise

    async def _read_by_cursor(self, first: Page | None = None) -> Listing:
        """Follow cursors to the end; once more from the beginning where one expired (RFC 9865 section 2.1)."""
        try:
            return await self._follow(first or await self._fetch(cursor=""))
        except AnswerError as error:
            if not any(word in f"{error.code} {error.message}".lower() for word in _EXPIRED):
                raise
        try:
            return await self._follow(await self._fetch(cursor=""))
        except AnswerError as error:
            return Listing([], complete=False, why=f"the cursor expired twice: {error.message}")

    async def _follow(self, page: Page) -> Listing:
        walk, cursors, empty = _Walk(), set[str](), 0
        while True:
            fresh = walk.add(page)
            empty = 0 if fresh else empty + 1
            if not page.cursor:
                walk.ended = True
                return self._judge_cursor(walk, last=page)
            if page.cursor in cursors or (page.resources and not fresh) or empty > _MOST_EMPTY:
                return walk.listing(complete=False, why=f"the cursors go round after {len(walk.seen)}")
            cursors.add(page.cursor)
            page = await self._fetch(cursor=page.cursor)

    def _judge_cursor(self, walk: _Walk, last: Page) -> Listing:
        size, total = len(walk.seen), last.total
        if walk.nameless or walk.duplicates:
            return walk.listing(complete=False, why=f"{walk.nameless} without an id, {walk.duplicates} twice")
        if total is not None and total > size and self._dialect.totals != "ignored":
            return walk.listing(complete=False, why=f"no cursor after {size}, although totalResults says {total}")
        return walk.listing(complete=True, why=f"{size} up to the last cursor")
