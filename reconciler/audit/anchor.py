"""Heads of the trail, kept outside the state: a file of lines that is only added to, one for each apply.

A line reads `NUMBER:DIGEST INSTANT RUN`. Put the file where whoever can write the state cannot write: a log share that
only takes additions, a repository of its own, or the output of the job that applies.
"""

import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.errors import ConfigurationError, StateError
from reconciler.state.codec import encode_moment
from reconciler.state.contract import StateStore

_HEAD: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")
_LARGEST: Final = 256 * 1024 * 1024


class Head(NamedTuple):
    """The last entry of a trail at some time: its number and its digest."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def parse_head(text: str) -> Head:
    """Return the head of a text `NUMBER:DIGEST`.

    Raises:
        ConfigurationError: it is none.
    """
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(
            f"{text[:100]!r} is no head of an audit trail", hint="write NUMBER:DIGEST, the digest in 64 hex digits"
        )
    return Head(int(match[1]), match[2])


def read_heads(path: Path) -> list[Head]:
    """Return the heads of an anchor; none where the file does not exist yet.

    Raises:
        ConfigurationError: it cannot be read, or a line of it is no head.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigurationError(f"{path} is too large to be the anchor of an audit trail", hint=_ANOTHER)
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not the anchor of an audit trail", hint=_ANOTHER) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}", hint=_ANOTHER) from None
    return [_read_line(path, number, line) for number, line in enumerate(lines, 1)]


_ANOTHER: Final = "see `audit: {anchor: FILE}` in reconciler.yaml"


def _read_line(path: Path, number: int, line: str) -> Head:
    try:
        return parse_head(line.partition(" ")[0])
    except ConfigurationError:
        raise ConfigurationError(
            f"{path}:{number} is no head of an audit trail: somebody edited it, or it is another file", hint=_ANOTHER
        ) from None


def write_head(path: Path, head: Head, at: datetime, run: str) -> None:
    """Add a head to an anchor; when this returns it is on disk. A file that is no anchor is left alone.

    Raises:
        ConfigurationError: it cannot be written, or is no anchor.
    """
    read_heads(path)
    line = f"{head} {encode_moment(at)} {run}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}", hint=_ANOTHER) from None


def require_heads(state: StateStore, heads: Iterable[Head]) -> None:
    """Check quickly that a trail still holds the last head that was anchored.

    Raises:
        StateError: it does not: it was cut off or replaced.
    """
    last = max(heads, default=None)
    if last is None:
        return
    entry = next(iter(state.audit(since=last.number)), None)
    if entry is None or (entry.number, entry.digest) != last:
        raise StateError(
            f"the audit trail no longer holds entry {last.number} as it was anchored",
            hint="somebody changed or replaced the state: `reconciler audit verify` says more",
        )
