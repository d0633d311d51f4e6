"""Writing on an instance: nothing is lost by a change, and what is not ours is not touched."""

import pytest
from fake_gitlab import FakeGitLab
from gitlab_driving import ON_INSTANCE, on_account, on_group, on_member, perform
from gitlab_world import DEVELOPER, GUEST, MAINTAINER, OWNER, REPORTER, Membership
from support.jumping_clock import JumpingClock

from reconciler.provider.change import Change, Operation, Outcome

pytestmark = ON_INSTANCE
GRANT, SET, REVOKE = Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE


def test_a_level_is_changed_and_its_last_day_kept(app: FakeGitLab) -> None:
    """GitLab drops the day that is not sent again."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, GUEST))
    held = app.world.groups[group].members[ana]
    held.expires = "2026-12-31"
    change = on_member(SET, ana, "group:acme", group, "maintainer")
    assert [one.outcome for one in perform(app, change, change)] == [Outcome.DONE] * 2
    assert (held.level, held.expires) == (MAINTAINER, "2026-12-31")
    assert len(app.writes) == 1


def test_whoever_is_a_member_otherwise_gets_the_level(app: FakeGitLab) -> None:
    """Somebody added them meanwhile: the grant is made true in place."""
    ana = app.world.add_user("ana")
    project = (
        app.world.projects[app.world.add_project("acme/web", (ana, GUEST))] if app.world.add_group("acme") else None
    )
    assert project
    (receipt,) = perform(app, on_member(GRANT, ana, "project:acme/web", project.id, "developer"))
    assert receipt.outcome is Outcome.DONE
    assert project.members[ana].level == DEVELOPER


def test_a_level_of_nobody_is_not_made_a_grant(app: FakeGitLab) -> None:
    """The membership was taken away meanwhile."""
    ana, group = app.world.add_user("ana"), app.world.add_group("acme")
    (receipt,) = perform(app, on_member(SET, ana, "group:acme", group, "owner"))
    assert receipt.outcome is Outcome.FAILED
    assert not app.writes


def test_only_this_membership_is_taken_away(app: FakeGitLab) -> None:
    """GitLab would take those below a group along, which the YAML may give."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, GUEST))
    project = app.world.add_project("acme/web", (ana, DEVELOPER))
    change = on_member(REVOKE, ana, "group:acme", group)
    assert [one.outcome for one in perform(app, change, change)] == [Outcome.DONE] * 2
    assert not app.world.groups[group].members
    assert ana in app.world.projects[project].members


@pytest.mark.parametrize("link", ["ldap_group_links", "saml_group_links"])
def test_members_from_a_directory_are_changed_there(app: FakeGitLab, link: str) -> None:
    """The next synchronization would undo it."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, GUEST))
    app.world.groups[group].links = {link: [{"name": "staff"}]}
    changes = [on_member(SET, ana, "group:acme", group, "owner"), on_member(REVOKE, ana, "group:acme", group)]
    for receipt in perform(app, *changes):
        assert receipt.outcome is Outcome.FAILED
        assert "LDAP or SAML" in receipt.detail
    assert not app.writes


def test_a_member_from_ldap_is_changed_there(app: FakeGitLab) -> None:
    """The member says it, where the group does not."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, GUEST))
    app.world.groups[group].members[ana].ldap = True
    (receipt,) = perform(app, on_member(SET, ana, "group:acme", group, "owner"))
    assert receipt.outcome is Outcome.FAILED


def test_a_role_that_waits_for_approval_is_not_done(app: FakeGitLab) -> None:
    """GitLab answers 200 to it, and changes nothing yet."""
    ana, kim = app.world.add_user("ana"), app.world.add_user("kim")
    group = app.world.add_group("acme", (ana, GUEST))
    app.rest.promoting = True
    changes = [on_member(SET, ana, "group:acme", group, "owner"), on_member(GRANT, kim, "group:acme", group, "owner")]
    for receipt in perform(app, *changes):
        assert receipt.outcome is Outcome.FAILED
        assert "queued for administrator approval" in receipt.detail


def test_a_custom_role_that_ends_is_told(app: FakeGitLab) -> None:
    """GitLab removes it with the change of the level."""
    ana = app.world.add_user("ana")
    group = app.world.add_group("acme", (ana, GUEST))
    app.world.groups[group].members[ana].role = "Auditor light"
    (receipt,) = perform(app, on_member(SET, ana, "group:acme", group, "developer"))
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "the custom role Auditor light ends with it")


def test_a_group_that_is_gone_is_no_other_of_its_path(app: FakeGitLab) -> None:
    """Its number is what is asked for."""
    ana = app.world.add_user("ana")
    old = app.world.add_group("acme")
    app.world.drop_place(app.world.groups[old])
    new = app.world.add_group("acme", (ana, GUEST))
    grant, revoke = perform(
        app, on_member(GRANT, ana, "group:acme", old, "owner"), on_member(REVOKE, ana, "group:acme", old)
    )
    assert (grant.outcome, revoke.outcome) == (Outcome.FAILED, Outcome.DONE)
    assert app.world.groups[new].members[ana].level == GUEST


def test_what_cannot_be_a_membership_is_refused(app: FakeGitLab) -> None:
    """Minimal access below the top, no level, a group as a member."""
    ana = app.world.add_user("ana")
    app.world.add_group("acme")
    group = app.world.add_group("acme/web")
    changes = [
        on_member(GRANT, ana, "group:acme/web", group, "minimal"),
        on_member(GRANT, ana, "group:acme/web", group),
        on_member(GRANT, ana, "group:acme/web", group, "guest", holder_entitlement_id="group/1"),
    ]
    assert [one.outcome for one in perform(app, *changes)] == [Outcome.FAILED] * 3
    assert not app.writes


def test_an_invitation_is_changed_as_one(app: FakeGitLab) -> None:
    """Made, given another level with its last day kept, and cancelled; each twice."""
    group = app.world.add_group("acme")
    invited = app.world.groups[group].invited
    invited["kim@agency.example"] = Membership(GUEST, "2026-12-31")
    who = "invitation/kim@agency.example"
    change = on_member(SET, who, "group:acme", group, "reporter")
    perform(app, change, change)
    assert invited == {"kim@agency.example": Membership(REPORTER, "2026-12-31")}
    change = on_member(REVOKE, who, "group:acme", group)
    perform(app, change, change)
    assert not invited
    change = on_member(GRANT, who, "group:acme", group, "guest")
    assert [one.outcome for one in perform(app, change, change)] == [Outcome.DONE] * 2
    assert invited == {"kim@agency.example": Membership(GUEST)}


def test_an_invitation_that_gitlab_did_not_send_is_not_done(app: FakeGitLab) -> None:
    """It answers 201 and says in the answer why not."""
    kim = app.world.add_user("kim", "kim@agency.example")
    group = app.world.add_group("acme", (kim, GUEST))
    (receipt,) = perform(app, on_member(GRANT, "invitation/kim@agency.example", "group:acme", group, "owner"))
    assert (receipt.outcome, receipt.detail) == (Outcome.FAILED, "User already exists in source")


def create(username: str, email: str) -> Change:
    """Return a creation of an account."""
    after = {"username": username, "email": email, "person.name": "Ana Ruiz", "external": True}
    return on_account(Operation.CREATE_ACCOUNT, after=after)


def test_a_new_user_has_a_username_that_gitlab_takes(app: FakeGitLab) -> None:
    """Where the YAML has none, it is what stands before the address's `@`."""
    (receipt,) = perform(app, create("ana.ruiz+x@acme.example", "ana@acme.example"))
    user = app.world.users[int(receipt.remote_id)]
    assert (user["username"], user["name"], user["external"]) == ("ana.ruiz-x", "Ana Ruiz", True)


def test_a_user_of_the_same_address_is_adopted(app: FakeGitLab) -> None:
    """By the address alone: a username may be anybody's."""
    ana = app.world.add_user("aruiz", "ana@acme.example")
    app.world.add_user("kim", "stranger@elsewhere.example")
    adopted, refused = perform(app, create("ana", "Ana@acme.example"), create("kim", "kim@acme.example"))
    assert (adopted.outcome, adopted.remote_id) == (Outcome.DONE, str(ana))
    assert refused.outcome is Outcome.FAILED
    assert "belongs to somebody else" in refused.detail


def test_a_blocked_user_is_not_adopted_silently(app: FakeGitLab) -> None:
    """Somebody left, and a namesake comes: a person looks."""
    app.world.add_user("ana", "ana@acme.example", state="blocked")
    (receipt,) = perform(app, create("ana", "ana@acme.example"))
    assert receipt.outcome is Outcome.FAILED
    assert "is blocked" in receipt.detail


def test_a_deactivated_leaver_is_blocked(app: FakeGitLab) -> None:
    """They could sign in and be active again."""
    sam = app.world.add_user("sam", state="deactivated")
    change = on_account(Operation.SUSPEND_ACCOUNT, sam)
    assert [one.outcome for one in perform(app, change, change)] == [Outcome.DONE] * 2
    assert app.world.users[sam]["state"] == "blocked"
    assert len(app.writes) == 1


@pytest.mark.parametrize(
    ("state", "how"), [("blocked", "unblock"), ("banned", "unban"), ("blocked_pending_approval", "approve")]
)
def test_a_user_is_let_in_by_what_undoes_their_state(app: FakeGitLab, state: str, how: str) -> None:
    """GitLab has a request for each."""
    ana = app.world.add_user("ana", state=state)
    change = on_account(Operation.REACTIVATE_ACCOUNT, ana)
    assert [one.outcome for one in perform(app, change, change)] == [Outcome.DONE] * 2
    assert app.writes == [("POST", f"/api/v4/users/{ana}/{how}")]


def test_a_user_whom_ldap_blocked_is_let_in_there(app: FakeGitLab) -> None:
    """GitLab refuses it to everybody."""
    ana = app.world.add_user("ana", state="ldap_blocked")
    (receipt,) = perform(app, on_account(Operation.REACTIVATE_ACCOUNT, ana))
    assert receipt.outcome is Outcome.FAILED
    assert not app.writes


def test_a_group_is_made_below_another_and_left(app: FakeGitLab) -> None:
    """GitLab makes whoever the token belongs to its owner."""
    app.world.add_group("acme")
    first, again = perform(app, *[on_group(Operation.CREATE_ENTITLEMENT, "group:acme/sre")] * 2)
    made = app.world.find("group", "acme/sre")
    assert made
    assert not made.members
    assert first.remote_id == again.remote_id == f"group/{made.id}"
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:nowhere/sre"))
    assert receipt.outcome is Outcome.FAILED


def test_a_group_is_renamed_in_its_place(app: FakeGitLab) -> None:
    """It is not moved: that changes who sees what."""
    app.world.add_group("acme")
    group = app.world.add_group("acme/ops")
    rename = Operation.RENAME_ENTITLEMENT
    moved, renamed = perform(app, on_group(rename, "group:sre", group), on_group(rename, "group:acme/sre", group))
    assert (moved.outcome, renamed.outcome) == (Outcome.FAILED, Outcome.DONE)
    assert app.world.groups[group].path == "acme/sre"


def test_five_hundred_changes_stay_within_the_limits(app: FakeGitLab) -> None:
    """2,000 requests a minute for one user on GitLab.com, whatever is looked up before each change."""
    people = [app.world.add_user(f"p{number}") for number in range(500)]
    project = app.world.add_project("acme/web") if app.world.add_group("acme") else 0
    clock, times = JumpingClock(), []
    app.listening.append(lambda: times.append(clock.monotonic()))
    changes = [on_member(GRANT, who, "project:acme/web", project, "guest") for who in people]
    receipts = perform(app, *changes, clock=clock)
    assert {one.outcome for one in receipts} == {Outcome.DONE}
    assert len(times) == 2 * len(changes)
    assert all(later - first >= 60 for first, later in zip(times, times[2000:], strict=False))
    assert 40 <= clock.now - 1000 <= 60, "600 changes a minute, as the estimate says"


def test_no_more_than_sixty_members_a_minute_are_taken_out(app: FakeGitLab) -> None:
    """GitLab's limit, kept without being told."""
    people = [app.world.add_user(f"p{number}") for number in range(90)]
    group = app.world.add_group("acme", *((who, OWNER) for who in people))
    clock, times = JumpingClock(), []
    app.watching.append(lambda: times.append(clock.monotonic()))
    perform(app, *(on_member(REVOKE, who, "group:acme", group) for who in people), clock=clock)
    assert len(times) == 90
    assert all(later - first >= 60 for first, later in zip(times, times[60:], strict=False))
