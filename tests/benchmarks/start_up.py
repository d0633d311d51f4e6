"""Start-up beside bare Python: `python tests/benchmarks/start_up.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import measure

ROUNDS = 15


def main() -> None:
    """Print `--help`, `--version` and `validate` of 100 people in small files, as multiples of bare Python."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "reconciler.yaml").write_text("organization: Small\n")
        (folder / "people").mkdir()
        for number in range(100):
            (folder / "people" / f"p{number}.yaml").write_text(
                f"people:\n  p{number}:\n    name: Person {number}\n    email: p{number}@small.example\n"
            )
        bare = measure.repeat(ROUNDS, lambda: measure.run([sys.executable, "-c", "pass"], folder=folder))
        print(f"bare Python              {bare.wall * 1000:6.1f} ms wall  {bare.cpu * 1000:6.1f} ms CPU")
        for words, aim in (("--help", 6), ("--version", 6), ("validate --quiet", 15)):
            command = [*measure.reconciler(), *words.split()]
            cost = measure.repeat(ROUNDS, lambda command=command: measure.run(command, folder=folder))
            print(
                f"reconciler {words:<16} {cost.wall * 1000:5.1f} ms wall  {cost.cpu * 1000:6.1f} ms CPU"
                f"  {cost.wall / bare.wall:5.1f} x wall, {cost.cpu / bare.cpu:5.1f} x CPU (aim {aim})"
            )


if __name__ == "__main__":
    main()
