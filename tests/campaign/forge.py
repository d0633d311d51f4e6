"""A process that stays small and single-threaded, and forks the real command from itself again and again.

Starting Python and importing everything takes most of the time of a short command; a campaign runs thousands. Requests
are lines of JSON on stdin, answers lines of JSON on stdout: the pid as soon as there is one, then how it ended.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wounds

PRELOADED = (
    "reconciler.cli.apply",
    "reconciler.cli.main",
    "reconciler.cli.opening",
    "reconciler.cli.plan",
    "reconciler.cli.root",
    "reconciler.cli.watching",
    "reconciler.plan.app",
    "reconciler.render.data",
    "reconciler.render.report",
    "reconciler.render.text",
    "reconciler.run.applying",
    "reconciler.run.gathering",
    "reconciler.state.git",
    "reconciler.state.postgres",
    "reconciler.state.sqlite",
    "providers.file.provider",
    "providers.scim.provider",
    "providers.ticket.provider",
)
"""What an apply will need: imported once, every child has it already."""


OPTIONAL = ("git", "psycopg")
"""What some back ends need, where it is installed."""


def become_command(request: dict[str, Any], run: Callable[[list[str]], int]) -> None:
    """Turn this fresh child into the command; never returns."""
    code = 70
    try:
        for number, name in ((1, "stdout"), (2, "stderr")):
            handle = os.open(request[name], os.O_WRONLY)
            os.dup2(handle, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["cwd"])
        os.setpgid(0, 0)  # as a shell does, so that a Ctrl-C reaches what the command starts, too
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["env"])
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115 - the child's own
        wounds.inflict(request["wounds"])
        code = run(request["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until stdin ends."""
    run = [importlib.import_module(name) for name in PRELOADED][1].run
    for name in OPTIONAL:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    print(json.dumps({"ready": os.getpid()}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become_command(request, run)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"ended": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
