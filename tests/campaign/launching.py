"""Runs the real command, wounded or not, and says how it ended."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty_server import SECRET

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONGEST = 60.0
CANARY = SECRET
"""The token that every run holds; the server repeats it in its errors, and it must never be seen anywhere."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, or the negative number of the signal that killed it."""

    code: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        """Whether it was killed."""
        return self.code == -signal.SIGKILL

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


class HungError(AssertionError):
    """A command did not end."""


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


class Launcher:
    """A forge and the way to talk to it; one command at a time."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._forge = subprocess.Popen(
            [sys.executable, str(HERE / "forge.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        )
        self.pid = 0
        self._hear()

    def run(self, folder: Path, *arguments: str, env: dict[str, str] | None = None, **wounds: Any) -> Ended:
        """Run `reconciler ARGUMENTS` in a folder; the wounds are those of `wounds.inflict`.

        Raises:
            HungError: it did not end in time: a command must never hang.
        """
        pipes = {name: Pipe(self._scratch / name) for name in ("stdout", "stderr")}
        more = {"SCIM_TOKEN": CANARY, **(env or {})}
        request = {
            "arguments": [*arguments],
            "cwd": str(folder),
            "env": {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), **more},
            "wounds": wounds,
            **{name: str(pipe.path) for name, pipe in pipes.items()},
        }
        assert self._forge.stdin
        self._forge.stdin.write(json.dumps(request) + "\n")
        self._forge.stdin.flush()
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
            raise HungError(f"{arguments} did not end within {LONGEST:g} s\n{out}\n{err}")
        return Ended(code, out, err)

    def _hear(self) -> dict[str, int]:
        assert self._forge.stdout
        line = self._forge.stdout.readline()
        assert line, "the forge is gone"
        answer: dict[str, int] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the forge."""
        assert self._forge.stdin
        assert self._forge.stdout
        self._forge.stdin.close()
        self._forge.wait(10)
        self._forge.stdout.close()


@contextmanager
def launcher(scratch: Path) -> Iterator[Launcher]:
    """Start a forge; end it afterwards."""
    scratch.mkdir(parents=True, exist_ok=True)
    started = Launcher(scratch)
    try:
        yield started
    finally:
        started.close()
