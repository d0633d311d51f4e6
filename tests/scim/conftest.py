"""Servers for the tests of the SCIM provider: one whose habits can be switched, and the real `scim2-server`."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faulty_server import SECRET, FaultyServer, run_faulty_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A server whose habits can be switched."""
    monkeypatch.setenv("SCIM_TOKEN", SECRET)
    with run_faulty_server() as app:
        yield app


@contextmanager
def run_scim2_server(*options: str) -> Iterator[str]:
    """Start the real server on a free loopback port; yield its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "scim2_server.testserver.cli", "--port", str(port), "--bearer-token", SECRET]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        assert b"Serving" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v2"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture(scope="session")
def scim2_tenants() -> Iterator[str]:
    """The real server, which makes an empty tenant at the first request to its path."""
    with run_scim2_server("--dynamic-tenants") as url:
        yield url.removesuffix("/v2")


@pytest.fixture
def scim2(scim2_tenants: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A base URL of the real server, empty."""
    monkeypatch.setenv("SCIM_TOKEN", SECRET)
    name = "".join(letter for letter in request.node.name if letter.isalnum()).lower()
    return f"{scim2_tenants}/{name}/v2"


@pytest.fixture
def scim2_with_cursors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The real server with cursor pagination (RFC 9865), and with no other."""
    monkeypatch.setenv("SCIM_TOKEN", SECRET)
    config = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        **{name: {"supported": True} for name in ("patch", "changePassword", "sort", "etag")},
        "bulk": {"supported": True, "maxOperations": 1000, "maxPayloadSize": 1048576},
        "filter": {"supported": True, "maxResults": 1000},
        "pagination": {"cursor": True, "index": False, "defaultPaginationMethod": "cursor", "maxPageSize": 50},
    }
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    with run_scim2_server("--service-provider-config", str(file)) as url:
        yield url
