"""A company that has begun."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from life import CHAT, PEOPLE, PIN, Life, living


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Life]:
    """An empty repository on a forge."""
    with living(tmp_path) as life:
        yield life


@pytest.fixture
def life(empty: Life) -> Life:
    """`init` was run, two people and one app were written, merged and applied."""
    assert empty.command("init", "--actions", PIN).returncode == 0
    empty.write(people=PEOPLE, apps__chat=CHAT.format(url=empty.chat.url))
    empty.replace("reconciler.yaml", "env: []", "env: [CHAT_TOKEN]")
    done = empty.command("init", "--actions", PIN)
    assert ".github/workflows/access-plan.yml: updated" in done.stdout, done.stderr
    empty.push("main", "Begin")
    done = empty.command("apply", "--yes")
    assert done.returncode == 0, done.stderr
    return empty
