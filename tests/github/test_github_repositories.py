"""Repositories let people in: members at once, people from outside by an invitation, and nobody by a recycled login."""

from typing import Any

import pytest
from fake_organization import FakeOrganization
from github_driving import drive, grant, on_account, perform
from support.http_server import HttpServer

from providers.github.provider import GitHubProvider
from reconciler.provider.change import Change, Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)

REVOKE, SET_LEVEL = Operation.REVOKE, Operation.SET_LEVEL


def after_reading(app: FakeOrganization, *changes: Change) -> list[Receipt]:
    """Read, then perform changes one after the other; `web` may be shared with people from outside."""

    async def work(provider: GitHubProvider, _: HttpServer) -> list[Receipt]:
        await provider.read()
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(app, work, outside=["web"])
    return found


def ids(repository: int, person: int) -> dict[str, Any]:
    """Return what pins a grant."""
    return {"entitlement_id": f"repo/{repository}", "account_id": str(person)}


def test_a_member_s_level_is_changed_in_place(app: FakeOrganization) -> None:
    """One request sets the level, and nothing is taken away before."""
    web, ana = app.world.add_repository("web"), app.world.add_member("ana")
    app.world.repositories[web].direct[ana] = "push"
    after_reading(app, grant("ana", "repo:web", SET_LEVEL, "maintain", **ids(web, ana)))
    assert app.world.repositories[web].direct == {ana: "maintain"}
    assert app.writes == ["PUT /repos/acme/web/collaborators/ana"]


def test_somebody_from_outside_is_invited_once_and_the_invitation_is_changed(app: FakeOrganization) -> None:
    """A first grant invites, a second finds the invitation, another level changes it, and a revoke cancels it."""
    web, eve = app.world.add_repository("web"), app.world.add_user("eve")
    account = on_account(Operation.CREATE_ACCOUNT, "eve", after={"username": "eve", "membership": "outside"})
    give = grant("eve", "repo:web", level="push", **ids(web, eve))
    raise_it = grant("eve", "repo:web", SET_LEVEL, "admin", **ids(web, eve))
    made, first, second, third = after_reading(app, account, give, give, raise_it)
    assert made.remote_id == str(eve)
    assert [first.detail, second.detail] == ["invited", "invited already; not accepted yet"]
    assert third.outcome is Outcome.DONE
    assert list(app.world.repositories[web].invitations.values()) == [(eve, "admin")]
    assert [write.partition(" ")[0] for write in app.writes] == ["PUT", "PATCH"]
    take = grant("eve", "repo:web", REVOKE, **ids(web, eve))
    receipts = after_reading(app, take, take)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert app.world.repositories[web].invitations == {}


def test_an_outsider_s_level_is_changed_in_place(app: FakeOrganization) -> None:
    """Whoever accepted is a collaborator: the level is set without another invitation."""
    web, eve = app.world.add_repository("web"), app.world.add_user("eve")
    app.world.repositories[web].direct[eve] = "pull"
    after_reading(app, grant("eve", "repo:web", SET_LEVEL, "triage", **ids(web, eve)))
    assert app.world.repositories[web].direct == {eve: "triage"}
    assert app.world.repositories[web].invitations == {}


def test_nobody_from_outside_is_invited_to_what_is_not_named(app: FakeOrganization) -> None:
    """A repository that `outside` does not name is for members only."""
    api, eve = app.world.add_repository("api"), app.world.add_user("eve")
    (receipt,) = after_reading(app, grant("eve", "repo:api", level="push", **ids(api, eve)))
    assert receipt.outcome is Outcome.FAILED
    assert "what `outside` of the way names" in receipt.detail
    assert app.writes == []


def test_somebody_who_left_is_not_invited_back_as_an_outsider(app: FakeOrganization) -> None:
    """A member who left meanwhile gets nothing by a grant that was planned before."""
    web, ana = app.world.add_repository("web"), app.world.add_user("ana")
    (receipt,) = after_reading(app, grant("ana", "repo:web", level="push", **ids(web, ana)))
    assert receipt.outcome is Outcome.FAILED
    assert "declare `membership: outside`" in receipt.detail
    assert app.writes == []


def test_a_recreated_repository_inherits_nothing(app: FakeOrganization) -> None:
    """A repository of the same name under another number is another repository."""
    ana = app.world.add_member("ana")
    app.world.add_repository("web")
    give, take = (grant("ana", "repo:web", one, "push", **ids(999, ana)) for one in (Operation.GRANT, REVOKE))
    first, second = after_reading(app, give, take)
    assert first.outcome is Outcome.FAILED
    assert "another one has its name" in first.detail
    assert second.outcome is Outcome.DONE
    assert app.writes == []


def test_who_is_gone_gets_nothing_and_loses_nothing(app: FakeOrganization) -> None:
    """A GitHub account that ended has failed on a grant, and is done on a revoke."""
    web = app.world.add_repository("web")
    give, take = (grant("ana", "repo:web", one, "push", **ids(web, 999)) for one in (Operation.GRANT, REVOKE))
    first, second = after_reading(app, give, take)
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.DONE)
    assert "no account with the id 999" in first.detail


def test_an_outsider_gets_another_repository_in_a_run_of_its_own(app: FakeOrganization) -> None:
    """An apply that has read nothing itself finds out who is from outside: by a repository, or by an invitation."""
    world = app.world
    web, docs = world.add_repository("web"), world.add_repository("docs")
    eve, noa = world.add_user("eve"), world.add_user("noa")
    world.repositories[web].direct[eve] = "push"
    world.repositories[web].invitations[70] = (noa, "push")
    changes = [grant(name, "repo:docs", level="pull", **ids(docs, who)) for name, who in (("eve", eve), ("noa", noa))]
    receipts = perform(app, *changes, outside=["*"])
    assert [receipt.detail for receipt in receipts] == ["invited", "invited"]
    assert sorted(world.repositories[docs].invitations.values()) == [(eve, "pull"), (noa, "pull")]
