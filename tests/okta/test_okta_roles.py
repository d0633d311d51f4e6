"""Admin roles of users and groups."""

import pytest
from okta_api import FakeOkta
from okta_driving import grant, perform, read

from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import Snapshot, grants_of

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")
KINDS = ["role", "custom-role"]


def roles_of(snapshot: Snapshot) -> set[tuple[str, str]]:
    """Return who holds which role."""
    return {(holder, key) for holder, key, _ in snapshot.grants() if "role" in key}


def test_roles_are_read_where_they_were_assigned(app: FakeOkta) -> None:
    """A member of an admin group has no role of their own: it is the group's, though Okta lists it for the member."""
    ana, omar, group = app.add_user("ana@x.example"), app.add_user("omar@x.example"), app.add_group("helpers")
    app.members.add((group, omar))
    app.add_role(ana, "SUPER_ADMIN")
    app.add_role(group, "HELP_DESK_ADMIN")
    found = roles_of(read(app, kinds=KINDS))
    assert found == {(ana, "role:SUPER_ADMIN"), ("group:helpers", "role:HELP_DESK_ADMIN")}


def test_all_standard_roles_are_known_whether_anybody_holds_them_or_not(app: FakeOkta) -> None:
    """A role that nobody holds can be declared."""
    keys = {one.key for one in read(app, kinds=KINDS).entitlements}
    assert keys == set(app.world().entitlements)


@pytest.mark.parametrize(
    ("role", "limit"), [("USER_ADMIN", {"groups": [{"id": "00g9"}]}), ("APP_ADMIN", {"apps": [{"name": "slack"}]})]
)
def test_a_role_that_is_limited_to_some_is_not_the_role(app: FakeOkta, role: str, limit: dict[str, object]) -> None:
    """An administrator of one group is told apart from one of all, and cannot be mistaken for them."""
    ana = app.add_user("ana@x.example")
    app.add_role(ana, role, **limit)
    assert roles_of(read(app, kinds=KINDS)) == {(ana, f"custom-role:{role} limited")}


def test_custom_roles_are_read_with_their_resource_set(app: FakeOkta) -> None:
    """The same role on another set is another entitlement; its label is for people, its ids pin it."""
    ana = app.add_user("ana@x.example")
    app.add_role(ana, "CUSTOM", **{"label": "Helper", "role": "cr0a", "resource-set": "iam1"})
    app.add_role(ana, "CUSTOM", **{"label": "Helper", "role": "cr0a", "resource-set": "iam2"})
    snapshot = read(app, kinds=KINDS)
    assert roles_of(snapshot) == {(ana, "custom-role:Helper on iam1"), (ana, "custom-role:Helper on iam2")}
    assert {"cr0a:iam1", "cr0a:iam2"} < {one.remote_id for one in snapshot.entitlements}


def test_a_role_is_given_and_taken_and_twice_is_as_good_as_once(app: FakeOkta) -> None:
    """Of a user, and of a group."""
    ana, group = app.add_user("ana@x.example"), app.add_group("helpers")
    for more in ({}, {"holder_entitlement_id": group}):
        holder = group if more else ana
        for operation in (Operation.GRANT, Operation.REVOKE):
            for _ in range(2):
                (receipt,) = perform(app, grant(holder, "role:REPORT_ADMIN", "role:REPORT_ADMIN", operation, **more))
                assert receipt.outcome is Outcome.DONE, receipt.detail
            assert app.is_admin(holder) is (operation is Operation.GRANT)


def test_a_limited_role_is_not_taken_for_the_whole_one(app: FakeOkta) -> None:
    """Okta answers that there is one already: granting fails with the way out, and revoking leaves it alone."""
    ana = app.add_user("ana@x.example")
    app.add_role(ana, "USER_ADMIN", groups=[{"id": "00g9"}])
    given, taken = (
        perform(app, grant(ana, "role:USER_ADMIN", "role:USER_ADMIN", operation))[0]
        for operation in (Operation.GRANT, Operation.REVOKE)
    )
    assert given.outcome is Outcome.FAILED
    assert "it is limited to some groups or apps" in given.detail
    assert (taken.outcome, taken.detail) == (Outcome.DONE, "was not assigned")
    assert app.is_admin(ana)


@pytest.mark.parametrize("name", ["hasAdminPrivilege", "hasAdminPrivlege"])
def test_groups_without_roles_are_not_asked(app: FakeOkta, name: str) -> None:
    """Okta's statistics say which groups have roles, in the reference under a misspelt name."""
    app.stats = name
    groups = [app.add_group(f"g{number}") for number in range(20)]
    app.add_role(groups[7], "REPORT_ADMIN")
    snapshot = read(app, kinds=["role"])
    assert roles_of(snapshot) == {("group:g7", "role:REPORT_ADMIN")}
    assert snapshot.requests == 6  # twice users, myself, groups, admins, one group's roles


def test_without_statistics_every_group_is_asked(app: FakeOkta) -> None:
    """What does not say that a group has none is no proof."""
    app.stats = ""
    groups = [app.add_group(f"g{number}") for number in range(20)]
    app.add_role(groups[7], "REPORT_ADMIN")
    snapshot = read(app, kinds=["role"])
    assert roles_of(snapshot) == {("group:g7", "role:REPORT_ADMIN")}
    assert snapshot.requests == 25


def test_admins_are_read_over_several_pages(app: FakeOkta) -> None:
    """This list has its link inside, and not in a header alone."""
    app.page = 3
    admins = [app.add_user(f"p{number}@x.example") for number in range(8)]
    for one in admins:
        app.add_role(one, "SUPER_ADMIN")
    assert roles_of(read(app, kinds=KINDS)) == {(one, "role:SUPER_ADMIN") for one in admins}


@pytest.mark.parametrize("hidden", ["iam/assignees/users", "users/00u1/roles", "groups/00g3/roles"])
def test_admins_who_may_not_be_seen_make_roles_incomplete(app: FakeOkta, hidden: str) -> None:
    """Reading roles needs more than reading users: without it nothing is said of roles, and all else is read."""
    app.add_role(app.add_user("ana@x.example"), "SUPER_ADMIN")
    app.add_role(app.add_group("helpers"), "HELP_DESK_ADMIN")
    app.forbidden = {hidden}
    collections = read(app).collections
    assert not collections[grants_of("role")].complete
    assert "403" in collections[grants_of("role")].why
    assert collections["accounts"].complete
    assert collections[grants_of("group")].complete


def test_a_refused_grant_has_the_products_words(app: FakeOkta) -> None:
    """An account without the right to assign roles."""
    ana = app.add_user("ana@x.example")
    app.refusing = True

    (receipt,) = perform(app, grant(ana, "role:SUPER_ADMIN", "role:SUPER_ADMIN"))
    assert receipt.outcome is Outcome.FAILED
    assert "Operation failed because of a policy" in receipt.detail
