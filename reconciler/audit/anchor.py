"""Heads of the trail, kept outside the state: lines that are only added to, one for each apply.

A line reads `NUMBER:DIGEST INSTANT RUN`. The place is a file or a git ref where whoever can write the state cannot take
back what is there: a log share that only takes additions, a branch that refuses forced pushes. A line whose RUN is
`accepted` says that a person looked at the trail as it is: what was anchored before binds no more.
"""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from reconciler.errors import ConfigurationError
from reconciler.model.company import KeptRef, Settings
from reconciler.state.codec import encode_moment

ACCEPTED: Final = "accepted"
_HEAD: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")
_LARGEST: Final = 256 * 1024 * 1024
_KEPT: Final = 1000
_NAME: Final = "heads"


class Head(NamedTuple):
    """The last entry of a trail at some time: its number and its digest."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


class Anchored(NamedTuple):
    """What an anchor holds.

    Attributes:
        heads: those that bind, the oldest first.
        since: the number of the first of them, if a person accepted it; 0 where nothing was ever accepted.
    """

    heads: tuple[Head, ...] = ()
    since: int = 0


class Anchor(Protocol):
    """Where heads are kept."""

    @property
    def place(self) -> str:
        """What users call it."""
        ...

    def read(self) -> Anchored:
        """Return what is kept; nothing where nothing was anchored yet.

        Raises:
            ReconcilerError: it cannot be read, or is no anchor.
        """
        ...

    def add(self, head: Head, at: datetime, run: str) -> None:
        """Add a head; when this returns it is kept. What is no anchor is left alone.

        Raises:
            ReconcilerError: it cannot be written, or is no anchor.
        """
        ...


def open_anchor(settings: Settings) -> Anchor | None:
    """Return the anchor that `reconciler.yaml` names, if it names one."""
    named = settings.audit_anchor
    if isinstance(named, KeptRef):
        return RefAnchor(settings.root, named)
    return FileAnchor(settings.root / named) if named else None


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


_ANOTHER: Final = "see `audit: {anchor: …}` in reconciler.yaml"


def parse_heads(text: str, place: str) -> Anchored:
    """Return what the lines of an anchor say.

    Raises:
        ConfigurationError: a line of it is no head.
    """
    heads: list[Head] = []
    since = 0
    for number, line in enumerate(text.splitlines(), 1):
        try:
            head = parse_head(line.partition(" ")[0])
        except ConfigurationError:
            raise ConfigurationError(
                f"{place}:{number} is no head of an audit trail: somebody edited it, or it is something else",
                hint=_ANOTHER,
            ) from None
        if line.rpartition(" ")[2] == ACCEPTED:
            heads, since = [], head.number
        heads.append(head)
    return Anchored(tuple(heads), since)


def _line(head: Head, at: datetime, run: str) -> str:
    return f"{head} {encode_moment(at)} {run}\n"


class FileAnchor:
    """A file that heads are added to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """Return its path."""
        return str(self._path)

    def read(self) -> Anchored:
        """Return what it holds; nothing where it does not exist yet.

        Raises:
            ConfigurationError: it cannot be read, or a line of it is no head.
        """
        path = self._path
        try:
            if path.stat().st_size > _LARGEST:
                raise ConfigurationError(f"{path} is too large to be the anchor of an audit trail", hint=_ANOTHER)
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Anchored()
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path} is not the anchor of an audit trail", hint=_ANOTHER) from None
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or error}", hint=_ANOTHER) from None
        return parse_heads(text, str(path))

    def add(self, head: Head, at: datetime, run: str) -> None:
        """Add a head; when this returns it is on disk. A file that is no anchor is left alone.

        Raises:
            ConfigurationError: it cannot be written, or is no anchor.
        """
        self.read()
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.write(descriptor, _line(head, at, run).encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise ConfigurationError(f"{path}: {error.strerror or error}", hint=_ANOTHER) from None


class RefAnchor:
    """A git ref whose file `heads` holds the newest lines; the ref's own history holds them all."""

    def __init__(self, root: Path, kept: KeptRef) -> None:
        self._root = root
        self._kept = kept

    @property
    def place(self) -> str:
        """Return the ref and its remote."""
        return f"{self._kept.ref} of {self._kept.remote}" if self._kept.remote else self._kept.ref

    def read(self) -> Anchored:
        """Return what the remote has now.

        Raises:
            ConfigurationError: there is no such remote, or the ref holds something else.
            StateError: it cannot be read, or was rewritten.
        """
        from reconciler.state.outside import OutsideFiles  # noqa: PLC0415 - git is slow to import

        with OutsideFiles(self._root, self._kept) as files:
            return parse_heads(files.read(_NAME), f"{_NAME} in {self.place}")

    def add(self, head: Head, at: datetime, run: str) -> None:
        """Push a commit with one more line.

        Raises:
            ConfigurationError: there is no such remote, or the ref holds something else.
            StateError: it cannot be pushed, or was rewritten.
        """
        from reconciler.state.outside import OutsideFiles  # noqa: PLC0415 - git is slow to import

        line = _line(head, at, run)

        def edit(text: str) -> str:
            parse_heads(text, f"{_NAME} in {self.place}")
            return "".join(f"{one}\n" for one in _shorten(text.splitlines())) + line

        with OutsideFiles(self._root, self._kept) as files:
            files.change(_NAME, edit, f"{line.strip()} [skip ci]")


def _shorten(lines: list[str]) -> list[str]:
    """Leave out old lines, but not the one since which they bind."""
    accepted = [number for number, line in enumerate(lines) if line.rpartition(" ")[2] == ACCEPTED][-1:]
    return [line for number, line in enumerate(lines) if number in accepted or number > len(lines) - _KEPT]
