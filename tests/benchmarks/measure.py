"""Measuring whole processes: CPU seconds, wall seconds and peak memory, beside a fixed calibration loop."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CALIBRATION_ROUNDS = 3_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of CPU (user and system), seconds by the clock, and MB of peak memory."""

    cpu: float
    wall: float
    memory: float


def run(command: Sequence[str | Path], *, folder: Path, allowed: frozenset[int] = frozenset({0})) -> Cost:
    """Run a command to its end and return what it took.

    Raises:
        RuntimeError: it ended with a code that is not allowed; the message holds what it printed.
    """
    log = folder / ".benchmark-output"
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{tail}")
    return Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.memory for cost in costs),
    )


def repeat(times: int, action: Callable[[], Cost]) -> Cost:
    """Return the median cost of doing something several times."""
    return median([action() for _ in range(times)])


def calibrate() -> float:
    """Return the CPU seconds of a fixed loop of plain Python, so that figures from different machines compare."""
    began = time.process_time()
    table: dict[int, int] = {}
    for number in range(CALIBRATION_ROUNDS):
        table[number & 0xFFFF] = number ^ table.get(number >> 3 & 0xFFFF, 0)
    return time.process_time() - began


def reconciler() -> list[str | Path]:
    """Return the command under test, from this interpreter's environment."""
    return [Path(sys.executable).parent / "reconciler"]
