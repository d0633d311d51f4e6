"""Lists that lie or break: pages that lead back, answers that are lost, gateways that give up."""

import asyncio
from collections.abc import Callable

import pytest
from fake_organization import FakeOrganization
from github_driving import open_provider, read
from support.http_server import Reply, Request, http_server

from reconciler.errors import ProviderError
from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence(
    "github", against="our own fake", of="GitHub's GraphQL schema and OpenAPI description"
)


def read_with(answer: Callable[[Request], Reply]) -> Snapshot:
    """Read what a handler answers."""

    async def run() -> Snapshot:
        async with http_server(answer) as server, open_provider(server.url) as provider:
            return await provider.read()

    return asyncio.run(run())


def test_a_page_that_leads_back_to_itself_is_no_end_of_a_list(app: FakeOrganization) -> None:
    """A cursor that stays where it is would be followed for ever: the list is not whole, and that is told."""
    for number in range(5):
        app.world.add_repository(f"r{number}")
    app.graphql.page = 2
    app.graphql.stuck = {"repositories"}
    snapshot = read(app)
    assert "begins where the last one did" in snapshot.collections["entitlements:repo"].why
    assert snapshot.collections["entitlements:team"].complete


def test_a_link_that_leads_back_is_not_followed_for_ever(app: FakeOrganization) -> None:
    """REST's lists have no counts; a link that was followed before ends the list as not whole."""

    def answer(request: Request) -> Reply:
        reply = app.answer(request)
        if request.path != "/orgs/acme/invitations":
            return reply
        link = f'<http://{request.headers["host"]}{request.path}?per_page=100&page=2>; rel="next"'
        return Reply(reply.status, reply.body, {"Link": link})

    assert "leads back" in read_with(answer).collections["accounts"].why


@pytest.mark.parametrize(
    "fault", [Reply(502, "<html><title>Unicorn!</title></html>"), Reply(reset=True), Reply(200, {"data": {}}, cut=5)]
)
def test_a_query_that_is_not_answered_is_asked_again(app: FakeOrganization, fault: Reply) -> None:
    """A gateway that gave up, a connection that broke, a body that was cut off: asked again, and read whole."""
    faults = [fault]
    app.world.add_team("platform")

    def answer(request: Request) -> Reply:
        return faults.pop() if request.path == "/graphql" and faults else app.answer(request)

    assert all(found.complete for found in read_with(answer).collections.values())


@pytest.mark.parametrize("body", [{"message": "what?"}, {"data": None, "errors": [{"message": "no such field"}]}, []])
def test_an_answer_that_is_none_of_graphql_s_is_an_error(app: FakeOrganization, body: object) -> None:
    """Neither data nor a reason to wait: nothing is taken for read."""
    with pytest.raises(ProviderError, match=r"GraphQL|POST /graphql"):
        read_with(lambda request: Reply(200, body) if request.path == "/graphql" else app.answer(request))


def test_a_list_that_grows_while_it_is_read_is_not_whole(app: FakeOrganization) -> None:
    """Somebody makes a repository in front of those that were read: the count tells."""
    for number in range(4):
        app.world.add_repository(f"r{number}")
    app.graphql.page = 3

    def answer(request: Request) -> Reply:
        reply = app.answer(request)
        if request.path == "/graphql" and len(app.world.repositories) == 4:
            added = app.world.add_repository("first")
            repositories = app.world.repositories
            app.world.repositories = {added: repositories[added], **repositories}
        return reply

    assert "4 of 5 were listed" in read_with(answer).collections["entitlements:repo"].why
