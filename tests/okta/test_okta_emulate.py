"""The provider against emulate's imitation of Okta: another's idea of the same API.

It has users, groups and memberships, and takes any token; what it lacks (rules, roles, apps of groups, sessions) is
tested on the fake beside.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from okta_driving import grant, on_account, on_group
from servers import emulating
from servers.running import MissingError
from support.surroundings import surroundings

from providers.okta.provider import OktaProvider
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus, LiveAccount, Snapshot, grants_of

pytestmark = pytest.mark.evidence("okta", against="third party's server", of="emulate 0.11")
PEOPLE = [f"p{number:02}" for number in range(70)]


@pytest.fixture(scope="module")
def okta() -> Iterator[emulating.Emulated]:
    """Emulate's Okta, on a free port."""
    try:
        with emulating.okta(PEOPLE, ["eng", "ops"]) as running:
            yield running
    except MissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"needs the {error}")


@pytest.fixture(autouse=True)
def bot(okta: emulating.Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put its token where the configuration looks for it."""
    monkeypatch.setenv("OKTA_TOKEN", okta.bot)


def use(okta: emulating.Emulated, *changes: Change, **more: Any) -> tuple[list[Receipt], Snapshot]:
    """Perform changes one after the other, and read."""

    async def run() -> tuple[list[Receipt], Snapshot]:
        written = {"url": okta.url, "token": {"env": "OKTA_TOKEN"}, "kinds": ["group"], **more}
        config = OktaProvider.Config.model_validate(written)
        async with OktaProvider.open(config, surroundings()) as provider:
            return [await provider.perform(change) for change in changes], await provider.read()

    return asyncio.run(run())


def find(snapshot: Snapshot, login: str) -> LiveAccount:
    """Return the account of a login."""
    return next(one for one in snapshot.accounts if one.username == login)


def find_group(snapshot: Snapshot, key: str) -> str:
    """Return the id of a group."""
    return next(one.remote_id for one in snapshot.entitlements if one.key == key)


def test_everybody_is_read_over_several_pages(okta: emulating.Emulated) -> None:
    """Emulate gives 30 in a page, whatever is asked for, and its links lead on."""
    _, snapshot = use(okta)
    logins = {one.username for one in snapshot.accounts}
    assert {f"{name}@acme.example" for name in ("lee", *PEOPLE)} <= logins
    assert snapshot.collections["accounts"].complete
    assert snapshot.collections[grants_of("group")].complete
    assert find(snapshot, "lee@acme.example").remote_id == snapshot.own_account
    assert "built-in-group:Everyone" in {one.key for one in snapshot.entitlements}


def test_somebody_joins_changes_and_leaves_for_good(okta: emulating.Emulated) -> None:
    """Created, updated, suspended, reactivated, deactivated, deleted; each step is seen afterwards."""
    ana = {"username": "ana@acme.example", "email": "ana@acme.example", "person.name": "Ana Ruiz"}
    (made, again), _ = use(okta, *[on_account(Operation.CREATE_ACCOUNT, "ana", after=ana)] * 2)
    assert (made.outcome, again.detail) == (Outcome.DONE, "it existed already: adopted")
    assert made.remote_id == again.remote_id
    steps = [
        (Operation.UPDATE_ACCOUNT, {"firstName": "Anna"}, {}, AccountStatus.ACTIVE),
        (Operation.SUSPEND_ACCOUNT, {}, {"suspend": "suspend"}, AccountStatus.SUSPENDED),
        (Operation.REACTIVATE_ACCOUNT, {}, {}, AccountStatus.ACTIVE),
        (Operation.SUSPEND_ACCOUNT, {}, {}, AccountStatus.SUSPENDED),
    ]
    for operation, after, more, status in steps:
        change = on_account(operation, "ana", made.remote_id, after)
        receipts, snapshot = use(okta, change, change, **more)
        assert [one.outcome for one in receipts] == [Outcome.DONE] * 2
        assert find(snapshot, "ana@acme.example").status is status
        assert find(snapshot, "ana@acme.example").attributes["firstName"] == "Anna"
    change = on_account(Operation.DELETE_ACCOUNT, "ana", made.remote_id)
    receipts, snapshot = use(okta, change, change)
    assert [one.outcome for one in receipts] == [Outcome.DONE] * 2
    assert "ana@acme.example" not in {one.username for one in snapshot.accounts}


def test_a_group_is_made_renamed_and_filled(okta: emulating.Emulated) -> None:
    """Each step twice, and the members are as declared."""
    (made, again), snapshot = use(okta, *[on_group(Operation.CREATE_ENTITLEMENT, "group:new")] * 2)
    assert (made.outcome, again.outcome) == (Outcome.DONE, Outcome.DONE)
    assert made.remote_id == again.remote_id == find_group(snapshot, "group:new")
    person = find(snapshot, "p07@acme.example").remote_id
    renamed = on_group(Operation.RENAME_ENTITLEMENT, "group:newer", made.remote_id)
    joined = grant(person, "group:newer", made.remote_id)
    receipts, snapshot = use(okta, renamed, renamed, joined, joined)
    assert {one.outcome for one in receipts} == {Outcome.DONE}
    assert (person, "group:newer", None) in set(snapshot.grants())
    left = grant(person, "group:newer", made.remote_id, Operation.REVOKE)
    receipts, snapshot = use(okta, left, left)
    assert {one.outcome for one in receipts} == {Outcome.DONE}
    assert not set(snapshot.grants())
