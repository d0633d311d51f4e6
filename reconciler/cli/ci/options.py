"""The options that several of these commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def workflow_option(default: str, about: str) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds `--workflow`."""
    return click.option("--workflow", metavar="FILE", default=default, show_default=True, help=about)


def environment_options(function: Decorated) -> Decorated:
    """Add what says how credentials are kept to the default branch: exactly one of two is needed."""
    by_environment = click.option(
        "--environment", metavar="NAME", default="", help="The environment that holds the credentials; checked."
    )
    by_cloud = click.option(
        "--oidc", is_flag=True, help="There are none: a cloud gives them to the default branch only, by its OIDC claim."
    )
    return by_environment(by_cloud(function))


def anchor_options(function: Decorated) -> Decorated:
    """Add what says how the state is known to be the one that the last run left."""
    workflows = click.option(
        "--applies",
        metavar="FILE",
        multiple=True,
        default=("access-apply.yml", "access-drift.yml"),
        show_default=True,
        help="The files in .github/workflows that apply: the state must be what their last run left.",
    )
    accepted = click.option(
        "--accept-state", metavar="NUMBER:DIGEST", default="", help="The head of the trail that is right now."
    )
    file = click.option(
        "--anchor",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the head of the trail there, too.",
    )
    return workflows(accepted(file(function)))


def check_environment(environment: str, *, oidc: bool) -> str:
    """Return the environment to check, empty where a cloud does.

    Raises:
        click.UsageError: nothing says how the credentials are kept, or both do.
    """
    if bool(environment) == oidc:
        raise click.UsageError("say how credentials are kept to the default branch: --environment NAME, or --oidc")
    return environment
