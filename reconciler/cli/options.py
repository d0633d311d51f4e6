"""The options that every command has, before or after its name, and what they come to."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Common:
    """What the shared options say.

    Attributes:
        config: the folder or the `reconciler.yaml`; None looks for one from the working directory upwards.
        json: data for machines on stdout.
        no_color: no colours even on a terminal.
        quiet: no progress and no warnings on stderr.
        verbose: every reason, and the traceback of a fault of this tool.
    """

    def __init__(self) -> None:
        self.config: Path | None = None
        self.json = False
        self.no_color = False
        self.quiet = False
        self.verbose = False

    def colour(self, stream: Any = None) -> bool:
        """Say whether a stream (stdout by default) gets colours: a terminal that nobody asked to be plain."""
        if self.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return bool((stream or sys.stdout).isatty())

    @property
    def width(self) -> int:
        """Return the columns of the terminal; 0 (no limit) where stdout is none and COLUMNS is not set."""
        if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
            return 0
        import shutil

        return max(shutil.get_terminal_size((80, 24)).columns, 40)


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    common = ctx.ensure_object(Common)
    if value not in (None, False) and parameter.name:
        setattr(common, parameter.name, value)


def shared_options(*, environment: bool = False) -> Callable[[Decorated], Decorated]:
    """Return a decorator that adds the shared options.

    Args:
        environment: whether `RECONCILER_CONFIG` and the like are read; true for the group alone, so that they mean the
            same for every command.
    """

    def option(*names: str, **settings: Any) -> Callable[[Decorated], Decorated]:
        return click.option(
            *names, expose_value=False, callback=_remember, allow_from_autoenv=environment, is_eager=True, **settings
        )

    def decorate(function: Decorated) -> Decorated:
        for add in reversed(_all(option)):
            function = add(function)
        return function

    return decorate


def _all(option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Callable[[Decorated], Decorated]]:
    path = click.Path(path_type=Path)
    return [
        option("--config", "-C", type=path, metavar="PATH", help="The folder of reconciler.yaml, or that file."),
        option("--json", is_flag=True, help="Print data for machines."),
        option("--no-color", "no_color", is_flag=True, help="No colours, like NO_COLOR."),
        option("--quiet", "-q", is_flag=True, help="No progress and no warnings on stderr."),
        option("--verbose", "-v", is_flag=True, help="Tell everything: all reasons, tracebacks of faults."),
    ]


class Instant(click.ParamType[Any]):
    """An instant in ISO 8601; without an offset in the organization's time zone, a bare day from its start."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text."""
        from datetime import datetime

        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no instant; write it like 2026-12-01T00:00Z or 2026-12-01", param, ctx)


class Duration(click.ParamType[Any]):
    """A short time, in seconds: `30s`, `10m`, `1h`."""

    name = "duration"
    _units: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "h": 3600}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse the text."""
        if isinstance(value, float):
            return value
        number, unit = value[:-1], value[-1:]
        if unit not in self._units or not (number.isascii() and number.isdigit()):
            self.fail(f"{value!r} is no duration; write it like 30s, 10m or 1h", param, ctx)
        return float(int(number) * self._units[unit])


def at_option(function: Decorated) -> Decorated:
    """Add `--at INSTANT`."""
    return click.option(
        "--at",
        type=Instant(),
        metavar="INSTANT",
        help="At another instant: 2026-12-01T00:00Z, or a day.",
    )(function)


def base_option(function: Decorated) -> Decorated:
    """Add `--base REV`."""
    return click.option(
        "--base",
        metavar="REV",
        help="Only what this checkout changes: compare with where it parted from a branch, tag or commit.",
    )(function)


def scope_options(function: Decorated) -> Decorated:
    """Add `--app`, `--identity`, `--due`, `--reactivate`, `--trust-read` and `--adopt-baseline`."""
    options = [
        click.option("--app", "-a", "apps", multiple=True, metavar="APP", help="Only this app (may be repeated)."),
        click.option("--identity", "-i", "identities", multiple=True, metavar="ID", help="Only this identity."),
        click.option("--due", is_flag=True, help="Only what merged dates made due and what is not yet applied."),
        click.option("--reactivate", multiple=True, metavar="ID", help="Reactivate an account that others suspended."),
        click.option("--trust-read", "trust_reads", multiple=True, metavar="APP", help="Believe a much smaller read."),
        click.option("--adopt-baseline", "baselines", multiple=True, metavar="APP", help="Begin anew: state was lost."),
    ]
    for add in reversed(options):
        function = add(function)
    return function
