"""Users: parts of lists, aliases, archiving, and addresses that somebody has already."""

import pytest
from google_driving import at, change, outcome, perform, read
from google_fake import FakeGoogle, error

from reconciler.provider.change import Operation
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")


def seed(**more: object) -> FakeGoogle:
    """Return a customer with a user, u100."""
    app = FakeGoogle()
    app.add_user(at("ana"), **more)
    return app


def update(app: FakeGoogle, **after: object) -> tuple[str, str]:
    """Update the user, and return how that ended."""
    return outcome(perform(app, change(Operation.UPDATE_ACCOUNT, "ana", account_id="u100", after=after))[0])


def test_a_part_of_a_list_is_set_and_the_rest_of_the_list_stays() -> None:
    """Google replaces lists whole: what somebody else keeps in them must come back unchanged."""
    app = seed(
        organizations=[{"name": "Acme", "title": "Dev", "primary": True}, {"name": "Side"}],
        externalIds=[{"type": "custom", "customType": "badge", "value": "7"}],
        relations=[{"type": "assistant", "value": "kim@acme.example"}],
    )
    assert update(app, title="Lead", costCenter="R1", employeeId="E1", manager="omar@acme.example")[0] != "failed"
    user = app.users["u100"]
    assert user["organizations"] == [
        {"name": "Acme", "title": "Lead", "costCenter": "R1", "primary": True},
        {"name": "Side"},
    ]
    assert user["externalIds"] == [
        {"type": "custom", "customType": "badge", "value": "7"},
        {"type": "organization", "value": "E1"},
    ]
    assert {each["type"] for each in user["relations"]} == {"assistant", "manager"}
    attributes = read(app).accounts[0].attributes
    assert {name: attributes[name] for name in ("title", "costCenter", "employeeId", "manager")} == {
        "title": "Lead", "costCenter": "R1", "employeeId": "E1", "manager": "omar@acme.example",
    }  # fmt: skip


def test_what_is_emptied_is_gone() -> None:
    """An empty list can only be written as null: the last part of a list, and plain values."""
    app = seed(
        organizations=[{"title": "Dev", "primary": True}],
        relations=[{"type": "manager", "value": "omar@acme.example"}],
        recoveryEmail="ana@home.example",
    )
    assert update(app, title=None, manager=None, recoveryEmail=None)[0] == "done, not verified"
    assert not app.users["u100"].keys() & {"organizations", "relations", "recoveryEmail"}
    assert not read(app).accounts[0].attributes.keys() & {"title", "manager", "recoveryEmail"}


def test_an_organizational_unit_is_replaced_and_one_that_is_missing_is_refused() -> None:
    """Everybody is in exactly one unit; Google's words come back where there is no such."""
    app = seed()
    app.units["ou1"] = "/Sales"
    assert update(app, orgUnitPath="/Sales")[0] == "done, not verified"
    assert app.users["u100"]["orgUnitPath"] == "/Sales"
    ended, words = update(app, orgUnitPath="/Gone")
    assert ended == "failed"
    assert "INVALID_OU_ID" in words


def test_aliases_become_those_that_are_wanted() -> None:
    """One is added, one removed, one stays whatever its case; a second time nothing is sent but the look."""
    app = seed(aliases=[at("Keep"), at("old")])
    wanted = (at("keep"), at("new"))
    assert update(app, aliases=wanted) == ("done, not verified", "")
    assert app.users["u100"]["aliases"] == [at("Keep"), at("new")]
    sent = len(app.seen)
    assert update(app, aliases=wanted) == ("done, not verified", "")
    assert [method for method, _ in app.seen[sent:]] == ["GET"]
    assert update(app, aliases=None) == ("done, not verified", "")
    assert app.users["u100"]["aliases"] == []


def test_an_alias_that_somebody_else_has_is_refused_and_the_others_are_set() -> None:
    """One refusal stands in no other alias's way, and the words say which it was."""
    app = seed(aliases=[at("old")])
    app.add_user(at("taken"))
    ended, words = update(app, aliases=(at("taken"), at("new")))
    assert ended == "failed"
    assert f"add the alias {at('taken')}" in words
    assert app.users["u100"]["aliases"] == [at("new")]


def test_an_alias_whose_answer_was_lost_is_no_refusal() -> None:
    """Asked for again, Google says that it is taken: by the user who was to have it."""
    app = seed()
    app.losing = True
    assert update(app, aliases=(at("new"),)) == ("done, not verified", "")
    assert app.users["u100"]["aliases"] == [at("new")]


def test_a_new_account_with_an_alias_that_is_refused_is_made_and_says_so() -> None:
    """The account is there, so that it is not failed; the alias is for the next plan."""
    app = seed()
    after = {"username": "kim", "email": at("kim"), "person.name": "Kim Lee", "aliases": (at("ana"),)}
    receipt = perform(app, change(Operation.CREATE_ACCOUNT, "kim", after=after))[0]
    assert receipt.outcome.value == "done, not verified"
    assert "add the alias" in receipt.detail
    assert receipt.remote_id in app.users


def test_a_renamed_account_keeps_its_id_and_its_old_address() -> None:
    """The address before the change stays an alias, which Google makes by itself."""
    app = seed()
    assert update(app, username="ana.ruiz")[0] == "done, not verified"
    account = read(app).accounts[0]
    assert (account.remote_id, account.username) == ("u100", "ana.ruiz")
    assert account.attributes["aliases"] == (at("ana"),)


def test_a_leaver_is_archived_where_the_way_says_so() -> None:
    """Archived counts as suspended; whoever comes back is neither."""
    app = seed()
    suspend = change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100")
    assert [each.outcome.value for each in perform(app, suspend, suspend, suspend_as="archived")] == [
        "done, not verified"
    ] * 2
    assert (app.users["u100"]["archived"], app.users["u100"]["suspended"]) == (True, False)
    assert read(app).accounts[0].status is AccountStatus.SUSPENDED
    back = change(Operation.REACTIVATE_ACCOUNT, "ana", account_id="u100")
    perform(app, back, suspend_as="archived")
    assert (app.users["u100"]["archived"], app.users["u100"]["suspended"]) == (False, False)


def test_an_archive_without_a_licence_for_it_is_refused_in_googles_words() -> None:
    """An Archived User licence is needed; who has none is still active, and the receipt says that it failed."""
    app = seed()
    app.paths["PUT users/.*"] = error(412, "conditionNotMet", "Insufficient archived user licenses")
    suspend = change(Operation.SUSPEND_ACCOUNT, "ana", account_id="u100")
    ended, words = outcome(perform(app, suspend, suspend_as="archived")[0])
    assert (ended, "Insufficient archived user licenses" in words) == ("failed", True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"externalIds": [{"type": "custom", "customType": "identity", "value": "zoe"}]}, "the account belongs to zoe"),
        ({"suspended": True}, "it is suspended or archived: plan again"),
        ({"archived": True}, "it is suspended or archived: plan again"),
    ],
)
def test_an_account_that_is_not_theirs_is_not_taken_over(more: dict[str, object], words: str) -> None:
    """An address that is taken is adopted only where nothing says that it is somebody else's, or kept out."""
    app = seed(**more)
    after = {"username": "ana", "external_id": "ana", "person.name": "Ana Ruiz"}
    receipt = perform(app, change(Operation.CREATE_ACCOUNT, "ana", after=after))[0]
    assert receipt.outcome.value == "failed"
    assert words in receipt.detail


def test_an_address_that_is_an_alias_or_a_group_is_nobodys_account() -> None:
    """Adopting by an alias would give somebody else's account away."""
    app = seed(aliases=[at("boss")])
    app.add_group(at("list"))
    receipts = perform(
        app,
        *(change(Operation.CREATE_ACCOUNT, name, after={"username": name}) for name in ("boss", "list")),
    )
    assert f"it is an alias of {at('ana')}" in receipts[0].detail
    assert "a group has it" in receipts[1].detail
    assert [each.outcome.value for each in receipts] == ["failed", "failed"]


def test_a_new_account_has_a_password_that_nobody_has_seen() -> None:
    """Long, different for each, to be changed, and in no receipt; whose account it is, is kept with it."""
    app = FakeGoogle()
    changes = [
        change(Operation.CREATE_ACCOUNT, name, after={"username": name, "external_id": name, "person.name": name})
        for name in ("ana", "omar")
    ]
    receipts = perform(app, *changes)
    passwords = [user["password"] for user in app.users.values()]
    assert len(set(passwords)) == 2
    assert all(len(each) >= 60 for each in passwords)
    assert not any(each in repr(receipts) for each in passwords)
    assert all(user["changePasswordAtNextLogin"] for user in app.users.values())
    assert {each.external_id for each in read(app).accounts} == {"ana", "omar"}


def test_without_an_address_no_account_is_made() -> None:
    """Where no domain is configured, a username that is no address needs an email."""
    app = FakeGoogle()
    receipts = perform(
        app,
        change(Operation.CREATE_ACCOUNT, "ana", after={"username": "ana"}),
        change(Operation.CREATE_ACCOUNT, "kim", after={"username": "kim", "email": "kim@second.example"}),
        domain=None,
    )
    assert "no username and no email with a domain" in receipts[0].detail
    assert [user["primaryEmail"] for user in app.users.values()] == ["kim@second.example"]
