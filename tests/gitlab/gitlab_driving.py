"""A GitLab provider for a fake of this machine."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from fake_gitlab import FakeGitLab
from support.http_server import HttpServer, http_server
from support.jumping_clock import JumpingClock
from support.surroundings import surroundings

from providers.gitlab.config import GitLabConfig
from providers.gitlab.provider import GitLabProvider
from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.provider.change import Change, Operation, Receipt

VARIABLE = "GITLAB_CANARY"
CHECKED = "requests checked against GitLab's reference, answers read by python-gitlab"
ON_INSTANCE = pytest.mark.evidence("gitlab, an instance", against="our own fake", of=CHECKED)
IN_GROUP = pytest.mark.evidence("gitlab, one group", against="our own fake", of=CHECKED)


def settings(url: str, **more: Any) -> dict[str, Any]:
    """Return what the YAML says of a way to a server of this machine; its token is in the environment."""
    return {"url": url, "token": {"env": VARIABLE}, **more}


def open_provider(
    url: str, *, read_only: bool = False, clock: JumpingClock | None = None, **more: Any
) -> GitLabProvider:
    """Return a provider, not yet entered."""
    config = GitLabConfig.model_validate(settings(url, **more))
    return GitLabProvider(config, surroundings(read_only=read_only), clock or JumpingClock())


Work = Callable[[GitLabProvider, HttpServer], Awaitable[Any]]


def drive(app: FakeGitLab, work: Work, **options: Any) -> Any:
    """Run something with a provider for a fake, and return what it returns."""

    async def run() -> Any:
        async with http_server(app.answer) as server, open_provider(server.url, **options) as provider:
            return await work(provider, server)

    found = asyncio.run(run())
    assert app.rest.violations == []
    return found


def perform(app: FakeGitLab, *changes: Change, **options: Any) -> list[Receipt]:
    """Perform changes one after the other and return their receipts."""

    async def work(provider: GitLabProvider, _: HttpServer) -> list[Receipt]:
        return [await provider.perform(change) for change in changes]

    found: list[Receipt] = drive(app, work, **options)
    return found


def read(app: FakeGitLab, **options: Any) -> Any:
    """Read a fake."""

    async def work(provider: GitLabProvider, _: HttpServer) -> Any:
        return await provider.read()

    return drive(app, work, **options)


def on_member(operation: Operation, who: int | str, key: str, number: int, level: str = "", **more: Any) -> Change:
    """Return a change of a membership of the group or project of a number."""
    ids = {"account_id": str(who), "entitlement_id": f"{key.partition(':')[0]}/{number}", "username": str(who)}
    after: Mapping[str, Value] = {"level": level} if level else {}
    return Change("acme", operation, GrantItem(str(who), key), "gitlab", after=after, **ids, **more)


def on_account(operation: Operation, who: int | str = "", after: Mapping[str, Value] | None = None) -> Change:
    """Return a change of an account."""
    ids = {"account_id": str(who), "username": str((after or {}).get("username") or who)}
    return Change("acme", operation, AccountItem("ana"), "gitlab", after=after or {}, **ids)


def on_group(operation: Operation, key: str, number: int | str = "") -> Change:
    """Return a change of a group."""
    id_ = f"group/{number}" if number else ""
    return Change("acme", operation, EntitlementItem(key), "gitlab", entitlement_id=id_)
