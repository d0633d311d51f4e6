"""One top-level group, as on GitLab.com: its people have accounts of their own, and are added, invited and removed."""

import pytest
from fake_gitlab import FakeGitLab
from gitlab_driving import IN_GROUP, drive, on_account, on_group, on_member, perform, read
from gitlab_world import DEVELOPER, GUEST, MAINTAINER, OWNER, Membership
from support.http_server import HttpServer

from providers.gitlab.provider import GitLabProvider
from reconciler.errors import ProviderError
from reconciler.provider.change import Operation, Outcome
from reconciler.provider.snapshot import AccountStatus

pytestmark = IN_GROUP


@pytest.fixture
def acme(app: FakeGitLab) -> int:
    """A top-level group beside another that is nobody's business here."""
    stranger = app.world.add_user("stranger")
    app.world.add_group("other", (stranger, OWNER))
    app.world.add_project("other/thing", (stranger, OWNER))
    return app.world.add_group("acme")


def test_only_what_is_in_the_group_is_read(app: FakeGitLab, acme: int) -> None:
    """Whoever is a member of anything in it has an account; to be in it as everybody is no grant."""
    ana, kim, eve = (app.world.add_user(name) for name in ("ana", "kim", "eve"))
    app.world.groups[acme].members = {ana: Membership(GUEST), kim: Membership(OWNER)}
    app.world.add_group("acme/sre", (ana, MAINTAINER))
    app.world.add_project("acme/sre/tools", (eve, DEVELOPER))
    snapshot = read(app, group="acme")
    assert {each.username for each in snapshot.accounts} == {"ana", "kim", "eve"}
    assert set(snapshot.grants()) == {
        (str(kim), "group:acme", "owner"),
        (str(ana), "group:acme/sre", "maintainer"),
        (str(eve), "project:acme/sre/tools", "developer"),
    }
    assert all(each.complete and not each.unread for each in snapshot.collections.values())


def test_a_group_of_a_thousand_takes_the_least_number_of_requests(app: FakeGitLab, acme: int) -> None:
    """A page of a hundred projects each; three lists more: invitations, and which groups are synchronized."""
    people = [app.world.add_user(f"p{number}") for number in range(300)]
    app.world.groups[acme].members = {who: Membership(GUEST) for who in people[:50]}
    for number in range(20):
        app.world.add_group(f"acme/g{number}", *((who, DEVELOPER) for who in people[number::20]))
    for number in range(600):
        app.world.add_project(f"acme/g{number % 20}/p{number}", (people[number % 300], MAINTAINER))
    snapshot = read(app, group="acme")
    assert snapshot.requests == 600 / 100 + 3
    assert len(snapshot.accounts) == 300
    assert max(app.graphql.costs) <= 250


def test_addresses_come_from_enterprise_users(app: FakeGitLab, acme: int) -> None:
    """Others show theirs only if they want to."""
    ana = app.world.add_user("ana", "ana@acme.example", enterprise=True)
    kim = app.world.add_user("kim", "kim@acme.example", public_email="kim@home.example")
    app.world.groups[acme].members = {ana: Membership(GUEST), kim: Membership(GUEST)}
    emails = {each.username: each.email for each in read(app, group="acme", enterprise_users=True).accounts}
    assert emails == {"ana": "ana@acme.example", "kim": "kim@home.example"}
    app.forbidden.append("groups/acme/enterprise_users")
    assert not read(app, group="acme", enterprise_users=True).collections["accounts"].complete


def test_whoever_is_no_owner_does_not_see_everything(app: FakeGitLab, acme: int) -> None:
    """Private subgroups would be missing without a word."""
    app.graphql.rank = 40
    found = read(app, group="acme").collections
    assert acme
    assert not any(each.complete for each in found.values())


def test_a_group_that_is_not_shown_is_an_error(app: FakeGitLab) -> None:
    """Not an empty one."""
    with pytest.raises(ProviderError, match="acme cannot be read"):
        read(app, group="acme")


def test_a_person_is_added_by_username_and_twice_is_once(app: FakeGitLab, acme: int) -> None:
    """GitLab.com accounts belong to people: one that is not there cannot be made."""
    ana = app.world.add_user("ana")
    change = on_account(Operation.CREATE_ACCOUNT, after={"username": "ana", "email": "ana@acme.example"})
    first, again = perform(app, change, change, group="acme")
    assert (first.remote_id, again.remote_id) == (str(ana), str(ana))
    assert app.world.groups[acme].members == {ana: Membership(GUEST)}
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, after={"username": "nobody"}), group="acme")
    assert receipt.outcome is Outcome.FAILED
    assert "correct `usernames`" in receipt.detail


def test_an_address_is_invited_once_and_taken_back(app: FakeGitLab, acme: int) -> None:
    """Until it is accepted, it is an account that is invited."""
    after = {"username": "kim@acme.example", "email": "Kim@acme.example"}
    change = on_account(Operation.CREATE_ACCOUNT, after=after)
    first, again = perform(app, change, change, group="acme")
    assert first.remote_id == again.remote_id == "invitation/kim@acme.example"
    (account,) = read(app, group="acme").accounts
    assert account.status is AccountStatus.INVITED
    remove = on_account(Operation.SUSPEND_ACCOUNT, first.remote_id)
    assert [one.outcome for one in perform(app, remove, remove, group="acme")] == [Outcome.DONE] * 2
    assert not app.world.groups[acme].invited


def test_an_address_of_a_member_whom_nobody_matched_is_told(app: FakeGitLab, acme: int) -> None:
    """GitLab does not show the address of whoever keeps it private; it refuses to invite them."""
    ana = app.world.add_user("ana", "ana@acme.example")
    app.world.groups[acme].members[ana] = Membership(GUEST)
    after = {"username": "ana@acme.example", "email": "ana@acme.example"}
    (receipt,) = perform(app, on_account(Operation.CREATE_ACCOUNT, after=after), group="acme")
    assert receipt.outcome is Outcome.FAILED
    assert "User already exists in source" in receipt.detail
    assert "declare `usernames` of ana" in receipt.detail


def test_a_leaver_is_taken_out_of_everything(app: FakeGitLab, acme: int) -> None:
    """Of the group, what is below it, and what has them without it; not of what is somebody else's."""
    sam = app.world.add_user("sam")
    app.world.groups[acme].members[sam] = Membership(OWNER)
    app.world.add_group("acme/sre", (sam, MAINTAINER))
    project = app.world.add_project("acme/sre/tools", (sam, DEVELOPER))
    other = app.world.find("group", "other")
    assert other
    other.members[sam] = Membership(GUEST)
    change = on_account(Operation.SUSPEND_ACCOUNT, sam)
    first, again = perform(app, change, change, group="acme")
    assert (first.outcome, first.detail, again.outcome) == (Outcome.DONE, "taken out of 3", Outcome.DONE)
    assert [place.path for place in app.world.every_place() if sam in place.members] == ["other"]
    assert project


def test_the_top_level_group_is_never_left_by_a_revoke(app: FakeGitLab, acme: int) -> None:
    """Whoever is an owner no more is what everybody is."""
    ana = app.world.add_user("ana")
    app.world.groups[acme].members[ana] = Membership(OWNER, "2026-12-31")
    change = on_member(Operation.REVOKE, ana, "group:acme", acme)
    assert [one.outcome for one in perform(app, change, change, group="acme")] == [Outcome.DONE] * 2
    assert app.world.groups[acme].members[ana] == Membership(GUEST, "2026-12-31")
    (receipt,) = perform(app, on_member(Operation.GRANT, ana, "group:acme", acme, "guest"), group="acme")
    assert receipt.outcome is Outcome.FAILED
    assert "without this grant" in receipt.detail


def test_single_people_are_read(app: FakeGitLab, acme: int) -> None:
    """In the group, below it, invited, and not at all."""
    ana, kim, eve = (app.world.add_user(name) for name in ("ana", "kim", "eve"))
    app.world.groups[acme].members[ana] = Membership(GUEST)
    app.world.add_project("acme/web", (kim, DEVELOPER))
    app.world.groups[acme].invited["lee@acme.example"] = Membership(GUEST)

    async def work(provider: GitLabProvider, _: HttpServer) -> list[str | None]:
        ids = [str(ana), str(kim), str(eve), "invitation/lee@acme.example", "invitation/x@acme.example", "999"]
        return [each and (each.username or each.email) for each in await provider.reread(ids)]

    assert drive(app, work, group="acme") == ["ana", "kim", None, "lee@acme.example", None, None]


def test_groups_in_it_are_made_renamed_and_filled(app: FakeGitLab, acme: int) -> None:
    """By their whole paths, which begin with the top-level group's; each twice."""
    ana = app.world.add_user("ana")
    ops = app.world.add_group("acme/ops")
    made = app.world.add_group("acme/web")
    changes = [
        on_group(Operation.CREATE_ENTITLEMENT, "group:acme/docs"),
        on_group(Operation.RENAME_ENTITLEMENT, "group:acme/sre", ops),
        on_member(Operation.GRANT, ana, "group:acme/web", made, "guest"),
        on_member(Operation.SET_LEVEL, ana, "group:acme/web", made, "maintainer"),
    ]
    for change in changes:
        assert [one.outcome for one in perform(app, change, change, group="acme")] == [Outcome.DONE] * 2
    assert {place.path for place in app.world.groups.values()} == {"other", "acme", "acme/docs", "acme/sre", "acme/web"}
    assert app.world.groups[made].members == {ana: Membership(MAINTAINER)}
    elsewhere = on_group(Operation.CREATE_ENTITLEMENT, "group:other/docs")
    (receipt,) = perform(app, elsewhere, group="acme")
    assert (receipt.outcome, acme in app.world.groups) == (Outcome.FAILED, True)


def test_somebody_who_cannot_be_looked_for_is_not_gone(app: FakeGitLab, acme: int) -> None:
    """Whoever was put into a project alone is found only by reading everything."""
    kim = app.world.add_user("kim")
    app.world.add_project("acme/web", (kim, DEVELOPER))
    app.forbid("entitlements:project")

    async def work(provider: GitLabProvider, _: HttpServer) -> None:
        await provider.reread([str(kim)])

    with pytest.raises(ProviderError, match="cannot be told"):
        drive(app, work, group="acme")
    assert acme
