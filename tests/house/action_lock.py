"""What the actions install, as a part of `requirements.lock`: `python tests/house/action_lock.py` writes it.

The tool's own dependencies, those of its extras, and what builds it; nothing that only tests or the demo need.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / ".github" / "actions" / "requirements.lock"
_LEFT_OUT = {"demo", "dev"}
_HEAD = "# Made by python tests/house/action_lock.py from requirements.lock.\n"


def read_lock() -> dict[str, str]:
    """Return the blocks of `requirements.lock` by the name of the package."""
    blocks = re.split(r"(?m)^(?=[a-zA-Z0-9])", (ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return {_name(block): block for block in blocks if block.strip() and not block.startswith("#")}


def make_lock() -> str:
    """Return the part of the lock that the actions install."""
    locked = read_lock()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    chosen = [each for name, group in sorted(extras.items()) if name not in _LEFT_OUT for each in group]
    wanted = [*project["project"]["dependencies"], *chosen, *project["build-system"]["requires"]]
    kept: dict[str, set[str]] = {}
    for requirement in wanted:
        _follow(requirement, locked, kept)
    return _HEAD + "".join(_with_extras(locked[name], extras) for name, extras in sorted(kept.items()))


def _with_extras(block: str, extras: set[str]) -> str:
    """Return a package's block with these extras: pip looks for newer ones than those that are pinned without them."""
    shown = f"[{','.join(sorted(extras))}]" if extras else ""
    return re.sub(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?", rf"\1{shown}", block)


def _follow(requirement: str, locked: Mapping[str, str], kept: dict[str, set[str]]) -> None:
    """Keep a package with everything that it needs, for the extras that are asked for."""
    name, extras = _name(requirement), re.findall(r"\[([^\]]*)\]", requirement.partition(";")[0])
    if name not in locked or (name in kept and not extras):
        return
    asked = {extra.strip() for part in extras for extra in part.split(",")}
    kept.setdefault(name, set()).update(asked)
    try:
        needs = requires(name) or []
    except PackageNotFoundError:
        return
    for need in needs:
        marker = re.search(r"extra\s*==\s*['\"]([^'\"]+)", need)
        if marker is None or marker[1] in asked:
            _follow(need, locked, kept)


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


if __name__ == "__main__":
    TARGET.write_text(make_lock(), encoding="utf-8")
