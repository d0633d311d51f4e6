"""Lists that may have failed: one that could not be read never stops the others."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import TransportError
from reconciler.provider.snapshot import SnapshotBuilder


@dataclass(slots=True)
class Listing:
    """A list as it was read.

    Attributes:
        entries: what was read; empty where it could not be.
        failure: why it could not be read, or empty.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""


async def attempt(reading: Awaitable[list[dict[str, Any]]]) -> Listing:
    """Read a list, or say why it could not be."""
    try:
        return Listing(await reading)
    except TransportError as error:
        return Listing(failure=error.message)


async def attempt_each(
    read: Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]], parents: Sequence[dict[str, Any]]
) -> list[Listing]:
    """Read the list of each of some parents, side by side."""
    return list(await asyncio.gather(*(attempt(read(parent)) for parent in parents)))


def find_doubles(keys: Iterable[str]) -> set[str]:
    """Return the keys that occur more than once."""
    return {key for key, times in Counter(keys).items() if times > 1}


def conclude(
    builder: SnapshotBuilder, collection: str, failure: str, why: str, unread: frozenset[str] = frozenset()
) -> None:
    """Say whether a collection is whole."""
    if failure:
        builder.incomplete(collection, failure)
    else:
        builder.complete(collection, why, unread=unread)
