"""Problems as annotations on the lines of a pull request, and a log in which nothing else can be taken for a command.

A runner obeys lines of a log that begin with `::`, and `##[` anywhere in one. So commands are switched off, with a
token that nobody can guess, whenever anything is printed that somebody else wrote, and on only for what is escaped
here.
"""

import secrets
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from reconciler.ci.tokens import take_tokens
from reconciler.problems import Problem, Severity

_SHOWN: Final = 10
"""So many annotations of each severity are shown of one step; more stay in the log."""

_LONGEST: Final = 2_000


def annotate(severity: Severity, message: str, *, file: str = "", line: int = 0, column: int = 0) -> str:
    """Return one workflow command that puts a message beside a line."""
    parts = {"file": file, "line": str(line or ""), "col": str(column or "")} if file else {}
    given = ",".join(f"{name}={_property(value)}" for name, value in parts.items() if value)
    return f"::{severity.value}{' ' if given else ''}{given}::{_data(message[:_LONGEST])}"


def annotate_problems(problems: Sequence[Problem]) -> Iterator[str]:
    """Yield a command for each problem, errors first, as many as are shown."""
    for severity in Severity:
        of_this = sorted(problem for problem in problems if problem.severity is severity)
        for problem in of_this[:_SHOWN]:
            text = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
            place = problem.place
            yield annotate(severity, text, file=place.file, line=place.line, column=place.column)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def open_log(environ: MutableMapping[str, str], stream: TextIO) -> "CommandLog":
    """Return the log of a step, after the runner was told which tokens it hides; nothing was printed before."""
    for line in take_tokens(environ):
        print(line, file=stream, flush=True)
    return CommandLog(stream)


class CommandLog:
    """A step's stdout: commands are obeyed only inside of `obeyed`.

    Args:
        stream: what the runner reads.
        on: whether a runner reads it.
    """

    def __init__(self, stream: TextIO, *, on: bool = True) -> None:
        self._stream = stream
        self._on = on
        self._token = ""
        self._stop()

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """Let the runner obey commands for the length of a block, in which only commands are printed."""
        if self._on:
            self._print(f"::{self._token}::")
        try:
            yield
        finally:
            self._stop()

    def command(self, line: str) -> None:
        """Print one command, escaped already."""
        self._print(line)

    def _stop(self) -> None:
        if self._on:
            self._token = secrets.token_hex(16)
            self._print(f"::stop-commands::{self._token}")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
