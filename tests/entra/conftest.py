"""The fake, and the secret that its provider is opened with."""

import graph_types
import pytest
from fake_graph import SECRET, FakeGraph


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the secret where the configuration looks for it; needs Microsoft's types."""
    if graph_types.missing():
        pytest.skip(graph_types.missing())
    monkeypatch.setenv("ENTRA_CANARY", SECRET)


@pytest.fixture
def app() -> FakeGraph:
    """An empty tenant."""
    return FakeGraph()
