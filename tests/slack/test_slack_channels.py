"""Changes of channels: whoever changes one must be in it, and one refusal stops nobody else."""

import asyncio
from typing import Any

import pytest
from fake_slack import FakeSlack
from slack_driving import drive, grant, on_entitlement, perform, perform_batch, revoke

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")

ENG = "channel:eng"


@pytest.fixture
def people(app: FakeSlack) -> list[str]:
    """Six people."""
    return [app.add_user(f"p{number}") for number in range(6)]


def test_the_tool_joins_a_public_channel_to_change_it(app: FakeSlack, people: list[str]) -> None:
    """Slack lets only members invite; that it joined shows in nobody's access."""
    channel = app.add_channel("eng", people[:1])
    (receipt,) = perform(app, grant(people[1], ENG, channel))
    assert receipt.outcome is Outcome.DONE
    assert app.log == ["conversations.invite", "conversations.join", "conversations.invite"]
    assert set(app.channels[channel].members) == {*people[:2], app.me}


def test_it_joins_to_remove_only_who_is_there(app: FakeSlack, people: list[str]) -> None:
    """`not_in_channel` may be said of either: who is in it decides."""
    channel = app.add_channel("eng", people[:1])
    there, absent = perform(app, revoke(people[0], ENG, channel), revoke(people[1], ENG, channel))
    assert (there.outcome, absent.outcome) == (Outcome.DONE, Outcome.DONE)
    assert absent.detail == "was no member"
    assert people[0] not in app.channels[channel].members


def test_a_private_channel_is_never_joined(app: FakeSlack, people: list[str]) -> None:
    """Somebody removed the tool from it: that is refused with what helps, and tried no other way."""
    channel = app.add_channel("board", people[:1], private=True)
    (receipt,) = perform(app, grant(people[1], "private-channel:board", channel), private_channels=[channel])
    assert receipt.outcome is Outcome.FAILED
    assert "invite the tool's user" in receipt.detail
    assert app.log == ["conversations.invite"]


def test_a_hundred_are_invited_at_once(app: FakeSlack) -> None:
    """Slack takes so many in one request."""
    people = [app.add_user(f"p{number}") for number in range(230)]
    channel = app.add_channel("eng", [app.me])
    receipts = perform_batch(app, *(grant(user, ENG, channel) for user in people))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert app.log == ["conversations.invite"] * 3
    assert set(app.channels[channel].members) == {*people, app.me}


@pytest.mark.parametrize("ignores_force", [False, True])
def test_whoever_cannot_be_invited_stops_nobody(app: FakeSlack, people: list[str], *, ignores_force: bool) -> None:
    """Each invitation has its own ending, whether Slack sends the others or refuses all for one."""
    app.ignores_force = ignores_force
    gone = app.add_user("gone", deleted=True)
    channel = app.add_channel("eng", [app.me, people[0]])
    receipts = perform_batch(app, *(grant(user, ENG, channel) for user in [people[0], gone, people[1], people[2]]))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.FAILED, Outcome.DONE, Outcome.DONE]
    assert receipts[0].detail == "it was so already"
    assert "user_not_found" in receipts[1].detail
    assert set(app.channels[channel].members) == {app.me, *people[:3]}


def test_a_guest_of_one_channel_gets_no_second(app: FakeSlack, people: list[str]) -> None:
    """Slack's word for it is told."""
    guest = app.add_user("guest", is_restricted=True, is_ultra_restricted=True)
    app.add_channel("first", [guest])
    (receipt,) = perform(app, grant(guest, ENG, app.add_channel("eng", [app.me, *people])))
    assert receipt.outcome is Outcome.FAILED
    assert "ura_max_channels" in receipt.detail


@pytest.mark.parametrize("fault", ["losing", "fatal"])
def test_an_answer_that_says_nothing_is_looked_up(app: FakeSlack, people: list[str], fault: str) -> None:
    """Lost, or `fatal_error`, after which part of it may have been done: the members tell."""
    channel = app.add_channel("eng", [app.me, people[0]])
    setattr(app, fault, True)
    (given,) = perform(app, grant(people[1], ENG, channel))
    setattr(app, fault, True)
    (taken,) = perform(app, revoke(people[0], ENG, channel))
    assert given.detail == taken.detail == "the answer was lost; it was done"


def test_a_channel_that_is_gone_is_told(app: FakeSlack, people: list[str]) -> None:
    """It may also have become private: nobody can say that somebody is out of it."""
    (receipt,) = perform(app, revoke(people[0], ENG, "C0GONE"))
    assert receipt.outcome is Outcome.FAILED
    assert "channel_not_found" in receipt.detail


@pytest.mark.parametrize("fault", ["", "losing"])
def test_a_channel_is_made_once(app: FakeSlack, fault: str) -> None:
    """A lost answer, or a second time: the channel of that name is found."""
    if fault:
        setattr(app, fault, True)
    new = on_entitlement(Operation.CREATE_ENTITLEMENT, ENG)
    (first,) = perform(app, new)
    (second,) = perform(app, new)
    assert first.outcome is second.outcome is Outcome.DONE
    assert first.remote_id == second.remote_id == next(iter(app.channels))


@pytest.mark.parametrize("what", ["archived", "private"])
def test_a_name_that_is_taken_by_what_cannot_be_used_is_never_adopted(app: FakeSlack, what: str) -> None:
    """An archived channel keeps its name, and so does a private one."""
    app.add_channel("eng", **{what: True})
    (receipt,) = perform(app, on_entitlement(Operation.CREATE_ENTITLEMENT, ENG))
    assert receipt.outcome is Outcome.FAILED
    assert "name_taken" in receipt.detail
    assert "no public channel in use is called eng" in receipt.detail


def test_a_rename_joins_first_and_survives_a_lost_answer(app: FakeSlack) -> None:
    """Only members rename."""
    channel = app.add_channel("eng")
    (first,) = perform(app, on_entitlement(Operation.RENAME_ENTITLEMENT, "channel:engineering", channel))
    app.losing = True
    (second,) = perform(app, on_entitlement(Operation.RENAME_ENTITLEMENT, "channel:engineers", channel))
    assert first.outcome is second.outcome is Outcome.DONE
    assert app.channels[channel].name == "engineers"


def test_five_hundred_changes_stay_within_the_limits_of_each_method(app: FakeSlack) -> None:
    """Every method has its own number of calls a minute, and not one more is sent."""
    people = [app.add_user(f"p{number}") for number in range(100)]
    channels = [app.add_channel(f"c{number}", [app.me, *people]) for number in range(4)]
    groups = [app.add_group(f"g{number}", people[:1]) for number in range(10)]

    async def work(provider: Any, _: Any) -> list[Any]:
        taken = [revoke(user, f"channel:c{n}", channel) for n, channel in enumerate(channels) for user in people]
        given = [[grant(user, f"usergroup:g{n}", group) for user in people[1:11]] for n, group in enumerate(groups)]
        single, batches = await asyncio.gather(
            asyncio.gather(*map(provider.perform, taken)), asyncio.gather(*map(provider.perform_batch, given))
        )
        return [*single, *(receipt for batch in batches for receipt in batch)]

    receipts = drive(app, work)
    assert len(receipts) == 500
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert not app.exceeded


def test_the_tools_own_user_joins_by_itself(app: FakeSlack, people: list[str]) -> None:
    """Nobody can invite themselves: whose token it is, who is to be in a channel, joins it."""
    app.users[app.me]["is_bot"] = False
    channel = app.add_channel("eng", people[:1])
    receipts = perform_batch(app, *(grant(user, ENG, channel) for user in [app.me, people[1]]))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.DONE]
    assert set(app.channels[channel].members) == {*people[:2], app.me}


INVITING = {"already_in_channel": Outcome.DONE, "fatal_error": Outcome.UNKNOWN, "internal_error": Outcome.UNKNOWN}
REMOVING = {"user_not_found": Outcome.DONE, "user_not_in_channel": Outcome.DONE, "not_in_channel": Outcome.DONE}
REFUSALS = [
    *("cant_invite", "channel_not_found", "invitee_cant_see_channel", "is_archived", "org_user_not_in_team"),
    *("method_not_supported_for_channel_type", "missing_scope", "no_permission", "ura_max_channels"),
    *("user_is_restricted", "external_channel_migrating", "restricted_action", "not_allowed_token_type"),
    *("account_inactive", "token_revoked", "invalid_auth", "ekm_access_denied", "access_denied", "something_new"),
]


@pytest.mark.parametrize("word", [*INVITING, *REFUSALS, "user_not_found", "not_in_channel"])
def test_each_word_on_an_invitation_has_its_outcome(app: FakeSlack, people: list[str], word: str) -> None:
    """Done where it is so already, unknown where it may have been done and is not seen, else failed in Slack's word."""
    channel = app.add_channel("eng", [app.me])
    app.refusing = (word, "")
    (receipt,) = perform(app, grant(people[0], ENG, channel))
    assert receipt.outcome is INVITING.get(word, Outcome.FAILED)
    assert word in receipt.detail or receipt.outcome is Outcome.DONE


@pytest.mark.parametrize(
    "word", [*REMOVING, *REFUSALS, "cant_kick_from_general", "cant_kick_self", "not_supported", "request_timeout"]
)
def test_each_word_on_a_removal_has_its_outcome(app: FakeSlack, people: list[str], word: str) -> None:
    """As for an invitation; whoever is not there, and is seen not to be there, is removed."""
    channel = app.add_channel("eng", [app.me, people[0]] if word == "request_timeout" else [app.me])
    app.refusing = (word, "")
    (receipt,) = perform(app, revoke(people[0], ENG, channel))
    expected = {**REMOVING, "request_timeout": Outcome.UNKNOWN}
    assert receipt.outcome is expected.get(word, Outcome.FAILED)
    assert word in receipt.detail or receipt.outcome is Outcome.DONE
