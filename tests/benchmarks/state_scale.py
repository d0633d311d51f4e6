"""A million grants saved, loaded and remembered on every back end: `python tests/benchmarks/state_scale.py [GRANTS]`.

Ten apps, ten random teams of five hundred a person in each. Each step is a process of its own, timed from the opening
of the state to its closing: by the clock, and in brackets the CPU seconds of the process with git's, without the
database server's. `remember` writes down what a complete read of every app found, `again` the same once more.
PostgreSQL is Debian's server, started for this; git is a bare repository on the same disk, pushed to.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.postgres_server import find_binaries, running_postgres
from support.state_back_ends import make_clone

APPS, PER_APP, TEAMS = 10, 10, 500
AIM = "aim: saved and loaded in 5 s, 40 bytes a grant"
STEP = """
import json, os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from reconciler.items import Names
from reconciler.model.company import Settings
from reconciler.state.contract import Adoption
from reconciler.state.open import open_state
import {module} as states
root, state, step, grants = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3], int(sys.argv[4])
listed = [] if step == "load" else [(f"app{{app}}", states.grants_of(app, grants)) for app in range(states.APPS)]
began, used = time.perf_counter(), sum(os.times()[:4])
with open_state(Settings(root, state=state), read_only=step == "load") as store:
    if step == "load":
        found = sum(len(store.load(app, Names()).grants) for app in store.apps())
        assert found == grants, found
    else:
        with store.together():
            for app, held in listed:
                if step == "save":
                    store.adopt(app, Adoption(grants=held))
                else:
                    store.remember(app, datetime.now(UTC), held)
print(time.perf_counter() - began, sum(os.times()[:4]) - used)
"""


def grants_of(app: int, grants: int) -> list[tuple[str, str, str | None]]:
    """Return the grants of one app."""
    chance = random.Random(app)
    return [
        (f"person{person:06}", f"team:{app}-{team:03}", None)
        for person in range(grants // APPS // PER_APP)
        for team in chance.sample(range(TEAMS), PER_APP)
    ]


def main(grants: int) -> None:
    """Print a table, a line for each back end."""
    print(f"calibration loop: {measure.calibrate():.2f} CPU-s; {grants:,} grants; {AIM}")
    print(
        f"{'back end':<10} {'save s':>13} {'load s':>13} {'bytes':>6} {'remember s':>13} {'again s':>13} {'bytes':>6}"
    )
    for name in ("sqlite", "git", "postgres"):
        with tempfile.TemporaryDirectory() as folder, _state(name, Path(folder)) as state:
            if state is None:
                print(f"{name:<10} left out: it is not installed here")
                continue
            told = [_step(Path(folder), state, step, grants) for step in ("save", "load")]
            size = _size(name, Path(folder), state) / grants
            told += [_step(Path(folder), state, "remember", grants) for _ in range(2)]
            whole = _size(name, Path(folder), state) / grants
            save, load, first, second = told
            row = f"{save:>13} {load:>13} {size:>6.1f} {first:>13} {second:>13} {whole:>6.1f}"
            print(f"{name:<10} {row}", flush=True)


@contextlib.contextmanager
def _state(name: str, folder: Path) -> Iterator[dict[str, Any] | None]:
    """Make what `state:` names, new and empty."""
    if name == "sqlite":
        yield {"sqlite": {"path": "state/state.db"}}
    elif name == "git":
        make_clone(folder)
        yield {"git": {}}
    elif (binaries := find_binaries()) is None:
        yield None
    else:
        with running_postgres(binaries) as dsn:
            yield {"postgres": {"dsn": dsn}}


def _step(folder: Path, state: dict[str, Any], step: str, grants: int) -> str:
    """Do one thing in a process of its own, and return its seconds by the clock and of CPU."""
    program = STEP.format(module=Path(__file__).stem)
    command = [sys.executable, "-c", program, str(folder), json.dumps(state), step, str(grants)]
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parents[1])])
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        raise RuntimeError(done.stderr)
    wall, used = map(float, done.stdout.split()[-2:])
    return f"{wall:.2f} ({used:.2f})"


def _size(name: str, folder: Path, state: dict[str, Any]) -> int:
    """Return how many bytes it takes on disk: in git those of the remote's objects."""
    if name == "postgres":
        import psycopg  # noqa: PLC0415 - where it is installed

        query = (
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'reconciler' AND relkind = 'r'"
        )
        with psycopg.connect(state["postgres"]["dsn"], autocommit=True) as connection:
            connection.execute("VACUUM")
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0
    root = folder / (".remote.git/objects" if name == "git" else "state")
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
