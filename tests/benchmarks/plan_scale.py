"""A no-op plan and a plan with 1 % changes over N grants: `python tests/benchmarks/plan_scale.py [N …]`."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import companies
import measure
import octodns_peer

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEER_LIMIT = 100_000
TARGETS = {10_000: "≤ 1 CPU-s, ≤ 120 MB", 100_000: "≤ 4 CPU-s", 1_000_000: "≤ 25 CPU-s, ≤ 1 GB"}


def main(sizes: tuple[int, ...]) -> None:
    """Print a table, a line for each size and style, with the exponent between neighbours."""
    print(f"calibration loop: {measure.calibrate():.2f} CPU-s")
    print(
        f"{'grants':>9} {'style':<7} {'plan':<14} {'CPU-s':>7} {'wall s':>7} {'MB':>6} {'loops':>6} {'exp':>5}  target"
    )
    for style in ("listed", "roles"):
        before: dict[str, measure.Cost] = {}
        for size in sizes:
            for name, cost in measure_size(size, style):
                loops = cost.cpu / measure.calibrate()
                exponent = _exponent(before.get(name), cost)
                before[name] = cost
                aim = TARGETS.get(size, "")
                print(
                    f"{size:>9} {style:<7} {name:<14} {cost.cpu:>7.2f} {cost.wall:>7.2f} {cost.memory:>6.0f}"
                    f" {loops:>6.1f} {exponent:>5}  {aim}",
                    flush=True,
                )


def compare(sizes: tuple[int, ...]) -> None:
    """Print octodns' no-op plans of as many records, side by side in the same run."""
    for size in sizes:
        if size <= PEER_LIMIT:
            cost = octodns_peer.measure_noop(size)
            if cost is None:
                print("octodns could not be installed here; left out")
                return
            print(f"{size:>9} records in octodns: no-op {cost.cpu:.2f} CPU-s, {cost.memory:.0f} MB", flush=True)


def measure_size(grants: int, style: str) -> Iterator[tuple[str, measure.Cost]]:
    """Yield (which plan, its median cost): adopted first by a real apply, so that the state is recorded."""
    times = 3 if grants >= 1_000_000 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        companies.write_company(folder, grants, style=style)
        plan = [*measure.reconciler(), "plan", "--quiet"]
        yield "first (cold)", measure.run(plan, folder=folder)
        measure.run([*measure.reconciler(), "apply", "--yes", "--quiet"], folder=folder)
        yield "no-op", measure.repeat(times, lambda: measure.run(plan, folder=folder))
        people = grants // companies.GRANTS_A_PERSON
        for app in range(10):
            companies.write_exports(folder, app, people, companies.GRANTS_A_PERSON // 10, lost=0.01)
        yield "1 % changes", measure.repeat(times, lambda: measure.run(plan, folder=folder))


def _exponent(before: measure.Cost | None, cost: measure.Cost) -> str:
    return "" if before is None else f"{math.log10(cost.cpu / before.cpu):.2f}"


if __name__ == "__main__":
    wanted = tuple(int(word) for word in sys.argv[1:]) or SIZES
    main(wanted)
    compare(wanted)
