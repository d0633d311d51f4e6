"""Groups: who is in them from outside, groups in groups, addresses that change hands."""

import pytest
from google_driving import at, change, drive, join, outcome, perform, read
from google_fake import FakeGoogle
from google_harness import RunningGoogle
from support.http_server import Reply, Request

from providers.google.provider import GoogleProvider
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

KIM = "kim@partner.example"
OUTSIDE = f"external:{KIM}"


def seed() -> tuple[FakeGoogle, dict[str, dict[str, object]]]:
    """Return a customer with a user and three groups."""
    app = FakeGoogle()
    app.add_user(at("ana"))
    return app, {name: app.add_group(at(name)) for name in ("eng", "all", "ops")}


def test_a_member_from_outside_is_an_account_of_its_own() -> None:
    """Whoever is in a group and no user is shown with the address, at its level, once for all groups."""
    app, groups = seed()
    join(app, groups["eng"], KIM, role="MANAGER")
    join(app, groups["all"], "Kim@Partner.example")
    snapshot = read(app)
    found = [account for account in snapshot.accounts if account.remote_id == OUTSIDE]
    assert [(each.username, each.status, each.attributes) for each in found] == [
        (KIM, AccountStatus.ACTIVE, {"external": True})
    ]
    assert {grant for grant in snapshot.grants() if grant[0] == OUTSIDE} == {
        (OUTSIDE, "group:eng", "manager"),
        (OUTSIDE, "group:all", "member"),
    }


def test_a_group_from_outside_is_shown_as_whoever_is_behind_it() -> None:
    """A partner's list in one of our groups is somebody who has access, and no reason to leave the group unread."""
    app, groups = seed()
    join(app, groups["eng"], "list@partner.example", kind="GROUP")
    join(app, groups["eng"], at("ana"))
    snapshot = read(app)
    assert not snapshot.collections["grants:group"].unread
    assert {who for who, _, _ in snapshot.grants()} == {"external:list@partner.example", "u100"}


def test_everybody_as_a_member_is_said_and_is_nobodys_grant() -> None:
    """A member of the type CUSTOMER has no address; the snapshot notes it and stays whole."""
    app, groups = seed()
    app.members[str(groups["all"]["id"])]["C0example"] = {"id": "C0example", "type": "CUSTOMER", "role": "MEMBER"}
    snapshot = read(app)
    assert snapshot.collections["grants:group"].complete
    assert not snapshot.collections["grants:group"].unread
    assert "group:all: everybody in the organization is a member" in snapshot.notes


def test_a_member_of_ours_whom_no_list_shows_leaves_its_group_unread() -> None:
    """Somebody in our domain who is in no list may be new: of that group alone nothing is concluded."""
    app, groups = seed()
    join(app, groups["eng"], at("ghost"))
    join(app, groups["ops"], at("ana"))
    found = read(app).collections["grants:group"]
    assert found.complete
    assert found.unread == {"group:eng"}


def test_somebody_from_outside_is_added_leveled_and_removed_by_address() -> None:
    """An outsider has no id of ours; each operation works twice."""
    app, groups = seed()
    ids = {"account_id": OUTSIDE, "entitlement_id": str(groups["eng"]["id"])}
    grant = change(Operation.GRANT, KIM, "group:eng", after={"level": "manager"}, **ids)
    raise_ = change(Operation.SET_LEVEL, KIM, "group:eng", after={"level": "owner"}, **ids)
    revoke = change(Operation.REVOKE, KIM, "group:eng", **ids)
    receipts = perform(app, grant, grant)
    assert [outcome(each) for each in receipts] == [
        ("done, not verified", ""),
        ("done, not verified", "already a member"),
    ]
    assert [each["role"] for each in app.members[str(groups["eng"]["id"])].values()] == ["MANAGER"]
    assert [each.outcome.value for each in perform(app, raise_, raise_)] == ["done, not verified"] * 2
    assert [each["role"] for each in app.members[str(groups["eng"]["id"])].values()] == ["OWNER"]
    receipts = perform(app, revoke, revoke)
    assert [outcome(each) for each in receipts] == [("done, not verified", ""), ("done, not verified", "not a member")]


def test_a_leaver_from_outside_is_taken_out_of_every_group() -> None:
    """There is no account to suspend: what there is are memberships, and a look afterwards finds none."""
    app, groups = seed()
    for group in groups.values():
        join(app, group, KIM)

    async def work(_: RunningGoogle, provider: GoogleProvider) -> None:
        assert [account and account.remote_id for account in await provider.reread([OUTSIDE])] == [OUTSIDE]
        suspend = change(Operation.SUSPEND_ACCOUNT, KIM, account_id=OUTSIDE)
        receipts = [await provider.perform(suspend) for _ in range(2)]
        assert [each.detail for each in receipts] == [
            "no user here: removed from 3 groups",
            "no user here: removed from 0 groups",
        ]
        assert await provider.reread([OUTSIDE]) == [None]

    drive(work, app=app)
    assert not any(app.members.values())


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Operation.UPDATE_ACCOUNT, "only memberships of groups can be changed"),
        (Operation.REACTIVATE_ACCOUNT, "only memberships of groups can be changed"),
    ],
)
def test_what_an_outsider_has_not_is_not_changed(operation: Operation, words: str) -> None:
    """No request is sent for an account that is not ours."""
    app, _ = seed()
    receipt = perform(app, change(operation, KIM, account_id=OUTSIDE, after={"title": "x"}))[0]
    assert receipt.outcome.value == "failed"
    assert words in receipt.detail
    assert not app.seen


def test_a_group_holds_a_group_until_it_is_taken_out() -> None:
    """Nesting is a grant whose holder is an entitlement: read, given and taken by the groups' ids."""
    app, groups = seed()
    ids = {"holder_entitlement_id": str(groups["eng"]["id"]), "entitlement_id": str(groups["all"]["id"])}
    grant = change(Operation.GRANT, "group:eng", "group:all", **ids)
    assert [each.outcome.value for each in perform(app, grant, grant)] == ["done, not verified"] * 2
    assert list(read(app).grants()) == [("group:eng", "group:all", "member")]
    perform(app, change(Operation.REVOKE, "group:eng", "group:all", **ids))
    assert list(read(app).grants()) == []


def test_a_membership_that_went_to_somebody_else_is_taken_back() -> None:
    """An address changed hands between being looked up and being added: the stranger does not keep it."""
    app, groups = seed()
    ana = app.find(at("ana"))
    assert ana
    group = str(groups["eng"]["id"])

    async def work(google: RunningGoogle, provider: GoogleProvider) -> str:
        def handle(request: Request) -> Reply:
            if request.method == "POST":
                ana["primaryEmail"] = at("ana.old")
                app.add_user(at("ana"))
            return app.answer(request)

        google.server.handler = handle
        grant = change(Operation.GRANT, "ana", "group:eng", account_id=str(ana["id"]), entitlement_id=group)
        return (await provider.perform(grant)).detail

    assert "became somebody else's; taken out again" in drive(work, app=app)
    assert app.members[group] == {}


def test_a_group_takes_another_address_and_keeps_its_members() -> None:
    """A rename changes the address of the same group; the old address stays with it as an alias."""
    app, groups = seed()
    join(app, groups["eng"], at("ana"))
    rename = change(
        Operation.RENAME_ENTITLEMENT, entitlement="group:engineering", entitlement_id=str(groups["eng"]["id"])
    )
    assert [each.outcome.value for each in perform(app, rename, rename)] == ["done, not verified"] * 2
    assert list(read(app).grants()) == [("u100", "group:engineering", "member")]
    assert groups["eng"]["aliases"] == [at("eng")]


def test_an_address_that_somebody_has_is_no_group() -> None:
    """A group is not made in a user's place, nor adopted by an alias; the words say who has the address."""
    app, groups = seed()
    groups["ops"]["aliases"] = [at("support")]
    receipts = perform(
        app,
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:ana"),
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:support"),
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:eng"),
    )
    assert [each.outcome.value for each in receipts] == ["failed", "failed", "done, not verified"]
    assert "a user has it" in receipts[0].detail
    assert f"an alias of {at('ops')}" in receipts[1].detail
    assert (receipts[2].detail, receipts[2].remote_id) == ("it existed already", groups["eng"]["id"])


def test_without_a_domain_groups_go_by_their_whole_address() -> None:
    """Then a name that is no address is refused with what to do, and a whole one is made as it is."""
    app, _ = seed()
    receipts = perform(
        app,
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:sales"),
        change(Operation.CREATE_ENTITLEMENT, entitlement="group:sales@second.example"),
        domain=None,
    )
    assert "sales is no address; say `domain:` or write it whole" in receipts[0].detail
    assert receipts[1].outcome.value == "done, not verified"
    assert {each.key for each in read(app, domain=None).entitlements if "sales" in each.key} == {
        "group:sales@second.example"
    }
