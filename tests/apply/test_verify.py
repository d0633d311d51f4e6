"""What an app shows afterwards, operation by operation, and what a provider may not claim."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pretend_app import BatchingApp, PretendApp, answer_and_do_nothing, explode
from world import World, details, outcomes

from reconciler.apply.edge import perform, perform_batch
from reconciler.apply.route import Route, routes_of
from reconciler.apply.verify import read_back
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Item
from reconciler.provider.change import Change, Operation, Outcome, Receipt

ALL_LIES: list[tuple[Operation, Item, dict[str, Any], str]] = [
    (Operation.CREATE_ACCOUNT, AccountItem("new"), {"after": {"username": "new"}}, "no such account"),
    (Operation.UPDATE_ACCOUNT, AccountItem("ana"), {"after": {"title": "Head"}}, "title is 'Lead'"),
    (Operation.UPDATE_ACCOUNT, AccountItem("ana"), {"after": {"username": "ana2"}}, "username is 'ana'"),
    (Operation.SUSPEND_ACCOUNT, AccountItem("ana"), {}, "the account is active"),
    (Operation.REACTIVATE_ACCOUNT, AccountItem("bob"), {"account_id": "u-bob"}, "the account is suspended"),
    (Operation.DELETE_ACCOUNT, AccountItem("ana"), {}, "the account is still there, active"),
    (Operation.CREATE_ENTITLEMENT, EntitlementItem("team:new"), {"entitlement_id": ""}, "no team:new"),
    (Operation.UPDATE_ENTITLEMENT, EntitlementItem("team:x"), {"after": {"topic": "b"}}, "topic is 'a'"),
    (Operation.RENAME_ENTITLEMENT, EntitlementItem("team:y"), {}, "the name team:x"),
    (Operation.GRANT, GrantItem("bob", "team:x"), {"account_id": "u-bob"}, "it is not there"),
    (Operation.SET_LEVEL, GrantItem("ana", "repo:r"), {"after": {"level": "admin"}}, "write in place of admin"),
    (Operation.REVOKE, GrantItem("ana", "team:x"), {}, "it is still there"),
    (Operation.REVOKE, GrantItem("team:x", "repo:r"), {"holder_entitlement_id": "e-team:x"}, "it is still there"),
]


@pytest.fixture
def app() -> PretendApp:
    """Return an app with two accounts, two entitlements and three grants."""
    found = PretendApp()
    found.account("u-ana", "ana", title="Lead")
    found.account("u-bob", "bob", status="suspended")
    found.entitlement("team:x", topic="a")
    found.entitlement("repo:r")
    found.grant("u-ana", "team:x")
    found.grant("u-ana", "repo:r", "write")
    found.grant("e-team:x", "repo:r", "read")
    return found


def change(operation: Operation, item: Item, **fields: Any) -> Change:
    """Return a change about ana, team:x or repo:r."""
    key = "" if isinstance(item, AccountItem) else item.entitlement
    known = {"account_id": "u-ana", "entitlement_id": "e-repo:r" if key == "repo:r" else "e-team:x"}
    return Change("code", operation, item, "pretend", **{**known, **fields})


def route(app: PretendApp) -> Route:
    """Return the only way of an app."""
    return routes_of({("code", "pretend"): app}, {})["code"]


def look(app: PretendApp, *receipts: Receipt) -> dict[str, Receipt]:
    """Read back, and return change's id → receipt."""
    read = asyncio.run(read_back(route(app), receipts))
    return {receipt.change.id: receipt for receipt in read.receipts}


@pytest.mark.parametrize(("operation", "item", "fields", "words"), ALL_LIES)
def test_an_ok_that_changed_nothing_is_noticed(
    app: PretendApp, operation: Operation, item: Item, fields: dict[str, Any], words: str
) -> None:
    """For every operation that leaves a trace, with what the app shows in its place."""
    wanted = change(operation, item, **fields)
    if operation is Operation.CREATE_ACCOUNT:
        wanted = change(operation, item, **{**fields, "account_id": ""})
    receipt = look(app, Receipt(wanted, Outcome.DONE))[wanted.id]
    assert receipt.outcome is Outcome.DONE
    assert receipt.detail == f"the app answered ok, but shows {words}"


@pytest.mark.parametrize(("operation", "item", "fields", "words"), ALL_LIES)
def test_the_same_is_verified_once_it_was_really_done(
    app: PretendApp, operation: Operation, item: Item, fields: dict[str, Any], words: str
) -> None:
    """So that the test before cannot pass by never verifying anything."""
    wanted = change(operation, item, **fields)
    if operation is Operation.CREATE_ACCOUNT:
        wanted = change(operation, item, **{**fields, "account_id": ""})
    receipt = look(app, app.do(wanted))[wanted.id]
    assert receipt.outcome is Outcome.VERIFIED
    assert words not in receipt.detail


def test_a_name_that_was_made_anew_is_no_rename(app: PretendApp) -> None:
    """Something else bears the new name, and what was to be renamed is gone."""
    rename = change(Operation.RENAME_ENTITLEMENT, EntitlementItem("team:y"), entitlement_id="e-lost")
    app.entitlement("team:y")
    assert "another team:y" in look(app, Receipt(rename, Outcome.DONE))[rename.id].detail


def test_a_suspended_account_that_vanished_is_as_good_as_suspended(app: PretendApp) -> None:
    """Its access is gone; where the list is not whole, that proves nothing."""
    suspend = change(Operation.SUSPEND_ACCOUNT, AccountItem("zoe"), account_id="u-zoe")
    assert look(app, Receipt(suspend, Outcome.DONE))[suspend.id].detail == "the account is gone"
    app.unreadable["accounts"] = "page 2 failed"
    assert look(app, Receipt(suspend, Outcome.DONE))[suspend.id].outcome is Outcome.DONE


def test_a_level_that_goes_without_saying_is_the_weakest(app: PretendApp) -> None:
    """A grant without a level is verified at the weakest one, and not at another."""
    grant = change(Operation.GRANT, GrantItem("team:x", "repo:r"), holder_entitlement_id="e-team:x", account_id="")
    assert look(app, Receipt(grant, Outcome.DONE))[grant.id].outcome is Outcome.VERIFIED
    app.grant("e-team:x", "repo:r", "admin")
    assert "admin in place of read" in look(app, Receipt(grant, Outcome.DONE))[grant.id].detail


def test_another_ways_account_is_found_by_its_name_where_one_alone_has_it(app: PretendApp) -> None:
    """The way that writes has its own ids; two accounts of one name prove nothing."""
    written = Change("code", Operation.SUSPEND_ACCOUNT, AccountItem("bob"), "api", account_id="77", username="BOB")
    assert look(app, Receipt(written, Outcome.DONE))[written.id].outcome is Outcome.VERIFIED
    app.account("u-bob2", "bob", status="suspended")
    for operation in (Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT):
        doubtful = replace(written, operation=operation)
        receipt = look(app, Receipt(doubtful, Outcome.DONE))[doubtful.id]
        assert receipt.outcome is Outcome.DONE
        assert receipt.detail == "not read back: pretend does not tell which account is bob's"
    revoke = Change("code", Operation.REVOKE, GrantItem("bob", "team:x"), "api", account_id="77", username="bob")
    assert look(app, Receipt(revoke, Outcome.DONE))[revoke.id].outcome is Outcome.DONE
    grant = Change("code", Operation.GRANT, GrantItem("ana", "team:x"), "api", account_id="78", username="ana")
    assert look(app, Receipt(grant, Outcome.DONE))[grant.id].outcome is Outcome.VERIFIED


def test_an_app_that_no_way_reads_verifies_nothing(app: PretendApp) -> None:
    """Done stays done, with the reason."""
    app.capabilities.reads.clear()  # type: ignore[attr-defined]
    grant = change(Operation.GRANT, GrantItem("ana", "team:x"))
    receipt = look(app, Receipt(grant, Outcome.DONE))[grant.id]
    assert receipt.detail == "not read back: no way reads grants:team"


class Boasting(PretendApp):
    """Claims more than a provider may."""

    answer: Callable[[Change], object]

    async def perform(self, change: Change) -> Receipt:
        """Answer as it likes."""
        return self.answer(change)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda change: Receipt(change, Outcome.VERIFIED), Outcome.DONE),
        (lambda change: Receipt(change, Outcome.NOT_ATTEMPTED), Outcome.UNKNOWN),
        (lambda _: None, Outcome.UNKNOWN),
        (lambda _: "ok", Outcome.UNKNOWN),
    ],
)
def test_a_provider_cannot_verify_itself(answer: Callable[[Change], object], outcome: Outcome) -> None:
    """Nor say that it did not try, nor answer with something else."""
    app = Boasting()
    app.answer = answer
    wanted = change(Operation.GRANT, GrantItem("ana", "team:x"))
    receipt = asyncio.run(perform(app, wanted))
    assert (receipt.change, receipt.outcome) == (wanted, outcome)


class Exploding(BatchingApp):
    """Raises in place of doing a batch."""

    async def perform_batch(self, changes: Sequence[Change]) -> Sequence[Receipt]:
        """Raise."""
        return [explode(self, changes[0])]  # type: ignore[list-item]


def test_a_batch_that_raises_is_unknown_for_each_of_its_changes() -> None:
    """Any part of it may have landed."""
    changes = [change(Operation.GRANT, GrantItem(name, "team:x")) for name in ("ana", "bob")]
    receipts = asyncio.run(perform_batch(Exploding(), changes))
    assert [(receipt.change, receipt.outcome) for receipt in receipts] == [(c, Outcome.UNKNOWN) for c in changes]


def test_the_first_way_that_reads_a_collection_is_asked(tmp_path: Path) -> None:
    """A second way that also could is left alone."""
    first, second = PretendApp(), PretendApp()
    world = World(tmp_path, {"code": {"first": first, "second": second}})
    world.write(
        "people: {ana: {name: Ana, email: a@acme.example}}\n", "apps: {code: {owner: ana, accounts: {to: everyone}}}\n"
    )
    plan = world.plan()
    first.reads = second.reads = 0
    second.faults["code/create-account/ana"] = answer_and_do_nothing
    report = world.apply(plan)
    assert outcomes(report) == {"code/create-account/ana": Outcome.VERIFIED}, details(report)
    assert (first.reads, second.reads) == (1, 0)
