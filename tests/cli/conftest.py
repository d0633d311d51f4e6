"""The company that the command is tried on."""

from pathlib import Path

import pytest
from cli_company import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return a company of four people and two apps: one in files, one that only tickets reach."""
    return Company(tmp_path)
