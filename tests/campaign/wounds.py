"""What is done to a command from inside of its process: it is killed, the disk is full, rights are gone, time jumps."""

import ctypes
import importlib
import inspect
import os
import resource
import signal
import socket
import struct
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from moments import Moments, watch

_CAPABILITY_VERSION = 0x20080522
_OVERRIDES = 0b1110
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER (`linux/capability.h`)."""


def inflict(wounds: dict[str, Any]) -> None:
    """Prepare this process so that it meets its wounds.

    Args:
        wounds: what is to happen, by name.

            From the start: `unprivileged` (root's rights do not count), `hours` (how far the clock is off), `replace`
            (`module:attribute.…` → what is there instead: a text, or `raise TEXT` for a function that raises with it
            once it has done its work), `count` (the file that gets each moment as a line; without it there are none).

            At the moment of a sort, as `[sort, number]`: `kill`, or `interrupt` (Ctrl-C; a third element says how
            often it is pressed, each time a moment later).

            At the moment with the number `at`: `full` (no file may be written any more), `forbid` (these folders are
            read-only), `jump` (by how many hours the clock jumps), `rewrite` (somebody else writes these files: the
            same rows in another order), `damage` (a file and how it is damaged: `cut`, `empty`, `gone` or `page`),
            `move` (from where to where), `hook` (a hook of git that refuses), `unresolved` (a name that is known no
            more), `signal` (this process crashes), `sql` (a DSN, and what somebody runs there).
    """
    if wounds.get("unprivileged"):
        renounce()
    clock = Clock(timedelta(hours=wounds.get("hours", 0)))
    if "hours" in wounds or "jump" in wounds:
        clock.install()
    for place, value in wounds.get("replace", {}).items():
        swap(place, value)
    if "count" in wounds:
        watch(Moments(wounds, lambda: strike(wounds, clock)))


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


def strike(wounds: dict[str, Any], clock: "Clock") -> None:
    """Do what is to happen at one moment."""
    if wounds.get("full"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    for folder in wounds.get("forbid", ()):
        forbid(Path(folder))
    for file in wounds.get("rewrite", ()):
        rewrite(Path(file))
    if "signal" in wounds:
        os.kill(int(wounds["signal"]), signal.SIGQUIT)
    if "damage" in wounds:
        damage(Path(wounds["damage"][0]), wounds["damage"][1])
    if "move" in wounds:
        Path(wounds["move"][0]).rename(wounds["move"][1])
    if "hook" in wounds:
        write_hook(Path(wounds["hook"]))
    if "unresolved" in wounds:
        forget_name(wounds["unresolved"])
    if "sql" in wounds:
        run_elsewhere(*wounds["sql"])
    clock.offset += timedelta(hours=wounds.get("jump", 0))


def run_elsewhere(dsn: str, statement: str) -> None:
    """Run a statement in a database as somebody else."""
    import psycopg  # noqa: PLC0415 - only with this back end

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


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


def damage(path: Path, how: str) -> None:
    """Damage a file as a broken upload does, the newest one where it is a folder; what it was is kept beside it."""
    file = max(path.glob("*.md"), default=None) if path.is_dir() else path
    if file is None:
        return
    whole = file.read_bytes()
    kept = file.with_name(f".{file.name}.whole")
    kept.write_bytes(whole)
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(_damaged(whole, how))
        file.with_name(f".{file.name}.damaged").write_bytes(_damaged(whole, how))


def _damaged(whole: bytes, how: str) -> bytes:
    if how == "cut":
        middle = whole.rfind(b",", 0, len(whole) * 2 // 3)
        return whole[: middle if middle > 0 else len(whole) // 2]
    return b"" if how == "empty" else b"<!doctype html><title>Sign in</title><p>Your session has ended.</p>"


def repair(folder: Path) -> None:
    """Put back what was damaged, unless somebody wrote another file in its place since."""
    for kept in folder.rglob(".*.whole"):
        file = kept.with_name(kept.name.removeprefix(".").removesuffix(".whole"))
        damaged = kept.with_name(f".{file.name}.damaged")
        now = file.read_bytes() if file.exists() else None
        if now == (damaged.read_bytes() if damaged.exists() else None):
            kept.replace(file)
        kept.unlink(missing_ok=True)
        damaged.unlink(missing_ok=True)


def write_hook(path: Path) -> None:
    """Let a repository refuse what is pushed to it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\necho 'protected branch' >&2\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)


def forget_name(name: str) -> None:
    """Let a name be resolved no more."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if host in {name, name.encode()}:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **named)

    socket.getaddrinfo = getaddrinfo


def forbid(folder: Path) -> None:
    """Make a folder and everything in it read-only."""
    for path in sorted((folder, *folder.rglob("*")), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)


def allow(folder: Path) -> None:
    """Make a folder and everything in it writable again."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
