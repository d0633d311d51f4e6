"""What is done to a state by hand, on every back end: moved, forgotten, unpinned, repaired; and what it remembers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.state_back_ends import BACK_ENDS, options_of

from reconciler.errors import StateError
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Names
from reconciler.model.company import Settings
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.state.contract import Adoption, AppliedAccount, AppliedEntitlement, AuditEntry, Run, StateStore
from reconciler.state.journal import RUNS_KEPT
from reconciler.state.open import open_state

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
Opener = Callable[[], StateStore]


def fill(store: StateStore) -> None:
    """Put something of everything into a state, one intent still open."""
    accounts = {"ana": AppliedAccount("u1", "ana", attributes={"title": "Dr", "tags": ("a", "b")}, since=NOW)}
    grants = [("ana", "team:x", "write"), ("bob", "team:x", None), ("team:x", "repo:web", None)]
    store.adopt("chat", Adoption(accounts, {"team:x": AppliedEntitlement("g1")}, grants, counts={"accounts": 2}))
    store.begin(Run("run-1", "digest", "op", "laptop", NOW, reason="IT-412"))
    level = Change("chat", Operation.SET_LEVEL, GrantItem("ana", "team:x"), "way", after={"level": "admin"})
    done = Change("chat", Operation.GRANT, GrantItem("bob", "team:y"), "way")
    _, second = store.intend("run-1", [level, done], NOW)
    store.settle("run-1", [(second, Receipt(done, Outcome.VERIFIED))], NOW)
    store.remember("chat", NOW, [("ana", "team:x", "write")])
    store.remember("chat", NOW + HOUR, [("bob", "team:x", None)])


@pytest.mark.parametrize("target", BACK_ENDS)
def test_a_state_moves_to_any_back_end_and_goes_on_there(
    reopen: Opener, target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Everything arrives, and an intent that was open is undone there as it would have been here."""
    folder = tmp_path / "target"
    folder.mkdir()
    settings = Settings(folder, state={target: options_of(target, request, folder)})
    with reopen() as source, open_state(settings) as moved:
        fill(source)
        assert moved.restore(source.export()) == len(list(source.export())) - 1
        assert list(moved.export()) == list(source.export())
        assert moved.fingerprint("chat") == source.fingerprint("chat")
    with open_state(settings) as again:
        (entry,) = again.unsettled()
        assert entry.change
        again.settle("run-1", [(entry.number, Receipt(entry.change, Outcome.FAILED))], NOW)
        names = Names()
        applied = again.load("chat", names)
        assert names.levels[applied.grants[names.grant("ana", "team:x")]] == "write"
        later = Change("chat", Operation.GRANT, GrantItem("bob", "team:z"), "way")
        assert again.intend("run-1", [later], NOW)[0] > entry.number + 1
        again.remember("chat", NOW + 2 * HOUR, [])
        again.begin(Run("run-2", "digest", "op", "laptop", NOW))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no exported state"),
        ([["state", 99, "x"]], "format 99"),
        ([["state", 1, "x"], ["apps", "chat", 1]], "too few"),
        ([["state", 1, "x"], ["nonsense", 1]], "no 'nonsense'"),
    ],
)
def test_what_is_no_whole_export_is_refused_and_nothing_of_it_kept(
    reopen: Opener, rows: list[list[object]], told: str
) -> None:
    """Also what a newer tool wrote."""
    with reopen() as store:
        with pytest.raises(StateError, match=told):
            store.restore(rows)
        assert store.apps() == []


def test_importing_over_what_is_there_is_refused(reopen: Opener) -> None:
    """Two states are never mixed."""
    with reopen() as store:
        fill(store)
        rows = list(store.export())
        with pytest.raises(StateError, match="not empty"):
            store.restore(rows)
        assert list(store.export()) == rows


def test_a_person_can_be_forgotten_everywhere(reopen: Opener) -> None:
    """No row, no journal entry and no name is left; others stay."""
    with reopen() as store:
        fill(store)
        store.adopt("code", Adoption({"bob": AppliedAccount("u7")}))
        before = store.fingerprint("chat")
        assert store.forget_identity("bob") == 5
        assert "bob" not in str(list(store.export()))
        assert store.fingerprint("chat") != before
        assert store.apps() == ["chat", "code"]
        assert "ana" in str(list(store.export()))
        assert store.forget_identity("bob") == 0


def test_a_person_can_be_forgotten_in_one_app(reopen: Opener) -> None:
    """What is applied elsewhere stays."""
    with reopen() as store:
        for app in ("chat", "code"):
            store.adopt(app, Adoption({"bob": AppliedAccount("u7")}, grants=[("bob", "team:x", None)]))
        assert store.forget_identity("bob", "chat") == 2
        assert store.forget_identity("bob", "never heard of") == 0
        assert store.load("chat", Names()).accounts == {}
        assert store.accounts("code", ["bob"]) == {"bob": AppliedAccount("u7")}


def test_somebody_with_an_open_intent_is_not_forgotten(reopen: Opener) -> None:
    """What may have landed must be looked up first."""
    with reopen() as store:
        fill(store)
        rows = list(store.export())
        with pytest.raises(StateError, match="interrupted apply"):
            store.forget_identity("ana")
        assert list(store.export()) == rows


def test_a_single_pin_can_be_dropped(reopen: Opener) -> None:
    """The account stays applied; only which one it is must be found again."""
    with reopen() as store:
        fill(store)
        before = store.fingerprint("chat")
        assert store.unpin("chat", AccountItem("ana"))
        assert store.unpin("chat", EntitlementItem("team:x"))
        assert store.fingerprint("chat") != before
        applied = store.load("chat", Names())
        assert (applied.accounts["ana"].remote_id, applied.accounts["ana"].username) == ("", "")
        assert applied.entitlements["team:x"].remote_id == ""
        assert not store.unpin("chat", AccountItem("nobody"))
        assert not store.unpin("other", AccountItem("ana"))
        with pytest.raises(StateError, match="no pin"):
            store.unpin("chat", GrantItem("ana", "team:x"))


def test_repairing_drops_every_pin_and_nothing_else(reopen: Opener) -> None:
    """Usernames stay: they help to find the accounts."""
    with reopen() as store:
        fill(store)
        assert store.repair("chat") == 2
        assert store.repair("chat") == 0
        assert store.repair("other") == 0
        applied = store.load("chat", Names())
        assert (applied.accounts["ana"].remote_id, applied.accounts["ana"].username) == ("", "ana")
        assert len(applied.grants) == 4


def test_what_was_live_is_known_for_every_instant_since_the_first_read(reopen: Opener) -> None:
    """Each answer is that of the last complete read before, and says when that was."""
    found = [
        [("ana", "team:x", None)],
        [("ana", "team:x", "write"), ("bob", "team:x", None)],
        [("bob", "team:x", None)],
        [("bob", "team:x", None)],
        [("bob", "team:x", None)],
        [("ana", "team:x", None), ("bob", "team:x", None)],
    ]
    with reopen() as store:
        for number, grants in enumerate(found):
            store.remember("chat", NOW + number * HOUR, grants)
        store.remember("code", NOW, [])
    with reopen() as store:
        assert store.live_at("chat", NOW - HOUR) is None
        assert store.live_at("never heard of", NOW) is None
        code = store.live_at("code", NOW + HOUR)
        assert code
        assert (code.at, code.grants) == (NOW, ())
        for number, grants in enumerate(found):
            then = store.live_at("chat", NOW + number * HOUR + HOUR / 2)
            assert then
            assert list(then.grants) == grants
            assert then.at <= NOW + number * HOUR
        assert sum(row[0] == "readings" for row in store.export()) == 6
        assert not store.load("chat", Names()).grants


def test_history_stays_bounded(reopen: Opener) -> None:
    """What ended before the oldest reading that is kept is dropped; what is still live is not."""
    with reopen() as store:
        for number in range(20):
            grants = [("ana", "team:x", None), ("ana", f"team:{number}", None)]
            store.remember("chat", NOW + number * HOUR, grants, keep=5)  # type: ignore[call-arg]
        rows = list(store.export())
        assert sum(row[0] == "readings" for row in rows) == 5
        assert sum(row[0] == "held" for row in rows) == 6
        then = store.live_at("chat", NOW + 16 * HOUR)
        assert then
        assert then.grants == (("ana", "team:16", None), ("ana", "team:x", None))
        assert store.live_at("chat", NOW + 3 * HOUR) is None


def test_the_journal_stays_bounded(reopen: Opener) -> None:
    """What is settled goes with runs long past; what was never settled stays, and so does its run."""
    with reopen() as store, store.together():  # type: ignore[attr-defined]
        for number in range(RUNS_KEPT + 5):
            store.begin(Run(f"run-{number}", "digest", "op", "laptop", NOW))
            changes = [Change("chat", Operation.GRANT, GrantItem("ana", f"team:{number}-{n}"), "way") for n in range(2)]
            first, second = store.intend(f"run-{number}", changes, NOW)
            settled = [(first, Receipt(changes[0], Outcome.VERIFIED)), (second, Receipt(changes[1], Outcome.UNKNOWN))]
            store.settle(f"run-{number}", settled[: 1 if number == 1 else 2], NOW)
            store.end(f"run-{number}", "done", NOW)
    with reopen() as store:
        assert [one.id for one in store.runs(last=1000)] == ["run-1", *(f"run-{n}" for n in range(5, RUNS_KEPT + 5))]
        kept = store.journal(last=1000)
        assert [one.run for one in kept] == ["run-1", *(f"run-{n // 2}" for n in range(10, 2 * RUNS_KEPT + 10))]
        assert store.unsettled() == [kept[0]]


def entry(number: int, previous: str, digest: str) -> AuditEntry:
    """Return an entry of the audit trail."""
    return AuditEntry(number, NOW, "change", {"b": [1, None], "a": "ü"}, previous, digest)


def test_a_long_audit_trail_is_read_whole(reopen: Opener) -> None:
    """Page by page, and taken along when the state is moved."""
    with reopen() as store:
        store.append_audit([entry(n, f"d{n - 1}" if n > 1 else "", f"d{n}") for n in range(1, 2502)])
        assert [one.number for one in store.audit()] == list(range(1, 2502))
        assert sum(row[0] == "audit" for row in store.export()) == 2501
