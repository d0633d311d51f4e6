"""A fake GitHub that runs, and the client that talks to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support.fake_github import ACTIONS, WRITER, FakeGitHub, Token, running

from reconciler.forge.github import GitHub, open_forge
from reconciler.model.company import Settings

T = TypeVar("T")
TOKEN = "planted-forge-token"


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """A repository with one token: that of a workflow, as the environment gives it. Nothing that is sent to it is
    against the vendor's reference."""  # noqa: D205, D209 - one thought
    fake = FakeGitHub(tokens={TOKEN: Token(ACTIONS, WRITER)}, collaborators={"lee", "kim"})
    fake.head_of = lambda branch: {"main": "a" * 40, "ana": "b" * 40}.get(branch, "")
    for name, value in {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/access", "GITHUB_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    with running(fake):
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        yield fake
    assert fake.violations == []


@pytest.fixture
def ask(github: FakeGitHub, tmp_path: Path) -> Callable[[Callable[[GitHub], Awaitable[Any]]], Any]:  # noqa: ARG001 - it must run
    """Return what runs one conversation with the forge."""

    def run(talk: Callable[[GitHub], Awaitable[Any]]) -> Any:
        async def converse() -> Any:
            async with open_forge(Settings(tmp_path)) as forge:
                return await talk(forge)

        return asyncio.run(converse())

    return run
