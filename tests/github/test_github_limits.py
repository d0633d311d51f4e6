"""GitHub's limits are kept, and where it asks to wait, it is waited for."""

import asyncio

import pytest
from fake_organization import FakeOrganization
from github_driving import GitHubClock, config, drive, grant, open_provider, perform, read
from support.http_server import HttpServer, Reply, Request, http_server

from providers.github.provider import GitHubProvider
from reconciler.errors import TransportError
from reconciler.provider.change import Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("github", against="our own fake", of="GitHub's published limits")


def test_five_hundred_changes_stay_within_the_limits(app: FakeOrganization) -> None:
    """500 changes take some 500 seconds and not one is refused; the 501st says when it could go, and is not sent."""
    clock = GitHubClock()
    app.clock = clock
    world = app.world
    ops = world.add_team("ops")
    people = [world.add_member(f"p{number}") for number in range(501)]
    changes = [
        grant(world.users[who], "team:ops", level="member", entitlement_id=f"team/{ops}", account_id=str(who))
        for who in people
    ]

    async def work(provider: GitHubProvider, _: HttpServer) -> list[Receipt]:
        gate = asyncio.Semaphore(provider.capabilities.concurrency)

        async def each(change: object) -> Receipt:
            async with gate:
                return await provider.perform(change)  # type: ignore[arg-type]

        return await asyncio.gather(*map(each, changes))

    receipts = drive(app, work, clock=clock)
    assert app.overruns == 0
    assert [receipt.outcome for receipt in receipts].count(Outcome.DONE) == len(world.teams[ops].members) == 500
    (refused,) = [receipt for receipt in receipts if receipt.outcome is not Outcome.DONE]
    assert refused.outcome is Outcome.FAILED
    assert "for the app's quota" in refused.detail
    assert 495 <= clock.now - 1000 <= 600


@pytest.mark.parametrize("limit", ["secondary", "limited"])
def test_a_limit_without_a_time_is_waited_for_a_minute(app: FakeOrganization, limit: str) -> None:
    """The secondary limit as a refusal, and GraphQL's as an answer: a minute later everything is read."""
    setattr(app, limit, 1)
    clock = GitHubClock()
    snapshot = read(app, clock=clock)
    assert all(found.complete for found in snapshot.collections.values())
    assert 60 <= clock.now - 1000 < 70


def test_a_used_up_quota_is_waited_for_until_it_is_filled(app: FakeOrganization) -> None:
    """Quota headers are believed: nothing is sent before the reset that they name."""
    clock = GitHubClock()
    sent: list[float] = []

    def answer(request: Request) -> Reply:
        sent.append(clock.now)
        reply = app.answer(request)
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Reset": str(int(1.8e9 + 1040))}
        left = "0" if clock.now < 1040 else "4999"
        return Reply(reply.status, reply.body, {**reply.headers, **headers, "X-RateLimit-Remaining": left})

    async def run() -> None:
        async with http_server(answer) as server, open_provider(server.url, clock=clock) as provider:
            for number in range(3):
                await provider.reread([str(app.world.add_member(f"p{number}"))])

    asyncio.run(run())
    assert [when < 1040 for when in sent] == [True] + [False] * 5


def test_a_limit_that_lasts_is_an_error(app: FakeOrganization) -> None:
    """Whoever is limited again and again is told, and nothing is taken for read."""
    app.limited = 100
    with pytest.raises(TransportError, match="still limited after waiting"):
        read(app)


def test_a_limited_change_is_done_once_after_the_wait(app: FakeOrganization) -> None:
    """A write that met the secondary limit did not land, and is sent again."""
    ops, ana = app.world.add_team("ops"), app.world.add_member("ana")
    app.secondary = 1
    ids = {"entitlement_id": f"team/{ops}", "account_id": str(ana)}
    (receipt,) = perform(app, grant("ana", "team:ops", Operation.GRANT, "member", **ids))
    assert receipt.outcome is Outcome.DONE
    assert len(app.writes) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"token": None}, "either `token` or `app`"),
        ({"custom_roles": {"write": "push"}}, "write is GitHub's own"),
        ({"organization": "a/b"}, "String should match pattern"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(more: dict[str, object], words: str) -> None:
    """Nothing is asked of GitHub to know it."""
    with pytest.raises(ValueError, match=words):
        config("https://api.github.com", **more)


def test_an_enterprise_server_has_graphql_beside_its_rest_api() -> None:
    """`/api/v3` and `/api/graphql` are siblings there."""
    assert config("https://github.acme.example/api/v3").graphql == "https://github.acme.example/api/graphql"
    assert config("https://api.github.com").graphql == "graphql"
