"""The fake is a GitLab for a client of others, too: python-gitlab reads and changes it, and understands its answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import gitlab
import pytest
from fake_gitlab import TOKEN, FakeGitLab
from gitlab_world import DEVELOPER, GUEST, OWNER, REPORTER, Membership
from support.http_server import http_server


def use(app: FakeGitLab, work: Callable[[gitlab.Gitlab], Any]) -> Any:
    """Run something with python-gitlab."""

    async def run() -> Any:
        async with http_server(app.answer) as server:
            with gitlab.Gitlab(server.url, oauth_token=TOKEN, retry_transient_errors=False) as client:
                return await asyncio.to_thread(work, client)

    found = asyncio.run(run())
    assert app.rest.violations == []
    return found


def test_users_are_listed_by_keyset_and_moderated(app: FakeGitLab) -> None:
    """All pages, a state that changes, a user that is made and deleted."""
    app.page = app.rest.page = 2
    numbers = [app.world.add_user(f"p{number}") for number in range(5)]

    def work(client: gitlab.Gitlab) -> list[str]:
        listed = client.users.list(iterator=True, pagination="keyset", order_by="id", sort="asc")
        names = [user.username for user in listed]
        client.users.get(numbers[0]).block()
        made = client.users.create(
            {"email": "x@acme.example", "username": "x", "name": "X", "force_random_password": True}
        )
        made.delete()
        return names

    assert use(app, work) == ["reconciler", "p0", "p1", "p2", "p3", "p4"]
    assert app.world.users[numbers[0]]["state"] == "blocked"
    assert not app.world.user("x")


def test_members_are_added_changed_and_removed(app: FakeGitLab) -> None:
    """Of a group and of a project; a day that is not sent again is gone."""
    ana = app.world.add_user("ana")
    group, project = app.world.add_group("acme"), app.world.add_project("acme/web")

    def work(client: gitlab.Gitlab) -> None:
        made = client.groups.create({"name": "sre", "path": "sre", "parent_id": group})
        assert (made.full_path, made.parent_id) == ("acme/sre", group)
        place = client.groups.get("acme")
        place.members.create({"user_id": ana, "access_level": GUEST, "expires_at": "2026-12-31"})
        with pytest.raises(gitlab.GitlabCreateError, match="already exists"):
            place.members.create({"user_id": ana, "access_level": GUEST})
        (member,) = place.members.list(get_all=True)
        assert (member.access_level, member.expires_at) == (GUEST, "2026-12-31")
        member.access_level = OWNER
        member.save()
        web = client.projects.get(project, lazy=True)
        web.members.create({"user_id": ana, "access_level": DEVELOPER})
        web.members.delete(ana)
        with pytest.raises(gitlab.GitlabGetError):
            web.members.get(ana)

    use(app, work)
    assert app.world.groups[group].members == {ana: Membership(OWNER)}
    assert not app.world.projects[project].members


def test_invitations_are_sent_listed_changed_and_cancelled(app: FakeGitLab) -> None:
    """By address; one that is there already is an error inside a success."""
    group = app.world.add_group("acme")

    def work(client: gitlab.Gitlab) -> None:
        invitations = client.groups.get(group).invitations
        invitations.create({"email": "kim@acme.example", "access_level": GUEST})
        with pytest.raises(gitlab.GitlabInvitationError, match="already been taken"):
            invitations.create({"email": "kim@acme.example", "access_level": GUEST})
        (one,) = invitations.list(get_all=True)
        assert (one.invite_email, one.access_level) == ("kim@acme.example", GUEST)
        invitations.update("kim@acme.example", {"access_level": REPORTER})
        assert app.world.groups[group].invited["kim@acme.example"].level == REPORTER
        invitations.delete("kim@acme.example")

    use(app, work)
    assert not app.world.groups[group].invited
