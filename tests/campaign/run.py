"""The fault campaign: `python tests/campaign/run.py [--quick] [--seed N] [--only TEXT]`.

Faults by operations by moments over an app behind SCIM, an app in files and tickets; then a SIGKILL at each moment of
an apply of more than 40 changes over these three. After each: the next plan is right, the next apply ends where an
undisturbed run ends, and nothing is left to do. Prints which cells were tried and what was lost.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "scim")]

from campaign import all_cells, choose, kill_cells, report, run  # noqa: E402 - the path comes first
from scene import theatre  # noqa: E402 - same

QUICK_CELLS = 40
QUICK_STEP = 12


def main() -> int:
    """Run the campaign, and return 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a sample of the cells, a different fault each")
    parser.add_argument("--seed", type=int, default=1, help="which sample, and in which order")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cells whose name holds this text")
    parser.add_argument("--keep", action="store_true", help="keep the companies in which something was lost")
    asked = parser.parse_args()
    began = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="campaign-"))
    with theatre(scratch) as stage:
        print(f"{stage.changes} changes over 3 apps, {len(stage.moments)} moments", file=sys.stderr)
        cells = all_cells(stage)
        cells = choose(cells, QUICK_CELLS if asked.quick else len(cells), asked.seed)
        cells += kill_cells(stage, QUICK_STEP if asked.quick else 1)
        cells = [cell for cell in cells if asked.only in str(cell)]
        outcomes = list(run(stage, cells))
    if not asked.keep:
        import shutil  # noqa: PLC0415 - beside its one use

        shutil.rmtree(scratch, ignore_errors=True)
    return report(outcomes, seed=asked.seed, began=began)


if __name__ == "__main__":
    raise SystemExit(main())
