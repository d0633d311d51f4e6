"""Several things at once, within a bound; the first error is the one that is raised."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T], *, at_once: int) -> list[R]:
    """Do something with every item, at most so many at once, and return the results in the order of the items.

    Raises:
        Exception: the first one that the work raised; what was under way is cancelled.
    """
    waiting = list(enumerate(items))[::-1]
    results: dict[int, R] = {}

    async def take() -> None:
        while waiting:
            number, item = waiting.pop()
            results[number] = await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(waiting))):
                group.create_task(take())
    except ExceptionGroup as group_error:
        raise _first(group_error) from None
    return [results[number] for number in sorted(results)]


def _first(group: ExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, ExceptionGroup) else inner
