"""Writing: what is so already is done, nobody's account is guessed, and a refusal says why."""

from typing import Any

import pytest
from atlassian_driving import both, grant, on_account, on_group, organization, perform, read, site, with_account_key
from fake_atlassian import FakeAtlassian

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence("atlassian", against="our own fake", of="Jira's requests checked against jira.js")

SUSPEND, REACTIVATE = Operation.SUSPEND_ACCOUNT, Operation.REACTIVATE_ACCOUNT
CREATE, DELETE, REVOKE = Operation.CREATE_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.REVOKE


def asked(app: FakeAtlassian) -> list[str]:
    """Return the last parts of the paths of what was written."""
    return [path.rpartition("/")[2] for method, path in app.log if method != "GET" and not path.endswith("search")]


def test_a_managed_account_is_deactivated_where_there_is_a_key_for_it(app: FakeAtlassian) -> None:
    """Once, however often it is asked for; its groups stay as they are."""
    ana = app.world.add_user("ana@acme.example", claimStatus="managed")
    group = app.world.add_group("engineers", ana)
    change = on_account(SUSPEND, "ana", ana)
    receipts = perform(app, change, change, settings=with_account_key)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 2
    assert receipts[1].detail == "it was so already"
    assert app.world.users[ana]["accountStatus"] == "inactive"
    assert app.world.users[ana]["membershipStatus"] == "active"
    assert app.world.members[group] == [ana]
    assert asked(app) == ["disable"]


@pytest.mark.parametrize(("settings", "claim"), [(both, "managed"), (with_account_key, "unmanaged")])
def test_the_access_of_all_others_is_suspended(app: FakeAtlassian, settings: Any, claim: str) -> None:
    """Without that key, and for accounts that are not the organization's."""
    ana = app.world.add_user("ana@acme.example", claimStatus=claim)
    (receipt,) = perform(app, on_account(SUSPEND, "ana", ana), settings=settings)
    assert receipt.outcome is Outcome.DONE
    assert (app.world.users[ana]["membershipStatus"], app.world.users[ana]["accountStatus"]) == ("suspended", "active")
    assert asked(app) == ["suspend"]


def test_whoever_comes_back_gets_both_back(app: FakeAtlassian) -> None:
    """An account that is deactivated and suspended is enabled and restored."""
    ana = app.world.add_user("ana@acme.example", suspended=True, claimStatus="managed", accountStatus="inactive")
    change = on_account(REACTIVATE, "ana", ana)
    (receipt,) = perform(app, change)
    assert receipt.outcome is Outcome.FAILED
    assert "`account_key`" in receipt.detail
    assert [each.outcome for each in perform(app, change, change, settings=with_account_key)] == [Outcome.DONE] * 2
    assert asked(app) == ["enable", "restore"]


def test_whoever_is_gone_is_suspended_and_not_restored(app: FakeAtlassian) -> None:
    """Removed from the directory in between: there is nothing to suspend, and no way back but an invitation."""
    receipts = perform(app, on_account(SUSPEND, "ana", "712020:1"), on_account(REACTIVATE, "ana", "712020:1"))
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE, Outcome.FAILED]
    assert "has to be invited" in receipts[1].detail


@pytest.mark.parametrize("settings", [both, site])
def test_an_address_is_invited_once(app: FakeAtlassian, settings: Any) -> None:
    """A second time the account is found; it stays what it is."""
    after = {"email": "ana@acme.example", "username": "ana"}
    change = on_account(CREATE, "ana", after=after)
    first, second = perform(app, change, change, settings=settings)
    assert first.outcome is second.outcome is Outcome.DONE
    assert [first.remote_id] == [second.remote_id] == list(app.world.users)


@pytest.mark.parametrize("settings", [both, site])
def test_whoever_left_is_not_invited_silently(app: FakeAtlassian, settings: Any) -> None:
    """The address has an account that is suspended: a person looks."""
    app.world.add_user("ana@acme.example", suspended=True)
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"email": "ana@acme.example"}), settings=settings)
    assert receipt.outcome is Outcome.FAILED
    assert "exists and is" in receipt.detail
    assert asked(app) == []


@pytest.mark.parametrize("settings", [both, site])
def test_nobody_is_invited_without_an_address(app: FakeAtlassian, settings: Any) -> None:
    """A username is nothing to Atlassian."""
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"username": "ana"}), settings=settings)
    assert receipt.outcome is Outcome.FAILED
    assert "by address, and there is none" in receipt.detail


@pytest.mark.parametrize("settings", [both, site])
def test_a_lost_invitation_is_looked_up(app: FakeAtlassian, settings: Any) -> None:
    """The answer was lost, the account is there, and no second invitation is sent."""
    app.losing = True
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"email": "ana@acme.example"}), settings=settings)
    assert (receipt.outcome, receipt.detail) == (Outcome.DONE, "the answer was lost; it was done")
    assert [receipt.remote_id] == list(app.world.users)


@pytest.mark.parametrize(("settings", "search"), [(both, ".*users/search"), (site, "user/search")])
def test_a_lost_invitation_that_cannot_be_looked_up_is_unknown(app: FakeAtlassian, settings: Any, search: str) -> None:
    """It may have been sent: nothing else would be true."""
    app.losing = True
    app.afterwards[".*users/invite|user"] = lambda: app.forbidden.append(search)
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"email": "ana@acme.example"}), settings=settings)
    assert receipt.outcome is Outcome.UNKNOWN
    assert len(app.world.users) == 1


def test_somebody_elses_address_is_never_taken(app: FakeAtlassian) -> None:
    """Jira's search finds parts of addresses; only the whole one is the person's."""
    app.world.add_user("joana@acme.example")
    (receipt,) = perform(app, on_account(CREATE, "ana", after={"email": "ana@acme.example"}), settings=site)
    assert receipt.outcome is Outcome.DONE
    assert app.world.users[receipt.remote_id]["email"] == "ana@acme.example"


def test_an_organization_says_what_a_new_account_starts_with(app: FakeAtlassian) -> None:
    """Without an app an invitation would lead nowhere: none is sent."""
    change = on_account(CREATE, "ana", after={"email": "ana@acme.example"})
    (receipt,) = perform(app, change, settings=organization, starts_with={})
    assert receipt.outcome is Outcome.FAILED
    assert "starts_with" in receipt.detail
    assert app.log == []


def test_an_app_without_seats_is_told(app: FakeAtlassian) -> None:
    """Atlassian answers with success: who got no app at all is not invited, and who got some hears what is missing."""
    jira, wiki = "ari:cloud:jira-software::site/1", "ari:cloud:confluence::site/2"
    starts = {"starts_with": {jira: "atlassian/user", wiki: "atlassian/user"}}
    change = on_account(CREATE, "ana", after={"email": "ana@acme.example"})
    app.directory.full = {jira, wiki}
    (receipt,) = perform(app, change, settings=organization, **starts)
    assert receipt.outcome is Outcome.FAILED
    assert f"atlassian/user of {jira}: You have exceeded your user limit." in receipt.detail
    app.directory.full = {wiki}
    (receipt,) = perform(app, change, settings=organization, **starts)
    assert (receipt.outcome, [receipt.remote_id]) == (Outcome.DONE, list(app.world.users))
    assert receipt.detail == f"atlassian/user of {wiki}: You have exceeded your user limit."


@pytest.mark.parametrize("settings", [both, site])
def test_a_removed_account_is_gone_from_groups_and_roles(app: FakeAtlassian, settings: Any) -> None:
    """Twice is harmless."""
    world = app.world
    ana = world.add_user("ana@acme.example")
    world.add_group("engineers", ana)
    change = on_account(DELETE, "ana", ana)
    assert [each.outcome for each in perform(app, change, change, settings=settings)] == [Outcome.DONE] * 2
    assert list(read(app, settings).grants()) == []


def test_a_synced_group_refuses_and_says_who_keeps_it(app: FakeAtlassian) -> None:
    """In Atlassian's words, and what to do."""
    ana, group = app.world.add_user("ana@acme.example"), app.world.add_group("hr", externalSynced=True)
    (receipt,) = perform(app, grant(ana, "group:hr", group))
    assert receipt.outcome is Outcome.FAILED
    assert "Not allowed to manage the group" in receipt.detail
    assert "synced from an identity provider: change its members there" in receipt.detail


def test_a_site_alone_refuses_in_jiras_words(app: FakeAtlassian) -> None:
    """It does not tell who manages a group, and the refusal does."""
    ana, group = app.world.add_user("ana@acme.example"), app.world.add_group("hr", externalSynced=True)
    (receipt,) = perform(app, grant(ana, "group:hr", group), settings=site)
    assert receipt.outcome is Outcome.FAILED
    assert "it is synced" in receipt.detail


@pytest.mark.parametrize("settings", [both, site])
def test_a_second_group_of_one_name_is_never_made(app: FakeAtlassian, settings: Any) -> None:
    """The one that there is, is taken, whatever its case."""
    group = app.world.add_group("Engineers")
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"), settings=settings)
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, group)
    assert len(app.world.groups) == 1


@pytest.mark.parametrize(("settings", "listing"), [(both, ".*groups/search"), (site, "group/bulk")])
def test_no_group_is_made_where_nobody_knows_what_there_is(app: FakeAtlassian, settings: Any, listing: str) -> None:
    """Its name may be taken."""
    app.forbidden = [listing]
    (receipt,) = perform(app, on_group(Operation.CREATE_ENTITLEMENT, "group:engineers"), settings=settings)
    assert receipt.outcome is Outcome.FAILED
    assert app.world.groups == {}


def test_a_group_is_put_into_a_role_and_no_group_into_a_group(app: FakeAtlassian) -> None:
    """By its id; what Atlassian has not is said."""
    world = app.world
    project, role, group = world.add_project("ENG"), world.add_role("Developers"), world.add_group("engineers")
    key, change = "project-role:ENG/Developers", {"holder_entitlement_id": group}
    perform(app, grant("group:engineers", key, f"{project}/{role}", **change))
    assert world.actors[project, role] == {"user": [], "group": [group]}
    perform(app, grant("group:engineers", key, f"{project}/{role}", REVOKE, **change))
    assert world.actors[project, role] == {"user": [], "group": []}
    (receipt,) = perform(app, grant("group:engineers", "group:all", world.add_group("all"), **change))
    assert "no group is in another one" in receipt.detail


def test_only_the_person_leaves_a_role(app: FakeAtlassian) -> None:
    """Other people and the groups in it stay; somebody who has it by a group too still has it by the group."""
    world = app.world
    ana, omar = world.add_user("ana@acme.example"), world.add_user("omar@acme.example")
    project, role, group = world.add_project("ENG"), world.add_role("Developers"), world.add_group("engineers", ana)
    for each in (ana, omar):
        world.act(project, role, user=each)
    world.act(project, role, group=group)
    change = grant(ana, "project-role:ENG/Developers", f"{project}/{role}", REVOKE)
    assert [each.outcome for each in perform(app, change, change)] == [Outcome.DONE] * 2
    assert world.actors[project, role] == {"user": [omar], "group": [group]}


def test_a_role_of_a_project_that_is_gone_is_not_given(app: FakeAtlassian) -> None:
    """Nor anything that is no role: an id from elsewhere becomes no path."""
    ana = app.world.add_user("ana@acme.example")
    key = "project-role:ENG/Developers"
    gone, odd = perform(app, grant(ana, key, "10/20"), grant(ana, key, "../../user"))
    assert gone.outcome is odd.outcome is Outcome.FAILED
    assert "404" in gone.detail
    assert [path for _, path in app.log if "user" in path] == []


def test_a_change_takes_one_request_where_nothing_is_in_the_way(app: FakeAtlassian) -> None:
    """Members and actors are put in and taken out by themselves, without reading who else is there."""
    world = app.world
    ana, group = world.add_user("ana@acme.example"), world.add_group("engineers")
    role = f"{world.add_project('ENG')}/{world.add_role('Developers')}"
    changes = [
        grant(ana, key, id_, operation)
        for key, id_ in (("group:engineers", group), ("project-role:ENG/Developers", role))
        for operation in (Operation.GRANT, REVOKE)
    ]
    for settings in (both, site):
        assert [each.requests for each in perform(app, *changes, settings=settings)] == [1] * 4
