"""The companies and servers that the pains are tried on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scim"))

import faulty_server
from faulty_server import SECRET, FaultyServer, run_faulty_server
from pains_company import TOKEN_NAME, Company


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A SCIM server whose habits can be switched; the token is in the environment."""
    monkeypatch.setenv(TOKEN_NAME, SECRET)
    monkeypatch.setattr(faulty_server._Handler, "wbufsize", -1)  # one packet an answer: no waiting for the other side
    with run_faulty_server() as app:
        yield app


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """An empty company."""
    return Company(tmp_path)


@pytest.fixture
def hub(company: Company, server: FaultyServer) -> Company:
    """Four people; `hub` is behind the server, where `eng` exists and ana, kim and omar are to be in it."""
    company.people("omar", "ana", "kim", "lee")
    company.hub(server.url)
    company.grants((["ana", "kim", "omar"], {"hub": ["group:eng"]}))
    server.store.group("eng")
    return company
