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


def test_a_list_from_which_github_left_something_out_is_not_whole(app: FakeOrganization) -> None:
    """A token that is not authorized for SAML single sign-on gets a success, and less than there is."""

    def answer(request: Request) -> Reply:
        reply = app.answer(request)
        if not request.path.endswith("/outside_collaborators"):
            return reply
        return Reply(reply.status, [], {"X-GitHub-SSO": "partial-results; organizations=21955855,20582480"})

    web, eve = app.world.add_repository("web"), app.world.add_user("eve")
    app.world.repositories[web].direct[eve] = "push"
    accounts = read_with(answer).collections["accounts"]
    assert not accounts.complete
    assert "authorize the token" in accounts.why


def test_a_token_that_saml_keeps_out_is_told_to_be_authorized() -> None:
    """GitHub's own words say so; nothing is taken for an empty organization."""
    words = "Resource protected by organization SAML enforcement. You must grant your token access."
    told = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=AZ"}
    error = {"type": "FORBIDDEN", "path": ["organization"], "extensions": {"saml_failure": True}, "message": words}

    def answer(request: Request) -> Reply:
        if request.path == "/graphql":
            return Reply(200, {"data": {"organization": None}, "errors": [error]}, told)
        return Reply(403, {"message": words}, told)

    with pytest.raises(ProviderError, match="SAML enforcement"):
        read_with(answer)


def test_a_secondary_limit_that_says_how_long_is_waited_for_so_long(app: FakeOrganization) -> None:
    """403 with Retry-After is no refusal: the list is whole afterwards."""
    refused: list[str] = []

    def answer(request: Request) -> Reply:
        if request.method == "GET" and not refused:
            refused.append(request.path)
            words = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
            return Reply(403, words, {"Retry-After": "30"})
        return app.answer(request)

    assert all(found.complete for found in read_with(answer).collections.values())
    assert refused
