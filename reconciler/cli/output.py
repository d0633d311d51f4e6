"""Where output goes: data to stdout, progress and messages to stderr; a reader who went away stops nothing."""

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

_LINES_AT_ONCE = 500


def print_lines(lines: Iterable[str], out: TextIO | None = None) -> None:
    """Write lines to stdout (or another stream) as they come.

    A closed pipe (`| head`) ends the writing and nothing else: the exit code stays the command's own.
    """
    stream = out or sys.stdout
    waiting: list[str] = []
    try:
        for line in lines:
            waiting.append(line)
            if len(waiting) >= _LINES_AT_ONCE:
                stream.write("\n".join(waiting) + "\n")
                waiting.clear()
        if waiting:
            stream.write("\n".join(waiting) + "\n")
        stream.flush()
    except BrokenPipeError:
        mute(stream)


def print_data(data: Any) -> None:
    """Write data as JSON, indented on a terminal, on one line for a machine."""
    indent = 2 if sys.stdout.isatty() else None
    print_lines([json.dumps(data, ensure_ascii=False, indent=indent, default=str)])


def mute(stream: TextIO) -> None:
    """Let a stream whose reader went away swallow everything from now on, the flush at exit too."""
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, stream.fileno())
    os.close(silent)
