"""Who was offboarded before git knew is remembered, on every back end."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from reconciler.state.contract import StateStore
from reconciler.state.offboarded import hold_offboarded, read_offboarded, release_offboarded

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def test_people_are_held_until_they_are_released(reopen: Callable[[], StateStore]) -> None:
    """By whoever opens the state next, too; the first moment counts."""
    with reopen() as state:
        assert read_offboarded(state) == {}
        hold_offboarded(state, {"ana": NOW, "kim": NOW})
        hold_offboarded(state, {"ana": NOW + timedelta(hours=1)})
    with reopen() as state:
        assert read_offboarded(state) == {"ana": NOW, "kim": NOW}
        release_offboarded(state, ["kim", "nobody"])
        assert read_offboarded(state) == {"ana": NOW}
