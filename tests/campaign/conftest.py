"""The company of the campaign, made once for all of its tests."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scim"))

from scene import Company, Theatre, theatre
from support.postgres_server import find_binaries


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Servers, a forge, and the company in its first state."""
    if sys.platform == "win32":
        pytest.skip("needs fork")
    with theatre(tmp_path_factory.mktemp("campaign")) as started:
        yield started


def need_scim2_server() -> None:
    """Skip where it is not installed."""
    pytest.importorskip("scim2_server", reason="scim2-server (not installed)")


@pytest.fixture(scope="session")
def public_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """The same, behind a SCIM server that others wrote, with the audit trail anchored."""
    if sys.platform == "win32":
        pytest.skip("needs fork")
    need_scim2_server()
    with theatre(tmp_path_factory.mktemp("public"), hub="scim2-server", anchored=True) as started:
        yield started


@pytest.fixture(scope="session")
def git_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """The same with the state on a branch of a repository."""
    if sys.platform == "win32":
        pytest.skip("needs fork")
    need_scim2_server()
    with theatre(tmp_path_factory.mktemp("git"), hub="scim2-server", state="git", anchored=True) as started:
        yield started


@pytest.fixture(scope="session")
def postgres_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """The same with the state in PostgreSQL."""
    need_scim2_server()
    if find_binaries() is None:
        pytest.skip("PostgreSQL (Debian: postgresql)")
    pytest.importorskip("psycopg", reason="psycopg (pip install identity-reconciler[postgres])")
    with theatre(tmp_path_factory.mktemp("postgres"), hub="scim2-server", state="postgres", anchored=True) as started:
        yield started


@pytest.fixture
def company(stage: Theatre) -> Company:
    """Return a fresh company: its first state applied, its second one declared."""
    return stage.company()
