"""The provider against `emulate`, somebody else's idea of Slack: people and channels; it knows no user groups.

Its methods take POST only, where Slack's reading methods take GET as well: what stands between turns one into the
other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from servers import emulating, setup
from servers.emulating import Emulated
from slack_driving import grant, on_entitlement, open_provider, revoke
from support.http_server import Reply, Request, http_server

from providers.slack.provider import SlackProvider
from reconciler.provider.change import Operation, Outcome, Receipt
from reconciler.provider.snapshot import Snapshot

pytestmark = pytest.mark.evidence("slack", against="third party's server", of="emulate 0.11")

PEOPLE = ["ana", "omar", "kim", "lee", "sam"]


@pytest.fixture(scope="module")
def slack() -> Iterator[Emulated]:
    """A workspace with five people and an admin, who is the tool's user."""
    if why := setup.missing():
        pytest.skip(why)
    with emulating.slack(PEOPLE, scopes=["users:read", "channels:read"]) as real:
        yield real


@pytest.fixture(autouse=True)
def token(slack: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that may everything."""
    monkeypatch.setenv("SLACK_CANARY", slack.person)


def drive(slack: Emulated, work: Callable[[SlackProvider], Awaitable[Any]], **options: Any) -> Any:
    """Run something with a provider for it."""

    async def run() -> Any:
        async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as client:

            async def forward(request: Request) -> Reply:
                headers = {
                    name: request.headers[name] for name in ("authorization", "content-type") if name in request.headers
                }
                if request.method == "GET":
                    data = {name: values[0] for name, values in request.query.items()}
                    headers.pop("content-type", None)
                    answer = await client.post(request.path, data=data, headers=headers)
                else:
                    answer = await client.post(request.path, content=request.body, headers=headers)
                return Reply(answer.status_code, answer.content, {"Content-Type": "application/json"})

            async with http_server(forward) as server, open_provider(server.url, **options) as provider:
                return await work(provider)

    return asyncio.run(run())


def read(slack: Emulated, **options: Any) -> Snapshot:
    """Read it."""
    found: Snapshot = drive(slack, lambda provider: provider.read(), **options)
    return found


def perform(slack: Emulated, change: Any) -> Receipt:
    """Perform one change twice: the second time it is so already."""

    async def work(provider: SlackProvider) -> list[Receipt]:
        return [await provider.perform(change), await provider.perform(change)]

    first, second = drive(slack, work)
    assert first.outcome is second.outcome is Outcome.DONE, (first.detail, second.detail)
    found: Receipt = first
    return found


def ids(slack: Emulated) -> dict[str, str]:
    """Return the ids of its people by their names."""
    return {each.username: each.remote_id for each in read(slack).accounts}


def members(slack: Emulated, channel: str) -> set[str]:
    """Return who is in a channel, as the server says without the provider."""
    headers = {"Authorization": f"Bearer {slack.person}"}
    answer = httpx.post(
        f"{slack.url}/api/conversations.members", data={"channel": channel}, headers=headers, trust_env=False
    )
    return set(answer.json()["members"])


@pytest.mark.parametrize("page_size", [2, 999])
def test_people_are_read_page_by_page(slack: Emulated, page_size: int) -> None:
    """Everybody, once; the admin holds that role; what the server does not have is incomplete, and said."""
    snapshot = read(slack, page_size=page_size)
    assert {each.username for each in snapshot.accounts} == {*PEOPLE, "admin"}
    assert {each.email for each in snapshot.accounts} >= {f"{name}@acme.example" for name in PEOPLE}
    assert any(key == "role:admin" for _, key, _ in snapshot.grants())
    whole = {name for name, each in snapshot.collections.items() if each.complete}
    assert snapshot.collections.keys() - whole == {"entitlements:usergroup", "grants:usergroup"}


def test_a_channel_is_made_filled_renamed_and_emptied(slack: Emulated) -> None:
    """Each step once more, and each as the server itself tells it."""
    ana = ids(slack)["ana"]
    channel = perform(slack, on_entitlement(Operation.CREATE_ENTITLEMENT, "channel:eng")).remote_id
    perform(slack, grant(ana, "channel:eng", channel))
    assert ana in members(slack, channel)
    assert (ana, "channel:eng", None) in set(read(slack).grants())
    perform(slack, on_entitlement(Operation.RENAME_ENTITLEMENT, "channel:engineering", channel))
    perform(slack, revoke(ana, "channel:engineering", channel))
    assert ana not in members(slack, channel)
    keys = {each.remote_id: each.key for each in read(slack).entitlements}
    assert keys[channel] == "channel:engineering"


def test_one_who_is_in_already_stops_nobody(slack: Emulated) -> None:
    """This server refuses all for one, even when it is forced."""
    people = ids(slack)
    channel = perform(slack, on_entitlement(Operation.CREATE_ENTITLEMENT, "channel:ops")).remote_id
    perform(slack, grant(people["ana"], "channel:ops", channel))
    asked = [grant(people[name], "channel:ops", channel) for name in ("ana", "omar", "kim")]
    receipts = drive(slack, lambda provider: provider.perform_batch([*asked, grant("U0GONE", "channel:ops", channel)]))
    assert [each.outcome for each in receipts] == [Outcome.DONE, Outcome.DONE, Outcome.DONE, Outcome.FAILED]
    assert members(slack, channel) >= {people[name] for name in ("ana", "omar", "kim")}


def test_what_a_token_may_not_is_told(slack: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that only reads reads, and each write is refused with the scope that it lacks."""
    channel = perform(slack, on_entitlement(Operation.CREATE_ENTITLEMENT, "channel:sales")).remote_id
    ana = ids(slack)["ana"]
    monkeypatch.setenv("SLACK_CANARY", slack.bot)
    assert read(slack).collections["grants:channel"].complete
    receipt = drive(slack, lambda provider: provider.perform(grant(ana, "channel:sales", channel)))
    assert receipt.outcome is Outcome.FAILED
    assert "missing_scope; needed:" in receipt.detail
    assert slack.bot not in receipt.detail


def test_single_people_are_read(slack: Emulated) -> None:
    """As the list shows them, and nobody for an id that does not exist."""
    ana = ids(slack)["ana"]
    found = drive(slack, lambda provider: provider.reread([ana, "U0GONE"]))
    assert [each.remote_id if each else None for each in found] == [ana, None]
