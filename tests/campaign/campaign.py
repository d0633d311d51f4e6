"""The product of faults, operations and moments; and what it prints."""

import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from battle import OPERATIONS, Cell, Outcome, fight
from faults import scim_faults
from moments import sort_of
from scene import Theatre

WOUNDS: dict[str, dict[str, object]] = {
    "disk full": {"full": True},
    "wiki read-only": {"forbid": ["FOLDER/wiki"], "unprivileged": True},
    "tickets read-only": {"forbid": ["FOLDER/tickets"], "unprivileged": True},
    "state read-only": {"forbid": ["FOLDER/.reconciler"], "unprivileged": True},
    "everything read-only": {"forbid": ["FOLDER"], "unprivileged": True},
    "files edited meanwhile": {"rewrite": ["FOLDER/wiki/accounts.csv", "FOLDER/wiki/grants.csv"]},
    "clock jumps a day ahead": {"hours": 0, "jump": 26},
    "clock jumps a day back": {"hours": 0, "jump": -26},
    "clock jumps ten years ahead": {"hours": 0, "jump": 87_660},
}
QUIET = {f"{when} {what}" for when in ("before", "after") for what in ("os.fsync", "os.unlink", "open")}
"""Moments at which a wound would do nothing that it does not do at the one before or after."""
ADDRESSES = {
    "DNS failure": "https://no-such-host.invalid/v2",
    "TLS error": "https://127.0.0.1:{port}",
    "nobody listens": "http://127.0.0.1:9",
}


def all_cells(stage: Theatre) -> list[Cell]:
    """Return every cell: each fault in each operation at several of its requests, each wound at several moments."""
    return [*_scim_cells(stage), *_address_cells(stage), *_wound_cells(stage)]


def _scim_cells(stage: Theatre) -> Iterator[Cell]:
    for fault in scim_faults(stage.launcher):
        for operation in OPERATIONS:
            last = stage.counts.get(operation, 0)
            assert last, f"no apply of this company would {operation}"
            for moment in sorted({(last + 1) // 2} if fault.costly else {1, (last + 1) // 2, last}):
                yield Cell("hub", fault.name, operation, moment, strike=fault)


def _address_cells(stage: Theatre) -> Iterator[Cell]:
    port = stage.port
    for name, address in ADDRESSES.items():
        yield Cell("hub", name, "everything", 1, address=address.format(port=port))


def _wound_cells(stage: Theatre) -> Iterator[Cell]:
    """Yield each wound at the first, a middle and the last moment of each sort (`before COMMIT`, `after os.link`)."""
    sorts: dict[str, list[int]] = defaultdict(list)
    for number, moment in enumerate(stage.moments, start=1):
        sorts[sort_of(moment)].append(number)
    for name, wound in WOUNDS.items():
        for sort in sorts.keys() - QUIET:
            numbers = sorts[sort]
            for at in sorted({numbers[0], numbers[len(numbers) // 2], numbers[-1]}):
                yield Cell("all", name, sort, at, wounds={"count": "FOLDER/.moments", "at": at, **wound})


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
