"""What every state back end must do with the audit trail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from test_state_conformance import reopen  # noqa: F401 - the fixture: each back end in turn

from reconciler.audit.chain import link
from reconciler.audit.verify import verify_trail
from reconciler.errors import StateError
from reconciler.state.contract import Joining, Run, StateStore

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
VALUES = {
    "text": 'ä "\\\n\t\u2028\x1f\x7f',
    "list": [1, -2, 2**70, 1.5, 1e300, -0.0, None, True],
    "map": {"z": {}, "a": []},
}
EVENTS = [("run started", {"run": str(number), **VALUES}) for number in range(5)]


def test_an_empty_trail_has_no_head(reopen: Callable[[], StateStore]) -> None:  # noqa: F811
    """Number 0 and no digest."""
    with reopen() as store:
        assert (store.audit_head(), list(store.audit())) == ((0, ""), [])


def test_entries_come_back_as_they_were_given(reopen: Callable[[], StateStore]) -> None:  # noqa: F811
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


def test_what_does_not_continue_the_trail_is_refused(reopen: Callable[[], StateStore]) -> None:  # noqa: F811
    """Another's number, another's digest, a gap inside: nothing of it is kept."""
    with reopen() as store:
        store.append_audit(link((0, ""), EVENTS, NOW))
        head = store.audit_head()
        following = link(head, EVENTS, NOW)
        for entries in (link((0, ""), EVENTS, NOW), link((5, "00" * 32), EVENTS, NOW), following[1:], following[::2]):
            with pytest.raises(StateError, match="does not continue"):
                store.append_audit(entries)
        assert store.audit_head() == head


def test_what_is_joined_is_kept_whole_or_not_at_all(reopen: Callable[[], StateStore]) -> None:  # noqa: F811
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
