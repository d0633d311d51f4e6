"""The lock between real processes, on every back end: one works, the other waits or is refused."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.errors import LockError
from reconciler.model.company import Settings
from reconciler.state.contract import Adoption, StateStore
from reconciler.state.open import open_state

NOW = datetime(2026, 3, 1, tzinfo=UTC)

HOLDER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from reconciler.model.company import Settings
    from reconciler.state.open import open_state
    with open_state(Settings(Path(sys.argv[1]), state=eval(sys.argv[2]))) as store:
        store.lock("ana@laptop", "apply", datetime(2026, 3, 1, tzinfo=UTC))
        print("locked", flush=True)
        sys.stdin.readline()
        store.unlock()
"""

APPLIER = """
    import sys, time
    from datetime import UTC, datetime
    from pathlib import Path
    from reconciler.errors import LockError
    from reconciler.items import Names
    from reconciler.model.company import Settings
    from reconciler.state.contract import Adoption
    from reconciler.state.open import open_state
    with open_state(Settings(Path(sys.argv[1]), state=eval(sys.argv[2]))) as store:
        print("open", flush=True)
        sys.stdin.readline()
        try:
            store.lock(sys.argv[3], "apply", datetime.now(UTC), wait=float(sys.argv[4]))
        except LockError as error:
            print("refused", flush=True)
            sys.exit(0)
        found = len(store.load("chat", Names()).grants)
        time.sleep(0.5)
        store.adopt("chat", Adoption(grants=[(sys.argv[3], f"seen:{found}", None)]))
        print(f"saw {found}", flush=True)
        store.unlock()
"""


def start(program: str, settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """Start a process on the same state."""
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(program),
        str(settings.root),
        repr(dict(settings.state)),
        *arguments,
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def say(process: "subprocess.Popen[str]") -> None:
    """Let a process go on."""
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def hear(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a process says."""
    assert process.stdout
    return process.stdout.readline().strip()


@contextmanager
def holding(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """Run another process that holds the lock."""
    with start(HOLDER, settings) as process:
        assert hear(process) == "locked"
        try:
            yield process
        finally:
            process.kill()


def opened(settings: Settings) -> StateStore:
    """Open the state in this process."""
    return open_state(settings)


@pytest.mark.parametrize(("wait", "said"), [("20", ["saw 0", "saw 1"]), ("0", ["refused", "saw 0"])])
def test_two_applies_started_at_once_never_work_at_once(state_settings: Settings, wait: str, said: list[str]) -> None:
    """One works; the other waits and then sees what the first did, or is refused and does nothing."""
    opened(state_settings).__exit__(None, None, None)
    with start(APPLIER, state_settings, "ana", wait) as first, start(APPLIER, state_settings, "bob", wait) as second:
        assert [hear(first), hear(second)] == ["open", "open"]
        say(first)
        say(second)
        assert sorted([hear(first), hear(second)]) == said
    with opened(state_settings) as store:
        assert store.holder() is None


def test_waiting_ends_with_the_deadline_and_names_the_holder(state_settings: Settings) -> None:
    """The message is the same as without waiting."""
    with holding(state_settings), opened(state_settings) as store:
        begun = time.monotonic()
        with pytest.raises(LockError, match="ana@laptop"):
            store.lock("bob@ci", "apply", NOW, wait=0.6)
        assert 0.5 < time.monotonic() - begun < 10


def test_waiting_ends_when_the_lock_is_given_back(state_settings: Settings) -> None:
    """The new lock says since when it is really held."""
    with holding(state_settings) as process, opened(state_settings) as store:
        with pytest.raises(LockError):
            store.lock("bob@ci", "apply", NOW, wait=0.5)
        say(process)
        store.lock("bob@ci", "apply", NOW, wait=30)
        holder = store.holder()
        assert holder
        assert holder.owner == "bob@ci"
        assert NOW <= holder.since < NOW + timedelta(seconds=30)


def test_breaking_a_lock_must_name_the_right_one(state_settings: Settings) -> None:
    """Between looking and breaking, the lock may have gone to somebody else."""
    with holding(state_settings), opened(state_settings) as store:
        holder = store.holder()
        assert holder
        with pytest.raises(LockError, match=rf"lock {holder.fence + 1} is no longer held.*ana@laptop"):
            store.break_lock(holder.fence + 1)
        assert store.holder() == holder
        assert store.break_lock(holder.fence) == holder
        assert store.break_lock(holder.fence) is None
        store.adopt("chat", Adoption())


def test_a_killed_holder_is_noticed_where_the_back_end_can_tell(state_settings: Settings) -> None:
    """A file and a database know that the process is gone; a branch does not, and asks for the lock to be broken."""
    with holding(state_settings) as process, opened(state_settings) as store:
        process.kill()
        process.wait()
        if store.name == "git":
            with pytest.raises(LockError, match="ana@laptop"):
                store.lock("bob@ci", "apply", NOW)
            store.break_lock()
        store.lock("bob@ci", "apply", NOW, wait=10)
        holder = store.holder()
        assert holder
        assert holder.owner == "bob@ci"
