"""The moments of a run: before and after everything that the outside world can see of it.

A transaction of the state committed, a commit of it pushed; a file opened for writing, written through, put in its
place or removed; a request sent. A moment has a name, `before PATCH /Groups/g-1`; what stands
before the slash is its sort.
"""

import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx


class Moments:
    """Counts the moments of a run and writes them down; at one of them something happens."""

    def __init__(self, wounds: dict[str, Any], strike: Callable[[], None]) -> None:
        self._wounds = wounds
        self._strike = strike
        self._out = os.open(wounds["count"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._count = self._presses = 0
        self._sorts: Counter[str] = Counter()

    def note(self, moment: str) -> None:
        """Let a moment pass, or die of it."""
        self._count += 1
        sort = sort_of(moment)
        self._sorts[sort] += 1
        here = [sort, self._sorts[sort]]
        if self._count == self._wounds.get("at"):
            self._strike()
        if not self._wounds.get("full"):
            os.write(self._out, f"{moment}\n".encode())
        if here == self._wounds.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        if here == self._wounds.get("interrupt", ())[:2]:
            self._presses = self._wounds["interrupt"][2]
        if self._presses:
            self._presses -= 1
            os.killpg(0, signal.SIGINT)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function with a moment before it and one after it."""

        def call(*arguments: Any, **named: Any) -> Any:
            self.note(f"before {name}")
            answer = function(*arguments, **named)
            self.note(f"after {name}")
            return answer

        return call


def sort_of(moment: str) -> str:
    """Return what sort of moment it is: without the path of a request."""
    return moment.split("/", maxsplit=1)[0].strip()


def watch(moments: Moments) -> None:
    """Put moments around everything that the outside can see."""
    _watch_commits(moments)
    _watch_servers(moments)
    _watch_git(moments)
    for name in ("replace", "rename", "link", "unlink", "fsync"):
        setattr(os, name, moments.around(f"os.{name}", getattr(os, name)))
    _watch_files(moments)
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


def _watch_servers(moments: Moments) -> None:
    """Watch the transactions of PostgreSQL, where the forge has it."""
    psycopg = sys.modules.get("psycopg")
    if psycopg is None:
        return
    execute = psycopg.Connection.execute

    def watched(self: Any, query: Any, *arguments: Any, **named: Any) -> Any:
        commits = query == b"COMMIT" and self.info.transaction_status.name != "IDLE"
        run = moments.around("server's COMMIT", execute) if commits else execute
        return run(self, query, *arguments, **named)

    psycopg.Connection.execute = watched


def _watch_git(moments: Moments) -> None:
    """Watch what git is asked to change, where the forge has it."""
    git = sys.modules.get("git")
    if git is None:
        return
    execute = git.Git.execute

    def watched(self: Any, command: Any, *arguments: Any, **named: Any) -> Any:
        verb = next((word for word in command if word in {"fast-import", "push", "update-ref"}), "")
        run = moments.around(f"git {verb}", execute) if verb else execute
        return run(self, command, *arguments, **named)

    git.Git.execute = watched


def _watch_files(moments: Moments) -> None:
    """Watch every file of the company that is opened for writing."""
    folder = str(Path.cwd())
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str) or not arguments[2] & writing:
            return
        if str(Path(folder, arguments[0])).startswith(folder):
            moments.note("before open")

    sys.addaudithook(hear)
