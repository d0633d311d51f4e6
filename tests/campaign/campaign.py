"""How a campaign is run: cells are chosen by a seed, fought one after the other, and what came of them is printed."""

import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from battle import Cell, Outcome, fight
from cells import not_applicable
from scene import Theatre


def choose(cells: Sequence[Cell], count: int, seed: int) -> list[Cell]:
    """Choose cells at random, a different fault each as long as there are some; the same ones for the same seed."""
    chance = random.Random(seed)
    by_fault: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_fault[cell.fault].append(cell)
    for several in by_fault.values():
        chance.shuffle(several)
    chosen: list[Cell] = []
    while len(chosen) < count and any(by_fault.values()):
        names = [name for name, several in by_fault.items() if several]
        chance.shuffle(names)
        chosen += [by_fault[name].pop() for name in names]
    return chosen[:count]


def run(stage: Theatre, cells: Iterable[Cell]) -> Iterator[Outcome]:
    """Fight each cell, and say how it went while it goes."""
    cells = list(cells)
    for number, cell in enumerate(cells, start=1):
        outcome = fight(stage, cell)
        state = "LOST" if outcome.lost else "ok" if outcome.struck else "not struck"
        where = f" ({outcome.where})" if outcome.where else ""
        told = f"{cell}{where}: exit {outcome.code}, {outcome.seconds:.1f} s, {state}"
        print(f"{number}/{len(cells)} {told}", file=sys.stderr)
        for line in outcome.lost:
            print(f"    {line}", file=sys.stderr)
        yield outcome


def report(outcomes: Sequence[Outcome], *, seed: int, began: float) -> int:
    """Print which cells were tried and what was lost; return the exit code."""
    table: dict[str, dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        table[outcome.cell.fault][outcome.cell.operation].append(outcome)
    print("fault by operation: cells tried (each at another moment)")
    for fault, operations in table.items():
        tried = ", ".join(f"{name} {len(several)}" for name, several in operations.items())
        print(f"  {fault:<34} {tried}")
    _print_not_applicable(outcomes)
    lost = [outcome for outcome in outcomes if outcome.lost]
    missed = [outcome for outcome in outcomes if not outcome.struck]
    for outcome in lost:
        print(f"lost in {outcome.cell}:")
        for line in outcome.lost:
            print(f"  {line}")
    for outcome in missed:
        print(f"not struck: {outcome.cell}")
    print(f"{len(outcomes)} cells, seed {seed}, {time.monotonic() - began:.0f} s; not struck: {len(missed)}")
    print(f"lost: {len(lost) or 'nothing'}")
    return 1 if lost else 0


def _print_not_applicable(outcomes: Sequence[Outcome]) -> None:
    """Print which faults were tried in no cell of an app, by the reason."""
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (fault, app), reason in not_applicable([outcome.cell for outcome in outcomes]).items():
        reasons[app, reason].append(fault)
    if reasons:
        print("not applicable")
    for (app, reason), faults in reasons.items():
        print(f"  {app}, {reason}: {'; '.join(faults)}")
