"""The lock between real processes, on every back end: one works, the other waits or is refused."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from other_process import hear, holding, say, start

from reconciler.errors import LockError
from reconciler.items import GrantItem
from reconciler.model.company import Settings
from reconciler.provider.change import Cause, Change, Operation, Outcome, Receipt
from reconciler.state.contract import Adoption, StateStore
from reconciler.state.open import open_state

NOW = datetime(2026, 3, 1, tzinfo=UTC)

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


DYING = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from reconciler.items import GrantItem
    from reconciler.model.company import Settings
    from reconciler.provider.change import Cause, Change, Operation
    from reconciler.state.contract import Run
    from reconciler.state.open import open_state
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with open_state(Settings(Path(sys.argv[1]), state=eval(sys.argv[2]))) as store:
        store.lock("ana@laptop", "apply", now)
        store.begin(Run("run-1", "digest", "ana", "laptop", now))
        change = Change("chat", Operation.GRANT, GrantItem("ana", "team:x"), "scim", cause=Cause.NEW)
        store.intend("run-1", [change], now)
        print("intended", flush=True)
        sys.stdin.readline()
"""


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


def test_who_waits_is_told_for_whom(state_settings: Settings) -> None:
    """Once, before the waiting begins: owner, command, since when."""
    told: list[LockError] = []
    with holding(state_settings), opened(state_settings) as store:
        with pytest.raises(LockError):
            store.lock("bob@ci", "apply", NOW, wait=0.0, tell=told.append)
        assert told == []
        with pytest.raises(LockError):
            store.lock("bob@ci", "apply", NOW, wait=0.6, tell=told.append)
    assert [error.message.rpartition(": ")[2] for error in told] == [
        "ana@laptop has held the state's lock since 2026-03-01 00:00 UTC (apply)"
    ]


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


def test_whose_lock_was_broken_may_send_nothing_more(state_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look at the lock before each request goes to the back end itself."""
    with opened(state_settings) as store:
        monkeypatch.setattr(type(store), "glance", 0.0)
        store.check_lock()
        store.lock("ana", "apply", NOW)
        store.check_lock()
        with opened(state_settings) as other:
            other.break_lock()
            with pytest.raises(LockError, match="was broken; nothing more"):
                store.check_lock()
            other.lock("bob", "apply", NOW)
            with pytest.raises(LockError, match="was broken and given to bob"):
                store.check_lock()


def test_only_an_apply_takes_over_what_left_intents_open(state_settings: Settings) -> None:
    """It looks up what became of them; anything else would build on what nobody knows."""
    change = Change("chat", Operation.GRANT, GrantItem("ana", "team:x"), "scim", cause=Cause.NEW)
    with start(DYING, state_settings) as process:
        assert hear(process) == "intended"
        process.kill()
    with opened(state_settings) as store:
        (entry,) = store.unsettled()
        with pytest.raises(LockError, match=r"ana@laptop .*\(apply\)"):
            store.lock("bob@ci", "state repair", NOW)
        if store.name == "git":
            with pytest.raises(LockError, match="ana@laptop"):
                store.lock("bob@ci", "apply", NOW)
            store.break_lock()
        store.lock("bob@ci", "apply", NOW, wait=10)
        store.settle("run-1", [(entry.number, Receipt(change, Outcome.FAILED))], NOW)
        store.unlock()
        store.lock("bob@ci", "state repair", NOW)


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
