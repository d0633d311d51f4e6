"""Reading: every part whole or named as missing, in the least number of requests."""

from math import ceil

import pytest
from entra_driving import read
from fake_graph import CLIENT, SECRET, FakeGraph

from providers.entra.mapping import name_all
from reconciler.errors import ReconcilerError
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("entra", against="our own fake", of="properties checked against Microsoft's types")


def tenant(app: FakeGraph, people: int, groups: int, apps: int) -> None:
    """Fill a tenant; each group has a few members and a role of an app."""
    users = [app.add_user(f"p{number}@acme.example") for number in range(people)]
    for number in range(apps):
        app.add_app(f"app{number}", "Users", "Admins")
    for number in range(groups):
        group = app.add_group(f"g{number}", *users[number::groups])
        if apps:
            chosen = list(app.apps)[number % apps]
            app.assign_app(group, chosen, app.role_of(chosen, "Users"))


def test_a_read_takes_the_least_number_of_requests(app: FakeGraph) -> None:
    """Pages of users and groups, a delta query in place of one request a group, and one an application."""
    tenant(app, people=1000, groups=200, apps=7)
    app.page = 100  # what the service chooses for a delta query; users and groups come in pages of up to 999
    snapshot = read(app)
    pages = ceil(1000 / 100) + ceil(200 / 100) + ceil(400 / 100)
    assert snapshot.requests == len(app.log) == pages + 1 + 1 + 1 + 1 + 7
    assert len(list(snapshot.grants())) == 1000 + 200
    assert len(snapshot.entitlements) == 200 + 7 * 2
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_an_organization_of_a_thousand_takes_eight_requests(app: FakeGraph) -> None:
    """Two pages of users and one of everything else, where the service gives whole pages."""
    tenant(app, people=1000, groups=200, apps=0)
    assert read(app).requests == 2 + 1 + 1 + 1 + 1 + 1 + 1


def test_members_may_come_in_parts_and_in_any_order(app: FakeGraph) -> None:
    """One large group is spread over many pages, among parts of others."""
    app.page = 2
    users = [app.add_user(f"p{number}@acme.example") for number in range(9)]
    app.add_group("all", *users)
    app.add_group("few", users[0])
    app.add_group("none")
    found = read(app)
    assert sorted(key for _, key, _ in found.grants()) == ["group:all"] * 9 + ["group:few"]
    assert found.collections["grants:group"].complete
    assert not found.collections["grants:group"].unread


def test_a_delta_query_without_its_end_is_cut_off(app: FakeGraph) -> None:
    """The last page has a delta link; without it members may be missing, and nobody is taken for removed."""
    tenant(app, people=5, groups=2, apps=0)
    app.cut = True
    found = read(app).collections["grants:group"]
    assert not found.complete
    assert "cut off" in found.why


def test_a_group_that_the_delta_query_does_not_tell_is_unread(app: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made in between: who is in it is not known, and not nobody."""
    tenant(app, people=3, groups=1, apps=0)
    whole = FakeGraph._delta

    def without_the_last(self: FakeGraph, asked: dict[str, str]) -> dict[str, object]:
        found = whole(self, asked)
        last = list(self.groups)[-1]
        return {**found, "value": [each for each in found["value"] if each["id"] != last]}

    app.add_group("new", *app.users)
    monkeypatch.setattr(FakeGraph, "_delta", without_the_last)
    assert read(app).collections["grants:group"].unread == {"group:new"}


def test_groups_hold_groups_roles_apps_and_licenses(app: FakeGraph) -> None:
    """What a group holds is held by the group, and not once more by each member."""
    ana, sku = app.add_user("ana@acme.example"), app.add_sku("SPE_E3")
    inner = app.add_group("inner", ana)
    app.add_group("outer", inner)
    app.groups[inner]["assignedLicenses"] = [{"skuId": sku, "disabledPlans": []}]
    app.license(ana, sku, group=inner)
    app.assign_role(inner, app.add_role("User Administrator"))
    salesforce = app.add_app("Salesforce", "Standard User")
    app.assign_app(inner, salesforce, app.role_of(salesforce, "Standard User"))
    assert set(read(app).grants()) == {
        (ana, "group:inner", None),
        ("group:inner", "group:outer", None),
        ("group:inner", "license:SPE_E3", None),
        ("group:inner", "role:User Administrator", None),
        ("group:inner", "app:Salesforce/Standard User", None),
    }


def test_what_is_held_otherwise_is_told_and_left_alone(app: FakeGraph) -> None:
    """An application in a group, and a role for a part of the tenant, are nobody's grants here."""
    robot = app.id()
    app.add_group("robots", robot)
    app.assign_role(app.add_user("ana@acme.example"), app.add_role("User Administrator"), "/administrativeUnits/1")
    found = read(app)
    assert not list(found.grants())
    assert found.collections["grants:group"].complete
    assert found.notes == [
        "1 role assignments for a part of the tenant are left alone: they are not read here",
        "group:robots is also held by 1 that is neither user nor group here",
    ]


def test_an_app_without_roles_has_the_default_one(app: FakeGraph) -> None:
    """Microsoft assigns it by an id of zeros."""
    wiki, ana = app.add_app("Wiki"), app.add_user("ana@acme.example")
    app.assign_app(ana, wiki, app.role_of(wiki, ""))
    assert list(read(app).grants()) == [(ana, "app:Wiki/default", None)]


def test_the_state_of_a_user_is_what_entra_says(app: FakeGraph) -> None:
    """Disabled, invited and not yet there, or active; without a mailbox the sign-in name is the email."""
    app.add_user("ana@acme.example", "ana.ruiz@acme.example")
    app.add_user("sam@acme.example", accountEnabled=False)
    app.add_user("kim_x.example#EXT#@acme.example", "kim@x.example", externalUserState="PendingAcceptance")
    assert [(each.email, each.status) for each in read(app).accounts] == [
        ("ana.ruiz@acme.example", AccountStatus.ACTIVE),
        ("sam@acme.example", AccountStatus.SUSPENDED),
        ("kim@x.example", AccountStatus.INVITED),
    ]


def test_names_that_tell_too_little_give_way_to_ids() -> None:
    """Two groups of one name are told apart by their ids, and so is one without a name."""
    assert name_all([("1", "Sales"), ("2", "sales"), ("3", " "), ("4", "IT")]) == {
        "1": "1",
        "2": "2",
        "3": "3",
        "4": "IT",
    }


def test_enterprise_apps_are_left_out_where_nobody_wants_them(app: FakeGraph) -> None:
    """Then a tenant with hundreds of apps costs no request for each."""
    tenant(app, people=1, groups=1, apps=3)
    assert not {name for name in read(app, enterprise_apps=False).collections if name.endswith(":app")}
    assert not [path for _, path in app.log if "servicePrincipals" in path]


def test_a_federated_identity_signs_in_without_a_secret(app: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of the CI's own identity is the assertion."""
    monkeypatch.setenv("CI_TOKEN", SECRET)
    app.add_user("ana@acme.example")
    assert len(read(app, client_assertion={"env": "CI_TOKEN"}).accounts) == 1
    (form,) = app.asked_for_token
    assert form["client_assertion_type"] == ["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    assert form["client_id"] == [CLIENT]


def test_a_wrong_secret_is_told_without_the_secret(app: FakeGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    """Microsoft's words, and no secret among them."""
    monkeypatch.setenv("ENTRA_CANARY", f"{SECRET}-wrong")
    with pytest.raises(ReconcilerError) as error:
        read(app)
    assert "AADSTS7000215" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("said", [(410, "syncStateNotFound"), (400, "Directory_ExpiredPageToken")])
def test_a_list_whose_next_page_has_expired_is_read_anew_once(app: FakeGraph, said: tuple[int, str]) -> None:
    """From its beginning, so that nothing is missing and nobody is there twice; a second time it is incomplete."""
    app.page = 2
    people = [app.add_user(f"p{number}@acme.example") for number in range(5)]
    app.expired = [said]
    snapshot = read(app)
    assert [one.remote_id for one in snapshot.accounts] == people
    assert snapshot.collections["accounts"].complete
    app.expired = [said, said]
    found = read(app).collections["accounts"]
    assert not found.complete
    assert "page token value has expired" in found.why


def test_a_group_with_hidden_members_that_shows_none_is_unread(app: FakeGraph) -> None:
    """Without Member.Read.Hidden it looks empty, and nobody is taken for gone; one that shows somebody is read."""
    ana = app.add_user("ana@acme.example")
    app.add_group("secret", visibility="HiddenMembership")
    app.add_group("shown", ana, visibility="HiddenMembership")
    app.add_group("empty", visibility="Private")
    found = read(app)
    assert found.collections["grants:group"].unread == {"group:secret"}
    assert list(found.grants()) == [(ana, "group:shown", None)]
