"""Questions to a person: asked on stderr, and only where there is somebody to answer."""

import sys

import click

from reconciler.errors import ConfigurationError


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if a person agrees, or agreed beforehand.

    Raises:
        ConfigurationError: there is no terminal to ask on.
        click.Abort: the answer is no.
    """
    if not yes:
        need_terminal()
        click.confirm(question, abort=True, err=True)


def need_terminal() -> None:
    """Check that there is somebody to ask.

    Raises:
        ConfigurationError: stdin or stderr is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigurationError("there is no terminal to ask on", hint="look at what would be done, then give --yes")
