"""What is done to people themselves: signed out, made admins and owners and no longer, and what the Web API cannot."""

import pytest
from fake_slack import FakeSlack
from slack_driving import config, grant, on_account, on_entitlement, perform, read, revoke
from slack_objects import TEAM

from providers.slack.capabilities import capabilities_of
from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")

ADMIN = {"admin_token": {"env": "SLACK_ADMIN_CANARY"}}


def test_somebody_is_signed_out_everywhere_with_the_admins_token(app: FakeSlack) -> None:
    """Only that token may, and only that method gets it; who is gone has no sessions."""
    ana = app.add_user("ana")
    done, gone = perform(
        app, on_account(Operation.END_SESSIONS, ana), on_account(Operation.END_SESSIONS, "U0GONE"), **ADMIN
    )
    assert (done.outcome, gone.outcome) == (Outcome.DONE, Outcome.DONE)
    assert app.signed_out == [ana]


def test_without_an_enterprise_plan_the_refusal_says_so(app: FakeSlack) -> None:
    """The token was given, and the plan does not have the method."""
    app.grid = False
    (receipt,) = perform(app, on_account(Operation.END_SESSIONS, app.add_user("ana")), **ADMIN)
    assert receipt.outcome is Outcome.FAILED
    assert "feature_not_enabled (Slack's admin methods exist on Enterprise plans only)" in receipt.detail


def test_without_an_admins_token_nothing_of_it_is_offered() -> None:
    """A plan can then choose another way, or a ticket, and each refusal names the way that can."""
    plain, admin = capabilities_of(config("https://slack.test")), capabilities_of(config("https://slack.test", **ADMIN))
    assert not plain.ability(Operation.END_SESSIONS, "accounts")
    assert "admin_token" in plain.ability(Operation.GRANT, "role").why
    assert admin.ability(Operation.END_SESSIONS, "accounts")
    assert admin.ability(Operation.GRANT, "role")
    for operation in (Operation.CREATE_ACCOUNT, Operation.SUSPEND_ACCOUNT, Operation.REACTIVATE_ACCOUNT):
        assert "SCIM" in admin.ability(operation, "accounts").why


def test_taking_a_role_never_takes_a_higher_one(app: FakeSlack) -> None:
    """Somebody was made an owner meanwhile: that they are no admin any more is so already."""
    ana = app.add_user("ana", is_admin=True, is_owner=True)
    (receipt,) = perform(app, revoke(ana, "role:admin", "admin"), **ADMIN)
    assert receipt.outcome is Outcome.DONE
    assert app.users[ana]["is_owner"]
    assert app.log == ["users.info"]


def test_an_owner_becomes_an_admin_without_a_moment_of_neither(app: FakeSlack) -> None:
    """The role is given in place, and taking the old one finds it gone."""
    ana = app.add_user("ana", is_admin=True, is_owner=True)
    perform(app, grant(ana, "role:admin", "admin"), **ADMIN)
    perform(app, revoke(ana, "role:owner", "owner"), **ADMIN)
    assert (app.users[ana]["is_admin"], app.users[ana]["is_owner"]) == (True, False)
    assert "admin.users.setRegular" not in app.log


def test_the_primary_owner_stays_one(app: FakeSlack) -> None:
    """Slack refuses, and its word is told."""
    boss = app.add_user("boss", is_admin=True, is_owner=True, is_primary_owner=True)
    (receipt,) = perform(app, revoke(boss, "role:owner", "owner"), **ADMIN)
    assert receipt.outcome is Outcome.FAILED
    assert "cannot_modify_primary_owner" in receipt.detail


def test_a_guest_is_never_made_a_member_by_taking_something(app: FakeSlack) -> None:
    """Being a guest is a limit and no access: no operation takes it away."""
    guest = app.add_user("guest", is_restricted=True)
    (receipt,) = perform(app, revoke(guest, "guest:workspace", "workspace"), **ADMIN)
    assert receipt.outcome is Outcome.FAILED
    assert not app.log
    assert app.users[guest]["is_restricted"]


def test_a_token_of_an_organization_names_its_workspace(app: FakeSlack) -> None:
    """Everything that takes a workspace gets it."""
    app.organization = True
    ana = app.add_user("ana", "ana@acme.example")
    group = app.add_group("eng", [])
    where = {"team": TEAM}
    assert all(each.complete for each in read(app, **where).collections.values())
    receipts = perform(
        app,
        grant(ana, "usergroup:eng", group),
        on_entitlement(Operation.CREATE_ENTITLEMENT, "usergroup:ops"),
        on_entitlement(Operation.CREATE_ENTITLEMENT, "channel:sales"),
        **where,
    )
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
