"""What is true of an app that only people change follows from closed tickets, in the order in which they were done."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticket.ticket_apps import close, do_all, make, open_one, read

from providers.ticket.mapping import read_attested
from providers.ticket.record import Record, Status, make_key
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("ticket", against="real product", of="Markdown files on disk")

JOIN = make(
    Operation.CREATE_ACCOUNT,
    "ana",
    after={"username": "ana", "email": "ana@acme.example", "external_id": "ana", "person.name": "Ana Ruiz", "floor": 3},
)
GRANT = make(Operation.GRANT, "ana", "door:lab", after={"level": "24h"})


def test_nothing_is_true_before_somebody_says_so(tmp_path: Path) -> None:
    """Without tickets, and with open ones, the app is empty: complete, as attested."""
    assert read(tmp_path).accounts == []
    open_one(tmp_path, GRANT)
    snapshot = read(tmp_path)
    assert (snapshot.accounts, list(snapshot.grants())) == ([], [])
    assert snapshot.collections["grants:*"].complete
    assert snapshot.collections["accounts"].why == "as attested by 0 closed tickets in tickets"
    assert "entitlements:*" not in snapshot.collections


def test_done_tickets_make_accounts_and_grants(tmp_path: Path) -> None:
    """An account's remote id is the identity's id; its values are those that were asked for."""
    do_all(tmp_path, JOIN, GRANT)
    snapshot = read(tmp_path)
    account = snapshot.accounts[0]
    assert (account.remote_id, account.external_id, account.username, account.email) == (
        "ana",
        "ana",
        "ana",
        "ana@acme.example",
    )
    assert account.attributes == {"username": "ana", "email": "ana@acme.example", "floor": 3}
    assert list(snapshot.grants()) == [("ana", "door:lab", "24h")]
    assert snapshot.collections["grants:door"].complete


def test_later_tickets_undo_earlier_ones(tmp_path: Path) -> None:
    """Suspended, reactivated, changed, revoked."""
    do_all(tmp_path, JOIN, GRANT, make(Operation.SUSPEND_ACCOUNT, "ana"))
    assert read(tmp_path).accounts[0].status is AccountStatus.SUSPENDED
    level = make(Operation.SET_LEVEL, "ana", "door:lab", after={"level": "day"})
    close(open_one(tmp_path, make(Operation.REACTIVATE_ACCOUNT, "ana")), "2026-03-06")
    close(open_one(tmp_path, make(Operation.UPDATE_ACCOUNT, "ana", after={"floor": 4})), "2026-03-07")
    close(open_one(tmp_path, level), "2026-03-08")
    snapshot = read(tmp_path)
    assert (snapshot.accounts[0].status, snapshot.accounts[0].attributes["floor"]) == (AccountStatus.ACTIVE, 4)
    assert list(snapshot.grants()) == [("ana", "door:lab", "day")]
    close(open_one(tmp_path, make(Operation.REVOKE, "ana", "door:lab")), "2026-03-09")
    assert list(read(tmp_path).grants()) == []
    close(open_one(tmp_path, make(Operation.DELETE_ACCOUNT, "ana")), "2026-03-10")
    assert read(tmp_path).accounts == []


def test_the_day_of_closing_decides_not_the_file(tmp_path: Path) -> None:
    """A revoke that was done first does not undo the grant that followed it."""
    grant, revoke = open_one(tmp_path, GRANT), open_one(tmp_path, make(Operation.REVOKE, "ana", "door:lab"))
    close(revoke, "2026-03-02")
    close(grant, "2026-03-03T09:00+01:00")
    assert len(list(read(tmp_path).grants())) == 1
    close(revoke, "2026-03-03T09:00")
    assert list(read(tmp_path).grants()) == []


def test_rejected_tickets_make_nothing_true(tmp_path: Path) -> None:
    """Somebody said that it was not done."""
    close(open_one(tmp_path, GRANT), status="rejected")
    assert read(tmp_path).accounts == []


def test_whoever_is_given_something_has_an_account(tmp_path: Path) -> None:
    """A door cannot be opened for a badge that does not exist."""
    do_all(tmp_path, GRANT)
    assert [(account.remote_id, account.status) for account in read(tmp_path).accounts] == [
        ("ana", AccountStatus.ACTIVE)
    ]


def test_entitlements_may_hold_entitlements_and_be_renamed(tmp_path: Path) -> None:
    """Grants follow the new key, on both sides."""
    do_all(
        tmp_path,
        make(Operation.CREATE_ENTITLEMENT, "", "team:a", after={"about": "x"}),
        make(Operation.GRANT, "team:a", "door:lab"),
        make(Operation.GRANT, "ana", "team:a"),
        make(Operation.RENAME_ENTITLEMENT, "", "team:b", before={"name": "a"}),
    )
    snapshot = read(tmp_path)
    assert set(snapshot.grants()) == {("team:b", "door:lab", None), ("ana", "team:b", None)}
    assert {e.key: dict(e.attributes) for e in snapshot.entitlements} == {"team:b": {"about": "x"}, "door:lab": {}}


def test_apps_do_not_mix(tmp_path: Path) -> None:
    """One folder holds the tickets of all."""
    do_all(tmp_path, GRANT)
    assert read(tmp_path, "other").accounts == []


def test_an_account_that_belongs_to_nobody_keeps_its_own_id(tmp_path: Path) -> None:
    """`@` stands before a remote id."""
    do_all(tmp_path, make(Operation.SUSPEND_ACCOUNT, "@u7"))
    account = read(tmp_path).accounts[0]
    assert (account.remote_id, account.external_id, account.status) == ("u7", "", AccountStatus.SUSPENDED)


people, doors = st.sampled_from(["ana", "sam"]), st.sampled_from(["door:a", "door:b"])
steps = st.tuples(st.sampled_from([Operation.GRANT, Operation.REVOKE]), people, doors)


@settings(max_examples=50)
@given(st.lists(steps, max_size=12), st.randoms())
def test_any_order_of_files_attests_the_same(done: list[tuple[Operation, str, str]], random: object) -> None:
    """What counts is when it was done: exactly as if sets had been changed one after the other."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415 - only here

    start = datetime(2026, 1, 1, tzinfo=UTC)
    held: set[tuple[str, str]] = set()
    records = []
    for number, (operation, who, door) in enumerate(done):
        (held.add if operation is Operation.GRANT else held.discard)((who, door))
        key, closed = make_key("b", operation, who, door, number + 1), start + timedelta(hours=number)
        record = Record("x.md", key, "", "b", operation, who, door, number + 1, Status.DONE, start, closed)
        records.append(record)
    random.shuffle(records)  # type: ignore[attr-defined] # hypothesis gives a Random
    snapshot = read_attested(sorted(records, key=lambda record: record.order), "tickets")
    assert {(who, door) for who, door, _ in snapshot.grants()} == held
