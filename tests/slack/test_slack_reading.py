"""Reading: every part whole or named as missing, in the least number of requests."""

from math import ceil
from typing import Any

import pytest
from fake_slack import FakeSlack
from slack_driving import config, drive, perform, read, revoke
from slack_objects import OTHER_TEAM, TEAM
from slack_protocol import TOKEN
from support.http_server import HttpServer

from providers.slack.capabilities import capabilities_of
from providers.slack.provider import SlackProvider
from reconciler.errors import ReconcilerError
from reconciler.provider.change import Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = pytest.mark.evidence("slack", against="our own fake", of="requests checked against Slack's own SDK")


def workspace(app: FakeSlack, people: int, channels: int, groups: int) -> list[str]:
    """Fill a workspace; return the people."""
    users = [app.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    for number in range(channels):
        app.add_channel(f"c{number}", users[number % 7 :: 7])
    for number in range(groups):
        app.add_group(f"g{number}", users[number % 5 :: 5])
    return users


@pytest.mark.parametrize(("people", "channels", "rest"), [(60, 40, 40), (60, 78, 78), (60, 90, 60)])
def test_a_read_takes_the_least_number_of_requests(app: FakeSlack, people: int, channels: int, rest: int) -> None:
    """Pages of people and channels, one for all user groups, and one a channel, or one a person where that is less."""
    workspace(app, people, channels, groups=30)
    app.page = 25
    snapshot = read(app)
    assert snapshot.requests == len(app.log) == 1 + ceil((people + 1) / 25) + ceil(channels / 25) + 1 + rest
    least = min(people, channels) + len(app.log) - rest
    assert len(app.log) <= 1.3 * least
    assert len(list(snapshot.grants())) == sum(len(each.members) for each in app.channels.values()) + sum(
        len(each["users"]) for each in app.groups.values()
    )
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_bots_and_other_companies_people_are_no_accounts(app: FakeSlack) -> None:
    """Slackbot, bots, workflow bots and strangers are left out; whoever merely uses the app is a person."""
    ana = app.add_user("ana", "ana@acme.example", is_app_user=True)
    kim = app.add_user("kim", team_id="E0ACME", enterprise_user={"enterprise_id": "E0ACME", "teams": [TEAM]})
    app.add_user("flow", is_workflow_bot=True)
    app.add_user("bot", is_bot=True)
    app.add_user("far", team_id=OTHER_TEAM)
    app.add_user("elsewhere", enterprise_user={"enterprise_id": "E0ACME", "teams": [OTHER_TEAM]})
    app.add_user("stranger", is_stranger=True)
    app.users["USLACKBOT"] = {**app.users[ana], "id": "USLACKBOT", "name": "slackbot"}
    assert {each.remote_id for each in read(app).accounts} == {ana, kim}


def test_people_are_shown_as_what_they_are(app: FakeSlack) -> None:
    """Deactivated, invited, guests of either kind, admins, and owners, who are called admins too."""
    app.add_user("gone", deleted=True, is_admin=True, is_restricted=True)
    app.add_user("new", is_invited_user=True)
    app.add_user("one", is_restricted=True, is_ultra_restricted=True)
    app.add_user("many", is_restricted=True)
    app.add_user("admin", is_admin=True)
    app.add_user("owner", is_admin=True, is_owner=True)
    snapshot = read(app)
    names = {each.remote_id: each.username for each in snapshot.accounts}
    statuses = {each.username: each.status for each in snapshot.accounts}
    assert statuses["gone"] is AccountStatus.SUSPENDED
    assert statuses["new"] is AccountStatus.INVITED
    assert {(names[holder], key, level) for holder, key, level in snapshot.grants()} == {
        ("one", "guest:workspace", "single-channel"),
        ("many", "guest:workspace", "multi-channel"),
        ("admin", "role:admin", None),
        ("owner", "role:owner", None),
    }


def test_channels_that_nobody_can_be_granted_are_left_out(app: FakeSlack) -> None:
    """Archived ones, in which nothing can be changed, and #general, in which everybody is."""
    ana = app.add_user("ana")
    app.add_channel("general", [ana], general=True)
    for number in range(4):
        app.add_channel(f"old{number}", [ana], archived=True)
    app.add_channel("eng", [ana])
    app.page = 2  # so that a page holds nothing but archived channels, and is none the last
    snapshot = read(app)
    assert [(holder, key) for holder, key, _ in snapshot.grants()] == [(ana, "channel:eng")]
    assert [each.key for each in snapshot.entitlements if each.key.startswith("channel:")] == ["channel:eng"]


def test_other_companies_people_in_a_shared_channel_are_not_ours(app: FakeSlack) -> None:
    """They are in the list of members, and no accounts; the list is whole all the same."""
    ana, far = app.add_user("ana"), app.add_user("far", team_id=OTHER_TEAM)
    app.add_channel("with-partner", [ana, far, "U0UNKNOWN", app.me], shared=True)
    snapshot = read(app)
    assert [(holder, key) for holder, key, _ in snapshot.grants()] == [(ana, "channel:with-partner")]
    assert snapshot.collections["grants:channel"].complete


def test_a_private_channel_that_is_not_shown_is_never_taken_for_gone(app: FakeSlack) -> None:
    """Somebody removed the tool's user: private channels are incomplete, and the rest is whole."""
    ana = app.add_user("ana")
    seen, hidden = (app.add_channel(name, [ana, app.me], private=True) for name in ("board", "leads"))
    app.add_channel("party", [ana, app.me], private=True)
    both = {"private_channels": [seen, hidden]}
    snapshot = read(app, **both)
    assert {key for _, key, _ in snapshot.grants()} == {"private-channel:board", "private-channel:leads"}
    app.channels[hidden].members.remove(app.me)
    snapshot = read(app, **both)
    found = snapshot.collections
    assert not found["entitlements:private-channel"].complete
    assert hidden in found["grants:private-channel"].why
    assert found["grants:channel"].complete
    assert found["accounts"].complete


def test_private_channels_that_nobody_listed_are_not_read(app: FakeSlack) -> None:
    """The way says so beforehand, asks for none, and claims nothing about them."""
    app.add_channel("board", [app.me], private=True)
    assert "entitlements:private-channel" not in read(app).collections
    reads = capabilities_of(config("https://slack.test")).reads
    assert reads["grants:private-channel"].why == "`private_channels` names none"


def test_one_channel_that_cannot_be_read_leaves_the_others(app: FakeSlack) -> None:
    """Slack has trouble with one of them: who is in it is unknown, and nothing else."""
    workspace(app, 9, 3, 1)
    app.troubled = {next(iter(app.channels))}
    found = read(app).collections["grants:channel"]
    assert found.complete
    assert found.unread == {"channel:c0"}


def test_a_user_group_whose_members_are_not_told_is_unread(app: FakeSlack) -> None:
    """No list is not an empty list; and where it is missing, it is never replaced."""
    ana, omar = app.add_user("ana"), app.add_user("omar")
    group = app.add_group("eng", [ana, omar])
    app.groups[group]["users"] = None
    assert read(app).collections["grants:usergroup"].unread == {"usergroup:eng"}
    (receipt,) = perform(app, revoke(ana, "usergroup:eng", group))
    assert receipt.outcome is Outcome.FAILED
    assert "usergroups.users.update" not in app.log


def test_a_disabled_user_group_is_there_and_held_by_nobody(app: FakeSlack) -> None:
    """Slack keeps its list, and mentions nobody by it; a group of another company is not ours."""
    group = app.add_group("eng", [app.add_user("ana")], date_delete=1)
    app.add_group("theirs", is_external=True)
    snapshot = read(app)
    assert [each.remote_id for each in snapshot.entitlements if each.key.startswith("usergroup:")] == [group]
    assert not list(snapshot.grants())


def test_a_cursor_that_comes_twice_ends_the_reading(app: FakeSlack) -> None:
    """Pages that go round are no proof of anything."""
    workspace(app, 3, 1, 1)
    app.stuck = True
    found = read(app).collections["accounts"]
    assert not found.complete
    assert "same page twice" in found.why


def test_a_limit_that_is_told_with_success_is_waited_out(app: FakeSlack) -> None:
    """`ratelimited` with status 200 asks to wait as well."""
    workspace(app, 3, 1, 1)
    app.throttled, app.politely = 2, True
    assert all(each.complete for each in read(app).collections.values())


@pytest.mark.parametrize(("times", "whole"), [(2, True), (40, False)])
def test_what_slack_fails_at_is_asked_again(app: FakeSlack, times: int, *, whole: bool) -> None:
    """An internal error while reading passes, or is told in the end."""
    workspace(app, 3, 1, 1)

    async def work(provider: SlackProvider, _: HttpServer) -> Any:
        await provider.read()
        app.faltering = times
        return await provider.read()

    found = drive(app, work).collections["accounts"]
    assert found.complete is whole
    assert whole or "internal_error" in found.why


def test_missing_emails_are_told(app: FakeSlack) -> None:
    """Without users:read.email nobody can be told apart by email, and the read says what is missing."""
    app.add_user("ana")
    assert any("users:read.email" in note for note in read(app).notes)


def test_a_missing_scope_is_named(app: FakeSlack) -> None:
    """What the token lacks is what Slack says it needs."""
    workspace(app, 3, 1, 1)
    app.forbidden = {"entitlements:usergroup"}
    why = read(app).collections["entitlements:usergroup"].why
    assert "missing_scope; needed: usergroups:read" in why
    assert "install it anew" in why


def test_a_token_of_an_organization_wants_a_workspace(app: FakeSlack) -> None:
    """Which workspace is meant is never guessed."""
    app.organization = True
    with pytest.raises(ReconcilerError, match="whole organization"):
        read(app)


def test_a_wrong_token_is_told_without_the_token(app: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's word, and no secret beside it."""
    monkeypatch.setenv("SLACK_CANARY", f"{TOKEN}-wrong")
    with pytest.raises(ReconcilerError) as error:
        read(app)
    assert "invalid_auth" in str(error.value)
    assert TOKEN not in str(error.value)


def test_a_private_channel_is_listed_once() -> None:
    """Twice the same id is a slip of the pen, and told."""
    with pytest.raises(ValueError, match="names C0123 twice"):
        config("https://slack.test", private_channels=["C0123", "C0123"])
