"""What Okta lets through: limits a minute, too many at once, and how many requests a read takes."""

import asyncio

import pytest
from okta_api import FakeOkta, serve
from okta_driving import JumpingClock, drive, grant, open_provider, perform, read
from support.http_server import HttpServer

from providers.okta.capabilities import capabilities_of
from providers.okta.config import OktaConfig
from providers.okta.provider import OktaProvider
from reconciler.items import AccountItem, GrantItem
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.pace import Speed
from reconciler.provider.snapshot import grants_of

pytestmark = pytest.mark.evidence("okta", against="our own fake", of="requests checked against Okta's OpenAPI")


def test_a_read_never_goes_over_the_limits_of_its_endpoints(app: FakeOkta, clock: JumpingClock) -> None:
    """Each class of requests has its own minute, told in X-Rate-Limit-*; nothing is refused, and all is read."""
    ana = app.add_user("ana@acme.example")
    app.members = {(app.add_group(f"g{number}"), ana) for number in range(200)}
    app.limits = {"GET groups": 20, "GET groups/*": 50, "GET users": 10}
    snapshot = read(app, clock=clock)
    assert snapshot.collections[grants_of("group")].complete
    assert len(list(snapshot.grants())) == 200
    assert app.refused == 0
    assert clock.now - 1000 > 3 * 60  # four windows of fifty


def test_changes_never_go_over_the_limits_of_their_endpoints(app: FakeOkta, clock: JumpingClock) -> None:
    """500 memberships at 100 a minute take five minutes and no refusal."""
    group = app.add_group("eng")
    people = [app.add_user(f"p{number}@acme.example") for number in range(500)]
    app.limits = {"POST groups/*": 100}
    receipts = perform(app, *(grant(one, "group:eng", group) for one in people), clock=clock)
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert len(app.members) == 500
    assert app.refused == 0
    assert 4 * 60 < clock.now - 1000 < 7 * 60


def test_a_refusal_is_waited_out_until_the_reset_that_it_names(app: FakeOkta, clock: JumpingClock) -> None:
    """Somebody else used up the minute: Okta sends no Retry-After, only when the minute ends."""
    app.add_user("ana@acme.example")
    app.limits = {"GET users": 5}
    app.reset, app.used["GET users"] = clock.epoch() + 40, 5
    snapshot = read(app, clock=clock)
    assert len(snapshot.accounts) == 1
    assert app.refused == 1
    assert 40 <= clock.now - 1000 < 50


def test_too_many_at_once_is_waited_out_and_everything_is_read(app: FakeOkta, clock: JumpingClock) -> None:
    """The same headers then tell of the limit of unfinished requests, as zeros: no reason to stop for long."""
    ana = app.add_user("ana@acme.example")
    app.members = {(app.add_group(f"g{number}"), ana) for number in range(30)}
    app.concurrency = 4
    snapshot = read(app, clock=clock)
    assert len(list(snapshot.grants())) == 30
    assert app.concurrency == 0
    assert clock.now - 1000 < 30


def test_no_more_than_eight_requests_are_unfinished_at_once(app: FakeOkta) -> None:
    """The smallest organizations of Okta are allowed 15 at once, others 35 or 75."""
    for number in range(60):
        app.add_group(f"g{number}")

    async def work(provider: OktaProvider, server: HttpServer) -> int:
        await provider.read()
        return server.most_at_once

    assert drive(app, work) <= 8


def test_a_read_takes_the_least_number_of_requests(app: FakeOkta) -> None:
    """1,000 people, 200 groups, 20 apps and 5 admins.

    The least that the API allows: a page of each 200 people and one of those deactivated, one of groups, of apps, of
    rules and of admins, one a group for its members, two an app, one an admin and one a group that has roles. Beyond it
    goes only one request, for who we are ourselves.
    """
    app.page = 200
    people = [app.add_user(f"p{number}@acme.example") for number in range(1000)]
    groups = [app.add_group(f"g{number}") for number in range(200)]
    apps = [app.add_app(f"a{number}") for number in range(20)]
    app.members = {(group, people[n * 7 % 1000]) for n, group in enumerate(groups)}
    app.app_groups = {(one, groups[0]) for one in apps}
    for one in people[:5]:
        app.add_role(one, "HELP_DESK_ADMIN")
    app.add_role(groups[3], "REPORT_ADMIN")

    async def run() -> tuple[int, int]:
        async with serve(app) as server, open_provider(server.url) as provider:
            return (await provider.read()).requests, len(server.requests)

    told, sent = asyncio.run(run())
    admins = 5 + 0  # g3's only member is no other admin
    member_of_g3 = {user for group, user in app.members if group == groups[3]}
    least = (5 + 1) + 1 + 1 + 1 + 1 + 200 + 2 * 20 + (admins + len(member_of_g3 - set(people[:5]))) + 1
    assert told == sent == least + 1


@pytest.mark.parametrize(
    ("kind", "operation", "minutes"),
    [
        ("group", Operation.GRANT, 1),
        ("app", Operation.GRANT, 9),
        ("app", Operation.REVOKE, 19),
        ("role", Operation.GRANT, 0),
        ("accounts", Operation.CREATE_ACCOUNT, 1),
        ("accounts", Operation.SUSPEND_ACCOUNT, 0),
    ],
)
def test_the_time_of_an_apply_is_estimated_from_the_share_of_one_token(
    kind: str, operation: Operation, minutes: float
) -> None:
    """500 changes, by half of what Okta lets a Workforce organization do in a minute."""
    capabilities = capabilities_of(OktaConfig.model_validate({"url": "https://acme.okta.com", "token": {"env": "T"}}))
    speed = Speed(capabilities.concurrency, capabilities.batches, capabilities.paces)
    people = [f"p{number}" for number in range(500)]
    items = [AccountItem(one) if kind == "accounts" else GrantItem(one, f"{kind}:x") for one in people]
    assert speed.limit([Change("okta", operation, item, "okta") for item in items]) == minutes * 60
