"""The back ends that every state test can run on, and what `reconciler.yaml` says of a new state in each."""

import uuid
from typing import Any

import pytest

BACK_ENDS = ("sqlite", "postgres")


def options_of(name: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what `state` says for a new state of a back end."""
    if name == "sqlite":
        return {"path": f"{uuid.uuid4().hex}/state.db"}
    return {"dsn": request.getfixturevalue("postgres_dsn"), "schema": f"s{uuid.uuid4().hex}"}
