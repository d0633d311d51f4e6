"""Accounts and groups: made, found, renamed, with ends of validity, and never taken for somebody else's."""

import pytest
from postgres_driving import account, on_account, on_entitlement, on_grant, perform, read
from postgres_harness import TOOL, PostgresApp

from reconciler.items import AccountItem, EntitlementItem
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("postgres", against="real product", of="PostgreSQL 15 and 18")

NAMES = ['x" SUPERUSER --', "a; DROP ROLE tester", "%s %(a)s {role}", "Ana Ruiz", "ana@acme.example", "ünï\\'"]


def creating(name: str, identity: str = "ana", **more: str | int | bool) -> Change:
    """Return what makes an account."""
    after = {"username": name, "external_id": identity, **more}
    return Change("db", Operation.CREATE_ACCOUNT, AccountItem(identity), "postgres", after=after, username=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_ever_a_name(app: PostgresApp, name: str) -> None:
    """Whatever is in a name is quoted: it is made, granted, suspended and dropped, and nothing else happens."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE {{}}', f"team {name}")
    (made,) = perform(app, creating(name))
    assert made.outcome is Outcome.DONE, made
    snapshot = read(app)
    found = account(snapshot, name)
    assert (found.remote_id, found.external_id) == (made.remote_id, "ana")
    changes = [
        on_grant(snapshot, Operation.GRANT, name, f"role:team {name}", "member"),
        on_account(snapshot, Operation.UPDATE_ACCOUNT, name, valid_until="2031-01-01"),
        on_account(snapshot, Operation.SUSPEND_ACCOUNT, name),
        on_account(snapshot, Operation.DELETE_ACCOUNT, name),
    ]
    receipts = perform(app, *changes)
    assert [each.outcome for each in receipts] == [Outcome.DONE] * 4, receipts
    assert app.rows("SELECT rolname FROM pg_roles WHERE oid >= 16384 ORDER BY 1") == sorted(
        [(TOOL,), (f"team {name}",)]
    )
    assert app.rows("SELECT rolname FROM pg_roles WHERE rolsuper") == [("tester",)]


def test_a_new_account_has_no_password(app: PostgresApp) -> None:
    """How people prove who they are is not the tool's: it sets no password."""
    perform(app, creating("ana"))
    assert app.rows("SELECT rolpassword, rolcanlogin FROM pg_authid WHERE rolname = 'ana'") == [(None, True)]


def test_an_account_that_is_there_is_nobody_elses(app: PostgresApp) -> None:
    """A role of that name that was not made for this identity is left alone, and said so; one that was is found."""
    app.run("CREATE ROLE ana LOGIN")
    (receipt,) = perform(app, creating("ana"))
    assert receipt.outcome is Outcome.FAILED
    assert "was not made for ana" in receipt.detail
    first, second = perform(app, creating("ann"), creating("ann"))
    assert first.remote_id == second.remote_id
    assert second.detail == "it is there already"


def test_a_recycled_name_inherits_nothing(app: PostgresApp) -> None:
    """A change that was planned for a role that is gone never reaches the new one of the same name."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE team; CREATE ROLE club')
    old = read(app)
    app.run("DROP ROLE ana")
    app.run("DROP ROLE team")
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE team')
    to_the_old, in_the_old, suspension, end = perform(
        app,
        on_grant(old, Operation.GRANT, "ana", "role:club", "member"),
        on_account(old, Operation.UPDATE_ACCOUNT, "ana", valid_until="2020-01-01"),
        on_account(old, Operation.SUSPEND_ACCOUNT, "ana"),
        on_account(old, Operation.DELETE_ACCOUNT, "ana"),
    )
    assert to_the_old.outcome is in_the_old.outcome is Outcome.FAILED
    assert suspension.outcome is end.outcome is Outcome.DONE
    assert "does not exist any more: nothing to do" in suspension.detail
    found = account(read(app), "ana")
    assert found.status is AccountStatus.ACTIVE
    assert found.attributes["valid_until"] is None
    assert found.remote_id != account(old, "ana").remote_id


def test_a_rename_keeps_the_id_and_what_is_held(app: PostgresApp) -> None:
    """Accounts and groups are renamed in place, and a second time there is nothing to do."""
    app.run(f'SET ROLE "{TOOL}"; CREATE ROLE ana LOGIN; CREATE ROLE team; GRANT team TO ana')
    before = read(app)
    account_change = on_account(before, Operation.UPDATE_ACCOUNT, "ana", username="ana.ruiz")
    group_change = on_entitlement(before, Operation.RENAME_ENTITLEMENT, "role:team", "role:crew")
    receipts = perform(app, account_change, account_change, group_change, group_change)
    assert [each.outcome for each in receipts] == [Outcome.DONE] * 4, receipts
    after = read(app)
    assert account(after, "ana.ruiz").remote_id == account(before, "ana").remote_id
    assert (account(after, "ana.ruiz").remote_id, "role:crew", "member") in set(after.grants())


@pytest.mark.parametrize(
    ("written", "kept"),
    [("2031-08-31", "2031-08-31"), ("2031-08-31T18:00:00Z", "2031-08-31T18:00:00Z"), (None, None)],
)
def test_an_end_of_validity_is_read_as_it_was_written(app: PostgresApp, written: str | None, kept: str | None) -> None:
    """A day, an instant, or none: what is written is read back the same, so that nothing is left to do."""
    app.run(f"SET ROLE \"{TOOL}\"; CREATE ROLE ana LOGIN VALID UNTIL '2030-01-01 12:00+02'")
    (receipt,) = perform(app, on_account(read(app), Operation.UPDATE_ACCOUNT, "ana", valid_until=written))
    assert receipt.outcome is Outcome.DONE
    assert account(read(app), "ana").attributes["valid_until"] == kept


@pytest.mark.parametrize("written", ["tomorrow", "31.8.2031", "2031-08-31T00:00:00Z", "2031-02-30", "'; DROP"])
def test_an_end_of_validity_that_would_never_be_equal_is_refused(app: PostgresApp, written: str) -> None:
    """What PostgreSQL would read in its own way is not sent."""
    app.run("CREATE ROLE ana LOGIN")
    (receipt,) = perform(app, on_account(read(app), Operation.UPDATE_ACCOUNT, "ana", valid_until=written))
    assert receipt.outcome is Outcome.FAILED
    assert "write a day" in receipt.detail


def test_a_suspended_account_is_not_taken_for_a_group(app: PostgresApp) -> None:
    """Its comment keeps what was in it and says whose it is; reactivated, it can log in again."""
    app.run(f"SET ROLE \"{TOOL}\"; CREATE ROLE ana LOGIN; COMMENT ON ROLE ana IS 'kept by Lee'")
    before = read(app)
    perform(app, on_account(before, Operation.SUSPEND_ACCOUNT, "ana"))
    assert account(read(app), "ana").status is AccountStatus.SUSPENDED
    assert app.rows("SELECT shobj_description('ana'::regrole, 'pg_authid')") == [("kept by Lee [account]",)]
    perform(app, on_account(before, Operation.REACTIVATE_ACCOUNT, "ana"))
    assert account(read(app), "ana").status is AccountStatus.ACTIVE


def test_a_name_that_postgres_would_cut_is_refused(app: PostgresApp) -> None:
    """64 bytes become 63 without a word: two people could end as one role."""
    (receipt,) = perform(app, creating("ä" * 32))
    assert receipt.outcome is Outcome.FAILED
    assert "at most 63 bytes" in receipt.detail
    group = Change("db", Operation.CREATE_ENTITLEMENT, EntitlementItem("role:" + "x" * 64), "postgres")
    assert perform(app, group)[0].outcome is Outcome.FAILED


def test_an_id_of_another_cluster_is_refused(app: PostgresApp) -> None:
    """After a restore into a new cluster the same oid is somebody else."""
    app.run("CREATE ROLE ana LOGIN")
    change = on_account(read(app), Operation.SUSPEND_ACCOUNT, "ana")
    oid = change.account_id.partition(".")[0]
    other = Change("db", change.operation, change.item, "postgres", account_id=f"{oid}.1", username="ana")
    (receipt,) = perform(app, other)
    assert receipt.outcome is Outcome.FAILED
    assert "another cluster" in receipt.detail
    assert account(read(app), "ana").status is AccountStatus.ACTIVE
