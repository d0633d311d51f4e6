"""Changes of user groups: the whole list is replaced, and nobody else loses by it."""

import pytest
from fake_slack import FakeSlack
from slack_driving import grant, on_entitlement, perform, perform_batch, revoke

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")

ENG = "usergroup:eng"


@pytest.fixture
def people(app: FakeSlack) -> list[str]:
    """Six people."""
    return [app.add_user(f"p{number}") for number in range(6)]


def test_changes_of_one_group_at_once_all_last(app: FakeSlack, people: list[str]) -> None:
    """Each replaces the whole list: one after the other, so that none undoes another."""
    group = app.add_group("eng", people[:2])
    asked = [grant(user, ENG, group) for user in people[2:]] + [revoke(people[0], ENG, group)]
    receipts = perform(app, *asked)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert set(app.groups[group]["users"]) == set(people[1:])


def test_a_batch_takes_two_requests(app: FakeSlack, people: list[str]) -> None:
    """The list is read right before it is replaced, once for everybody."""
    group = app.add_group("eng", people[:1])
    receipts = perform_batch(app, *(grant(user, ENG, group) for user in people[1:]))
    assert app.log == ["usergroups.list", "usergroups.users.update"]
    assert sum(receipt.requests for receipt in receipts) == 2
    assert set(app.groups[group]["users"]) == set(people)


def test_the_last_member_goes_by_disabling_the_group(app: FakeSlack, people: list[str]) -> None:
    """Slack has no empty groups: the list is kept, the group is out of use."""
    group = app.add_group("eng", people[:2])
    receipts = perform_batch(app, *(revoke(user, ENG, group) for user in people[:2]))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.DONE]
    assert app.groups[group]["date_delete"]
    assert app.log[-1] == "usergroups.disable"


def test_a_group_that_is_enabled_again_brings_nobody_back(app: FakeSlack, people: list[str]) -> None:
    """Its old list is replaced before it is enabled."""
    group = app.add_group("eng", people[:3], date_delete=1)
    (receipt,) = perform(app, grant(people[4], ENG, group))
    assert receipt.outcome is Outcome.DONE
    assert app.groups[group]["users"] == [people[4]]
    assert not app.groups[group]["date_delete"]
    assert app.log == ["usergroups.list", "usergroups.users.update", "usergroups.enable"]


def test_somebody_else_who_writes_at_the_same_time_is_noticed(app: FakeSlack, people: list[str]) -> None:
    """Slack's answer shows another list than the one sent: it is read and sent once more, and theirs stays."""
    group = app.add_group("eng", people[:1])
    app.after = lambda: app.groups[group].update(users=[people[0], people[5]])
    (receipt,) = perform(app, grant(people[1], ENG, group))
    assert receipt.outcome is Outcome.DONE
    assert set(app.groups[group]["users"]) == {people[0], people[1], people[5]}


def test_a_guest_does_not_stop_the_others(app: FakeSlack, people: list[str]) -> None:
    """Slack refuses the whole list for one guest: everybody else is added singly."""
    group = app.add_group("eng", people[:1])
    guest = app.add_user("guest", is_restricted=True)
    receipts = perform_batch(app, *(grant(user, ENG, group) for user in [people[1], guest, people[2]]))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.FAILED, Outcome.DONE]
    assert "single_channel_guests_cannot_be_added" in receipts[1].detail
    assert set(app.groups[group]["users"]) == set(people[:3])


@pytest.mark.parametrize("fault", ["losing", "fatal"])
def test_an_answer_that_says_nothing_is_looked_up(app: FakeSlack, people: list[str], fault: str) -> None:
    """Lost, or `fatal_error`, after which part of it may have been done: the list tells."""
    group = app.add_group("eng", people[:1])
    setattr(app, fault, True)
    (receipt,) = perform(app, grant(people[1], ENG, group))
    assert receipt.outcome is Outcome.DONE
    assert "the answer was lost" in receipt.detail


def test_a_group_that_slack_fills_itself_is_refused_in_its_words(app: FakeSlack, people: list[str]) -> None:
    """All admins are such a group; the receipt says what would help."""
    group = app.add_group("admins", people[:1], auto_type="admin")
    (receipt,) = perform(app, grant(people[1], "usergroup:admins", group))
    assert receipt.outcome is Outcome.FAILED
    assert "permission_denied (the workspace's settings" in receipt.detail


def test_a_group_that_is_gone_has_no_members(app: FakeSlack, people: list[str]) -> None:
    """Taking somebody out of it is done, putting somebody in has failed."""
    taken, given = perform(app, revoke(people[0], ENG, "S0GONE"), grant(people[0], ENG, "S0GONE"))
    assert taken.outcome is Outcome.DONE
    assert given.outcome is Outcome.FAILED


@pytest.mark.parametrize("fault", ["", "losing"])
def test_a_group_is_made_once(app: FakeSlack, fault: str) -> None:
    """A lost answer, or a second time: the group of that name is found."""
    if fault:
        setattr(app, fault, True)
    new = on_entitlement(Operation.CREATE_ENTITLEMENT, "usergroup:Platform Team")
    (first,) = perform(app, new)
    (second,) = perform(app, new)
    assert first.outcome is second.outcome is Outcome.DONE
    assert first.remote_id == second.remote_id == next(iter(app.groups))
    assert app.groups[first.remote_id]["handle"] == "platform-team"


def test_a_renamed_group_keeps_its_handle(app: FakeSlack) -> None:
    """People go on mentioning it."""
    group = app.add_group("eng")
    app.losing = True
    (receipt,) = perform(app, on_entitlement(Operation.RENAME_ENTITLEMENT, "usergroup:Engineering", group))
    assert receipt.outcome is Outcome.DONE
    assert (app.groups[group]["name"], app.groups[group]["handle"]) == ("Engineering", "eng")


def test_a_handle_that_a_channel_has_is_left_to_slack(app: FakeSlack) -> None:
    """Handles are unique among channels, people and user groups; the name is free all the same."""
    app.add_channel("eng")
    (receipt,) = perform(app, on_entitlement(Operation.CREATE_ENTITLEMENT, "usergroup:Eng"))
    assert receipt.outcome is Outcome.DONE
    assert app.groups[receipt.remote_id]["name"] == "Eng"
