"""What every test shares: the tree on the path, deterministic hypothesis in CI, and the list of what was skipped."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
pytest_plugins = ["support.evidence"]

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("wide", deadline=None, max_examples=2_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write down why a test was skipped, for the last line of the test command."""
    file = os.environ.get("RECONCILER_SKIPPED_FILE")
    if file and report.skipped and isinstance(report.longrepr, tuple):
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(report.longrepr[2].removeprefix("Skipped: ") + "\n")


@pytest.fixture(autouse=True)
def _no_secrets_or_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment of whoever runs the tests out of them: variables of ours, and the width of a terminal."""
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    for name in list(os.environ):
        if name.startswith("RECONCILER_") and name != "RECONCILER_SKIPPED_FILE":
            monkeypatch.delenv(name)
