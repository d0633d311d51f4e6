"""The whole life of accounts and groups against real servers of other projects, each with its own deviations."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from _pytest.mark import ParameterSet
from scim_driving import (
    create,
    create_group,
    grant,
    on_account,
    perform,
    perform_batch,
    perform_one,
    read,
    rename_group,
    revoke,
    suspend,
    update,
)
from servers.running import Server, better_auth, django_scim2, missing, scim2_server, scimmy

from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus

SERVERS: dict[str, tuple[str, Callable[[], AbstractContextManager[Server]]]] = {
    "index": ("scim2-server", lambda: scim2_server(page_size=3)),
    "cursor": ("scim2-server", lambda: scim2_server("cursor", 3)),
    "django": ("django-scim2", django_scim2),
    "scimmy": ("scimmy", scimmy),
    "better-auth": ("better-auth", better_auth),
}


def _param(name: str) -> ParameterSet:
    """Return a server with the mark that says what the provider is run against there."""
    return pytest.param(name, marks=pytest.mark.evidence("scim", against="third party's server", of=SERVERS[name][0]))


@pytest.fixture(scope="module", params=map(_param, SERVERS))
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each of the servers, for all tests of this file."""
    name, start = SERVERS[request.param]
    if reason := missing(name):
        pytest.skip(reason)
    with start() as server:
        yield server


@pytest.fixture
def real(running: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The base URL of a running server, with its token where the provider finds it."""
    monkeypatch.setenv("SCIM_TOKEN", running.token)
    return running.url


def _person(name: str) -> Change:
    names = {"person.name": f"{name} Ruiz", "person.given_name": name, "person.family_name": "Ruiz"}
    return create(f"{name}@acme.example", f"{name}@acme.example", f"id-{name}", **names)


def test_more_accounts_than_a_page_are_made_and_read(real: str) -> None:
    """Every server's list is read whole, whatever it makes of pages."""
    receipts = perform(real, *(_person(f"many{number}") for number in range(7)))
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    snapshot = read(real, page_size=3)
    assert snapshot.collections[ACCOUNTS].complete
    listed = {account.remote_id: account for account in snapshot.accounts}
    assert listed.keys() >= {receipt.remote_id for receipt in receipts}
    assert listed[receipts[0].remote_id].email == "many0@acme.example"
    assert listed[receipts[0].remote_id].external_id == "id-many0"


def test_an_account_that_exists_is_adopted_only_by_its_owner(real: str) -> None:
    """The same person again is the same account; another with that username is refused."""
    first, again = perform(real, _person("dora"), _person("dora"))
    assert (again.outcome, again.remote_id) == (Outcome.DONE, first.remote_id)
    stranger = create("dora@acme.example", "eve@elsewhere.example", "id-eve", **{"person.name": "Eve Doe"})
    assert perform_one(real, stranger).outcome is Outcome.FAILED


def test_an_account_is_changed_suspended_and_deleted(real: str) -> None:
    """What a receipt says is done is seen in the next read."""
    remote_id = perform_one(real, _person("ana")).remote_id
    changes = [
        update(remote_id, {"displayName": "ana Ruiz"}, {"displayName": "Ana R."}),
        suspend(remote_id),
    ]
    receipts = perform(real, *changes)
    assert [receipt.outcome for receipt in receipts][1] is Outcome.DONE
    account = next(each for each in read(real).accounts if each.remote_id == remote_id)
    assert account.status is AccountStatus.SUSPENDED
    if receipts[0].outcome is Outcome.DONE:
        assert account.attributes["displayName"] == "Ana R."
    back = perform_one(real, on_account(Operation.REACTIVATE_ACCOUNT, remote_id))
    assert back.outcome is Outcome.DONE
    for _ in range(2):
        assert perform_one(real, on_account(Operation.DELETE_ACCOUNT, remote_id)).outcome is Outcome.DONE
    assert remote_id not in {each.remote_id for each in read(real).accounts}


def test_a_group_is_made_filled_renamed_and_emptied(real: str) -> None:
    """Members are added and removed in whatever form the server understands."""
    members = [receipt.remote_id for receipt in perform(real, *(_person(f"member{number}") for number in range(4)))]
    made, again = perform(real, create_group("group:platform"), create_group("group:platform"))
    assert (made.outcome, again.remote_id) == (Outcome.DONE, made.remote_id)
    group = made.remote_id
    receipts = perform_batch(real, [grant(member, group) for member in members])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}
    receipts = perform_batch(real, [revoke(member, group) for member in members[:2]])
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}, receipts
    assert perform_one(real, rename_group("group:core", group)).outcome is Outcome.DONE
    snapshot = read(real)
    assert snapshot.collections["grants:group"].complete
    held = {(holder, key) for holder, key, _ in snapshot.grants()}
    assert held == {(members[2], "group:core"), (members[3], "group:core")}
    assert perform_one(real, grant("nobody-at-all", group)).outcome is Outcome.FAILED
