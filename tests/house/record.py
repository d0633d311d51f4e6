"""Record what a provider's tests see it do, and show it in the README: `python tests/house/record.py tests/NAME`.

That is all that whoever writes a provider does, beside the mark on each of its test modules
(`pytestmark = pytest.mark.evidence(NAME, against=…, of=…)`, see `tests/support/evidence.py`) and its line in `TYPICAL`
of `tests/house/matrix.py`. Whatever follows the folder is handed to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from house.matrix import EVIDENCE, write_matrix

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Run tests, add what those that pass saw to `tests/evidence.json`, and write the matrix; return pytest's code."""
    command = [sys.executable, "-m", "pytest", "--evidence", EVIDENCE, *arguments]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    write_matrix(ROOT / "README.md")
    return code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
