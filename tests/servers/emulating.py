"""Vendors of somebody else's making on a free loopback port, by `emulate`: a GitHub, a Slack, and an Okta.

The GitHub has one repository and tokens of two people; any token gives an answer there, and nobody lacks a permission:
it is no proof for refusals. The Slack has a workspace with people; its tokens have scopes, and are held to them.
The Okta has users and groups; it knows neither rules nor roles, and any change of a status is allowed.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from servers import setup
from servers.running import MissingError, Server, _end, _wait, free_port

REPOSITORY = "acme/it"


@dataclass(frozen=True)
class Emulated:
    """The running API.

    Attributes:
        url: of the API.
        bot, person: tokens of the users `it-bot` and `lee`.
    """

    url: str
    bot: str
    person: str


@contextmanager
def github() -> Iterator[Emulated]:
    """Run it.

    Raises:
        MissingError: it is not installed.
    """
    if reason := setup.missing():
        raise MissingError(reason)
    bot, person = secrets.token_hex(16), secrets.token_hex(16)
    url = f"http://127.0.0.1:{free_port()}"
    owner, _, name = REPOSITORY.partition("/")
    seed = {
        "tokens": {bot: {"login": "it-bot", "scopes": ["repo"]}, person: {"login": "lee", "scopes": ["repo"]}},
        "github": {
            "users": [{"login": "it-bot"}, {"login": "lee"}],
            "orgs": [{"login": owner}],
            "repos": [{"owner": owner, "name": name, "auto_init": True}],
        },
    }
    with _emulate("github", Server("emulate", url, bot), seed, f"/repos/{REPOSITORY}"):
        yield Emulated(url, bot, person)


@contextmanager
def slack(people: Sequence[str], scopes: Sequence[str]) -> Iterator[Emulated]:
    """Run a Slack with an admin, some people, and tokens of the admin: `bot` with some scopes, `person` with all.

    Raises:
        MissingError: it is not installed.
    """
    if reason := setup.missing():
        raise MissingError(reason)
    bot, person = f"xoxb-{secrets.token_hex(16)}", f"xoxp-{secrets.token_hex(16)}"
    url = f"http://127.0.0.1:{free_port()}"
    everything = ["users:read", "users:read.email", "channels:read", "channels:manage", "channels:write"]
    everything += ["channels:join", "channels:write.invites", "groups:read", "groups:write", "groups:write.invites"]
    seed = {
        "slack": {
            "users": [{"name": name, "email": f"{name}@acme.example"} for name in people],
            "strict_scopes": True,
            "tokens": [
                {"token": bot, "user": "admin", "scopes": [*scopes]},
                {"token": person, "user": "admin", "scopes": everything},
            ],
        }
    }
    with _emulate("slack", Server("emulate", url, person), seed, "/"):
        yield Emulated(url, bot, person)


@contextmanager
def okta(people: Sequence[str], groups: Sequence[str]) -> Iterator[Emulated]:
    """Run an Okta with an admin `lee`, some people, some groups and the group of everyone.

    Raises:
        MissingError: it is not installed.
    """
    if reason := setup.missing():
        raise MissingError(reason)
    bot, person = secrets.token_hex(16), secrets.token_hex(16)
    url = f"http://127.0.0.1:{free_port()}"
    logins = [f"{name}@acme.example" for name in ("lee", *people)]
    seed = {
        "tokens": {token: {"login": logins[0], "scopes": []} for token in (bot, person)},
        "okta": {
            "users": [{"login": login, "email": login, "first_name": "F", "last_name": "L"} for login in logins],
            "groups": [{"name": "Everyone", "type": "BUILT_IN"}, *({"name": name} for name in groups)],
        },
    }
    with _emulate("okta", Server("emulate", url, bot), seed, "/api/v1/groups"):
        yield Emulated(url, bot, person)


@contextmanager
def _emulate(service: str, server: Server, seed: dict[str, Any], probe: str) -> Iterator[None]:
    """Run one service of `emulate`, until the end of the block."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        file = Path(folder, "seed.yaml")
        file.write_text(yaml.safe_dump(seed), encoding="utf-8")
        program = setup.MODULES / "emulate" / "dist" / "index.js"
        command = [setup.find_node(), "--import", str(setup.FOLDER / "loopback.mjs"), str(program)]
        command += ["start", "-p", server.url.rpartition(":")[2], "-s", service]
        command += ["--seed", str(file), "--base-url", server.url]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            if not _wait(process, server, probe):
                log.seek(0)
                raise RuntimeError(f"emulate did not start:\n{log.read().decode(errors='replace')[-4000:]}")
            yield
        finally:
            _end(process)
