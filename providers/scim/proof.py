"""What makes a list whole, and what says that it is not: pure judgement over what came.

`totalResults` alone proves nothing: servers cap it, count one page only, or answer the same page for ever. A list is
complete when reading on gave nothing more *and* the number of different ids agrees with the total; or when the server's
totals contradict themselves and two readings agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from providers.scim.dialect import Dialect

_USUAL_CAPS = frozenset({10, 20, 25, 30})


class Resource(Protocol):
    """Anything that is listed: it has an id, or an empty one."""

    @property
    def id(self) -> str:
        """The server's id."""
        ...


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Leaf(Generic[R]):
    """One page, parsed.

    Attributes:
        total: `totalResults`, or None where the server did not say.
        cursor: `nextCursor` (RFC 9865), or empty.
    """

    resources: Sequence[R]
    total: int | None = None
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """What one list gave.

    Attributes:
        resources: each different one, once.
        complete: whether that is proven to be all.
        why: what proves it, or what is wrong.
    """

    resources: Sequence[R]
    complete: bool
    why: str


@dataclass(slots=True)
class Walk(Generic[R]):
    """One reading from the first page on.

    Attributes:
        first: how many resources the first page had.
        ended: whether it went on until nothing came (or the total, where that is trusted, was reached).
        repeated: `startIndex` of a page that had only what was there before, or 0.
        promised: the total that the first page told.
        crumbs: short pages beyond it: a list that grows while it is read has no end.
    """

    seen: dict[str, R] = field(default_factory=dict)
    totals: set[int | None] = field(default_factory=set)
    duplicates: int = 0
    nameless: int = 0
    pages: int = 0
    first: int = 0
    ended: bool = False
    repeated: int = 0
    promised: int = 0
    crumbs: int = 0

    def add(self, leaf: Leaf[R]) -> int:
        """Take a page in, and return how many of its resources are new."""
        before = len(self.seen)
        for resource in leaf.resources:
            if not resource.id:
                self.nameless += 1
            elif resource.id in self.seen:
                self.duplicates += 1
            else:
                self.seen[resource.id] = resource
        self.pages += 1
        self.first = self.first or len(leaf.resources)
        if leaf.resources or leaf.total:
            self.totals.add(leaf.total)
        if self.pages == 1:
            self.promised = leaf.total or 0
        elif before >= self.promised and len(leaf.resources) < self.first:
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

    def listing(self, *, complete: bool, why: str) -> Listing[R]:
        """Return what was read."""
        return Listing(list(self.seen.values()), complete, why)


def judge(walk: Walk[R], dialect: Dialect, count: int) -> Listing[R] | None:
    """Say whether one reading proves that it is whole; None where another one must agree.

    Args:
        walk: the reading.
        dialect: how far the server's totals are trusted.
        count: how many resources were asked for in each page.
    """
    size, total, ignored = len(walk.seen), walk.total, dialect.totals == "ignored"
    if walk.nameless:
        return walk.listing(complete=False, why=f"{walk.nameless} without an id")
    if walk.repeated:
        return _judge_repeated(walk, count)
    if not walk.ended:
        return walk.listing(complete=False, why=f"no end after {walk.pages} pages")
    if walk.duplicates or not (walk.steady or ignored):
        return None
    if total is not None and size < total and not ignored:
        return walk.listing(complete=False, why=f"an empty page after {size}, although totalResults says {total}")
    why = f"{size} ids, as many as totalResults" if size == total else f"{size} until nothing more came"
    capped = f"; totalResults says {total}" if total is not None and size > total else ""
    return walk.listing(complete=True, why=why + capped)


def _judge_repeated(walk: Walk[R], count: int) -> Listing[R]:
    """Judge a server that gives the same again: it may have no pages, or have begun anew behind the end."""
    size, total = len(walk.seen), walk.total
    if total == size and (walk.pages > 2 or not _may_be_capped(size, count)):  # noqa: PLR2004 - the first page and its copy
        return walk.listing(complete=True, why=f"{size} ids, as many as totalResults; the server repeats its pages")
    says = "" if total is None else f"; totalResults says {total}"
    why = f"the page at startIndex {walk.repeated} repeats what came before ({size}{says})"
    return walk.listing(complete=False, why=f"{why}; say `pagination: none` if the server gives everything at once")


def _may_be_capped(size: int, count: int) -> bool:
    """Say whether so many may be all that the server gives in one answer, rather than all that there are."""
    return size == count or size in _USUAL_CAPS or not size % 50


def judge_two(one: Walk[R], other: Walk[R], dialect: Dialect) -> Listing[R]:
    """Judge two readings, where the totals of one contradict each other or it had duplicates."""
    size, total = len(other.seen), other.total
    if one.seen.keys() != other.seen.keys() or not (one.ended and other.ended):
        why = f"two readings differ ({len(one.seen)} and {size}): it changes, or lies"
        return other.listing(complete=False, why=why)
    if other.nameless or (total is not None and total > size and dialect.totals != "ignored"):
        return other.listing(complete=False, why=f"{size} came where totalResults says {total}")
    return other.listing(complete=True, why=f"{size} ids in each of two readings that agree")


def judge_at_once(walk: Walk[R], dialect: Dialect) -> Listing[R]:
    """Judge the one answer of a server without pages."""
    size, total = len(walk.seen), walk.total
    if walk.nameless:
        return walk.listing(complete=False, why=f"{walk.nameless} without an id")
    if total is not None and total > size and dialect.totals != "ignored":
        return walk.listing(complete=False, why=f"{size} came where totalResults says {total}")
    return walk.listing(complete=True, why=f"{size} in one answer; the server has no pages")


def judge_cursors(walk: Walk[R], total: int | None, dialect: Dialect) -> Listing[R]:
    """Judge a reading that followed cursors to the last one, which told this total or none."""
    size = len(walk.seen)
    if walk.nameless or walk.duplicates:
        return walk.listing(complete=False, why=f"{walk.nameless} without an id, {walk.duplicates} twice")
    if total is not None and total > size and dialect.totals != "ignored":
        return walk.listing(complete=False, why=f"no cursor after {size}, although totalResults says {total}")
    return walk.listing(complete=True, why=f"{size} up to the last cursor")
