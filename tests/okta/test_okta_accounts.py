"""Users and their lifecycle."""

import logging
from dataclasses import replace
from io import StringIO

import pytest
from okta_api import FakeOkta
from okta_driving import grant, on_account, perform, read

from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")
ANA = {"username": "ana@acme.example", "email": "ana@acme.example", "person.name": "Ana María Ruiz"}


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("STAGED", AccountStatus.INVITED),
        ("PROVISIONED", AccountStatus.INVITED),
        ("ACTIVE", AccountStatus.ACTIVE),
        ("RECOVERY", AccountStatus.ACTIVE),
        ("PASSWORD_EXPIRED", AccountStatus.ACTIVE),
        ("LOCKED_OUT", AccountStatus.ACTIVE),
        ("SUSPENDED", AccountStatus.SUSPENDED),
        ("DEPROVISIONED", AccountStatus.SUSPENDED),
    ],
)
def test_each_status_is_read_as_what_it_means(app: FakeOkta, status: str, ours: AccountStatus) -> None:
    """Who is locked out gets in again alone, and is active; who is deactivated is listed apart, and still read."""
    app.add_user("ana@acme.example", status=status)
    (account,) = read(app).accounts
    assert account.status is ours


def test_a_status_that_nobody_knows_is_told_and_hides_no_access(app: FakeOkta) -> None:
    """It counts as active, so that a leaver in it is still suspended."""
    app.add_user("ana@acme.example", status="HIBERNATING")
    snapshot = read(app)
    assert snapshot.accounts[0].status is AccountStatus.ACTIVE
    assert "there are users in the unknown status HIBERNATING" in snapshot.notes


def test_a_new_user_gets_names_and_an_activation_mail(app: FakeOkta) -> None:
    """The name is split at its first word where nobody said how."""
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after={**ANA, "title": "Engineer"}))
    assert receipt.outcome is Outcome.DONE
    user = app.users[receipt.remote_id]
    assert user["status"] == "PROVISIONED"
    assert user["profile"]["firstName"] == "Ana"
    assert user["profile"]["lastName"] == "María Ruiz"
    assert user["profile"]["title"] == "Engineer"


def test_a_quiet_activation_sends_no_mail_and_shows_its_link_to_nobody(
    app: FakeOkta,
) -> None:
    """Okta answers with a link that lets anybody in: it is neither logged nor told."""
    log = StringIO()
    handler, logger = logging.StreamHandler(log), logging.getLogger("reconciler")
    logger.addHandler(handler)
    logging.getLogger("reconciler.http").setLevel(logging.DEBUG)
    try:
        (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=ANA), send_email=False)
    finally:
        logger.removeHandler(handler)
        logging.getLogger("reconciler.http").setLevel(logging.NOTSET)
    assert receipt.outcome is Outcome.DONE
    assert receipt.requests == 2
    assert app.users[receipt.remote_id]["status"] == "PROVISIONED"
    assert "lifecycle/activate" in log.getvalue()
    assert "canary-link" not in repr(receipt) + log.getvalue()


def test_a_user_may_be_left_staged(app: FakeOkta) -> None:
    """With `activate: false` nobody is let in."""
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=ANA), activate=False)
    assert app.users[receipt.remote_id]["status"] == "STAGED"


@pytest.mark.parametrize(
    ("existing", "words"),
    [
        ({"email": "other@elsewhere.example"}, "it belongs to somebody else"),
        ({"status": "DEPROVISIONED"}, "it is suspended"),
        ({"employeeNumber": "id-of-another"}, "it belongs to somebody else"),
    ],
)
def test_a_login_that_is_taken_is_not_adopted(app: FakeOkta, existing: dict[str, str], words: str) -> None:
    """Another's address, another's id, or a user who was deactivated: somebody has to look."""
    app.add_user("ana@acme.example", **existing)
    change = on_account(Operation.CREATE_ACCOUNT, "ana", after={**ANA, "external_id": "ana"})
    (receipt,) = perform(app, change, external_id="employeeNumber")
    assert receipt.outcome is Outcome.FAILED
    assert words in receipt.detail
    assert len(app.users) == 1


def test_a_user_without_a_name_is_not_made(app: FakeOkta) -> None:
    """Okta requires both names: the message says which are missing."""
    after = {"username": "ana@acme.example", "email": "ana@acme.example"}
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, "ana", after=after))
    assert receipt.outcome is Outcome.FAILED
    assert "Okta requires firstName, lastName" in receipt.detail


def test_an_update_changes_what_it_names_and_keeps_the_rest(app: FakeOkta) -> None:
    """A declared username is Okta's login; an attribute that was emptied is null."""
    ana = app.add_user("ana@acme.example", title="Engineer", department="IT")
    after = {"username": "ana.ruiz@acme.example", "email": "ana.ruiz@acme.example", "title": ""}
    (receipt,) = perform(app, on_account(Operation.UPDATE_ACCOUNT, "ana", ana, after))
    assert receipt.outcome is Outcome.DONE
    profile = app.users[ana]["profile"]
    assert (profile["login"], profile["email"]) == ("ana.ruiz@acme.example", "ana.ruiz@acme.example")
    assert (profile["title"], profile["department"], profile["firstName"]) == (None, "IT", "F")


def test_an_update_of_nothing_is_no_success(app: FakeOkta) -> None:
    """What cannot be said to Okta is not said to be done."""
    ana = app.add_user("ana@acme.example")
    (receipt,) = perform(app, on_account(Operation.UPDATE_ACCOUNT, "ana", ana, {"external_id": "x"}))
    assert receipt.outcome is Outcome.FAILED
    assert receipt.requests == 0


def test_suspending_deactivates_unless_told_otherwise(app: FakeOkta) -> None:
    """Deactivating takes the apps away, suspending keeps them."""
    ana, omar = app.add_user("ana@acme.example"), app.add_user("omar@acme.example")
    perform(app, on_account(Operation.SUSPEND_ACCOUNT, "ana", ana))
    perform(app, on_account(Operation.SUSPEND_ACCOUNT, "omar", omar), suspend="suspend")
    assert [app.users[one]["status"] for one in (ana, omar)] == ["DEPROVISIONED", "SUSPENDED"]


@pytest.mark.parametrize("status", ["PROVISIONED", "STAGED", "LOCKED_OUT", "RECOVERY"])
def test_who_cannot_be_suspended_is_deactivated_and_that_is_said(app: FakeOkta, status: str) -> None:
    """Okta suspends only ACTIVE users; a leaver in another status must not stay."""
    ana = app.add_user("ana@acme.example", status=status)
    (receipt,) = perform(app, on_account(Operation.SUSPEND_ACCOUNT, "ana", ana), suspend="suspend")
    assert receipt.outcome is Outcome.DONE
    assert status in receipt.detail
    assert app.users[ana]["status"] == "DEPROVISIONED"


@pytest.mark.parametrize(("status", "then"), [("SUSPENDED", "ACTIVE"), ("DEPROVISIONED", "PROVISIONED")])
def test_reactivating_takes_the_step_that_the_status_needs(app: FakeOkta, status: str, then: str) -> None:
    """A suspension is lifted; who was deactivated is activated again, and sets a new password."""
    ana = app.add_user("ana@acme.example", status=status)
    (receipt,) = perform(app, on_account(Operation.REACTIVATE_ACCOUNT, "ana", ana))
    assert receipt.outcome is Outcome.DONE
    assert app.users[ana]["status"] == then


@pytest.mark.parametrize("status", ["SUSPENDED", "DEPROVISIONED"])
def test_who_was_suspended_is_deleted_at_once(app: FakeOkta, status: str) -> None:
    """Okta's first DELETE only deactivates: a second follows where it is needed."""
    ana = app.add_user("ana@acme.example", status=status)
    (receipt,) = perform(app, on_account(Operation.DELETE_ACCOUNT, "ana", ana))
    assert receipt.outcome is Outcome.DONE
    assert not app.users


@pytest.mark.parametrize("status", ["ACTIVE", "LOCKED_OUT", "PROVISIONED"])
def test_nobody_is_deleted_who_was_let_in_again(app: FakeOkta, status: str) -> None:
    """Somebody reactivated them since the plan: nothing is deleted, nor even deactivated."""
    ana = app.add_user("ana@acme.example", status=status)
    change = replace(on_account(Operation.DELETE_ACCOUNT, "ana", ana), before={"status": "suspended"})
    (receipt,) = perform(app, change)
    assert receipt.outcome is Outcome.FAILED
    assert status in receipt.detail
    assert app.users[ana]["status"] == status


@pytest.mark.parametrize("tokens", [True, False])
def test_ending_sessions_revokes_tokens_where_wanted(app: FakeOkta, tokens: bool) -> None:
    """OpenID Connect and OAuth tokens go too, by default."""
    ana = app.add_user("ana@acme.example")
    (receipt,) = perform(app, on_account(Operation.END_SESSIONS, "ana", ana), end_tokens=tokens)
    assert receipt.outcome is Outcome.DONE
    assert app.sessions == [(ana, tokens)]


def test_a_step_without_a_user_reaches_nobody(app: FakeOkta) -> None:
    """An empty id would mean the list of all users."""
    app.add_user("ana@acme.example")
    group = app.add_group("eng")
    steps = [on_account(operation, "ana") for operation in (Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT)]
    receipts = perform(app, *steps, grant("", "group:eng", group))
    assert {receipt.outcome for receipt in receipts} == {Outcome.FAILED}
    assert [receipt.requests for receipt in receipts] == [0, 0, 0]
