"""What most commands begin with: the repository, loaded at a moment, its warnings told; and the scope."""

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.options import Common
from reconciler.cli.output import print_lines
from reconciler.problems import Problem

if TYPE_CHECKING:
    from reconciler.model.company import Settings
    from reconciler.plan.plan import Scope
    from reconciler.run.session import Session


def open_company(
    common: Common, at: datetime | None = None, *, tell: bool = True, base: str | None = None
) -> "Session":
    """Load the repository.

    Args:
        common: the shared options.
        at: the instant to work at; without an offset it is meant in the organization's time zone. None is now.
        tell: whether warnings are printed on stderr; not where the output has them itself.
        base: the revision that the work tree is compared with, as a pull request is.

    Raises:
        InputError: the YAML has errors.
        ConfigurationError: there is no repository, or it cannot work.
    """
    from reconciler.run.session import open_session

    session = open_session(common.config, moment=_moment(common, at), base=base)
    if tell and not common.quiet:
        tell_warnings(session.warnings, common)
    return session


def _moment(common: Common, at: datetime | None) -> datetime | None:
    if at is None or at.tzinfo is not None:
        return at
    from zoneinfo import ZoneInfo

    return at.replace(tzinfo=ZoneInfo(settings_of(common).timezone))


def tell_warnings(warnings: Sequence[Problem], common: Common) -> None:
    """Print warnings on stderr."""
    from reconciler.render.problems import render_problems

    if warnings:
        print_lines(render_problems(warnings, colour=common.colour(sys.stderr)), sys.stderr)


def make_scope(
    *,
    apps: Sequence[str] = (),
    identities: Sequence[str] = (),
    due: bool = False,
    reactivate: Sequence[str] = (),
    trust_reads: Sequence[str] = (),
    baselines: Sequence[str] = (),
) -> "Scope":
    """Return what a plan is limited to; whether these names exist is checked where the plan is made."""
    from reconciler.plan.plan import Scope

    return Scope(tuple(apps), tuple(identities), due, tuple(reactivate), tuple(trust_reads), tuple(baselines))


def settings_of(common: Common) -> "Settings":
    """Load `reconciler.yaml` alone.

    Raises:
        ConfigurationError: there is no repository, or its `reconciler.yaml` cannot work.
    """
    from pathlib import Path

    from reconciler.load.settings import find_root, load_settings, named_root

    return load_settings(find_root(named_root(common.config) if common.config else Path.cwd()))
