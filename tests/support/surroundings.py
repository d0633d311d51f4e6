"""What a provider is opened with in tests."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.provider.contract import Surroundings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def surroundings(root: Path | None = None, **changes: Any) -> Surroundings:
    """Return plain surroundings that may write, with some fields changed."""
    plain = Surroundings(app="acme", root=root or Path(), read_only=False, now=NOW)
    return replace(plain, **changes)
