"""The fault campaign: `python tests/campaign/run.py [all|faults|state|kill|interrupt] [--quick] [--seed N]`.

An apply of more than 60 changes over three apps: SCIM over the loopback, files, and tickets in a directory.

faults     Each fault of the network, the vendor, the files, the disk and the clock, in each operation, at several
           moments.
state      A PostgreSQL that is killed, a remote of git that is gone or refuses, around each sort of write.
kill       A SIGKILL before and after each single state write, file and request. `--state` and `--hub` say against what:
           by default SQLite and scim2-server; the other back ends are slower, and `--sample` bounds how many moments.
interrupt  A Ctrl-C, and a second one, at the same moments.

After each: the next plan is right, the next apply ends where an undisturbed run ends, no account, grant or ticket is
lost or made twice, the audit trail is whole and tells of every change, and nothing is left to do. Prints which cells
were tried, which cannot be and why, and what was lost.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent), str(HERE.parent / "scim")]

from battle import Cell  # noqa: E402 - the path comes first
from campaign import choose, report, run  # noqa: E402 - same
from cells import all_cells, state_cells  # noqa: E402 - same
from hubs import HUBS  # noqa: E402 - same
from kills import interrupt_cells, kill_cells, sample  # noqa: E402 - same
from memory import MEMORIES, MissingError  # noqa: E402 - same
from scene import Theatre, theatre  # noqa: E402 - same

QUICK = 30
PARTS: dict[str, tuple[str, tuple[str, ...], Callable[[Theatre], list[Cell]]]] = {
    "faults": ("faulty", ("sqlite",), all_cells),
    "state": ("faulty", ("git", "postgres"), state_cells),
    "kill": ("scim2-server", ("sqlite",), kill_cells),
    "interrupt": ("scim2-server", ("sqlite",), interrupt_cells),
}
"""Part → the server behind SCIM, the back ends of the state, and the cells."""


def main() -> int:
    """Run the campaign, and return 1 if anything was lost."""
    asked = _parser().parse_args()
    parts = list(PARTS) if asked.part == "all" else [asked.part]
    codes = []
    for part in parts:
        for state in [asked.state] if asked.state else PARTS[part][1]:
            try:
                codes.append(_run(part, state, asked))
            except MissingError as missing:
                print(f"{part}, the state in {state}: not tried: {missing}")
    return max(codes, default=1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["all", *PARTS], default="all", help="what to try")
    parser.add_argument("--quick", action="store_true", help=f"a sample of about {QUICK} cells of each part")
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="a sample of about N cells of each part")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cells whose name holds this text")
    parser.add_argument("--state", choices=list(MEMORIES), default="", help="where the state is kept")
    parser.add_argument("--hub", choices=list(HUBS), default="", help="the server behind the SCIM app")
    parser.add_argument("--keep", action="store_true", help="keep the companies in which something was lost")
    return parser


def _run(part: str, state: str, asked: argparse.Namespace) -> int:
    scratch = Path(tempfile.mkdtemp(prefix="campaign-"))
    try:
        return _fight(part, state, asked, scratch)
    finally:
        if not asked.keep:
            shutil.rmtree(scratch, ignore_errors=True)


def _fight(part: str, state: str, asked: argparse.Namespace, scratch: Path) -> int:
    began = time.monotonic()
    hub, _, cells_of = PARTS[part]
    with theatre(scratch, hub=asked.hub or hub, state=state, anchored=True) as stage:
        print(f"{part}: {len(stage.changes)} changes over 3 apps, {len(stage.moments)} moments", file=sys.stderr)
        cells = [cell for cell in cells_of(stage) if asked.only in str(cell)]
        count = asked.sample or (QUICK if asked.quick else 0)
        if count:
            cells = (choose if part == "faults" else sample)(cells, count, asked.seed)
        outcomes = []
        try:
            outcomes.extend(run(stage, cells))
        except KeyboardInterrupt:
            print(f"stopped after {len(outcomes)} of {len(cells)} cells", file=sys.stderr)
    print(f"{part}, behind SCIM {asked.hub or hub}, the state in {state}")
    return report(outcomes, seed=asked.seed, began=began)


if __name__ == "__main__":
    raise SystemExit(main())
