"""Runs the real command, wounded or not, and says how it ended."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faulty_server import SECRET
from support.real_command import Forge

HERE = Path(__file__).resolve().parent
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


class Launcher:
    """A forge of wounded commands; one command at a time."""

    def __init__(self, scratch: Path) -> None:
        self._forge = Forge(scratch, HERE / "forge.py")

    @property
    def pid(self) -> int:
        """The process of the command that runs, or ran last."""
        return self._forge.pid

    def run(self, folder: Path, *arguments: str, env: dict[str, str] | None = None, **wounds: Any) -> Ended:
        """Run `reconciler ARGUMENTS` in a folder; the wounds are those of `wounds.inflict`.

        Raises:
            HungError: it did not end in time: a command must never hang.
        """
        kept = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder), "SCIM_TOKEN": CANARY}
        try:
            done = self._forge.run([*arguments], folder, {**kept, **(env or {})}, wounds=wounds)
        except subprocess.TimeoutExpired as late:
            raise HungError(f"{late}\n{late.output}\n{late.stderr}") from None
        return Ended(done.returncode, done.stdout, done.stderr)

    def close(self) -> None:
        """End the forge."""
        self._forge.close()


@contextmanager
def launcher(scratch: Path) -> Iterator[Launcher]:
    """Start a forge; end it afterwards."""
    scratch.mkdir(parents=True, exist_ok=True)
    started = Launcher(scratch)
    try:
        yield started
    finally:
        started.close()
