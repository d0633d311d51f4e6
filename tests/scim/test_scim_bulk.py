"""Creations that travel together (RFC 7644 section 3.7): fewer requests, and an answer each."""

import asyncio
from typing import Any

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import create, open_provider, read

from providers.scim.provider import ScimProvider
from reconciler.provider.change import Change, Outcome, Receipt

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")


def _offers(server: FaultyServer, **bulk: Any) -> None:
    server.habits.service_config = {"bulk": {"supported": True, "maxOperations": 10, "maxPayloadSize": 65536, **bulk}}


def _create_together(url: str, changes: list[Change], **config: Any) -> list[Receipt]:
    async def run(provider: ScimProvider) -> list[Receipt]:
        async with provider:
            return list(await asyncio.gather(*map(provider.perform, changes)))

    return asyncio.run(run(open_provider(url, bulk=True, **config)))


def test_accounts_are_created_together(server: FaultyServer) -> None:
    """25 accounts, three requests of at most ten, an id each."""
    _offers(server)
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(25)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert [server.store.users[each.remote_id]["userName"] for each in receipts] == [f"user{n}" for n in range(25)]
    assert [len(each.body["Operations"]) for each in server.requests("POST", "/Bulk")] == [10, 10, 5]
    assert "failOnErrors" not in server.requests("POST", "/Bulk")[0].body


def test_a_bulk_request_stays_below_the_servers_size(server: FaultyServer) -> None:
    """`maxPayloadSize` splits as well as `maxOperations`."""
    _offers(server, maxOperations=1000, maxPayloadSize=1500)
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(20)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert max(each.size for each in server.requests("POST", "/Bulk")) <= 1500


def test_one_refusal_in_a_bulk_request_is_one_receipt(server: FaultyServer) -> None:
    """The status of each operation counts, not that of the whole."""
    _offers(server)
    there = server.store.user("user1", externalId="id-1")
    server.store.user("user2", externalId="id-eve")
    changes = [create(f"user{number}", external_id=f"id-{number}") for number in range(4)]
    zero, one, two, three = _create_together(server.url, changes)
    assert zero.outcome is three.outcome is Outcome.DONE
    assert (one.outcome, one.remote_id) == (Outcome.DONE, there)
    assert two.outcome is Outcome.FAILED


def test_a_bulk_request_that_is_too_large_is_split(server: FaultyServer) -> None:
    """413 in spite of what the server said about itself."""
    _offers(server, maxOperations=100, maxPayloadSize=1_000_000)
    server.habits.max_body = 2000
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(30)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert len(server.store.users) == 30


def test_a_lost_bulk_answer_is_looked_up(server: FaultyServer) -> None:
    """Each account is looked for on its own; nobody is made twice."""
    _offers(server)
    server.habits.lose_answers = 1
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(5)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert len(server.store.users) == 5


def test_an_operation_without_an_answer_may_have_landed(server: FaultyServer) -> None:
    """A server that stops in the middle: who has no answer is looked up."""
    _offers(server)
    original = server.serve

    def forget(request: Request) -> tuple[int, Any, dict[str, str]]:
        status, body, headers = original(request)
        if request.path == "/Bulk":
            body = {"Operations": body["Operations"][:1]}
        return status, body, headers

    server.serve = forget  # type: ignore[method-assign]
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(3)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert len(server.store.users) == 3


@pytest.mark.parametrize("config", [None, {}, {"bulk": {"supported": False}}, {"bulk": {"supported": True}}])
def test_without_bulk_each_account_is_created_alone(server: FaultyServer, config: dict[str, Any] | None) -> None:
    """Where the server does not offer it, or offers it without its limits."""
    server.habits.service_config = config
    receipts = _create_together(server.url, [create(f"user{number}") for number in range(3)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert server.requests("POST", "/Bulk") == []


def test_a_false_offer_is_not_believed_twice(server: FaultyServer) -> None:
    """A server that announces bulk and has none gets its creations one by one."""
    _offers(server)

    def refuse(request: Request) -> None:
        if request.path == "/Bulk":
            raise ScimError(404, "bulk is not here")

    server.habits.before = refuse
    receipts = _create_together(server.url, [create("ana"), create("ben")])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    assert len(server.store.users) == 2


def test_the_real_server_takes_a_bulk_request(scim2: str) -> None:
    """Against `scim2-server`, which answers with locations."""
    receipts = _create_together(scim2, [create(f"user{number}", f"u{number}@acme.example") for number in range(12)])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    snapshot = read(scim2)
    assert {each.remote_id for each in snapshot.accounts} == {receipt.remote_id for receipt in receipts}
