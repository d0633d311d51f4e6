"""What a read says where part of it could not be had, or changed meanwhile, and what it shows of shadow apps."""

import pytest
from google_driving import at, change, drive, join, perform, read
from google_fake import FakeGoogle, error
from google_harness import RunningGoogle
from support.http_server import Reply, Request

from providers.google.provider import GoogleProvider
from reconciler.errors import ProviderError, ReadOnlyError
from reconciler.provider.change import Operation

pytestmark = pytest.mark.evidence("google", against="our own fake", of="the reference of November 2026")

FORBIDDEN = error(403, "forbidden", "Not Authorized to access this resource/api")


def seed() -> tuple[FakeGoogle, dict[str, dict[str, object]]]:
    """Return a customer with two users, each in two groups."""
    app = FakeGoogle()
    for name in ("ana", "omar"):
        app.add_user(at(name))
    groups = {name: app.add_group(at(name)) for name in ("eng", "all")}
    for group in groups.values():
        for name in ("ana", "omar"):
            join(app, group, at(name))
    return app, groups


def test_one_group_that_may_not_be_read_is_named_and_the_others_are_whole() -> None:
    """A 403 on one list of members leaves that group alone out of account."""
    app, groups = seed()
    app.paths[f"GET groups/{groups['eng']['id']}/members"] = FORBIDDEN
    snapshot = read(app)
    found = snapshot.collections["grants:group"]
    assert (found.complete, found.unread) == (True, {"group:eng"})
    assert {key for _, key, _ in snapshot.grants()} == {"group:all"}
    assert any("group:eng: list groups/" in note and "Not Authorized" in note for note in snapshot.notes)


def test_no_group_that_may_be_read_is_a_collection_that_could_not() -> None:
    """A 403 on every list of members is a missing permission, not many empty groups."""
    app, _ = seed()
    app.paths["GET groups/.*/members"] = FORBIDDEN
    found = read(app).collections["grants:group"]
    assert not found.complete
    assert "Not Authorized" in found.why


def test_a_group_whose_members_failed_otherwise_leaves_all_memberships_unread() -> None:
    """A fault is no permission: nothing of the collection is relied on."""
    app, groups = seed()
    app.paths[f"GET groups/{groups['eng']['id']}/members"] = Reply(500, {})
    found = read(app).collections["grants:group"]
    assert not found.complete
    assert "500" in found.why


def test_a_group_that_is_deleted_while_it_is_read_is_gone() -> None:
    """Listed, and then not found: there is no such group any more, and no doubt about the others."""
    app, groups = seed()
    app.paths[f"GET groups/{groups['eng']['id']}/members"] = error(404, "notFound", "Resource Not Found: groupKey")
    snapshot = read(app)
    assert [each.key for each in snapshot.entitlements if each.key.startswith("group:")] == ["group:all"]
    assert snapshot.collections["grants:group"].complete
    assert not snapshot.collections["grants:group"].unread


def test_a_user_who_comes_twice_means_that_the_pages_moved() -> None:
    """Somebody was made while the pages were read: the list is not relied on."""
    app, _ = seed()
    app.page = 1

    async def work(google: RunningGoogle, provider: GoogleProvider) -> None:
        def handle(request: Request) -> Reply:
            if app.batches == 1 and "u0" not in app.users:
                app.users = {"u0": {"id": "u0", "primaryEmail": at("aaa"), "customerId": "C0"}, **app.users}
            return app.answer(request)

        google.server.handler = handle
        found = (await provider.read()).collections["accounts"]
        assert (found.complete, found.why) == (False, "1 came twice: it changed while it was read")

    drive(work, app=app)


def test_nothing_that_could_be_read_is_an_error_in_googles_words() -> None:
    """An administrator without any right: not an empty company."""
    app, _ = seed()
    app.paths["GET .*"] = FORBIDDEN
    with pytest.raises(ProviderError, match=r"nothing could be read: .* Not Authorized"):
        read(app)


def test_shadow_apps_are_shown_with_what_they_may_do() -> None:
    """One entitlement for each app, whoever let it in; who was deleted meanwhile is nobody's gap."""
    app, _ = seed()
    app.tokens = {"u100": {"crm.apps": "Crm"}, "u101": {"crm.apps": "Crm", "ai.apps": "Helper"}}
    app.add_user(at("gone"))
    app.paths["GET users/u104/tokens"] = error(404, "notFound", "Resource Not Found: userKey")
    snapshot = read(app)
    shown = {each.key: each.attributes for each in snapshot.entitlements if each.key.startswith("oauth:")}
    assert shown == {
        "oauth:crm.apps": {"displayText": "Crm", "scopes": ("openid",)},
        "oauth:ai.apps": {"displayText": "Helper", "scopes": ("openid",)},
    }
    assert {(who, key) for who, key, _ in snapshot.grants() if key in shown} == {
        ("u100", "oauth:crm.apps"), ("u101", "oauth:crm.apps"), ("u101", "oauth:ai.apps"),
    }  # fmt: skip
    assert snapshot.collections["grants:oauth"].complete


def test_one_person_whose_apps_cannot_be_seen_leaves_the_apps_unread() -> None:
    """A gap in what everybody let in would look like access that was taken back."""
    app, _ = seed()
    app.tokens = {"u100": {"crm.apps": "Crm"}}
    app.paths["GET users/u101/tokens"] = FORBIDDEN
    snapshot = read(app)
    assert not snapshot.collections["grants:oauth"].complete
    assert not snapshot.collections["entitlements:oauth"].complete
    assert snapshot.collections["grants:group"].complete


def test_while_planning_nothing_but_reading_is_ever_sent() -> None:
    """Batches of reads are the only POST, and hold only GET; a change is refused before it is looked at."""
    app, groups = seed()

    async def work(google: RunningGoogle, provider: GoogleProvider) -> None:
        await provider.read()
        ids = {"account_id": "u100", "entitlement_id": str(groups["eng"]["id"])}
        with pytest.raises(ReadOnlyError):
            await provider.perform(change(Operation.REVOKE, "ana", "group:eng", **ids))
        sent = {(each.method, each.path) for each in google.server.requests if each.method != "GET"}
        assert sent == {("POST", "/batch")}
        assert {method for method, _ in app.seen} == {"GET"}

    drive(work, app=app, read_only=True)


def test_a_group_is_described_in_place_and_what_is_emptied_is_empty() -> None:
    """Name and description belong to the entitlement, and are compared."""
    app, groups = seed()
    ids = {"entitlement_id": str(groups["eng"]["id"])}
    update = change(Operation.UPDATE_ENTITLEMENT, entitlement="group:eng", after={"description": "All of us"}, **ids)
    perform(app, update, update)
    shown = {each.key: each.attributes for each in read(app).entitlements}
    assert shown["group:eng"] == {"description": "All of us"}
    perform(app, change(Operation.UPDATE_ENTITLEMENT, entitlement="group:eng", after={"description": None}, **ids))
    assert {each.key: each.attributes for each in read(app).entitlements}["group:eng"] == {}


def test_an_own_account_is_the_administrators() -> None:
    """The tool never suspends whom it acts as, by whichever address that is configured."""
    app, _ = seed()
    app.users["u101"]["aliases"] = [at("access")]
    assert read(app, subject=at("access")).own_account == "u101"
