"""A repository of YAML that a test writes, and what loading it gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import InputError
from reconciler.load.company import Loaded, load_company
from reconciler.model.company import Company

MOMENT = datetime(2026, 6, 1, 12, tzinfo=UTC)

PEOPLE = """\
people:
  ana: {name: Ana Ruiz, email: ana@acme.example, department: Engineering}
  omar: {name: Omar Naji, email: omar@acme.example, department: Engineering, attributes: {location: Berlin}}
"""

APPS = """\
apps:
  github: {owner: omar}
  slack: {owner: omar}
"""


@dataclass
class Repository:
    """A folder with YAML in it."""

    root: Path
    cache: Path | None = None

    def write(self, path: str, content: str | bytes) -> Repository:
        """Write one file, and its folders."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def load(self, moment: datetime = MOMENT) -> Loaded:
        """Load it."""
        return load_company(self.root, moment=moment, cache=self.cache)

    def company(self, moment: datetime = MOMENT) -> Company:
        """Load it and return the company."""
        return self.load(moment).company

    def warnings(self, moment: datetime = MOMENT) -> list[str]:
        """Load it and return its warnings as a user sees them."""
        return [str(warning) for warning in self.load(moment).warnings]

    def problems(self, moment: datetime = MOMENT) -> list[str]:
        """Load it in vain and return everything that is wrong, as a user sees it."""
        with pytest.raises(InputError) as caught:
            self.load(moment)
        return [str(problem) for problem in caught.value.problems]

    def problem(self, moment: datetime = MOMENT) -> str:
        """Load it in vain and return the one thing that is wrong."""
        (problem,) = self.problems(moment)
        return problem


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    root = tmp_path / "repository"
    root.mkdir()
    return Repository(root)


@pytest.fixture
def acme(repository: Repository) -> Repository:
    """Return a repository with two people and two apps."""
    return repository.write("people.yaml", PEOPLE).write("apps.yaml", APPS)
