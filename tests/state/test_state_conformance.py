"""What every state back end must do; a new one is added to the fixture `reopen` and gets all of these."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import LockError, StateError
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item, Names
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.contract import Adoption, Applied, AppliedAccount, AppliedEntitlement, Run, StateStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def store(reopen: Callable[[], StateStore]) -> Iterator[StateStore]:
    """Return an open, empty state with one run in it."""
    with reopen() as opened:
        opened.begin(Run("run-1", "digest", "ana", "laptop", NOW))
        yield opened


def change(operation: Operation, item: Item, app: str = "chat", **fields: object) -> Change:
    """Return a change with only what a test is about."""
    return Change(app, operation, item, "way", **fields)  # type: ignore[arg-type]


def settle(store: StateStore, intended: Change, outcome: Outcome, **fields: str) -> None:
    """Record an intent and its outcome."""
    (number,) = store.intend("run-1", [intended], NOW)
    store.settle("run-1", [(number, Receipt(intended, outcome, **fields))], LATER)  # type: ignore[arg-type]


def load(store: StateStore, app: str = "chat") -> tuple[Applied, dict[tuple[str, str], str | None]]:
    """Return what is applied, and its grants as names."""
    names = Names()
    applied = store.load(app, names)
    return applied, {
        (names.item(grant).holder, names.item(grant).entitlement): names.levels[level]
        for grant, level in applied.grants.items()
    }


def test_a_state_that_never_heard_of_an_app_says_so(store: StateStore) -> None:
    """Nothing is applied, and `known` tells that from an app with nothing in it."""
    assert store.load("chat", Names()) == Applied()
    assert store.fingerprint("chat") == ""
    store.adopt("chat", Adoption())
    assert store.load("chat", Names()) == Applied(known=True)
    assert store.apps() == ["chat"]


def test_what_was_adopted_comes_back_after_reopening(reopen: Callable[[], StateStore]) -> None:
    """Accounts, entitlements, grants with levels and counts survive, value by value."""
    account = AppliedAccount("u1", "ana", AccountStatus.SUSPENDED, {"title": "Dr", "tags": ("a", "b")}, since=NOW)
    entitlement = AppliedEntitlement("g1", {"topic": None, "size": 3, "open": True}, created=True)
    grants = [("ana", "team:x", "write"), ("ana", "team:y", None), ("team:x", "repo:web", "read")]
    with reopen() as first:
        first.adopt("chat", Adoption({"ana": account}, {"team:x": entitlement}, grants, counts={"accounts": 7}))
    with reopen() as second:
        applied, found = load(second)
    assert applied.accounts == {"ana": account}
    assert applied.entitlements == {"team:x": entitlement}
    assert found == {(holder, key): level for holder, key, level in grants}
    assert (applied.counts, applied.pending, applied.known) == ({"accounts": 7}, set(), True)


def test_grants_are_numbered_by_the_callers_names(store: StateStore) -> None:
    """Numbers that the caller gave out before are used, not made anew."""
    names = Names()
    expected = names.grant("bob", "team:z")
    store.adopt("chat", Adoption(grants=[("bob", "team:z", None)]))
    assert store.load("chat", names).grants == {expected: 0}


def test_apps_do_not_mix(store: StateStore) -> None:
    """The same names in two apps are two things."""
    store.adopt("chat", Adoption(grants=[("ana", "team:x", "write")]))
    store.adopt("code", Adoption(grants=[("ana", "team:x", None)]))
    store.adopt("chat", Adoption(gone=[GrantItem("ana", "team:x")]))
    assert load(store, "code")[1] == {("ana", "team:x"): None}
    assert load(store, "chat")[1] == {}


def test_an_app_can_be_forgotten_whole(store: StateStore) -> None:
    """As if it had never been there; other apps and the journal stay."""
    for app in ("chat", "code"):
        store.adopt(
            app, Adoption({"ana": AppliedAccount("u1")}, grants=[("ana", "team:x", None)], counts={"accounts": 1})
        )
    settle(store, change(Operation.GRANT, GrantItem("bob", "team:x")), Outcome.VERIFIED)
    store.forget("chat")
    store.forget("never heard of")
    assert store.apps() == ["code"]
    assert store.load("chat", Names()) == Applied()
    assert store.load("code", Names()).accounts
    assert len(store.journal()) == 1


@pytest.mark.parametrize(
    "item", [AccountItem("ana"), EntitlementItem("team:x"), GrantItem("ana", "team:x"), GrantItem("nobody", "no:thing")]
)
def test_gone_items_are_forgotten_and_nothing_else(store: StateStore, item: Item) -> None:
    """An account takes no grants with it, and forgetting what is not there is no error."""
    everything = Adoption(
        {"ana": AppliedAccount("u1")}, {"team:x": AppliedEntitlement("g1")}, [("ana", "team:x", None)]
    )
    store.adopt("chat", everything)
    store.adopt("chat", Adoption(gone=[item]))
    applied, found = load(store)
    assert ("ana" in applied.accounts) == (item != AccountItem("ana"))
    assert ("team:x" in applied.entitlements) == (item != EntitlementItem("team:x"))
    assert (("ana", "team:x") in found) == (item != GrantItem("ana", "team:x"))


def test_an_adoption_without_a_moment_keeps_since_as_long_as_the_status_stays(store: StateStore) -> None:
    """When somebody was suspended decides when the account may be deleted."""
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1", status=AccountStatus.SUSPENDED, since=NOW)}))
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1", "ana", AccountStatus.SUSPENDED)}))
    assert store.accounts("chat", ["ana"])["ana"].since == NOW
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1", "ana", AccountStatus.ACTIVE)}))
    assert store.accounts("chat", ["ana"])["ana"].since is None


def test_single_accounts_are_looked_up_without_loading_the_app(store: StateStore) -> None:
    """Only those that are recorded are in the answer."""
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1"), "bob": AppliedAccount("u2")}))
    assert store.accounts("chat", ["bob", "nobody"]) == {"bob": AppliedAccount("u2")}
    assert store.accounts("code", ["bob"]) == {}


def test_the_fingerprint_changes_with_what_is_applied_and_only_then(store: StateStore) -> None:
    """Adopting the same again changes nothing, nor does what happens in another app; an intent does."""
    adoption = Adoption(
        {"ana": AppliedAccount("u1", since=NOW)}, {"team:x": AppliedEntitlement("g")}, [("a", "b:c", "d")]
    )
    store.adopt("chat", adoption)
    first = store.fingerprint("chat")
    store.adopt("chat", adoption)
    store.adopt("code", adoption)
    assert store.fingerprint("chat") == first
    store.adopt("chat", Adoption(gone=[GrantItem("a", "b:c")]))
    second = store.fingerprint("chat")
    store.intend("run-1", [change(Operation.GRANT, GrantItem("a", "b:c"))], NOW)
    assert len({first, second, store.fingerprint("chat")}) == 3


def test_an_intended_grant_is_applied_and_pending_until_it_was_seen(store: StateStore) -> None:
    """Recorded with the intent; DONE is what the app says, VERIFIED is what was seen."""
    grant = change(Operation.GRANT, GrantItem("ana", "team:x"), after={"level": "write"})
    (number,) = store.intend("run-1", [grant], NOW)
    for outcome, pending in ((None, 1), (Outcome.UNKNOWN, 1), (Outcome.DONE, 1), (Outcome.VERIFIED, 0)):
        if outcome:
            store.settle("run-1", [(number, Receipt(grant, outcome))], LATER)
        applied, found = load(store)
        assert found == {("ana", "team:x"): "write"}
        assert len(applied.pending) == pending


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.TICKET])
def test_an_intent_that_came_to_nothing_leaves_no_trace(store: StateStore, outcome: Outcome) -> None:
    """New items go, changed ones get back what they had; an open ticket is not applied."""
    old = AppliedAccount("u1", "ana", AccountStatus.ACTIVE, {"title": "Dr", "city": "Rome"}, since=NOW)
    store.adopt("chat", Adoption({"ana": old}, {"team:x": AppliedEntitlement("g")}, [("ana", "team:x", "read")]))
    before = load(store)
    for intended in (
        change(Operation.SET_LEVEL, GrantItem("ana", "team:x"), after={"level": "admin"}),
        change(Operation.GRANT, GrantItem("bob", "team:x")),
        change(Operation.REVOKE, GrantItem("ana", "team:x")),
        change(Operation.CREATE_ACCOUNT, AccountItem("bob"), after={"username": "bob", "title": "Mr"}),
        change(Operation.UPDATE_ACCOUNT, AccountItem("ana"), after={"title": "Prof", "team": "x", "username": "a"}),
        change(Operation.SUSPEND_ACCOUNT, AccountItem("ana"), account_id="u1"),
        change(Operation.DELETE_ACCOUNT, AccountItem("ana"), account_id="u1"),
        change(Operation.CREATE_ENTITLEMENT, EntitlementItem("team:new"), after={"topic": "t"}),
        change(Operation.UPDATE_ENTITLEMENT, EntitlementItem("team:x"), after={"topic": "t"}, entitlement_id="g"),
    ):
        settle(store, intended, outcome)
        assert load(store) == before, intended.id


def test_undoing_one_intent_leaves_another_one_on_the_same_account(store: StateStore) -> None:
    """The update failed, the suspension did not; only the update is taken back."""
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1", attributes={"title": "Dr"})}))
    update = change(Operation.UPDATE_ACCOUNT, AccountItem("ana"), after={"title": "Prof"})
    suspend = change(Operation.SUSPEND_ACCOUNT, AccountItem("ana"))
    numbers = store.intend("run-1", [update, suspend], NOW)
    receipts = [Receipt(update, Outcome.FAILED), Receipt(suspend, Outcome.VERIFIED)]
    store.settle("run-1", zip(numbers, receipts, strict=True), LATER)
    assert store.accounts("chat", ["ana"])["ana"] == AppliedAccount(
        "u1", status=AccountStatus.SUSPENDED, attributes={"title": "Dr"}, since=NOW
    )


def test_suspending_a_stranger_that_was_never_applied_is_remembered(store: StateStore) -> None:
    """A leaver's account that nobody adopted is ours from then on: its deletion counts from that instant."""
    suspend = change(Operation.SUSPEND_ACCOUNT, AccountItem("ana"), account_id="u9", username="ana")
    settle(store, suspend, Outcome.VERIFIED)
    assert store.accounts("chat", ["ana"])["ana"] == AppliedAccount("u9", "ana", AccountStatus.SUSPENDED, since=NOW)


def test_a_created_account_loses_an_old_pin_and_gets_the_new_one(store: StateStore) -> None:
    """Between the intent and the outcome nothing may look for the id that is gone."""
    store.adopt("chat", Adoption({"ana": AppliedAccount("old", "ana")}))
    create = change(Operation.CREATE_ACCOUNT, AccountItem("ana"), after={"username": "ana", "person.name": "Ana"})
    (number,) = store.intend("run-1", [create], NOW)
    assert store.accounts("chat", ["ana"])["ana"] == AppliedAccount("", "ana", pending=True, since=NOW)
    store.settle("run-1", [(number, Receipt(create, Outcome.DONE, remote_id="new"))], LATER)
    assert store.accounts("chat", ["ana"])["ana"] == AppliedAccount("new", "ana", pending=True, since=NOW)


def test_what_was_removed_is_kept_until_it_was_seen_absent(store: StateStore) -> None:
    """A revoke that the app said it did is pending, not forgotten."""
    store.adopt("chat", Adoption(grants=[("ana", "team:x", None)]))
    settle(store, change(Operation.REVOKE, GrantItem("ana", "team:x")), Outcome.DONE)
    applied, found = load(store)
    assert found == {("ana", "team:x"): None}
    assert set(applied.grants) == applied.pending
    store.adopt("chat", Adoption(gone=[GrantItem("ana", "team:x")]))
    assert load(store)[1] == {}


def test_a_renamed_entitlement_keeps_its_grants(store: StateStore) -> None:
    """What was pinned under the old key, as held and as holder, goes on under the new one."""
    grants = [("ana", "team:old", "lead"), ("team:old", "repo:web", None)]
    store.adopt("chat", Adoption(entitlements={"team:old": AppliedEntitlement("g1", created=True)}, grants=grants))
    rename = change(Operation.RENAME_ENTITLEMENT, EntitlementItem("team:new"), entitlement_id="g1")
    settle(store, rename, Outcome.DONE)
    applied, found = load(store)
    assert found == {("ana", "team:new"): "lead", ("team:new", "repo:web"): None}
    assert {key: entitlement.remote_id for key, entitlement in applied.entitlements.items()} == {"team:new": "g1"}


def test_a_leavers_steps_stay_unfinished_until_they_are_done(store: StateStore) -> None:
    """The suspended account no longer shows that its files were not transferred."""
    steps = [Operation.END_SESSIONS, Operation.SUSPEND_ACCOUNT, Operation.TRANSFER_FILES, Operation.REMOVE_LICENSES]
    changes = [change(operation, AccountItem("ana"), account_id="u1") for operation in steps]
    numbers = store.intend("run-1", changes, NOW)
    outcomes = [Outcome.DONE, Outcome.VERIFIED, Outcome.FAILED]
    store.settle("run-1", zip(numbers, map(Receipt, changes, outcomes), strict=False), LATER)
    assert store.accounts("chat", ["ana"])["ana"].unfinished == ("transfer files", "remove licenses")
    store.adopt("chat", Adoption({"ana": AppliedAccount("u1", status=AccountStatus.SUSPENDED)}))
    assert store.accounts("chat", ["ana"])["ana"].unfinished == ("transfer files", "remove licenses")
    settle(store, changes[2], Outcome.DONE)
    assert store.accounts("chat", ["ana"])["ana"].unfinished == ("remove licenses",)


def test_settling_what_is_settled_changes_nothing(store: StateStore) -> None:
    """A failure that is reported twice is undone once."""
    store.adopt("chat", Adoption(grants=[("ana", "team:x", "read")]))
    first = change(Operation.SET_LEVEL, GrantItem("ana", "team:x"), after={"level": "write"})
    (number,) = store.intend("run-1", [first], NOW)
    store.settle("run-1", [(number, Receipt(first, Outcome.FAILED))], LATER)
    settle(store, change(Operation.SET_LEVEL, GrantItem("ana", "team:x"), after={"level": "admin"}), Outcome.VERIFIED)
    store.settle("run-1", [(number, Receipt(first, Outcome.FAILED))], LATER)
    assert load(store)[1] == {("ana", "team:x"): "admin"}


def test_an_outcome_must_fit_its_entry(store: StateStore) -> None:
    """A receipt of another change, an unknown entry and an unknown run are refused, and nothing of them is kept."""
    grant = change(Operation.GRANT, GrantItem("ana", "team:x"))
    other = change(Operation.GRANT, GrantItem("bob", "team:x"))
    (number,) = store.intend("run-1", [grant], NOW)
    with pytest.raises(StateError, match="not about"):
        store.settle("run-1", [(number, Receipt(grant, Outcome.FAILED)), (number, Receipt(other, Outcome.DONE))], LATER)
    with pytest.raises(StateError, match="no run"):
        store.settle("run-2", [(number, Receipt(grant, Outcome.FAILED))], LATER)
    with pytest.raises(StateError, match="no run"):
        store.intend("run-2", [grant], NOW)
    with pytest.raises(StateError, match="before"):
        store.begin(Run("run-1", "digest", "ana", "laptop", NOW))
    assert [entry.outcome for entry in store.journal()] == [""]
    assert load(store)[1] == {("ana", "team:x"): None}


def test_the_journal_tells_what_was_meant_and_what_came_of_it(store: StateStore) -> None:
    """Entries are in order, each with its change without reasons; the newest are last."""
    grant = change(
        Operation.GRANT,
        GrantItem("ana", "team:x"),
        after={"level": "write", "tags": ("a", "b")},
        before={"only_after": ("x/y",)},
        account_id="u1",
        entitlement_id="g1",
        username="ana",
        privileged=True,
    )
    suspend = change(Operation.SUSPEND_ACCOUNT, AccountItem("bob"), app="code")
    numbers = store.intend("run-1", [grant, suspend], NOW)
    store.settle("run-1", [(numbers[1], Receipt(suspend, Outcome.FAILED, "409 conflict"))], LATER)
    first, second = store.journal(run="run-1")
    assert first.change == grant
    assert (first.app, first.change_id, first.item, first.outcome) == ("chat", grant.id, "ana team:x", "")
    assert (second.outcome, second.detail, second.ended_at) == (Outcome.FAILED, "409 conflict", LATER)
    assert [entry.number for entry in store.unsettled()] == [first.number]
    assert store.journal(last=1) == [second]
    assert store.journal(run="another") == []


def test_runs_are_remembered(store: StateStore) -> None:
    """Who ran what, and how it ended."""
    store.begin(Run("run-2", "other", "bob", "ci", LATER, reason="IT-412"))
    store.end("run-2", "1 failed", LATER)
    assert store.runs() == [
        Run("run-1", "digest", "ana", "laptop", NOW),
        Run("run-2", "other", "bob", "ci", LATER, reason="IT-412", ended_at=LATER, summary="1 failed"),
    ]
    assert [run.id for run in store.runs(last=1)] == ["run-2"]


def fence(store: StateStore) -> int:
    """Return the number of the lock that is held."""
    holder = store.holder()
    assert holder
    return holder.fence


def test_two_applies_cannot_hold_the_lock(store: StateStore, reopen: Callable[[], StateStore]) -> None:
    """The second one is told who, with what and since when; after the first gave it back, it gets it."""
    store.lock("ana@laptop", "apply", NOW)
    with reopen() as other:
        with pytest.raises(LockError, match=r"ana@laptop.*2026-03-01 12:00 UTC.*apply") as refused:
            other.lock("bob@ci", "apply", LATER)
        assert f"reconciler state unlock {fence(store)}" in refused.value.hint
        with pytest.raises(LockError, match="ana@laptop"):
            other.adopt("chat", Adoption())
        store.unlock()
        other.lock("bob@ci", "apply --due", LATER)
        holder = other.holder()
        assert holder
        assert (holder.owner, holder.command, holder.since) == ("bob@ci", "apply --due", LATER)


def test_a_writer_whose_lock_was_broken_is_refused(store: StateStore, reopen: Callable[[], StateStore]) -> None:
    """Even after the new holder is done, the old one may not go on."""
    store.lock("ana@laptop", "apply", NOW)
    with reopen() as other:
        broken = other.break_lock()
        assert broken
        assert broken.owner == "ana@laptop"
        with pytest.raises(LockError, match="broken"):
            store.adopt("chat", Adoption())
        other.lock("bob@ci", "apply", LATER)
        with pytest.raises(LockError, match="given to bob@ci"):
            store.intend("run-1", [change(Operation.GRANT, GrantItem("a", "b:c"))], NOW)
        holder = other.holder()
        assert holder
        assert holder.fence > broken.fence
    with pytest.raises(LockError, match="broken"):
        store.adopt("chat", Adoption())
    assert store.apps() == []


def _lock_and_fail(store: StateStore) -> None:
    store.lock("ana@laptop", "apply", NOW)
    store.end("never begun", "", NOW)


def test_a_lock_is_given_back_on_closing(reopen: Callable[[], StateStore]) -> None:
    """Also when an error ended the work."""
    first = reopen()
    with pytest.raises(StateError), first:
        _lock_and_fail(first)
    with reopen() as second:
        assert second.holder() is None
