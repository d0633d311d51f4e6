"""Admin roles: for the whole account, in one organizational unit, on a condition, and of whom no list shows."""

import pytest
from google_driving import at, change, drive, join, outcome, perform, read
from google_fake import FakeGoogle
from google_harness import RunningGoogle

from providers.google.provider import GoogleProvider
from reconciler.provider.change import Operation

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


def seed() -> FakeGoogle:
    """Return a customer with a user (u100), a group (g101), a role and two units."""
    app = FakeGoogle()
    app.add_user(at("ana"))
    app.add_group(at("helpers"))
    app.roles["r1"] = "HELP_DESK"
    app.units |= {"ou1": "/Sales", "ou2": "/Sales/North"}
    return app


def assign(app: FakeGoogle, who: str, **more: str) -> str:
    """Assign the role by hand."""
    number = f"a{len(app.assignments)}"
    app.assignments[number] = {
        "roleAssignmentId": number, "roleId": "r1", "assignedTo": who, "scopeType": "CUSTOMER", **more,
    }  # fmt: skip
    return number


def test_a_role_in_a_unit_is_another_than_the_role_for_the_whole_account() -> None:
    """Lists of units say `id:ou1`, assignments say `ou1`; what is shown is the unit's path."""
    app = seed()
    assign(app, "u100")
    assign(app, "u100", scopeType="ORG_UNIT", orgUnitId="ou1")
    assign(app, "g101", scopeType="ORG_UNIT", orgUnitId="id:ou2")
    snapshot = read(app)
    assert sorted(snapshot.grants()) == [
        ("group:helpers", "role:HELP_DESK@/Sales/North", None),
        ("u100", "role:HELP_DESK", None),
        ("u100", "role:HELP_DESK@/Sales", None),
    ]


def test_a_role_is_given_and_taken_in_its_unit_only() -> None:
    """The unit goes into the assignment by its bare id; the same role elsewhere stays; each step works twice."""
    app = seed()
    kept = assign(app, "u100")
    ids = {"account_id": "u100", "entitlement_id": "r1@ou1"}
    grant = change(Operation.GRANT, "ana", "role:HELP_DESK@/Sales", **ids)
    assert [outcome(each)[1] for each in perform(app, grant, grant)] == ["", "held already"]
    made = [each for number, each in app.assignments.items() if number != kept]
    assert [(each["scopeType"], each["orgUnitId"]) for each in made] == [("ORG_UNIT", "ou1")]
    revoke = change(Operation.REVOKE, "ana", "role:HELP_DESK@/Sales", **ids)
    assert [outcome(each)[1] for each in perform(app, revoke, revoke)] == ["", "not held"]
    assert list(app.assignments) == [kept]


def test_a_group_is_given_a_role() -> None:
    """Whoever is in the group has it; the holder is the group, by its id."""
    app = seed()
    ids = {"holder_entitlement_id": "g101", "entitlement_id": "r1"}
    perform(app, change(Operation.GRANT, "group:helpers", "role:HELP_DESK", **ids))
    assert list(read(app).grants()) == [("group:helpers", "role:HELP_DESK", None)]


def test_a_unit_in_which_nobody_has_a_role_yet_is_named_in_the_configuration() -> None:
    """Roles in `role_units` can be granted; a path that is no unit is told, and makes nothing up."""
    snapshot = read(seed(), role_units=["/Sales/North", "/Gone"])
    assert {each.key for each in snapshot.entitlements if each.key.startswith("role:")} == {
        "role:HELP_DESK",
        "role:HELP_DESK@/Sales/North",
    }
    assert "there is no organizational unit /Gone" in snapshot.notes


def test_a_unit_keeps_its_roles_when_it_is_renamed() -> None:
    """The remote id is made of ids; only the name that is shown changes."""
    app = seed()
    assign(app, "u100", scopeType="ORG_UNIT", orgUnitId="ou1")
    before = {each.remote_id: each.key for each in read(app).entitlements}
    app.units["ou1"] = "/Field"
    after = {each.remote_id: each.key for each in read(app).entitlements}
    assert (before["r1@ou1"], after["r1@ou1"]) == ("role:HELP_DESK@/Sales", "role:HELP_DESK@/Field")


def test_a_role_on_a_condition_is_told_and_left_alone() -> None:
    """It is not the role: neither a grant of it, nor taken away with it."""
    app = seed()
    kept = assign(app, "u100", condition="resource.type == 'cloudidentity.googleapis.com/Group'")
    assert "1 admin roles are held on a condition; they are left alone" in read(app).notes
    assert list(read(app).grants()) == []
    ids = {"account_id": "u100", "entitlement_id": "r1"}
    receipt = perform(app, change(Operation.REVOKE, "ana", "role:HELP_DESK", **ids))[0]
    assert receipt.detail == "not held"
    assert list(app.assignments) == [kept]


def test_a_role_of_a_service_account_is_told() -> None:
    """Whoever is in no list holds it: said in the notes, and no reason to leave the others unread."""
    app = seed()
    assign(app, "115239123")
    assign(app, "u100")
    snapshot = read(app)
    assert "1 admin roles are held by service accounts, or by nobody any more" in snapshot.notes
    assert [who for who, _, _ in snapshot.grants()] == ["u100"]
    assert snapshot.collections["grants:role"].complete


def test_a_lost_answer_to_an_assignment_is_looked_up() -> None:
    """Assigning twice would make two: whether the first landed is read before anything is said."""
    app = seed()
    app.losing = True
    ids = {"account_id": "u100", "entitlement_id": "r1"}
    receipt = perform(app, change(Operation.GRANT, "ana", "role:HELP_DESK", **ids))[0]
    assert outcome(receipt) == ("done, not verified", "the answer was lost; it was done")
    assert len(app.assignments) == 1


def test_a_role_assigned_twice_is_revoked_whole() -> None:
    """By hand, or by a race, somebody may have it twice: nothing of it stays."""
    app = seed()
    assign(app, "u100")
    assign(app, "u100")
    ids = {"account_id": "u100", "entitlement_id": "r1"}
    assert perform(app, change(Operation.REVOKE, "ana", "role:HELP_DESK", **ids))[0].detail == ""
    assert not app.assignments


def test_units_that_may_not_be_read_leave_the_roles_unread() -> None:
    """Without the units a role in one could pass for another; the groups are read all the same."""
    app = seed()
    join(app, app.groups["g101"], at("ana"))

    async def work(google: RunningGoogle, provider: GoogleProvider) -> None:
        google.app.forbidden.add("units")
        snapshot = await provider.read()
        assert not snapshot.collections["entitlements:role"].complete
        assert not snapshot.collections["grants:role"].complete
        assert snapshot.collections["grants:group"].complete

    drive(work, app=app)
