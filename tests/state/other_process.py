"""Another process on the same state, which holds its lock until it is told to go on."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.model.company import Settings

HOLDER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from reconciler.model.company import Settings
    from reconciler.state.open import open_state
    with open_state(Settings(Path(sys.argv[1]), state=eval(sys.argv[2]))) as store:
        store.lock("ana@laptop", "apply", datetime(2026, 3, 1, tzinfo=UTC))
        print("locked", flush=True)
        sys.stdin.readline()
        store.unlock()
"""


def start(program: str, settings: Settings, *arguments: str) -> "subprocess.Popen[str]":
    """Start a process on the same state."""
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(program),
        str(settings.root),
        repr(dict(settings.state)),
        *arguments,
    ]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd())


def say(process: "subprocess.Popen[str]") -> None:
    """Let a process go on."""
    assert process.stdin
    process.stdin.write("go\n")
    process.stdin.flush()


def hear(process: "subprocess.Popen[str]") -> str:
    """Return the next line that a process says."""
    assert process.stdout
    return process.stdout.readline().strip()


@contextmanager
def holding(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    """Run another process that holds the lock."""
    with start(HOLDER, settings) as process:
        assert hear(process) == "locked"
        try:
            yield process
        finally:
            process.kill()
