"""Runs the real command as a process of its own, forked from one that has everything imported (see `preloaded`)."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = Path(__file__).with_name("preloaded.py")
LONGEST = 180.0


class Pipe:
    """A named pipe that is read to its end in a thread; unlike a file, no limit of a full disk reaches it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self.path.open("rb") as stream:
            self._parts.append(stream.read())

    def text(self) -> str:
        """Return what came, once the writer is gone."""
        self._thread.join(10)
        return b"".join(self._parts).decode("utf-8", "replace")


class Forge:
    """A process with everything imported, and the way to talk to it; one command at a time.

    Args:
        scratch: a folder for its pipes.
        script: what it runs: `preloaded.py`, or a script that calls its `serve`.
    """

    def __init__(self, scratch: Path, script: Path = PRELOADED) -> None:
        self._scratch = scratch
        paths = (ROOT, ROOT / "tests", *(() if script == PRELOADED else (script.parent,)))
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        )
        self.pid = 0
        self._hear()

    def run(
        self, arguments: list[str], folder: Path, env: Mapping[str, str], **more: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `reconciler ARGUMENTS` in a folder, with nothing but this environment; `more` is for the script.

        Raises:
            subprocess.TimeoutExpired: it did not end in time: a command must never hang.
        """
        pipes = {name: Pipe(self._scratch / name) for name in ("stdout", "stderr")}
        request = {"arguments": arguments, "cwd": str(folder), "env": dict(env), **more}
        request |= {name: str(pipe.path) for name, pipe in pipes.items()}
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        self.pid = self._hear()["pid"]
        late: list[bool] = []
        timer = threading.Timer(LONGEST, lambda: (late.append(True), os.kill(self.pid, signal.SIGKILL)))
        timer.start()
        try:
            code = self._hear()["ended"]
        finally:
            timer.cancel()
        out, err = (pipe.text() for pipe in pipes.values())
        if late:
            raise subprocess.TimeoutExpired(arguments, LONGEST, out, err)
        return subprocess.CompletedProcess(arguments, code, out, err)

    def _hear(self) -> dict[str, int]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the process that forks the command is gone"
        answer: dict[str, int] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


_idle: list[Forge] = []


def run_command(arguments: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `reconciler ARGUMENTS` in a folder with this environment, and wait for its end; from any thread.

    Raises:
        subprocess.TimeoutExpired: it did not end within `LONGEST` seconds.
    """
    forge = _idle.pop() if _idle else _start()
    done = forge.run(arguments, cwd, env)
    _idle.append(forge)
    return done


def _start() -> Forge:
    scratch = Path(tempfile.mkdtemp(prefix="reconciler-forge-"))
    forge = Forge(scratch)
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    atexit.register(forge.close)
    return forge
