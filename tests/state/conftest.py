"""The back ends that every state test can run on, each opened the way `reconciler.yaml` opens it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "cli"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "scim"))

from cli_company import Company
from support.postgres_server import find_binaries, running_postgres
from support.state_back_ends import BACK_ENDS, options_of

from reconciler.model.company import Settings
from reconciler.state import folding
from reconciler.state.contract import StateStore
from reconciler.state.open import open_state


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """Run a server for all tests."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL (Debian: postgresql)")
    pytest.importorskip("psycopg", reason="psycopg (pip install identity-reconciler[postgres])")
    with running_postgres(binaries) as dsn:
        yield dsn


@pytest.fixture(params=[*BACK_ENDS, "folded"])
def state_settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a repository with a new state, for each back end; once with every grant folded away."""
    name = request.param
    if name == "folded":
        name = "postgres"
        monkeypatch.setattr(folding, "_MANY", 1)
    return Settings(tmp_path, state={name: options_of(name, request, tmp_path)})


@pytest.fixture(params=BACK_ENDS)
def company_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Return the settings of a company with a new state, for each back end."""
    return Settings(tmp_path, state={request.param: options_of(request.param, request, tmp_path)})


@pytest.fixture
def reopen(state_settings: Settings) -> Callable[[], StateStore]:
    """Return what opens the same state again, as another process would."""
    return lambda: open_state(state_settings)


@pytest.fixture
def company(company_settings: Settings) -> Company:
    """Return a company on disk whose `reconciler.yaml` names a new state, for each back end."""
    made = Company(company_settings.root)
    text = f"organization: Acme\ntimezone: Europe/Berlin\nstate: {json.dumps(dict(company_settings.state))}\n"
    made.write("reconciler.yaml", text)
    return made
