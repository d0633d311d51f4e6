"""Real SCIM servers of other projects, each on a free loopback port, as context managers.

    with scimmy() as server:
        httpx.get(f"{server.url}/Users", headers=server.headers)

`missing(name)` says why one cannot run here (empty where it can), for a skip that names its reason.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx
from servers import setup

HERE = Path(__file__).resolve().parent
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class MissingError(Exception):
    """A server cannot run on this machine; the message names what is missing."""


@dataclass(frozen=True)
class Server:
    """One running server.

    Attributes:
        name: what it is.
        url: the SCIM base URL, without a slash at the end.
        token: the bearer token that it expects, or the password of `user`.
        user: who has the password; empty where it takes a bearer token.
    """

    name: str
    url: str
    token: str = field(repr=False)
    user: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of an authorized request."""
        basic = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        authorization = f"Basic {basic}" if self.user else f"Bearer {self.token}"
        return {"Authorization": authorization, "Content-Type": "application/scim+json"}


def missing(name: str) -> str:
    """Say why a server (`scim2-server`, `django-scim2`, `scimmy`, `better-auth`, `roundup`) cannot run here."""
    if name in {"scimmy", "better-auth"}:
        return setup.missing()
    module = {"scim2-server": "scim2_server", "django-scim2": "django_scim", "roundup": "roundup"}[name]
    return "" if importlib.util.find_spec(module) else f"{name} (not installed)"


@contextmanager
def scim2_server(pagination: Literal["index", "cursor"] = "index", page_size: int = 0) -> Iterator[Server]:
    """Run scim2-server: nearly complete, PATCH answers 204.

    Args:
        pagination: which way of paging it offers.
        page_size: results in a page at most; 0 for its own default.
    """
    _require("scim2-server")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.json")
        config.write_text(json.dumps(_provider_config(pagination, page_size)), encoding="utf-8")
        command = [sys.executable, "-W", "ignore", "-m", "scim2_server.testserver.cli"]
        command += ["--service-provider-config", str(config), "--bearer-token", "{token}", "--port", "{port}"]
        with _running("scim2-server", command, "/v2") as server:
            yield server


def _provider_config(pagination: str, page_size: int) -> dict[str, object]:
    from scim2_server.utils import load_default_service_provider_config  # noqa: PLC0415 - half a second

    config: dict[str, object] = load_default_service_provider_config().model_dump()
    cursor = pagination == "cursor"
    config["pagination"] = {"cursor": cursor, "index": not cursor, "defaultPaginationMethod": pagination}
    if page_size:
        config["filter"] = {"supported": True, "maxResults": page_size}
        config["pagination"] |= {"defaultPageSize": page_size, "maxPageSize": page_size}  # type: ignore[operator]
    return config


@contextmanager
def django_scim2() -> Iterator[Server]:
    """Run django-scim2 in a small Django project; see `django_company.serve` for how it deviates."""
    _require("django-scim2")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "django_company.serve", "{port}", str(Path(folder, "scim.db"))]
        with _running("django-scim2", command, "/scim/v2", more={"PYTHONPATH": str(HERE)}) as server:
            yield server


@contextmanager
def scimmy() -> Iterator[Server]:
    """Run scimmy with scimmy-routers over express; see `npm/scimmy.mjs` for how it deviates."""
    _require("scimmy")
    with _running("scimmy", [setup.find_node(), str(HERE / "npm" / "scimmy.mjs"), "{port}"], "/scim") as server:
        yield server


@contextmanager
def better_auth(rate_limit: tuple[int, int] | None = None) -> Iterator[Server]:
    """Run better-auth with its SCIM plugin; see `npm/better-auth.mjs` for how it deviates.

    Args:
        rate_limit: requests in so many seconds, for each path; None for no limit.
    """
    _require("better-auth")
    limit = [str(number) for number in rate_limit or ()]
    node = [setup.find_node(), "--no-warnings"]
    command = [*node, str(HERE / "npm" / "better-auth.mjs"), "{port}", *limit]
    probe = "/ServiceProviderConfig"  # its own path, so that waiting for the server uses up nobody's limit
    with _running("better-auth", command, "/api/auth/scim/v2", probe=probe) as server:
        yield server


@contextmanager
def roundup() -> Iterator[Server]:
    """Run a classic Roundup tracker; see `roundup_tracker` for its users. It takes basic credentials, no tokens."""
    _require("roundup")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "ignore", "-m", "roundup_tracker", "{port}", folder]
        more = {"PYTHONPATH": str(HERE)}
        with _running("roundup", command, "", probe="/rest/data/status", more=more, user="admin") as server:
            yield server


def _require(name: str) -> None:
    if reason := missing(name):
        raise MissingError(reason)


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    base: str,
    *,
    probe: str = "/Users?count=1",
    more: Mapping[str, str] | None = None,
    user: str = "",
) -> Iterator[Server]:
    """Start a command with a free port and a new token, wait until it answers, and end it."""
    port, token = free_port(), secrets.token_hex(24)
    filled = [part.replace("{port}", str(port)).replace("{token}", token) for part in command]
    environment = {**os.environ, "SCIM_TOKEN": token, "PYTHONDONTWRITEBYTECODE": "1", **(more or {})}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(filled, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment)
        try:
            server = Server(name, f"http://127.0.0.1:{port}{base}", token, user)
            if not _wait(process, server, probe):
                log.seek(0)
                raise RuntimeError(f"{name} did not start:\n{log.read().decode(errors='replace')[-4000:]}")
            yield server
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], server: Server, probe: str) -> bool:
    """Wait until a server answers an authorized request; False if it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{server.url}{probe}", headers=server.headers, timeout=5.0, trust_env=False).is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
