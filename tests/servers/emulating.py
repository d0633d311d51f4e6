"""A GitHub of somebody else's making on a free loopback port: `emulate`, with one repository and tokens of two people.

Any token gives an answer there, and nobody lacks a permission: it is no proof for refusals.
"""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
    port, bot, person = free_port(), secrets.token_hex(16), secrets.token_hex(16)
    url = f"http://127.0.0.1:{port}"
    owner, _, name = REPOSITORY.partition("/")
    seed = {
        "tokens": {bot: {"login": "it-bot", "scopes": ["repo"]}, person: {"login": "lee", "scopes": ["repo"]}},
        "github": {
            "users": [{"login": "it-bot"}, {"login": "lee"}],
            "orgs": [{"login": owner}],
            "repos": [{"owner": owner, "name": name, "auto_init": True}],
        },
    }
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        file = Path(folder, "seed.yaml")
        file.write_text(yaml.safe_dump(seed), encoding="utf-8")
        program = setup.MODULES / "emulate" / "dist" / "index.js"
        command = [setup.find_node(), "--import", str(setup.FOLDER / "loopback.mjs"), str(program)]
        command += ["start", "-p", str(port), "-s", "github"]
        command += ["--seed", str(file), "--base-url", url]
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            if not _wait(process, Server("emulate", url, bot), f"/repos/{REPOSITORY}"):
                log.seek(0)
                raise RuntimeError(f"emulate did not start:\n{log.read().decode(errors='replace')[-4000:]}")
            yield Emulated(url, bot, person)
        finally:
            _end(process)
