"""What is done to a command from inside of its process: killed at an event, short of disk, without rights, out of time.

An event is something that the outside world can see: a transaction of the state committed, a file put in its place, a
request sent. Each has two moments, before and after it.
"""

import ctypes
import importlib
import inspect
import os
import resource
import signal
import sqlite3
import struct
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

_CAPABILITY_VERSION = 0x20080522
_OVERRIDES = 0b1110
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER (`linux/capability.h`)."""


def inflict(wounds: dict[str, Any]) -> None:
    """Prepare this process so that it meets its wounds.

    Args:
        wounds: `count` (the file that gets each moment as a line; without it there are none), `kill` (the number of the
            fatal moment), `at` (the moment from which what follows holds), `full` (no file may be written any more),
            `forbid` (these folders are read-only), `jump` (by how many hours the clock jumps), `rewrite` (these files
            are written by somebody else: the same rows in another order). And, from the start: `unprivileged` (root's
            rights do not count), `hours` (how far the clock is off), `replace` (`module:attribute.…` → what is there
            instead: a text, or `raise TEXT` for a function that raises with it once it has done its work).
    """
    if wounds.get("unprivileged"):
        renounce()
    clock = Clock(timedelta(hours=wounds.get("hours", 0)))
    if "hours" in wounds or "jump" in wounds:
        clock.install()
    for place, value in wounds.get("replace", {}).items():
        swap(place, value)
    if "count" in wounds:
        watch(Moments(wounds, clock))


def renounce() -> None:
    """Give up what lets root write where permissions forbid it; another user has nothing to give up.

    Only the capabilities go (`capset(2)`): as another user, root's own Python could perhaps not be read any more.
    """
    if os.getuid() == 0:
        header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
        libc = ctypes.CDLL(None, use_errno=True)
        held = ctypes.create_string_buffer(24)
        libc.capget(header, held)
        effective, permitted, _, effective_high, permitted_high, _ = struct.unpack("=6I", held.raw)
        low = (effective & ~_OVERRIDES, permitted & ~_OVERRIDES, 0)
        kept = struct.pack("=6I", *low, effective_high, permitted_high, 0)
        if libc.capset(header, kept):
            raise OSError(ctypes.get_errno(), "capset")


def swap(place: str, value: str) -> None:
    """Put something else in the place of a name of a module."""
    module, _, path = place.partition(":")
    *parents, name = path.split(".")
    holder: Any = importlib.import_module(module)
    for parent in parents:
        holder = getattr(holder, parent)

    original = getattr(holder, name)

    async def fail_later(*arguments: object, **named: object) -> None:
        await original(*arguments, **named)
        raise RuntimeError(value.removeprefix("raise "))

    def fail(*arguments: object, **named: object) -> None:
        original(*arguments, **named)
        raise RuntimeError(value.removeprefix("raise "))

    failing = fail_later if inspect.iscoroutinefunction(original) else fail
    setattr(holder, name, failing if value.startswith("raise ") else value)


class Moments:
    """Counts the moments of a run and writes them down; at one of them something happens."""

    def __init__(self, wounds: dict[str, Any], clock: "Clock") -> None:
        self._wounds = wounds
        self._out = os.open(wounds["count"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._clock = clock
        self._count = 0

    def note(self, moment: str) -> None:
        """Let a moment pass, or die of it."""
        self._count += 1
        if self._count == self._wounds.get("at"):
            self._happen()
        if not self._wounds.get("full"):
            os.write(self._out, f"{moment}\n".encode())
        if self._count == self._wounds.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)

    def _happen(self) -> None:
        if self._wounds.get("full"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        for folder in self._wounds.get("forbid", ()):
            forbid(Path(folder))
        for file in self._wounds.get("rewrite", ()):
            rewrite(Path(file))
        self._clock.offset += timedelta(hours=self._wounds.get("jump", 0))

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function with a moment before it and one after it."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.note(f"before {name}")
            answer = function(*arguments, **named)
            self.note(f"after {name}")
            return answer

        return call


def watch(moments: Moments) -> None:
    """Put moments around everything that the outside can see."""
    _watch_commits(moments)
    for name in ("replace", "rename", "link"):
        setattr(os, name, moments.around(f"os.{name}", getattr(os, name)))
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def handle_async_request(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        moments.note(f"before {request.method} {request.url.path}")
        answer = await send(self, request)
        moments.note(f"after {request.method} {request.url.path}")
        return answer

    httpx.AsyncHTTPTransport.handle_async_request = handle_async_request  # type: ignore[method-assign]


def _watch_commits(moments: Moments) -> None:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if sql.strip().upper().startswith("COMMIT") and self.in_transaction:
                return moments.around("COMMIT", super().execute)(sql, *arguments)  # type: ignore[no-any-return]
            return super().execute(sql, *arguments)

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **named: connect(*arguments, **{"factory": Connection, **named})  # type: ignore[assignment]


class Clock:
    """A wall clock that is off, put in the place of `datetime` wherever the tool asks for the time."""

    def __init__(self, offset: timedelta) -> None:
        self.offset = offset

    def install(self) -> None:
        """Take the place of `datetime` in every module that was imported."""
        clock = self

        class Same(type):
            def __instancecheck__(cls, instance: object) -> bool:
                return isinstance(instance, datetime)

        class Jumping(datetime, metaclass=Same):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
                return datetime.now(tz) + clock.offset

        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in {"reconciler", "providers"} and getattr(module, "datetime", None) is datetime:
                module.datetime = Jumping  # type: ignore[attr-defined]


def rewrite(file: Path) -> None:
    """Write a table's rows in another order, as somebody's editor might."""
    head, *rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([head, *reversed(rows)]), encoding="utf-8")


def forbid(folder: Path) -> None:
    """Make a folder and everything in it read-only."""
    for path in sorted((folder, *folder.rglob("*")), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)


def allow(folder: Path) -> None:
    """Make a folder and everything in it writable again."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
