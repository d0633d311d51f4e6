"""Loading YAML, beside the bare events of the C parser: `python tests/benchmarks/yaml_load.py [grants …]`.

Everything is measured in one process and in turn, as CPU seconds of the whole process (user and system), so that the
ratios hold on a machine that is busy with other things.
"""

from __future__ import annotations

import gc
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import companies
import measure
from yaml.cyaml import CParser

from reconciler.load.company import load_company

PEOPLE = 10_000
ROUNDS = 9
GRANTS = (100_000, 1_000_000)
MOMENT = datetime(2026, 6, 1, tzinfo=UTC)


def main(sizes: tuple[int, ...]) -> None:
    """Print a table: people in one file, then listed grants in block and in flow style."""
    print(f"calibration loop: {measure.calibrate():.2f} CPU-s")
    print(f"{'what':<38} {'events':>8} {'cold':>8} {'warm':>8} {'cold/events':>12} {'warm/cold':>10}")
    with tempfile.TemporaryDirectory() as name:
        write_people(Path(name), PEOPLE)
        show(f"{PEOPLE:,} people, 8 lines each", measure_loads(Path(name), ROUNDS))
    for size in sizes:
        for style in ("block", "flow"):
            with tempfile.TemporaryDirectory() as name:
                companies.write_company(Path(name), size)
                shutil.rmtree(Path(name) / "exports")
                if style == "flow":
                    write_flow(Path(name) / "grants.yaml")
                show(f"{size:,} listed grants, {style} style", measure_loads(Path(name), 3))


def write_people(folder: Path, people: int) -> None:
    """Write so many people into one file, eight lines each."""
    companies.write_company(folder, people * companies.GRANTS_A_PERSON, apps=1, style="roles")
    for path in [*folder.glob("apps/*"), *folder.glob("exports/*"), folder / "grants.yaml"]:
        path.unlink()


def write_flow(path: Path) -> None:
    """Write the lists of a file of grants in flow style: `app0: [team:a, team:b]`."""
    lines: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("        - "):
            lines[-1] += f"{' [' if lines[-1].endswith(':') else ', '}{line[10:]}"
        else:
            if " [" in (lines or [""])[-1] and lines[-1].startswith("      app"):
                lines[-1] += "]"
            lines.append(line)
    path.write_text("\n".join(lines) + "]\n")


def measure_loads(folder: Path, rounds: int) -> Mapping[str, float]:
    """Return the medians of bare events, a cold and a warm load, measured in turn."""
    cache = folder / ".cache"
    contents = [path.read_bytes() for path in sorted(folder.rglob("*.yaml"))]
    actions: dict[str, Callable[[], None]] = {
        "events": lambda: read_events(contents),
        "cold": lambda: (shutil.rmtree(cache, ignore_errors=True), load(folder, cache))[1],
        "warm": lambda: load(folder, cache),
    }
    taken: dict[str, list[float]] = {name: [] for name in actions}
    actions["warm"]()  # imports are no part of any figure
    for _ in range(rounds):
        for name, action in actions.items():
            gc.collect()
            began = time.process_time()
            action()
            taken[name].append(time.process_time() - began)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    pairs = zip(taken["events"], taken["cold"], taken["warm"], strict=True)
    ratios = [(cold / events, warm / cold) for events, cold, warm in pairs]
    return {
        **medians,
        "cold/events": statistics.median(first for first, _ in ratios),
        "warm/cold": statistics.median(second for _, second in ratios),
    }


def read_events(contents: list[bytes]) -> None:
    """Take every event of the C parser and do nothing with it."""
    for content in contents:
        for _ in iter(CParser(content).get_event, None):
            pass


def load(folder: Path, cache: Path) -> None:
    """Load a company, with everything that is checked."""
    load_company(folder, moment=MOMENT, cache=cache)


def show(what: str, figures: Mapping[str, float]) -> None:
    """Print one line of the table."""
    seconds = " ".join(f"{figures[name]:>8.3f}" for name in ("events", "cold", "warm"))
    print(f"{what:<38} {seconds} {figures['cold/events']:>12.2f} {figures['warm/cold']:>10.2f}", flush=True)


if __name__ == "__main__":
    main(tuple(int(word) for word in sys.argv[1:]) or GRANTS)
