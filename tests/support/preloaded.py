"""A process that stays small and single-threaded, and forks the real command from itself again and again.

Starting Python and importing everything takes most of the time of a short command, and the tests run thousands of them.
Requests are lines of JSON on stdin, answers on stdout: the pid as soon as there is one, then how it ended.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = ("git", "psycopg")
"""What some back ends need, where it is installed."""


def serve(prepare: Callable[[dict[str, Any]], None]) -> None:
    """Serve until stdin ends.

    Args:
        prepare: called with the request in each child, before it becomes the command.
    """
    _preload()
    _answer(ready=os.getpid())
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become_command(request, prepare)
        _answer(pid=pid)
        _, status = os.waitpid(pid, 0)
        _answer(ended=os.waitstatus_to_exitcode(status))


def _preload() -> None:
    """Import all that any command may need: every child has it already."""
    for name in _modules():
        importlib.import_module(name)
    for name in OPTIONAL:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _modules() -> Iterator[str]:
    for package in ("reconciler", "providers"):
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if ".conformance" not in module.name:
                yield module.name


def _answer(**values: int) -> None:
    print(json.dumps(values), flush=True)


def _become_command(request: dict[str, Any], prepare: Callable[[dict[str, Any]], None]) -> None:
    """Turn this fresh child into the command; never returns."""
    code = 70
    try:
        _move_in(request)
        prepare(request)
        code = sys.modules["reconciler.cli.main"].run(request["arguments"])
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _move_in(request: dict[str, Any]) -> None:
    """Take the streams, the folder and the environment of the request."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(request["cwd"])
    os.setpgid(0, 0)  # as a shell does, so that a Ctrl-C reaches what the command starts, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the child's own
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115 - the child's own


if __name__ == "__main__":
    serve(lambda _: None)
