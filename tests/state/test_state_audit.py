"""What every state back end must do with the audit trail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support.state_back_ends import BACK_ENDS, options_of

from reconciler.audit.chain import link
from reconciler.audit.verify import verify_trail
from reconciler.errors import StateError
from reconciler.model.company import Settings
from reconciler.state.contract import Joining, Run, StateStore
from reconciler.state.open import open_state
from reconciler.state.sqlite import SqliteStore
from reconciler.state.tables import TableStore

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
VALUES = {
    "text": 'ä "\\\n\t\u2028\x1f\x7f',
    "list": [1, -2, 2**70, 1.5, 1e300, -0.0, None, True],
    "map": {"z": {}, "a": []},
}
EVENTS = [("run started", {"run": str(number), **VALUES}) for number in range(5)]


def test_an_empty_trail_has_no_head(reopen: Callable[[], StateStore]) -> None:
    """Number 0 and no digest."""
    with reopen() as store:
        assert (store.audit_head(), list(store.audit())) == ((0, ""), [])


def test_entries_come_back_as_they_were_given(reopen: Callable[[], StateStore]) -> None:
    """To the microsecond and to the last value, so that their digests still hold."""
    entries = link((0, ""), EVENTS, NOW)
    with reopen() as store:
        store.append_audit(entries[:2])
        store.append_audit([])
        store.append_audit(entries[2:])
    with reopen() as store:
        assert list(store.audit()) == entries
        assert list(store.audit(since=4)) == entries[3:]
        assert list(store.audit(since=6)) == []
        assert store.audit_head() == (5, entries[-1].digest)
        assert all(entry.at.utcoffset() == UTC.utcoffset(None) for entry in store.audit())
        assert verify_trail(store.audit(), []).faults == ()


def test_what_does_not_continue_the_trail_is_refused(reopen: Callable[[], StateStore]) -> None:
    """Another's number, another's digest, a gap inside: nothing of it is kept."""
    with reopen() as store:
        store.append_audit(link((0, ""), EVENTS, NOW))
        head = store.audit_head()
        following = link(head, EVENTS, NOW)
        for entries in (link((0, ""), EVENTS, NOW), link((5, "00" * 32), EVENTS, NOW), following[1:], following[::2]):
            with pytest.raises(StateError, match="does not continue"):
                store.append_audit(entries)
        assert store.audit_head() == head


def test_what_is_joined_is_kept_whole_or_not_at_all(reopen: Callable[[], StateStore]) -> None:
    """Where a back end says that it can."""
    with reopen() as store:
        if not isinstance(store, Joining):
            return

        def write(run: str) -> None:
            with store.together():
                store.append_audit(link(store.audit_head(), EVENTS, NOW))
                store.begin(Run("run", "digest", "ana", "laptop", NOW))
                store.end(run, "done", NOW)

        with pytest.raises(StateError):
            write("another")
        assert (store.audit_head(), list(store.runs())) == ((0, ""), [])
        write("run")
        assert (store.audit_head()[0], len(store.runs())) == (5, 1)


def test_a_second_join_is_part_of_the_first(reopen: Callable[[], StateStore]) -> None:
    """What is written after the inner one ended is undone with the rest."""

    def write(store: Any) -> None:
        with store.together():
            with store.together():
                store.append_audit(link((0, ""), EVENTS, NOW))
            store.begin(Run("run", "digest", "ana", "laptop", NOW))
            store.end("another", "done", NOW)

    with reopen() as store:
        with pytest.raises(StateError, match="no run another"):
            write(store)
        assert (store.audit_head(), list(store.runs())) == ((0, ""), [])
    with reopen() as store:
        assert (store.audit_head(), list(store.runs())) == ((0, ""), [])


@pytest.mark.parametrize("target", BACK_ENDS)
def test_an_entry_that_was_changed_has_no_content_and_is_moved_as_it_is(
    target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A space more in its text is enough; checking finds it in every back end that the state is moved to."""
    entries = link((0, ""), EVENTS, NOW)
    with SqliteStore(tmp_path / "state.db") as source:
        source.append_audit(entries)
        rows = list(source.export())
    (third,) = (row for row in rows if row[:2] == ["audit", 3])
    third[4] = third[4].replace('"run":"2"', '"run": "2"')
    folder = tmp_path / "target"
    folder.mkdir()
    settings = Settings(folder, state={target: options_of(target, request, folder)})
    with open_state(settings) as store:
        store.restore(rows)
    with open_state(settings) as store:
        assert list(store.export()) == rows
        assert [bool(entry.body) for entry in store.audit()] == [True, True, False, True, True]
        assert [fault.number for fault in verify_trail(store.audit(), []).faults] == [3]
        assert store.audit_head() == (5, entries[-1].digest)


@pytest.mark.parametrize("back_end", ["sqlite", "postgres"])
@pytest.mark.parametrize("statement", ["UPDATE audit SET kind = 'x'", "DELETE FROM audit WHERE number = 5"])
def test_the_database_itself_refuses_to_change_the_trail(
    back_end: str, statement: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Whoever does so all the same had to take the trigger away first."""
    settings = Settings(tmp_path, state={back_end: options_of(back_end, request, tmp_path)})
    with open_state(settings) as store:
        assert isinstance(store, TableStore)
        store.append_audit(link((0, ""), EVENTS, NOW))
        with pytest.raises(StateError, match="only added to"), store._writing() as database:
            database.execute(statement)
        assert verify_trail(store.audit(), []).faults == ()
