"""How a failure is told: its message, what to do next, and the exit code. Never a secret, never a variable's value."""

import sys
import traceback
from typing import TYPE_CHECKING

import click

from reconciler.cli.exits import Exit
from reconciler.cli.options import Common
from reconciler.cli.output import mute, print_data, print_lines
from reconciler.errors import InputError, ReconcilerError
from reconciler.render.colours import palette
from reconciler.render.escape import visible
from reconciler.version import tool_version

if TYPE_CHECKING:
    from collections.abc import Iterator


def tell_failure(error: Exception, common: Common) -> int:
    """Tell an exception on stderr (InputError with `--json` on stdout) and return the exit code."""
    match error:
        case InputError():
            _tell_problems(error, common)
        case ReconcilerError():
            print_lines(_error_lines(error.message, error.hint, common), sys.stderr)
            return error.exit_code
        case click.Abort() if isinstance(error.__context__, KeyboardInterrupt):
            return tell_interruption()
        case click.Abort():
            print_lines(["stopped; nothing was done"], sys.stderr)
        case click.ClickException():
            _tell_usage(error, common)
        case BrokenPipeError():
            mute(sys.stdout)
        case _:
            print_lines(_fault_lines(error, common), sys.stderr)
    return Exit.ERROR


def tell_interruption() -> int:
    """Tell that somebody stopped the command, and return its exit code."""
    print_lines(["", "interrupted"], sys.stderr)
    return Exit.INTERRUPTED


def _tell_problems(error: InputError, common: Common) -> None:
    from reconciler.render.problems import problem_data, render_problems

    if common.json:
        print_data({"valid": False, "problems": [problem_data(problem) for problem in error.problems]})
    else:
        print_lines(render_problems(error.problems, colour=common.colour(sys.stderr)), sys.stderr)


def _tell_usage(error: click.ClickException, common: Common) -> None:
    ctx = getattr(error, "ctx", None)
    hint = f"see: {ctx.command_path} --help" if ctx else ""
    message = error.format_message().rstrip(".")
    # A sentence of click's begins small, like ours; an abbreviation stays one.
    if not message[:2].isupper():
        message = message[:1].lower() + message[1:]
    print_lines(_error_lines(message, hint, common), sys.stderr)


def _error_lines(message: str, hint: str, common: Common) -> "Iterator[str]":
    paint = palette(colour=common.colour(sys.stderr))
    first, *rest = message.split("\n")
    yield f"{paint.paint(paint.remove, 'error:')} {visible(first)}"
    yield from (f"  {visible(line)}" for line in rest)
    if hint:
        yield from (f"  {paint.paint(paint.quiet, visible(line))}" for line in hint.split("\n"))


def _fault_lines(error: Exception, common: Common) -> "Iterator[str]":
    """Yield an apology: the exception's type and where it came from; its text and the frames only if verbose."""
    frames = traceback.extract_tb(error.__traceback__)
    yield f"error: a fault of reconciler {tool_version()}, not of what you wrote: {type(error).__name__}"
    if common.verbose:
        yield from (visible(line) for line in "".join(traceback.format_list(frames)).splitlines())
        yield f"  {type(error).__name__}: {_redacted(str(error))}"
    else:
        yield "  nothing more was done; --verbose shows where it happened. Please report it"


def _redacted(text: str) -> str:
    """Return an exception's text without what looks like a secret."""
    from reconciler.provider.redaction import REVEALED

    return visible(REVEALED.clean(text))
