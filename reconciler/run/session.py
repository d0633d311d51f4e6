"""What a command works on: the company as written, the moment, and what was resolved at it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.load.company import load_company
from reconciler.load.settings import find_root, named_root
from reconciler.model.company import Company, Settings
from reconciler.problems import Problem
from reconciler.resolve.company import Resolved, resolve_company

if TYPE_CHECKING:
    from reconciler.run.base import Base

CACHE = Path(".reconciler") / "cache"


@dataclass(frozen=True)
class Session:
    """A repository that was loaded without errors, at a moment.

    Attributes:
        moment: an instant with a time zone; everything in this run is resolved at it.
        future: whether the moment was asked for, so that a plan of it cannot be applied.
        base: what the company is compared with as a pull request, or None.
    """

    company: Company
    warnings: tuple[Problem, ...]
    moment: datetime
    future: bool = False
    base: "Base | None" = None

    @property
    def settings(self) -> Settings:
        """Return `reconciler.yaml`."""
        return self.company.settings

    @cached_property
    def resolved(self) -> Resolved:
        """Return who is here, who has left and who is in which group, at the moment."""
        return resolve_company(self.company, self.moment)


def open_session(
    config: Path | None, *, moment: datetime | None = None, cache: bool = True, base: str | None = None
) -> Session:
    """Load the repository of `config` (a folder or a `reconciler.yaml`), or the one around the working directory.

    Args:
        config: see above.
        moment: the instant to work at; None means now.
        cache: whether parsed files are kept.
        base: a revision that the work tree is compared with, as a pull request is.

    Raises:
        InputError: the YAML has errors.
        ConfigurationError: there is no such repository or revision, or its `reconciler.yaml` cannot work.
    """
    root = _root(config)
    at = moment or datetime.now(UTC)
    folder = root / CACHE if cache else None
    if base is None:
        loaded = load_company(root, moment=at, cache=folder)
        return Session(loaded.company, loaded.warnings, at, future=moment is not None)
    from reconciler.run.base import load_with_base  # noqa: PLC0415 - git takes long to import

    loaded, compared = load_with_base(root, base, moment=at, cache=folder)
    return Session(loaded.company, loaded.warnings, at, future=moment is not None, base=compared)


def _root(config: Path | None) -> Path:
    return find_root(Path.cwd()) if config is None else named_root(config)
