"""The proof that a list is whole, against every server that hypothesis can think of (in memory, no HTTP)."""

import asyncio
import json
from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from providers.scim.dialects import GENERIC
from providers.scim.pages import Pager
from providers.scim.proof import Listing
from providers.scim.resources import Page, Thing, parse_thing

COUNT = 10


class Model:
    """A server in memory: how long its pages are, and what it says about its total."""

    def __init__(self, size: int, cap: int, lengths: list[int], totals: list[int | None]) -> None:
        self.ids = [f"id-{number}" for number in range(size)]
        self.cap = cap
        self.lengths = lengths
        self.totals = totals
        self.asked = 0

    async def __call__(self, *, start: int | None = None, cursor: str | None = None) -> Page:
        """Answer one page, by index or by cursor."""
        self.asked += 1
        begin = int(cursor or 1) - 1 if cursor is not None else (start or 1) - 1
        length = min(self.cap, COUNT, self.lengths[begin % len(self.lengths)])
        found = self.ids[begin : begin + length]
        total = self.totals[begin % len(self.totals)]
        following = str(begin + length + 1) if cursor is not None and begin + length < len(self.ids) else ""
        return Page([msgspec.Raw(json.dumps({"id": each}).encode()) for each in found], total, following)


def _read(model: Model, **dialect: object) -> Listing[Thing]:
    return asyncio.run(Pager(model, parse_thing, replace(GENERIC, **dialect), COUNT).read())  # type: ignore[arg-type]


def _ids(listing: Listing[Thing]) -> list[str]:
    return sorted(thing.id for thing in listing.resources)


@given(st.integers(0, 120), st.integers(1, 15))
def test_an_honest_server_is_always_complete(size: int, cap: int) -> None:
    """Whatever the size of the list and of its pages."""
    model = Model(size, cap, [COUNT], [size])
    listing = _read(model)
    assert listing.complete
    assert _ids(listing) == sorted(model.ids)
    assert model.asked <= size // min(cap, COUNT) + 3


@given(st.integers(0, 120), st.integers(1, 15), st.booleans())
def test_side_by_side_and_one_after_the_other_agree(size: int, cap: int, parallel: bool) -> None:
    """How pages are asked for changes nothing."""
    model = Model(size, cap, [COUNT], [size])
    assert _ids(_read(model, parallel=parallel)) == sorted(model.ids)


@given(st.integers(0, 80), st.lists(st.integers(1, COUNT), min_size=1, max_size=7))
def test_pages_of_any_length_are_complete_with_an_honest_total(size: int, lengths: list[int]) -> None:
    """Short pages anywhere are followed by what they left out."""
    model = Model(size, COUNT, lengths, [size])
    listing = _read(model)
    assert listing.complete
    assert _ids(listing) == sorted(model.ids)


@given(
    st.integers(0, 60),
    st.integers(1, 15),
    st.lists(st.integers(0, COUNT), min_size=1, max_size=5),
    st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=1, max_size=5),
    st.sampled_from(["index", "cursor", "none"]),
)
def test_whatever_a_server_does_nothing_is_invented(
    size: int, cap: int, lengths: list[int], totals: list[int | None], pagination: str
) -> None:
    """Reading ends, gives each user once, and gives only users that there are."""
    model = Model(size, cap, lengths, totals)
    listing = _read(model, pagination=pagination)
    ids = _ids(listing)
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(model.ids)


@given(st.integers(1, 60), st.integers(1, 15), st.integers(1, 30))
def test_a_server_that_holds_users_back_is_never_complete(size: int, cap: int, hidden: int) -> None:
    """A total that stays above what comes is the proof that something is missing."""
    model = Model(size, cap, [COUNT], [size + hidden])
    assert not _read(model).complete
    assert not _read(model, pagination="none").complete


@given(st.integers(0, 120), st.integers(1, 15))
def test_cursors_lead_to_the_end(size: int, cap: int) -> None:
    """RFC 9865: as many pages as it takes, with or without a total."""
    model = Model(size, cap, [COUNT], [None])
    listing = _read(model, pagination="cursor")
    assert listing.complete
    assert _ids(listing) == sorted(model.ids)


def test_trusted_totals_save_the_look_behind_the_end() -> None:
    """A dialect may say that `totalResults` is right: then no request is spent on checking it."""
    model = Model(30, COUNT, [COUNT], [30])
    assert _read(model, totals="trusted").complete
    assert model.asked == 3


def test_ignored_totals_prove_nothing_and_harm_nothing() -> None:
    """A dialect may say that `totalResults` is nonsense: reading until nothing comes is the proof."""
    model = Model(30, COUNT, [COUNT], [999])
    assert _read(model, totals="ignored").complete


def test_a_server_may_count_from_zero() -> None:
    """`first_index` says where a server's lists begin."""
    listing = asyncio.run(Pager(_FromZero(), parse_thing, replace(GENERIC, first_index=0), COUNT).read())
    assert listing.complete
    assert len(listing.resources) == 25


class _FromZero:
    async def __call__(self, *, start: int | None = None, cursor: str | None = None) -> Page:
        assert cursor is None
        found = [f"id-{number}" for number in range(25)][start or 0 : (start or 0) + COUNT]
        return Page([msgspec.Raw(json.dumps({"id": each}).encode()) for each in found], 25)
