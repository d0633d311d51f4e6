"""Reading an instance: every part whole or named as missing, in the least number of requests."""

from math import ceil

import pytest
from fake_gitlab import FakeGitLab
from gitlab_driving import ON_INSTANCE, read
from gitlab_world import DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER, Membership

from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus

pytestmark = ON_INSTANCE


def furnish(app: FakeGitLab, people: int, groups: int, projects: int) -> None:
    """Fill an instance; each group and project has a few members."""
    users = [app.world.add_user(f"p{number}", f"p{number}@acme.example") for number in range(people)]
    for number in range(groups):
        app.world.add_group(f"g{number}", *((who, DEVELOPER) for who in users[number::groups]))
    for number in range(projects):
        app.world.add_project(f"g{number % groups}/p{number}", (users[number % people], MAINTAINER))


def test_a_read_takes_the_least_number_of_requests(app: FakeGitLab) -> None:
    """Pages of users by REST, groups and projects with their members by GraphQL, and which groups are synchronized."""
    furnish(app, people=999, groups=200, projects=2000)  # and whoever the token belongs to
    snapshot = read(app)
    least = ceil(1000 / 100) + ceil(2000 / 100)
    assert snapshot.requests == len(app.log) == least + ceil(200 / 100)
    assert snapshot.requests <= 1.3 * least
    assert len(list(snapshot.grants())) == 999 + 2000
    assert all(each.complete and not each.unread for each in snapshot.collections.values())
    assert max(app.graphql.costs) <= 200, "of the 250 points that GitLab allows"


def test_a_query_that_costs_too_much_asks_for_less(app: FakeGitLab) -> None:
    """An instance may count otherwise, or allow less: nothing is missing then."""
    furnish(app, people=150, groups=3, projects=120)
    app.graphql.most = 90
    snapshot = read(app)
    assert len(list(snapshot.grants())) == 150 + 120
    assert snapshot.collections["grants:project"].complete


def test_a_query_that_always_costs_too_much_is_an_error(app: FakeGitLab) -> None:
    """Not an empty instance."""
    furnish(app, people=1, groups=1, projects=0)
    app.graphql.most = 5
    snapshot = read(app)
    assert "max complexity" in snapshot.collections["entitlements:group"].why
    assert not snapshot.collections["grants:project"].complete


def test_members_that_do_not_fit_are_read_to_the_last(app: FakeGitLab) -> None:
    """A group of many people has pages of its own."""
    furnish(app, people=250, groups=1, projects=0)
    snapshot = read(app)
    assert len(list(snapshot.grants())) == 250
    assert not snapshot.collections["grants:group"].unread


def test_pages_that_lead_back_are_no_whole_list(app: FakeGitLab) -> None:
    """The cursor that GitLab gives must move on."""
    app.page = app.graphql.page = 2
    furnish(app, people=1, groups=5, projects=0)
    app.graphql.stuck = True
    assert "begins where" in read(app).collections["entitlements:group"].why


def test_only_direct_members_are_members(app: FakeGitLab) -> None:
    """What comes from a group above, or from a group that something was shared with, is nobody's grant."""
    ana, kim = app.world.add_user("ana"), app.world.add_user("kim")
    outer = app.world.add_group("acme", (ana, OWNER))
    app.world.add_group("acme/platform", (kim, REPORTER))
    guests = app.world.add_group("guests", (kim, DEVELOPER))
    project = app.world.add_project("acme/web")
    app.world.projects[project].shared[guests] = GUEST
    assert set(read(app).grants()) == {
        (str(ana), "group:acme", "owner"),
        (str(kim), "group:acme/platform", "reporter"),
        (str(kim), "group:guests", "developer"),
    }
    assert outer


def test_projects_of_a_person_are_their_own(app: FakeGitLab) -> None:
    """They are in no group, and in nobody's plan."""
    app.world.add_project("ana/notes", (app.world.add_user("ana"), OWNER))
    snapshot = read(app)
    assert not snapshot.entitlements[2:]
    assert not list(snapshot.grants())


def test_bots_are_left_alone(app: FakeGitLab) -> None:
    """The user of a project's token is a member, and nobody's account."""
    bot = app.world.add_user("project_7_bot_1f", bot=True)
    app.world.add_group("acme", (bot, MAINTAINER))
    snapshot = read(app)
    assert not snapshot.accounts
    assert not list(snapshot.grants())
    assert not snapshot.collections["grants:group"].unread
    assert snapshot.notes == ["2 bots and service accounts are left alone"]
    assert snapshot.own_account == str(app.world.viewer)


def test_the_state_of_a_user_is_what_gitlab_says(app: FakeGitLab) -> None:
    """Whoever was long away is deactivated, and may sign in: that is no suspension."""
    states = {"active": "active", "deactivated": "active", "blocked": "suspended", "banned": "suspended"}
    states |= {"ldap_blocked": "suspended", "blocked_pending_approval": "suspended"}
    for state in states:
        app.world.add_user(state, state=state)
    assert {each.username: each.status.value for each in read(app).accounts} == states


def test_administrators_are_a_role(app: FakeGitLab) -> None:
    """And auditors, where the instance has them."""
    ana = app.world.add_user("ana", is_admin=True)
    kim = app.world.add_user("kim", is_auditor=True)
    assert set(read(app).grants()) == {(str(ana), "role:administrator", None), (str(kim), "role:auditor", None)}
    for user in app.world.users.values():
        del user["is_auditor"]
    assert [each.key for each in read(app).entitlements] == ["role:administrator"]


def test_an_invitation_is_an_account_that_is_invited(app: FakeGitLab) -> None:
    """GraphQL says that somebody is; who, REST is asked only where that is so."""
    group = app.world.add_group("acme")
    app.world.add_project("acme/web")
    app.world.groups[group].invited["kim@agency.example"] = Membership(REPORTER)
    snapshot = read(app)
    (account,) = snapshot.accounts
    assert (account.email, account.status) == ("kim@agency.example", AccountStatus.INVITED)
    assert list(snapshot.grants()) == [("invitation/kim@agency.example", "group:acme", "reporter")]
    assert len([path for _, path in app.log if path.endswith("/invitations")]) == 1


def test_invitations_that_are_not_shown_leave_a_gap(app: FakeGitLab) -> None:
    """Who is invited to one group is not known: neither are all accounts."""
    group = app.world.add_group("acme")
    app.world.add_group("other")
    app.world.groups[group].invited["kim@agency.example"] = Membership(REPORTER)
    app.forbidden.append("groups/.*/invitations")
    snapshot = read(app)
    assert snapshot.collections["grants:group"].unread == {"group:acme"}
    assert "403" in snapshot.collections["accounts"].why


def test_a_list_with_less_than_its_total_is_cut_off(app: FakeGitLab) -> None:
    """Where GitLab tells how many there are, as many must come."""
    app.page = app.rest.page = 2
    group = app.world.add_group("acme")
    for number in range(5):
        app.world.groups[group].invited[f"p{number}@agency.example"] = Membership(GUEST)
    app.rest.cut = True
    assert "2 of 5" in read(app).collections["accounts"].why


def test_groups_that_are_synchronized_are_told(app: FakeGitLab) -> None:
    """Their members come from LDAP or SAML; who they are is read like everybody."""
    ana = app.world.add_user("ana")
    for kind in ("ldap", "saml"):
        number = app.world.add_group(kind, (ana, GUEST))
        app.world.groups[number].links = {f"{kind}_group_links": [{"name": "staff", "access_level": GUEST}]}
    snapshot = read(app)
    assert len(list(snapshot.grants())) == 2
    assert "members come from LDAP or SAML and are not changed here: group:ldap, group:saml" in snapshot.notes


def test_memberships_that_end_are_told(app: FakeGitLab) -> None:
    """They are grants until GitLab takes them away."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, DEVELOPER))
    app.world.groups[group].members[ana].expires = "2026-12-31"
    snapshot = read(app)
    assert list(snapshot.grants()) == [(str(ana), "group:acme", "developer")]
    assert "1 memberships end by themselves; a change of their level keeps the day" in snapshot.notes


def test_a_role_that_is_new_to_the_tool_is_a_number(app: FakeGitLab) -> None:
    """It is shown, and equal to none that can be declared."""
    ana = app.world.add_user("ana")
    app.world.add_group("acme", (ana, 25))
    assert list(read(app).grants()) == [(str(ana), "group:acme", "25")]


def test_whoever_is_no_administrator_does_not_see_everything(app: FakeGitLab) -> None:
    """Private groups would be missing without a word, so that nothing is taken for whole."""
    furnish(app, people=2, groups=1, projects=1)
    app.world.users[app.world.viewer]["is_admin"] = False
    found = read(app).collections
    assert not any(each.complete for each in found.values())
    assert "neither administrator nor auditor" in found["accounts"].why
    app.world.users[app.world.viewer]["is_auditor"] = True
    assert all(each.complete for each in read(app).collections.values())


def test_a_refused_list_of_users_stops_no_other_list(app: FakeGitLab) -> None:
    """Groups are there; who is in them is not known as long as nobody is."""
    furnish(app, people=2, groups=1, projects=1)
    app.forbid("accounts")
    found = read(app).collections
    assert not found["accounts"].complete
    assert found["entitlements:project"].complete
    assert found["grants:group"].unread == {"group:g0"}


def test_nothing_at_all_is_an_error(app: FakeGitLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is not accepted reads no empty instance, and is not told."""
    monkeypatch.setenv("GITLAB_CANARY", "canary-wrong")
    with pytest.raises(ProviderError) as error:
        read(app)
    assert "401" in str(error.value)
    assert "canary-wrong" not in str(error.value)
