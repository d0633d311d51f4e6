"""Which merges were judged is kept on every back end, and what one was refused is lost by nothing but a release."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.state.contract import StateStore
from reconciler.state.merges import Judged, Merge, begin_judging, read_judged, record_merge, release_merges

Reopen = Callable[[], StateStore]


def test_what_was_refused_is_there_for_the_next_run(reopen: Reopen) -> None:
    """With its reason, and with whatever was reviewed after it."""
    refused, later = Merge("a0", "b1", "#1", "nobody approved it"), Merge("b1", "c2", "#2")
    with reopen() as state:
        assert read_judged(state) == Judged()
        begin_judging(state, "a0")
        record_merge(state, Merge("a0", "a0", "#0"))
        record_merge(state, refused)
        record_merge(state, later)
    with reopen() as state:
        assert read_judged(state) == Judged("c2", (refused, later))


def test_a_release_lets_go_of_one_merge_alone(reopen: Reopen) -> None:
    """By its name; what was reviewed between two refusals is kept as long as the older one is."""
    merges = [Merge("a", "b", "#1", "x"), Merge("b", "c", "#2"), Merge("c", "d", "#3", "y")]
    with reopen() as state:
        for merge in merges:
            record_merge(state, merge)
        assert release_merges(state, ["#1"]) == (merges[0],)
        assert read_judged(state) == Judged("d", (merges[2],))
        assert release_merges(state, ["d"]) == (merges[2],)
        assert read_judged(state) == Judged("d")


def test_a_merge_that_is_judged_again_has_one_verdict(reopen: Reopen) -> None:
    """The newest."""
    with reopen() as state:
        record_merge(state, Merge("a", "b", "#1", "nobody approved it"))
        record_merge(state, Merge("a", "b", "#1"))
        assert read_judged(state) == Judged("b")


def test_the_list_stays_short_and_holds_every_refusal(reopen: Reopen) -> None:
    """Neighbours that were reviewed become one."""
    refused = Merge("start", "0", "#0", "nobody approved it")
    with reopen() as state:
        record_merge(state, refused)
        for number in range(30):
            record_merge(state, Merge(str(number), str(number + 1), f"#{number + 1}"))
        judged = read_judged(state)
        assert judged.refused == (refused,)
        assert len(judged.merges) == 21
        assert judged.merges[1].base == "0"
        assert judged.merges[-1].commit == judged.newest == "30"
