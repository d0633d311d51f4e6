"""A SIGKILL, and a Ctrl-C, at every moment of an apply."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence

from battle import Cell
from moments import sort_of
from scene import Theatre


def kill_cells(stage: Theatre) -> list[Cell]:
    """Return a kill before and after each state write, each file and each request of the apply."""
    return [_cell("SIGKILL", sort, number, {"kill": [sort, number]}) for sort, number in _numbered(stage)]


def interrupt_cells(stage: Theatre) -> list[Cell]:
    """Return a Ctrl-C at each moment at which something goes on outside, pressed once and pressed twice."""
    found = []
    for presses in (1, 2):
        name = "Ctrl-C" if presses == 1 else "Ctrl-C twice"
        for sort, number in _numbered(stage):
            found.append(_cell(name, sort, number, {"interrupt": [sort, number, presses]}))
    return found


def _cell(fault: str, sort: str, number: int, wounds: dict[str, object]) -> Cell:
    return Cell("all", fault, sort, number, wounds={"count": "FOLDER/.moments", **wounds})


def _numbered(stage: Theatre) -> Iterator[tuple[str, int]]:
    """Yield each moment by its sort and its number in it: what happens side by side has no other order."""
    seen: Counter[str] = Counter()
    for sort in map(sort_of, stage.moments):
        seen[sort] += 1
        yield sort, seen[sort]


def sample(cells: Sequence[Cell], count: int, seed: int) -> list[Cell]:
    """Choose cells at random, of each sort as many as it has by right and one at least; in the order of the run."""
    chance = random.Random(seed)
    by_sort: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cells):
        by_sort.setdefault((cell.fault, cell.operation), []).append(index)
    share = min(1.0, count / max(1, len(cells)))
    chosen = [i for indexes in by_sort.values() for i in chance.sample(indexes, max(1, round(share * len(indexes))))]
    return [cells[index] for index in sorted(chosen)]
