"""Runs and journal entries in their tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from reconciler.provider.change import Change
from reconciler.state.codec import decode_change, decode_moment, encode_change, encode_moment
from reconciler.state.contract import JournalEntry, Run
from reconciler.state.database import Database

RUNS_KEPT: Final = 100
"""So many of the newest runs keep their journal."""

ENTRIES_KEPT: Final = 20_000
"""So many of the newest journal entries are kept, unless they are of the run at work or were never settled."""

_AT_ONCE: Final = 100
_RUN = "id, plan_digest, operator, machine, started_at, reason, ended_at, summary"
_ENTRY = "run, number, app, change_id, change, intended_at, outcome, detail, ended_at"


def begin(database: Database, run: Run) -> None:
    """Record that an apply starts."""
    values = (
        run.id,
        run.plan_digest,
        run.operator,
        run.machine,
        encode_moment(run.started_at),
        run.reason,
        run.summary,
    )
    database.execute(
        "INSERT INTO runs (id, plan_digest, operator, machine, started_at, reason, summary) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def end(database: Database, run: str, summary: str, at: datetime) -> bool:
    """Record that an apply ended; False if it never began."""
    query = "UPDATE runs SET summary = ?, ended_at = ? WHERE id = ?"
    return database.execute(query, (summary, encode_moment(at), run)).rowcount == 1


def prune(database: Database, run: str, *, runs: int = RUNS_KEPT, entries: int = ENTRIES_KEPT) -> None:
    """Drop what is settled of runs long past; the audit trail keeps what was done.

    Args:
        database: where it is.
        run: one that is kept in any case.
        runs: how many of the newest runs keep their entries.
        entries: how many of the newest entries are kept.
    """
    query = "SELECT number FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?"
    oldest = database.execute(query, (runs - 1,)).fetchone()
    last = database.execute("SELECT max(number) FROM journal").fetchone()[0] or 0
    database.execute(
        "DELETE FROM journal WHERE outcome <> '' AND run <> ? "
        "AND (number <= ? OR run IN (SELECT id FROM runs WHERE number < ?))",
        (run, last - entries, oldest[0] if oldest else 0),
    )
    if oldest:
        unused = "id NOT IN (SELECT run FROM journal)"
        database.execute(f"DELETE FROM runs WHERE number < ? AND {unused}", (oldest[0],))  # noqa: S608 - ours


def has_run(database: Database, run: str) -> bool:
    """Say whether an apply began."""
    return database.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone() is not None


def runs(database: Database, last: int) -> list[Run]:
    """Return the newest applies, the newest last."""
    query = f"SELECT {_RUN} FROM runs ORDER BY number DESC LIMIT ?"  # noqa: S608 - our own columns
    return [_run(row) for row in database.execute(query, (last,)).fetchall()][::-1]


def _run(row: Any) -> Run:
    number, digest, operator, machine, started, reason, ended, summary = row
    return Run(
        id=number,
        plan_digest=digest,
        operator=operator,
        machine=machine,
        started_at=datetime.fromisoformat(started),
        reason=reason,
        ended_at=decode_moment(ended),
        summary=summary,
    )


def record(
    database: Database, run: str, changes: Sequence[Change], previous: Mapping[int, str | None], at: str
) -> list[int]:
    """Write intents and return their numbers; `previous` is by the changes' positions."""
    rows = [(run, one.app, one.id, encode_change(one), previous[i], at) for i, one in enumerate(changes)]
    numbers: list[int] = []
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(part))
        query = (
            "INSERT INTO journal (run, app, change_id, change, previous, intended_at) "  # noqa: S608 - marks
            f"VALUES {marks} RETURNING number"
        )
        found = database.execute(query, [value for row in part for value in row]).fetchall()
        # Numbers are given in the order of the rows; in which order they are returned, nobody promises.
        numbers += sorted(int(row[0]) for row in found)
    return numbers


def find(database: Database, numbers: Sequence[int]) -> dict[int, tuple[str, str, str | None]]:
    """Return number → (change's id, outcome, what the intent replaced) of entries."""
    found: dict[int, tuple[str, str, str | None]] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        marks = ", ".join("?" * len(part))
        query = f"SELECT number, change_id, outcome, previous FROM journal WHERE number IN ({marks})"  # noqa: S608 - marks
        found.update((row[0], tuple(row[1:])) for row in database.execute(query, part).fetchall())
    return found


def conclude(database: Database, number: int, outcome: str, detail: str, at: str) -> None:
    """Write an intent's outcome."""
    query = "UPDATE journal SET outcome = ?, detail = ?, ended_at = ? WHERE number = ?"
    database.execute(query, (outcome, detail, at, number))


def entries(database: Database, run: str | None, last: int) -> list[JournalEntry]:
    """Return the newest entries, of one apply or of all, the newest last."""
    condition, arguments = ("WHERE run = ?", (run, last)) if run is not None else ("", (last,))
    query = f"SELECT {_ENTRY} FROM journal {condition} ORDER BY number DESC LIMIT ?"  # noqa: S608 - our own columns
    return list(_entries(database.execute(query, arguments).fetchall()))[::-1]


def unsettled(database: Database) -> list[JournalEntry]:
    """Return the entries without any outcome, in the order in which they were written."""
    query = f"SELECT {_ENTRY} FROM journal WHERE outcome = '' ORDER BY number"  # noqa: S608 - our own columns
    return list(_entries(database.execute(query).fetchall()))


def _entries(rows: Iterable[Any]) -> Iterator[JournalEntry]:
    for run, number, app, change_id, text, intended, outcome, detail, ended in rows:
        change = decode_change(text)
        yield JournalEntry(
            run=run,
            number=number,
            app=app,
            change_id=change_id,
            operation=change.operation.value,
            item=str(change.item),
            intended_at=datetime.fromisoformat(intended),
            outcome=outcome,
            detail=detail,
            ended_at=decode_moment(ended),
            change=change,
        )
