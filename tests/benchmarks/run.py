"""Every benchmark, one after the other: `python tests/benchmarks/run.py` (in the environment of the tests)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = (
    "start_up",
    "yaml_load",
    "scim_latency",
    "read_requests",
    "google_read",
    "plan_scale",
    "comment",
    "state_scale",
    "journal_overhead",
)


def main() -> int:
    """Run each benchmark as a process of its own, under a headline; return the number that failed."""
    failed = 0
    for name in NAMES:
        print(f"\n== {name}", flush=True)
        failed += subprocess.run([sys.executable, Path(__file__).with_name(f"{name}.py")], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
