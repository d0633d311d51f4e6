"""Changes on a GitHub of somebody else's making; it has no GraphQL, no invitations, and shows no nesting."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from github_driving import TOKEN_VARIABLE, grant, on_account, on_entitlement, open_provider
from servers import emulating
from servers.emulating import Emulated

from reconciler.provider.change import Change, Operation, Outcome, Receipt

pytestmark = pytest.mark.evidence("github", against="third party's server", of="emulate 0.11")

REVOKE, SET_LEVEL = Operation.REVOKE, Operation.SET_LEVEL


@pytest.fixture(scope="module")
def github() -> Iterator[Emulated]:
    """Run it, with `it-bot` as its owner: there, whoever maintains the team `members` is one."""
    with emulating.github() as real:
        ask(real, "POST", "orgs/acme/teams", {"name": "members"})
        ask(real, "PUT", "orgs/acme/teams/members/memberships/it-bot", {"role": "maintainer"})
        yield real


@pytest.fixture(autouse=True)
def bot(github: Emulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign in as the bot."""
    monkeypatch.setenv(TOKEN_VARIABLE, github.bot)


def ask(real: Emulated, method: str, path: str, body: Any = None) -> Any:
    """Send a request past the provider."""
    answer = httpx.request(method, f"{real.url}/{path}", json=body, headers={"Authorization": f"Bearer {real.bot}"})
    return answer.raise_for_status().json() if answer.content else None


def perform(real: Emulated, *changes: Change) -> list[Receipt]:
    """Perform changes one after the other, each of which must be done."""

    async def run() -> list[Receipt]:
        async with open_provider(real.url) as provider:
            return [await provider.perform(change) for change in changes]

    receipts = asyncio.run(run())
    assert {receipt.outcome for receipt in receipts} == {Outcome.DONE}, receipts
    return receipts


def test_a_member_is_added_put_into_a_team_and_made_an_owner(github: Emulated) -> None:
    """Each twice: the second time nothing is to do."""
    lee = ask(github, "GET", "users/lee")["id"]
    join = on_account(Operation.CREATE_ACCOUNT, "lee", after={"username": "lee"})
    first, second = perform(github, join, join)
    assert (first.detail, second.detail) == ("a member now", "a member already")
    assert first.remote_id == second.remote_id == str(lee)
    made, found = perform(github, *[on_entitlement(Operation.CREATE_ENTITLEMENT, "team:ops")] * 2)
    assert found.remote_id == made.remote_id
    assert made.remote_id.startswith("team/")
    ids = {"entitlement_id": made.remote_id, "account_id": str(lee)}
    perform(github, *[grant("lee", "team:ops", level="member", **ids)] * 2)
    perform(github, *[grant("lee", "team:ops", SET_LEVEL, "maintainer", **ids)] * 2)
    assert ask(github, "GET", "orgs/acme/teams/ops/memberships/lee")["role"] == "maintainer"
    perform(github, *[grant("lee", "team:ops", REVOKE, **ids)] * 2)
    assert ask(github, "GET", "orgs/acme/teams/ops/members") == []
    owner = {"entitlement_id": "role/owner", "account_id": str(lee)}
    perform(github, *[grant("lee", "role:owner", **owner)] * 2, *[grant("lee", "role:owner", REVOKE, **owner)] * 2)
    assert ask(github, "GET", "orgs/acme/memberships/lee")["role"] == "member"


def test_a_team_and_a_person_get_a_repository(github: Emulated) -> None:
    """To a team and back, each twice; to a person."""
    (child,) = perform(github, on_entitlement(Operation.CREATE_ENTITLEMENT, "team:oncall"))
    repository = ask(github, "GET", f"repos/{emulating.REPOSITORY}")["id"]
    holding = {"entitlement_id": f"repo/{repository}", "holder_entitlement_id": child.remote_id}
    perform(github, *[grant("team:oncall", "repo:it", level="push", **holding)] * 2)
    assert [one["name"] for one in ask(github, "GET", "orgs/acme/teams/oncall/repos")] == ["it"]
    perform(github, *[grant("team:oncall", "repo:it", REVOKE, **holding)] * 2)
    assert ask(github, "GET", "orgs/acme/teams/oncall/repos") == []
    bot = {"entitlement_id": f"repo/{repository}", "account_id": str(ask(github, "GET", "users/it-bot")["id"])}
    perform(github, *[grant("it-bot", "repo:it", level="admin", **bot)] * 2)
    listed = ask(github, "GET", f"repos/{emulating.REPOSITORY}/collaborators")
    assert "it-bot" in [one["login"] for one in listed]
