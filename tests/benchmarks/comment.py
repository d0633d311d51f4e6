"""What a reviewer sees of a plan of 10,000 changes: `python tests/benchmarks/comment.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "render"))

from big_plans import big_plan

from reconciler.render.comment import COMMENT_LIMIT, SUMMARY_LIMIT, render_comment, render_summary
from reconciler.render.page import render_page

AIM = 1.0


def main() -> int:
    """Print seconds and bytes of the comment, the summary and the page; fail if the comment misses its aim."""
    plan = big_plan(10_000, 100, privileged=50, leavers=150)
    seconds, size = _measure(lambda: render_comment(plan, marker="benchmark"), limit=COMMENT_LIMIT)
    _measure(lambda: render_summary(plan), "summary", SUMMARY_LIMIT)
    _measure(lambda: render_page(plan), "page")
    return int(seconds > AIM or size > COMMENT_LIMIT)


def _measure(make: Callable[[], str], name: str = "comment", limit: int = 0) -> tuple[float, int]:
    times = []
    text = ""
    for _ in range(5):
        began = time.process_time()
        text = make()
        times.append(time.process_time() - began)
    size = len(text.encode())
    print(
        f"{name:<8} of 10,000 changes {min(times):6.2f} CPU-s  {size:>9,} bytes" + (f" of {limit:,}" if limit else "")
    )
    return min(times), size


if __name__ == "__main__":
    raise SystemExit(main())
