"""The house rules that a machine can check."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "requirements.lock", "reconciler", "providers",
    "examples", "tests", ".github", ".ci", ".gitignore",
}  # fmt: skip
LONGEST = 400


def tracked() -> list[Path]:
    """List the files that git tracks."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in listing.decode().split("\0") if name and (ROOT / name).exists()]


def modules() -> Iterator[Path]:
    """Yield the modules of both packages."""
    yield from (path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES)


PACKAGES = {"reconciler", "providers"}


def test_the_top_level_holds_only_what_belongs_there() -> None:
    """A new folder at the top is a decision, not an accident."""
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


def test_every_folder_says_its_job_in_one_line() -> None:
    """Each package's `__init__` has a docstring of one line."""
    for init in (path for path in modules() if path.name == "__init__.py"):
        text = init.read_text()
        assert re.match(r'"""[^"\n]+\."""\n', text), init


def test_no_module_is_two() -> None:
    """A file past 400 lines is asking to be two."""
    assert [path.name for path in modules() if len(path.read_text().splitlines()) > LONGEST] == []


@pytest.mark.parametrize("name", ["provider.py", "client.py", "mapping.py", "README.md"])
def test_every_provider_has_the_same_files(name: str) -> None:
    """Who knows one provider finds the way in all of them."""
    folders = {path.parent for path in modules() if path.parent.parent == ROOT / "providers"}
    assert folders
    assert [folder.name for folder in folders if not (folder / name).exists()] == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    """The tree speaks only of itself: no paths of a machine, no package registry's host."""
    forbidden = re.compile(
        r"(/home/\w|/root/|/work/|/Users/\w+/|registry\.npmjs\.org|files\.pythonhosted|pypi\.org/simple)"
    )
    me = Path(__file__).resolve()
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.resolve() != me and (match := forbidden.search(text)):
            found.append(f"{path.relative_to(ROOT)}: {match.group()}")
    assert found == []
