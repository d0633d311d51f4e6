"""Assignments of apps: of users directly, and of groups."""

import pytest
from okta_api import FakeOkta
from okta_driving import grant, perform, read

from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import grants_of

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")


class Office:
    """Ana has an app directly, Omar through the group `eng`, and `Everyone` has another."""

    def __init__(self, app: FakeOkta) -> None:
        self.ana, self.omar = app.add_user("ana@acme.example"), app.add_user("omar@acme.example")
        self.eng, self.everyone = app.add_group("eng"), app.add_group("Everyone", "BUILT_IN")
        self.wiki, self.mail = app.add_app("Wiki"), app.add_app("Mail")
        app.members = {(self.eng, self.omar)}
        app.app_users = {(self.wiki, self.ana)}
        app.app_groups = {(self.wiki, self.eng), (self.mail, self.everyone)}


@pytest.fixture
def office(app: FakeOkta) -> Office:
    """The office, in the organization."""
    return Office(app)


def test_what_comes_through_a_group_is_no_grant_of_its_own(app: FakeOkta, office: Office) -> None:
    """Only direct assignments are compared; the group's is the group's, also that of Everyone."""
    assert set(read(app, kinds=["app"]).grants()) == {
        (office.ana, "app:Wiki", None),
        ("group:eng", "app:Wiki", None),
        ("built-in-group:Everyone", "app:Mail", None),
    }


def test_a_direct_assignment_is_made_and_taken_away(app: FakeOkta, office: Office) -> None:
    """Each twice: the second finds it done."""
    give = grant(office.ana, "app:Mail", office.mail)
    take = grant(office.ana, "app:Wiki", office.wiki, Operation.REVOKE)
    for change in (give, give, take, take):
        assert perform(app, change)[0].outcome is Outcome.DONE
    assert app.app_users == {(office.mail, office.ana)}


def test_a_group_is_assigned_and_unassigned(app: FakeOkta, office: Office) -> None:
    """A group holds an app as its own grant."""
    give = grant("group:eng", "app:Mail", office.mail, holder_entitlement_id=office.eng)
    take = grant("group:eng", "app:Wiki", office.wiki, Operation.REVOKE, holder_entitlement_id=office.eng)
    for change in (give, give, take, take):
        assert perform(app, change)[0].outcome is Outcome.DONE
    assert app.app_groups == {(office.mail, office.everyone), (office.mail, office.eng)}


def test_somebody_who_has_an_app_through_a_group_is_not_said_to_have_it_directly(app: FakeOkta, office: Office) -> None:
    """Okta answers 200 and changes nothing: that is no success."""
    (receipt,) = perform(app, grant(office.omar, "app:Wiki", office.wiki))
    assert receipt.outcome is Outcome.FAILED
    assert "is assigned through a group" in receipt.detail


def test_what_comes_through_a_group_is_not_revoked_from_a_person(app: FakeOkta, office: Office) -> None:
    """There is no direct assignment to take away, and the group's stays."""
    (receipt,) = perform(app, grant(office.omar, "app:Wiki", office.wiki, Operation.REVOKE))
    assert receipt.outcome is Outcome.DONE
    assert receipt.detail == "is assigned through a group only"
    assert (office.wiki, office.eng) in app.app_groups


def test_a_direct_assignment_beside_a_groups_cannot_be_taken_and_says_what_to_do(app: FakeOkta, office: Office) -> None:
    """Okta refuses with E0000046; its words and the way out are told."""
    app.app_users.add((office.wiki, office.omar))
    (receipt,) = perform(app, grant(office.omar, "app:Wiki", office.wiki, Operation.REVOKE))
    assert receipt.outcome is Outcome.FAILED
    assert "E0000046" in receipt.detail
    assert "take them out of the assigned groups first" in receipt.detail


def test_apps_that_cannot_be_told_apart_are_not_read(app: FakeOkta, office: Office) -> None:
    """Labels need not be unique in Okta."""
    app.app_users.add((app.add_app("Wiki"), office.omar))
    assert read(app).collections[grants_of("app")].unread == {"app:Wiki"}


def test_one_app_that_may_not_be_seen_leaves_the_others_whole(app: FakeOkta, office: Office) -> None:
    """An admin of some apps sees only those."""
    app.forbidden = {f"apps/{office.mail}/groups"}
    found = read(app).collections[grants_of("app")]
    assert found.complete
    assert found.unread == {"app:Mail"}
