"""What `plan --base` costs beside a plan without it: `python tests/benchmarks/base_head.py [people]`.

A company of so many people and 100 apps, a grant a person and app (10,000 people: a million), in which everything is as
declared. The pull request touches one person: a grant in one app, or a move to another department, which changes what
every app is asked for. The target is a ratio of at most 1.15.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import companies
import measure

PEOPLE = 10_000
APPS = 100
TIMES = 5
TARGET = 1.15


def main(people: int) -> None:
    """Print a line for each style of YAML and each pull request."""
    print(f"{people} people, {APPS} apps, {people * APPS:,} grants; calibration loop {measure.calibrate():.2f} CPU-s")
    print(f"{'style':<7} {'pull request':<12} {'plan CPU-s':>10} {'--base':>7} {'ratio':>6} {'wall':>6}  aim: {TARGET}")
    for style in ("roles", "listed"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder, people, style)
            for what, edit in (("one grant", add_grant), ("one person", move_person)):
                git(folder, "checkout", "--quiet", "-B", "request", "main")
                edit(folder)
                git(folder, "add", "--all")
                git(folder, "commit", "--quiet", "--message", what)
                report(folder, style, what)


def prepare(folder: Path, people: int, style: str) -> None:
    """Write the company, commit it and adopt what its apps show; listed grants lie in a file for a hundred people."""
    companies.write_company(folder, people * companies.GRANTS_A_PERSON, apps=APPS, style=style)
    if style == "listed":
        split(folder / "grants.yaml")
    (folder / ".gitignore").write_text(".reconciler/\nexports/\ntickets/\n.benchmark-output\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    measure.run([*measure.reconciler(), "apply", "--yes", "--quiet"], folder=folder)


def split(file: Path) -> None:
    """Spread a file of blocks over files of a hundred blocks each."""
    blocks = file.read_text().removeprefix("grants:\n").split("  - to: ")[1:]
    file.unlink()
    (file.parent / "grants").mkdir()
    for start in range(0, len(blocks), 100):
        text = "".join(f"  - to: {block}" for block in blocks[start : start + 100])
        (file.parent / "grants" / f"g{start:06}.yaml").write_text(f"grants:\n{text}")


def add_grant(folder: Path) -> None:
    """Give one person a team in one app."""
    block = "grants:\n  - to: {people: [p7]}\n    grants:\n      app3: [team:d9-3-0]\n    reason: asked\n"
    (folder / "request.yaml").write_text(block)


def move_person(folder: Path) -> None:
    """Move one person to another department and title; with roles that is another grant in each app."""
    file = folder / "people.yaml"
    before, key, rest = file.read_text().partition("  p7:\n")
    rest = rest.replace("department: D7\n", "department: D9\n", 1).replace("title: Engineer 0\n", "title: Lead\n", 1)
    file.write_text(before + key + rest)


def report(folder: Path, style: str, what: str) -> None:
    """Measure both in turn, so that a noisy machine is noisy for both, and print the medians."""
    plan = [*measure.reconciler(), "plan", "--quiet", "--json"]
    one: Callable[[], measure.Cost] = lambda: measure.run(plan, folder=folder)  # noqa: E731 - two of a kind
    two: Callable[[], measure.Cost] = lambda: measure.run([*plan, "--base", "main"], folder=folder)  # noqa: E731 - same
    pairs = [(one(), two()) for _ in range(TIMES + 1)][1:]
    alone, compared = (measure.median([pair[number] for pair in pairs]) for number in (0, 1))
    ratio = statistics.median(pair[1].cpu / pair[0].cpu for pair in pairs)
    wall = statistics.median(pair[1].wall / pair[0].wall for pair in pairs)
    print(f"{style:<7} {what:<12} {alone.cpu:>10.2f} {compared.cpu:>7.2f} {ratio:>6.2f} {wall:>6.2f}", flush=True)


def git(folder: Path, *arguments: str) -> None:
    """Run git as nobody in particular."""
    who = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@localhost")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", *who, *arguments], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
