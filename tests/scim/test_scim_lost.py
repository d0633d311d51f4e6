"""Every answer to a write is lost, again and again: what came of each is looked up, and never guessed."""

import asyncio

import pytest
from faulty_server import FaultyServer, Request, ScimError
from scim_driving import create_group, grant, on_account, open_provider, revoke, suspend, update, use

from providers.scim.provider import ScimProvider
from reconciler.provider.change import Change, Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("scim", against="our own fake", of="a SCIM server whose faults can be switched")

ROLES = {"value_kinds": {"role": {"attribute": "roles"}}}


def _perform_at_once(url: str, changes: list[Change]) -> list[Receipt]:
    async def work(provider: ScimProvider) -> list[Receipt]:
        return list(await asyncio.gather(*map(provider.perform, changes)))

    return use(open_provider(url, **ROLES), work)


def _changes(server: FaultyServer) -> list[Change]:
    ana, ben, kim, leo, mia = (server.store.user(name, title="Boss") for name in ("ana", "ben", "kim", "leo", "mia"))
    eng, ops = server.store.group("eng"), server.store.group("ops", (mia,))
    return [
        suspend(ana),
        update(ben, {"title": "Boss"}, {"title": "Chief"}),
        on_account(Operation.DELETE_ACCOUNT, kim),
        grant(leo, eng),
        revoke(mia, ops),
        grant(leo, "role:admin", "role:admin"),
    ]


@pytest.mark.slow
def test_what_landed_is_done_though_no_answer_ever_came(server: FaultyServer) -> None:
    """Each change is seen in the app, and says that its answer was lost."""
    changes = _changes(server)
    server.habits.lose_answers = 10_000
    receipts = _perform_at_once(server.url, changes)
    assert [receipt.outcome for receipt in receipts] == [Outcome.DONE] * len(changes), receipts
    assert all("the answer was lost" in receipt.detail for receipt in receipts)


@pytest.mark.slow
def test_what_never_landed_has_failed(server: FaultyServer) -> None:
    """Each change is looked for in the app, and is not there."""
    changes = _changes(server)
    server.habits.lose_requests = 10_000
    receipts = _perform_at_once(server.url, changes)
    assert [receipt.outcome for receipt in receipts] == [Outcome.FAILED] * len(changes), receipts


@pytest.mark.slow
def test_what_cannot_be_looked_up_is_unknown(server: FaultyServer) -> None:
    """Writes get no answer and reads are forbidden: nothing is claimed."""
    changes = [each for each in _changes(server) if each.entitlement != "role:admin"]
    server.habits.lose_answers = 10_000

    def forbid(request: Request) -> None:
        if request.method == "GET":
            raise ScimError(403, "no reading today")

    server.habits.before = forbid
    receipts = _perform_at_once(server.url, changes)
    assert {receipt.outcome for receipt in receipts} == {Outcome.UNKNOWN}, receipts
    assert all(receipt.detail for receipt in receipts)


def test_a_group_is_not_created_where_nobody_can_look(server: FaultyServer) -> None:
    """Without knowing that there is none, another is not made."""
    server.habits.forbid = {"/Groups"}
    [receipt] = _perform_at_once(server.url, [create_group("group:eng")])
    assert receipt.outcome is Outcome.FAILED
    assert server.store.groups == {}
