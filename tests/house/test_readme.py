"""What the README shows of the command and the providers is made by them, and of now."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from matrix import insert_matrix

from reconciler.cli.exits import MEANINGS
from reconciler.cli.reference import is_current

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_help_in_the_readme_is_what_the_command_prints() -> None:
    """Made by `python -m reconciler.cli.reference README.md`."""
    assert is_current(README)


def test_the_matrix_in_the_readme_is_what_the_providers_say() -> None:
    """Made by `python tests/house/matrix.py README.md`."""
    assert insert_matrix(README) == README


def test_the_exit_codes_in_the_readme_are_those_of_the_command() -> None:
    """Each with its meaning, word for word."""
    plain = README.replace("`", "")
    for code, meaning in MEANINGS.items():
        assert f"| {code.value} | {meaning} |" in plain


def test_every_file_that_the_readme_links_to_is_there() -> None:
    """No dead link inside the repository."""
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", README):
        assert (ROOT / target).exists(), target
