"""Filters of RFC 7644 section 3.4.2.2: written with JSON escaping, split where a server allows only few terms."""

import json
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def compare(attribute: str, value: str) -> str:
    """Return the filter `attribute eq "value"`, the value escaped as a JSON string."""
    return f"{attribute} eq {json.dumps(value, ensure_ascii=False)}"


def any_of(attribute: str, values: Sequence[str], terms: int) -> Iterator[tuple[Sequence[str], str]]:
    """Yield filters that together match any of the values, with the values of each.

    Args:
        attribute: the attribute's path.
        values: what it is compared with.
        terms: how many comparisons one filter may hold; at least 1.
    """
    for part in chunks(values, terms):
        yield part, " or ".join(compare(attribute, value) for value in part)


def element(attribute: str, value: str) -> str:
    """Return the path of one element of a multi-valued attribute: `members[value eq "…"]`."""
    return f"{attribute}[{compare('value', value)}]"


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most so many items; at least one item each."""
    step = max(1, size)
    for start in range(0, len(items), step):
        yield items[start : start + step]
