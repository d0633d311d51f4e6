"""What either API says of its limits is kept, and a refusal for now is waited out."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from atlassian_driving import Settings, both, grant, open_provider, organization, site
from fake_atlassian import FakeAtlassian
from support.http_server import Reply, Request, http_server
from support.jumping_clock import JumpingClock

from providers.atlassian.provider import AtlassianProvider
from reconciler.provider.change import Outcome

pytestmark = pytest.mark.evidence("atlassian", against="our own fake", of="Jira's requests checked against jira.js")

Answer = Callable[[Request], Reply]


def drive(answer: Answer, settings: Settings, clock: JumpingClock, work: Callable[[AtlassianProvider], Any]) -> Any:
    """Run something with a provider for a server that answers in a way of its own, by the test's clock."""

    async def run() -> Any:
        async with http_server(answer) as server, open_provider(settings(server.url), clock=clock) as provider:
            return await work(provider)

    return asyncio.run(run())


@pytest.mark.parametrize("settings", [organization, site])
def test_a_quota_that_is_used_up_is_waited_for(app: FakeAtlassian, settings: Settings) -> None:
    """Nothing is sent before the reset that the last answer names, as a date, and nothing is refused."""
    app.world.add_user("ana@acme.example")
    app.world.add_group("engineers")
    clock, sent = JumpingClock(), list[float]()
    reset = datetime.fromtimestamp(clock.epoch() + 20, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

    def answer(request: Request) -> Reply:
        sent.append(clock.now)
        told = app.answer(request)
        if len(sent) > 1:
            return told
        headers = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        return Reply(told.status, told.body, headers)

    snapshot = drive(answer, settings, clock, lambda provider: provider.read())
    assert all(each.complete for each in snapshot.collections.values())
    assert len(sent) == snapshot.requests
    assert [when for when in sent if 1000 < when < 1020] == []
    assert sent[-1] >= 1020


def test_a_refusal_for_now_is_waited_out_by_both(app: FakeAtlassian) -> None:
    """Each API refuses some, and says how long: everything is read in the end."""
    app.world.add_user("ana@acme.example")
    clock, refused = JumpingClock(), set[str]()

    def answer(request: Request) -> Reply:
        side = request.path.split("/")[1]
        if side not in refused:
            refused.add(side)
            return Reply(429, {"message": "Rate limit exceeded"}, {"Retry-After": "7"})
        return app.answer(request)

    snapshot = drive(answer, both, clock, lambda provider: provider.read())
    assert refused == {"admin", "ex"}
    assert all(each.complete for each in snapshot.collections.values())
    assert 7 <= clock.now - 1000 < 20


def test_changes_keep_the_pace_that_the_estimate_counts(app: FakeAtlassian) -> None:
    """Ten a second, after ten at once: 50 changes begin within four seconds."""
    world, clock = app.world, JumpingClock()
    group = world.add_group("engineers")
    people = [world.add_user(f"p{number}@acme.example") for number in range(50)]
    changes = [grant(who, "group:engineers", group) for who in people]

    async def work(provider: AtlassianProvider) -> Any:
        receipts = [await provider.perform(change) for change in changes]
        assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
        (pace,) = provider.capabilities.paces
        return pace.time(len(changes))

    estimated = drive(app.answer, organization, clock, work)
    assert estimated == 4.0
    assert 3.9 <= clock.now - 1000 <= 4.5
