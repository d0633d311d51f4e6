"""Killed at any point and run again, an apply ends in the same state, with no operation lost."""

import os
import signal
import sys
from pathlib import Path

import pytest
from pretend_app import BatchingApp, PretendApp, contents
from test_execute import EVERYTHING, is_empty
from world import World, make_world

from reconciler.state.sqlite import SqliteStore

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


class Deadly:
    """Counts events, and kills the process at the given one."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.count = 0

    def __call__(self, _event: str) -> None:
        """Live, or die."""
        self.count += 1
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyStore(SqliteStore):
    """A real state that can die before and after each transaction."""

    hook: Deadly

    def intend(self, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201, D102
        return self._around(super().intend, *arguments, **named)

    def settle(self, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201, D102
        return self._around(super().settle, *arguments, **named)

    def adopt(self, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003, ANN201, D102
        return self._around(super().adopt, *arguments, **named)

    def _around(self, method, *arguments, **named):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
        self.hook("before")
        answer = method(*arguments, **named)
        self.hook("after")
        return answer


def open_world(folder: Path, kind: type[PretendApp]) -> tuple[World, PretendApp]:
    """Open the company and the app that is kept in a file, as a new process would."""
    app = kind(path=folder / "app.json", concurrency=2) if kind is PretendApp else kind(path=folder / "app.json")
    return make_world(folder, app) if not app.accounts else (World(folder, {"code": {"pretend": app}}), app)


def apply_and_die(folder: Path, kind: type[PretendApp], fatal: int) -> int | None:
    """Apply in a process of its own that is killed at an event; return how many events there were if it was not."""
    process = os.fork()
    if process == 0:
        world, app = open_world(folder, kind)
        hook = Deadly(fatal)
        plan = world.plan()
        app.hook = hook
        store = DeadlyStore(folder / ".reconciler" / "state.db")
        store.hook = hook
        store.lock("ana@laptop", "apply", world.moment)
        world.apply(plan, state=store)
        os._exit(99)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.waitstatus_to_exitcode(status) == 99
    return fatal


@pytest.mark.parametrize("kind", [PretendApp, BatchingApp])
def test_killed_at_any_point_and_run_again_it_converges(tmp_path: Path, kind: type[PretendApp]) -> None:
    """Before and after every request, effect, read and transaction of a whole apply; then run again by another."""
    fatal = 0
    while True:
        fatal += 1
        folder = tmp_path / f"{fatal}"
        folder.mkdir()
        finished = apply_and_die(folder, kind, fatal)
        world, app = open_world(folder, kind)
        report = world.apply()
        assert contents(app) == EVERYTHING, fatal
        assert not [receipt for receipt in report.unfinished if receipt.change.id not in report.refused], fatal
        with world.open_state() as state:
            assert state.unsettled() == [], fatal
            assert all(entry.outcome for entry in state.journal()), fatal
        assert is_empty(world.plan()), fatal
        assert not world.applied("code")[0].pending, fatal
        assert set(app.steps) == {"end sessions", "transfer files", "remove licenses"}, fatal
        if finished:
            break
    assert fatal > 40


def test_killed_twice_in_different_places_it_still_converges(tmp_path: Path) -> None:
    """The second run dies too, while it looks up what the first one left."""
    for first, second in ((12, 3), (20, 5), (25, 9), (31, 2)):
        folder = tmp_path / f"{first}-{second}"
        folder.mkdir()
        assert apply_and_die(folder, PretendApp, first) is None
        assert apply_and_die(folder, PretendApp, second) is None
        world, app = open_world(folder, PretendApp)
        assert not world.apply().unfinished
        assert contents(app) == EVERYTHING
        assert is_empty(world.plan())
