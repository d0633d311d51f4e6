"""Reading: every part whole or named as missing, in the least number of requests."""

from math import ceil

import pytest
from aws_driving import on_account, on_group, perform, read
from aws_protocol import SECRET_KEY
from fake_identity_center import FakeIdentityCenter

from providers.aws.mapping import name_accounts
from reconciler.errors import ReconcilerError
from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("aws", against="our own fake", of="requests checked against AWS's service models")


def organization(app: FakeIdentityCenter, people: int, groups: int, accounts: int, sets: int) -> int:
    """Fill an organization; each group has a permission set in three accounts. Return how many pairs there are."""
    users = [app.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    numbers = [app.add_account(f"account{number}") for number in range(accounts)]
    arns = [app.add_set(f"Set{number}") for number in range(sets)]
    for number in range(groups):
        group = app.add_group(f"g{number}")
        for user in users[number::groups][:5]:
            app.members[app.id()] = (group, user)
        for more in range(3):
            app.assigned.add((numbers[(number + more) % accounts], arns[number % sets], "GROUP", group))
    return len({each[:2] for each in app.assigned})


@pytest.mark.parametrize(("accounts", "sets"), [(30, 8), (4, 8)])
def test_a_read_takes_the_least_number_of_requests(app: FakeIdentityCenter, accounts: int, sets: int) -> None:
    """Pages, one a group, one a permission set, the fewer of sets and accounts, and one for each provisioned pair."""
    pairs = organization(app, 230, 20, accounts, sets)
    snapshot = read(app)
    least = 1 + ceil(230 / 100) + 1 + ceil(accounts / 20) + 1 + 20 + sets + min(accounts, sets) + pairs
    assert snapshot.requests == len(app.log) == least
    assert len(list(snapshot.grants())) == len(app.members) + len(app.assigned)
    assert len(snapshot.entitlements) == 20 + accounts * sets
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_an_empty_page_ends_nothing(app: FakeIdentityCenter) -> None:
    """A page without items that names a next one is not the last, as the reference of ListAccounts warns."""
    organization(app, 3, 1, 25, 1)
    app.empty_page = True
    assert sum(each.key.startswith("account:") for each in read(app).entitlements) == 25


def test_names_that_tell_too_little_give_way_to_ids() -> None:
    """Two accounts of one name, or one called like another's id: only ids tell them apart."""
    listed = [
        {"Id": "111111111111", "Name": "Production"},
        {"Id": "222222222222", "Name": "production"},
        {"Id": "333333333333", "Name": "111111111111"},
        {"Id": "444444444444", "Name": "sandbox"},
        {"Id": "555555555555", "Name": " "},
    ]
    assert name_accounts(listed) == {
        "111111111111": "111111111111",
        "222222222222": "222222222222",
        "333333333333": "333333333333",
        "444444444444": "sandbox",
        "555555555555": "555555555555",
    }


def test_the_assignment_of_a_deleted_user_is_told(app: FakeIdentityCenter) -> None:
    """AWS keeps it: it is nobody's grant, and no reason to call the list cut."""
    number, arn, user = app.add_account("production"), app.add_set("Admin"), app.add_user("ana")
    app.assigned.add((number, arn, "USER", user))
    app.drop_user(user)
    snapshot = read(app)
    assert not list(snapshot.grants())
    assert snapshot.collections["grants:account"].complete
    assert any("still assigned to a deleted user" in note for note in snapshot.notes)


def test_an_assignment_to_a_group_that_cannot_be_listed_is_unread(app: FakeIdentityCenter) -> None:
    """Who holds it is not known: it must not look as if nobody did."""
    organization(app, 3, 1, 3, 1)
    app.forbidden = {"ListGroups"}
    found = read(app).collections["grants:account"]
    assert found.unread == {f"account:account{number}/Set0" for number in range(3)}


def test_without_organizations_only_the_assignments_are_missing(app: FakeIdentityCenter) -> None:
    """People and groups are whole; accounts have no names, and that is said."""
    organization(app, 3, 1, 3, 1)
    app.forbidden = {"ListAccounts"}
    collections = read(app).collections
    assert {name: each.complete for name, each in collections.items()} == {
        "accounts": True,
        "entitlements:group": True,
        "grants:group": True,
        "entitlements:account": False,
        "grants:account": False,
    }
    assert "not authorized" in collections["entitlements:account"].why


def test_a_wrong_key_is_told_without_the_key(app: FakeIdentityCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's words, and no secret among them."""
    monkeypatch.setenv("AWS_CANARY_KEY", f"{SECRET_KEY}-wrong")
    with pytest.raises(ReconcilerError) as error:
        read(app)
    assert "InvalidSignatureException" in str(error.value)
    assert SECRET_KEY not in str(error.value)


def test_a_username_of_somebody_else_is_never_adopted(app: FakeIdentityCenter) -> None:
    """The name is taken, by another email: nothing is adopted."""
    app.add_user("ana", "ana@elsewhere.example")
    new = on_account(Operation.CREATE_ACCOUNT, "ana", after={"username": "ana", "email": "ana@acme.example"})
    (receipt,) = perform(app, new)
    assert receipt.outcome is Outcome.FAILED
    assert "belongs to somebody else" in receipt.detail


def test_what_aws_has_no_way_for_is_refused_with_the_reason(app: FakeIdentityCenter) -> None:
    """Disabling a user has no API: the ability says so, so that a plan makes it a ticket."""
    (receipt,) = perform(app, on_account(Operation.SUSPEND_ACCOUNT, "ana", app.add_user("ana")))
    assert receipt.outcome is Outcome.FAILED
    assert "only the console" in receipt.detail


def test_an_external_directory_is_only_read(app: FakeIdentityCenter) -> None:
    """Users and groups that come from elsewhere are not written here."""
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:ops"), directory="external")
    assert receipt.outcome is Outcome.FAILED
    assert not app.groups
