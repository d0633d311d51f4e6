"""The worlds of other folders' tests, so that real applies can be looked at."""

import sys
from pathlib import Path

for folder in ("apply", "cli"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))
