"""Lists, followed to their last page: whole, or incomplete with the reason."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from reconciler.errors import AnswerError, TransportError
from reconciler.provider.answer import Answer

Get: TypeAlias = Callable[[str, Mapping[str, str | int]], Awaitable[Answer]]
"""Asks for one page: of a path, with a query."""

Arrived: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], None]

_MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Listing:
    """What one list gave.

    Attributes:
        items: in the order of the pages.
        why: what proves that they are all, or what is missing.
        status: the HTTP status of the refusal that ended it, 0 where there was none.
        hint: what to do about what is missing, or empty.
    """

    items: list[Mapping[str, Any]]
    complete: bool
    why: str
    status: int = 0
    hint: str = ""


class Lister:
    """Reads lists; a failure is an incomplete list, never an error.

    Args:
        get: asks for one page.
    """

    def __init__(self, get: Get) -> None:
        self._get = get

    async def every(
        self, path: str, key: str, fields: str, params: Mapping[str, str | int], arrived: Arrived | None = None
    ) -> Listing:
        """Follow a list to its last page (`nextPageToken`).

        Args:
            path: the collection.
            key: what the list is called in the answer.
            fields: of each element.
            params: of each page's query.
            arrived: is told the elements of each page, while the next one is still to come.
        """
        items: list[Mapping[str, Any]] = []
        tokens: set[str] = set()
        asked: dict[str, str | int] = {**params, "fields": f"nextPageToken,{key}({fields})"}
        while len(tokens) < _MOST_PAGES:
            page = await self._page(path, key, asked)
            if isinstance(page, Listing):
                return replace(page, items=items)
            found = page.get(key, [])
            items += found
            if arrived:
                arrived(found)
            token = page.get("nextPageToken")
            if not token:
                return Listing(items, complete=True, why=f"{len(items)} on {len(tokens) + 1} pages, to the last one")
            if token in tokens:
                return Listing(items, complete=False, why=f"{path}: a page leads back to one that was read before")
            tokens.add(token)
            asked["pageToken"] = token
        return Listing(items, complete=False, why=f"{path}: no end after {_MOST_PAGES} pages")

    async def single(self, path: str, key: str, fields: str, params: Mapping[str, str | int]) -> Listing:
        """Read a list that has no pages."""
        page = await self._page(path, key, {**params, "fields": f"{key}({fields})"})
        if isinstance(page, Listing):
            return page
        items = page.get(key, [])
        return Listing(items, complete=True, why=f"{len(items)} in one answer; there are no pages")

    async def _page(self, path: str, key: str, params: Mapping[str, str | int]) -> dict[str, Any] | Listing:
        """Return one page, or why there is none."""
        try:
            answer = await self._get(path, params)
            answer.raise_for_refusal(f"list {path.partition('/v1/')[2]}")
            page = answer.decode(dict[str, Any])
        except TransportError as error:
            status = error.status if isinstance(error, AnswerError) else 0
            return Listing([], complete=False, why=error.message, status=status, hint=error.hint)
        if not isinstance(page.get(key, []), list):
            return Listing([], complete=False, why=f"{path}: `{key}` is no list")
        return page
