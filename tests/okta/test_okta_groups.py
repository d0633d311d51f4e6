"""Groups of all types, and who is in them."""

import pytest
from okta_api import FakeOkta
from okta_driving import grant, on_group, perform, read

from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import grants_of

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")


def test_each_type_of_group_is_a_kind_of_its_own(app: FakeOkta) -> None:
    """An app's groups are read with their members; being in a built-in one follows from something else."""
    ana = app.add_user("ana@acme.example")
    groups = [app.add_group("eng"), app.add_group("eng", "APP_GROUP"), app.add_group("Everyone", "BUILT_IN")]
    app.members = {(group, ana) for group in groups}
    snapshot = read(app)
    assert {one.key for one in snapshot.entitlements if "role" not in one.key} == {
        "group:eng",
        "app-group:eng",
        "built-in-group:Everyone",
    }
    assert set(snapshot.grants()) == {(ana, "group:eng", None), (ana, "app-group:eng", None)}
    assert snapshot.collections[grants_of("built-in-group")].complete


@pytest.mark.parametrize(
    ("kind", "words"), [("app-group", "only that app changes them"), ("built-in-group", "Okta itself")]
)
def test_groups_that_are_not_ours_are_refused_with_the_reason(app: FakeOkta, kind: str, words: str) -> None:
    """Nothing is asked of Okta."""
    (receipt,) = perform(app, grant("00u1", f"{kind}:eng", "00g2"))
    assert receipt.outcome is Outcome.FAILED
    assert words in receipt.detail
    assert receipt.requests == 0


def test_nobody_is_taken_out_of_a_group_that_a_rule_fills(app: FakeOkta) -> None:
    """Okta would make them an exception of the rule for good; the message names the rule, a note says so beforehand."""
    ana, omar = app.add_user("ana@acme.example"), app.add_user("omar@acme.example")
    group, other = app.add_group("eng"), app.add_group("ops")
    app.add_rule("engineers", group, ana)
    app.add_rule("old", other, status="INACTIVE")
    app.members.add((other, omar))
    assert "group rules fill group:eng (engineers): nobody is taken out of these here" in read(app).notes
    ruled, free = perform(
        app, grant(ana, "group:eng", group, Operation.REVOKE), grant(omar, "group:ops", other, Operation.REVOKE)
    )
    assert ruled.outcome is Outcome.FAILED
    assert "the group rule engineers fills this group" in ruled.detail
    assert free.outcome is Outcome.DONE
    assert app.members == {(group, ana)}
    assert not app.exceptions


def test_people_may_still_be_put_into_a_group_that_a_rule_fills(app: FakeOkta) -> None:
    """A rule takes nobody out who was put in by hand."""
    ana, group = app.add_user("ana@acme.example"), app.add_group("eng")
    app.add_rule("engineers", group)
    (receipt,) = perform(app, grant(ana, "group:eng", group))
    assert receipt.outcome is Outcome.DONE
    assert (group, ana) in app.members


def test_rules_that_may_not_be_seen_do_not_keep_anybody_in(app: FakeOkta) -> None:
    """Taking access away goes on, and reading says what is not known."""
    ana, group = app.add_user("ana@acme.example"), app.add_group("eng")
    app.members.add((group, ana))
    app.forbidden = {"groups/rules"}
    assert any("group rules are not known" in note for note in read(app).notes)
    (receipt,) = perform(app, grant(ana, "group:eng", group, Operation.REVOKE))
    assert receipt.outcome is Outcome.DONE
    assert not app.members


def test_rules_are_asked_for_once(app: FakeOkta) -> None:
    """However many people leave."""
    people = [app.add_user(f"p{number}@acme.example") for number in range(10)]
    group = app.add_group("eng")
    app.members = {(group, one) for one in people}
    receipts = perform(app, *(grant(one, "group:eng", group, Operation.REVOKE) for one in people))
    assert sum(receipt.requests for receipt in receipts) == 11
    assert not app.members


def test_a_group_that_was_made_anew_under_its_name_gets_nobody(app: FakeOkta) -> None:
    """The change names the old one's id."""
    ana, group = app.add_user("ana@acme.example"), app.add_group("eng")
    app.drop(group)
    app.add_group("eng")
    (receipt,) = perform(app, grant(ana, "group:eng", group))
    assert receipt.outcome is Outcome.FAILED
    assert not app.members


def test_a_group_is_renamed_in_place_and_keeps_its_description(app: FakeOkta) -> None:
    """PUT replaces a whole profile: the rest of it goes along."""
    group = app.add_group("eng")
    (receipt,) = perform(app, on_group(Operation.RENAME_ENTITLEMENT, "group:engineering", group))
    assert receipt.outcome is Outcome.DONE
    assert app.groups[group]["profile"] == {"name": "engineering", "description": "kept"}


def test_a_group_that_exists_is_adopted_but_not_one_that_only_begins_so(app: FakeOkta) -> None:
    """Okta finds names by their beginnings."""
    app.add_group("eng-leads")
    made, again = (perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:eng"))[0] for _ in range(2))
    assert made.remote_id == again.remote_id
    assert again.detail == "it existed already: adopted"
    assert sorted(one["profile"]["name"] for one in app.groups.values()) == ["eng", "eng-leads"]


def test_groups_that_cannot_be_told_apart_are_not_read(app: FakeOkta) -> None:
    """Two directories may both have imported a group of one name."""
    ana = app.add_user("ana@acme.example")
    app.members.add((app.add_group("eng", "APP_GROUP"), ana))
    app.add_group("eng", "APP_GROUP")
    snapshot = read(app)
    assert snapshot.collections[grants_of("app-group")].unread == {"app-group:eng"}
    assert "several are called app-group:eng" in snapshot.notes


def test_one_group_that_is_gone_in_the_middle_leaves_the_others_whole(app: FakeOkta) -> None:
    """Only that group is unread."""
    ana = app.add_user("ana@acme.example")
    group, gone = app.add_group("eng"), app.add_group("ops")
    app.members = {(group, ana), (gone, ana)}
    app.forbidden = {f"groups/{gone}/users"}
    snapshot = read(app)
    assert snapshot.collections[grants_of("group")].complete
    assert snapshot.collections[grants_of("group")].unread == {"group:ops"}
    assert set(snapshot.grants()) == {(ana, "group:eng", None)}


def test_groups_hold_no_groups(app: FakeOkta) -> None:
    """Okta has no nesting: the message says what it has."""
    change = grant("group:eng", "group:all", app.add_group("all"), holder_entitlement_id=app.add_group("eng"))
    (receipt,) = perform(app, change)
    assert receipt.outcome is Outcome.FAILED
    assert "write a group rule" in receipt.detail
