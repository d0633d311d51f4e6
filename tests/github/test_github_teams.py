"""Teams are made, renamed, nested and filled; owners are owners."""

import pytest
from fake_organization import FakeOrganization
from github_driving import grant, on_entitlement, perform
from github_world import LEVELS

from reconciler.provider.change import Operation, Outcome

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

CREATE, RENAME = Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT
REVOKE, SET_LEVEL = Operation.REVOKE, Operation.SET_LEVEL


def test_a_new_team_is_empty(app: FakeOrganization) -> None:
    """GitHub puts whoever makes a team into it as maintainer: that one is taken out again."""
    first, second = perform(app, on_entitlement(CREATE, "team:ops"), on_entitlement(CREATE, "team:ops"))
    team = app.world.team("ops")
    assert team is not None
    assert team.members == {}
    assert first.remote_id == second.remote_id == f"team/{team.id}"
    assert second.detail == "it is there already"


def test_a_new_team_whose_answer_was_lost_is_empty_too(app: FakeOrganization) -> None:
    """It is found, and whoever made it taken out of it."""
    app.losing = True
    (receipt,) = perform(app, on_entitlement(CREATE, "team:ops"))
    team = app.world.team("ops")
    assert team is not None
    assert (receipt.outcome, receipt.remote_id) == (Outcome.DONE, f"team/{team.id}")
    assert team.members == {}


@pytest.mark.parametrize("name", ["Ops Team", "ops.team", "-ops"])
def test_a_team_is_called_by_its_slug(app: FakeOrganization, name: str) -> None:
    """A name that GitHub would turn into another slug is refused before it makes a team of another key."""
    (receipt,) = perform(app, on_entitlement(CREATE, f"team:{name}"))
    assert receipt.outcome is Outcome.FAILED
    assert "by its slug" in receipt.detail
    assert app.writes == []


def test_a_team_is_renamed_and_stays_the_same(app: FakeOrganization) -> None:
    """Renaming keeps the number; twice is once; another team of the old name is not touched."""
    ops = app.world.add_team("ops")
    change = on_entitlement(RENAME, "team:operations", f"team/{ops}", before={"key": "team:ops"})
    receipts = perform(app, change, change)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * 2
    assert app.world.teams[ops].slug == "operations"
    app.world.add_team("ops")
    (receipt,) = perform(app, on_entitlement(RENAME, "team:new", "team/999", before={"name": "ops"}))
    assert receipt.outcome is Outcome.FAILED
    assert "another one has its name" in receipt.detail


def test_a_team_is_described(app: FakeOrganization) -> None:
    """Description and privacy are set; what a team does not have is refused."""
    ops = app.world.add_team("ops")
    done, refused = perform(
        app,
        on_entitlement(
            Operation.UPDATE_ENTITLEMENT,
            "team:ops",
            f"team/{ops}",
            after={"description": "On call", "privacy": "secret"},
        ),
        on_entitlement(Operation.UPDATE_ENTITLEMENT, "team:ops", f"team/{ops}", after={"colour": "red"}),
    )
    assert done.outcome is Outcome.DONE
    assert (app.world.teams[ops].description, app.world.teams[ops].privacy) == ("On call", "secret")
    assert "not colour" in refused.detail


def test_a_team_is_put_under_another_and_taken_out(app: FakeOrganization) -> None:
    """Nesting is a grant of the parent to the child; each way twice is once."""
    above, below = app.world.add_team("engineering"), app.world.add_team("platform")
    ids = {"entitlement_id": f"team/{above}", "holder_entitlement_id": f"team/{below}"}
    nest = grant("team:platform", "team:engineering", level="member", **ids)
    take = grant("team:platform", "team:engineering", REVOKE, **ids)
    perform(app, nest, nest)
    assert app.world.teams[below].parent == above
    receipts = perform(app, take, take)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert app.world.teams[below].parent is None
    assert len(app.writes) == 2


def test_a_level_in_a_team_is_changed_in_place(app: FakeOrganization) -> None:
    """A member becomes maintainer by one request that never takes them out."""
    ops, ana = app.world.add_team("ops"), app.world.add_member("ana")
    app.world.teams[ops].members[ana] = "member"
    ids = {"entitlement_id": f"team/{ops}", "account_id": str(ana)}
    (receipt,) = perform(app, grant("ana", "team:ops", SET_LEVEL, "maintainer", **ids))
    assert receipt.outcome is Outcome.DONE
    assert app.world.teams[ops].members == {ana: "maintainer"}
    assert app.writes == ["PUT /orgs/acme/teams/ops/memberships/ana"]


def test_nobody_is_invited_to_the_organization_by_a_team(app: FakeOrganization) -> None:
    """GitHub would invite whoever is put into a team: who is no member is refused before that."""
    ops, eve = app.world.add_team("ops"), app.world.add_user("eve")
    (receipt,) = perform(app, grant("eve", "team:ops", entitlement_id=f"team/{ops}", account_id=str(eve)))
    assert receipt.outcome is Outcome.FAILED
    assert "no member of the organization, and not invited" in receipt.detail
    assert app.world.invitations == {}


def test_somebody_invited_gets_their_team_with_the_invitation(app: FakeOrganization) -> None:
    """The team waits until the invitation is accepted, and can be taken back before."""
    ops, ana = app.world.add_team("ops"), app.world.add_user("ana")
    app.world.invite(ana)
    ids = {"entitlement_id": f"team/{ops}", "account_id": str(ana)}
    perform(app, grant("ana", "team:ops", level="maintainer", **ids))
    assert app.world.teams[ops].pending == {ana: "maintainer"}
    perform(app, grant("ana", "team:ops", REVOKE, **ids))
    assert app.world.teams[ops].pending == {}


def test_an_owner_is_maintainer_anyway_and_that_is_said(app: FakeOrganization) -> None:
    """Owners are read as plain members of teams; asking for more says that it needs no declaration."""
    ops, omar = app.world.add_team("ops"), app.world.add_member("omar", role="admin")
    ids = {"entitlement_id": f"team/{ops}", "account_id": str(omar)}
    given, raised = perform(
        app, grant("omar", "team:ops", level="member", **ids), grant("omar", "team:ops", SET_LEVEL, "maintainer", **ids)
    )
    assert given.outcome is Outcome.DONE
    assert raised.outcome is Outcome.FAILED
    assert "declare the team without a level" in raised.detail


def test_a_recreated_team_inherits_nothing(app: FakeOrganization) -> None:
    """A team of the same name under another number is another team."""
    ana = app.world.add_member("ana")
    app.world.add_team("ops")
    give, take = (
        grant("ana", "team:ops", operation, entitlement_id="team/999", account_id=str(ana))
        for operation in (Operation.GRANT, REVOKE)
    )
    first, second = perform(app, give, take)
    assert first.outcome is Outcome.FAILED
    assert second.outcome is Outcome.DONE
    assert app.writes == []


def test_owners_are_made_and_unmade_in_place(app: FakeOrganization) -> None:
    """The same request in both directions, so that nobody is out between; twice is once; other roles are refused."""
    ana = app.world.add_member("ana")
    ids = {"entitlement_id": "role/owner", "account_id": str(ana)}
    make, unmake = grant("ana", "role:owner", **ids), grant("ana", "role:owner", REVOKE, **ids)
    perform(app, make, make)
    assert app.world.members[ana] == "admin"
    perform(app, unmake, unmake)
    assert app.world.members[ana] == "member"
    assert app.writes == ["PUT /orgs/acme/memberships/ana"] * 2
    (receipt,) = perform(app, grant("ana", "role:billing", **ids))
    assert receipt.outcome is Outcome.FAILED
    assert "only role:owner" in receipt.detail


@pytest.mark.parametrize("level", LEVELS)
def test_a_team_gets_a_repository_at_each_level(app: FakeOrganization, level: str) -> None:
    """A level is set in place, and taken away; each twice is once."""
    ops, web = app.world.add_team("ops"), app.world.add_repository("web")
    ids = {"entitlement_id": f"repo/{web}", "holder_entitlement_id": f"team/{ops}"}
    give = grant("team:ops", "repo:web", level=level, **ids)
    perform(app, grant("team:ops", "repo:web", level="pull", **ids), give, give)
    assert app.world.teams[ops].repositories == {web: level}
    take = grant("team:ops", "repo:web", REVOKE, **ids)
    receipts = perform(app, take, take)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert app.world.teams[ops].repositories == {}


def test_a_team_gets_a_role_of_the_organization_s_own(app: FakeOrganization) -> None:
    """A custom role is a level like any other; one that the organization does not have is refused in GitHub's words."""
    ops, web = app.world.add_team("ops"), app.world.add_repository("web")
    app.rest.roles = {"Release Manager"}
    ids = {"entitlement_id": f"repo/{web}", "holder_entitlement_id": f"team/{ops}"}
    done, refused = perform(
        app,
        grant("team:ops", "repo:web", level="Release Manager", **ids),
        grant("team:ops", "repo:web", level="Boss", **ids),
    )
    assert done.outcome is Outcome.DONE
    assert app.world.teams[ops].repositories == {web: "Release Manager"}
    assert refused.outcome is Outcome.FAILED
    assert "permission is invalid" in refused.detail
