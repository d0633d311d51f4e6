"""What was live in an app at each complete read, as differences: when each grant was first seen, and first seen gone.

Only `KEPT` readings of an app are remembered, and what ended before the oldest of them is dropped. A reading that found
nothing new takes the place of the one before, if that found nothing new either.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from reconciler.state.blocks import Blocks, Row
from reconciler.state.codec import encode_moment
from reconciler.state.database import Database
from reconciler.state.names import FileNames
from reconciler.state.sighting import LiveThen, Sighting

_NEVER: Final = 1 << 62
KEPT: Final = 1000
"""How many readings of an app are remembered."""


class HistoryTable(ABC):
    """The history of a store that has its tables in a database."""

    _names: FileNames
    _held: Blocks | None = None
    """Where the history is folded away, in back ends that do so: all of it but what an older version left behind."""

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Database]:
        """See one moment of the database."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Database]:
        """Write in one transaction, if nobody else holds the lock."""

    @abstractmethod
    def _app(self, name: str) -> int:
        """Return an app's number, adding the app if it is new."""

    def remember(
        self, app: str, at: datetime, grants: Iterable[tuple[str, str, str | None]], *, keep: int = KEPT
    ) -> None:
        """Remember which grants a complete read found."""
        listed = set(grants)
        with self._writing() as database:
            number = self._app(app)
            query = "SELECT at FROM readings WHERE app = ? ORDER BY number DESC LIMIT 1"
            last = database.execute(query, (number,)).fetchone()
            if last and datetime.fromisoformat(last[0]) > at:
                return
            numbers = self._names.numbers({text for grant in listed for text in grant if text is not None})
            now = {(numbers[h], numbers[e]): 0 if level is None else numbers[level] for h, e, level in listed}
            if self._held:
                _refold(database, self._held, number, encode_moment(at), now, keep)
                return
            _record(database, number, encode_moment(at), now)
            _shorten(database, number, keep)

    def live_at(
        self, app: str, at: datetime, *, holder: str | None = None, entitlement: str | None = None
    ) -> LiveThen | None:
        """Return what the last complete read until an instant found, None if none is remembered."""
        with self._reading() as database:
            number = self._names.known(app)
            query = "SELECT number, at FROM readings WHERE app = ? ORDER BY number"
            rows = database.execute(query, (number,)).fetchall() if number is not None else []
            readings = {n: datetime.fromisoformat(text) for n, text in rows}
            until = [n for n, moment in readings.items() if moment <= at]
            if not until:
                return None
            following = next((moment for moment in readings.values() if moment > at), None)
            found = self._sightings(database, number or 0, readings, until[-1], only=(holder, entitlement))
            return LiveThen(readings[until[-1]], following, tuple(sorted(found, key=_by_holder)))

    def _sightings(
        self,
        database: Database,
        app: int,
        readings: Mapping[int, datetime],
        last: int,
        *,
        only: tuple[str | None, str | None],
    ) -> Iterator[Sighting]:
        """Yield what one reading found, perhaps only of a holder or of an entitlement."""
        wanted = [self._names.known(name) if name is not None else None for name in only]
        if any(name is not None and number is None for name, number in zip(only, wanted, strict=True)):
            return
        name, oldest = self._names.name, min(readings)
        for held_by, what, first, level, gone in _rows(database, self._held, app):
            if (
                wanted[0] not in (None, held_by)
                or wanted[1] not in (None, what)
                or not first <= last < (gone or _NEVER)
            ):
                continue
            since = readings.get(first) if first > oldest else None
            yield Sighting(name(held_by), name(what), name(level) if level else None, since, readings.get(gone))


def held_blocks(database: Database) -> Blocks:
    """Return where a history is folded away."""
    return Blocks(database, "held", ("holder", "entitlement", "first", "level", "gone"), 3)


def _rows(database: Database, blocks: Blocks | None, app: int) -> Iterable[Row]:
    """Return what an app's history says: (holder, entitlement, first, level, gone) each."""
    query = "SELECT holder, entitlement, first, level, gone FROM held WHERE app = ?"
    return [*(blocks.read(app) if blocks else ()), *map(tuple, database.execute(query, (app,)).fetchall())]


def _by_holder(one: Sighting) -> tuple[str, str]:
    return one.holder, one.entitlement


def _refold(  # noqa: PLR0913, PLR0917 - what was read where and when, into what, and how much of it stays
    database: Database, blocks: Blocks, app: int, at: str, now: dict[tuple[int, int], int], keep: int
) -> None:
    """Write down a reading in a history that is folded away."""
    rows = list(_rows(database, blocks, app))
    ended = {row[:4] for row in rows if row[4] == 0 and now.get((row[0], row[1])) != row[3]}
    still = {row[:2] for row in rows if row[4] == 0} - {row[:2] for row in ended}
    begun = [(*key, level) for key, level in now.items() if key not in still]
    query = "SELECT number FROM readings WHERE app = ? ORDER BY number DESC LIMIT 2"
    last = [row[0] for row in database.execute(query, (app,)).fetchall()]
    if not ended and not begun and len(last) > 1 and not any(last[0] in (row[2], row[4]) for row in rows):
        database.execute("UPDATE readings SET at = ? WHERE number = ?", (at, last[0]))
        return
    query = "INSERT INTO readings (app, at) VALUES (?, ?) RETURNING number"
    reading = int(database.execute(query, (app, at)).fetchone()[0])
    rows = [(*row[:4], reading) if row[:4] in ended else row for row in rows]
    oldest = _oldest(database, app, keep)
    database.execute("DELETE FROM readings WHERE app = ? AND number < ?", (app, oldest))
    kept = [row for row in rows if not 0 < row[4] <= oldest]
    blocks.replace(app, [*kept, *((h, e, reading, level, 0) for h, e, level in begun)])
    database.execute("DELETE FROM held WHERE app = ?", (app,))


def _oldest(database: Database, app: int, keep: int) -> int:
    """Return the number of the oldest reading that stays, 0 while all do."""
    query = "SELECT number FROM readings WHERE app = ? ORDER BY number DESC LIMIT 1 OFFSET ?"
    row = database.execute(query, (app, keep - 1)).fetchone()
    return int(row[0]) if row else 0


def _record(database: Database, app: int, at: str, now: dict[tuple[int, int], int]) -> None:
    """Write down a reading and what it found that the one before did not."""
    query = "SELECT holder, entitlement, level, first FROM held WHERE app = ? AND gone = 0"
    before = {(h, e): (level, first) for h, e, level, first in database.execute(query, (app,)).fetchall()}
    ended = [(key, first) for key, (level, first) in before.items() if now.get(key) != level]
    begun = [(key, level) for key, level in now.items() if key not in before or before[key][0] != level]
    if not ended and not begun and _replace_last(database, app, at):
        return
    query = "INSERT INTO readings (app, at) VALUES (?, ?) RETURNING number"
    reading = int(database.execute(query, (app, at)).fetchone()[0])
    database.executemany(
        "UPDATE held SET gone = ? WHERE app = ? AND holder = ? AND entitlement = ? AND first = ?",
        [(reading, app, *key, first) for key, first in sorted(ended)],
    )
    database.executemany(
        "INSERT INTO held (app, holder, entitlement, level, first) VALUES (?, ?, ?, ?, ?)",
        [(app, *key, level, reading) for key, level in sorted(begun)],
    )


def _replace_last(database: Database, app: int, at: str) -> bool:
    """Let the last reading have been now, unless it was the one that found something or the only one."""
    query = "SELECT number FROM readings WHERE app = ? ORDER BY number DESC LIMIT 2"
    last = [row[0] for row in database.execute(query, (app,)).fetchall()]
    query = "SELECT 1 FROM held WHERE app = ? AND (first = ? OR gone = ?) LIMIT 1"
    if len(last) < 2 or database.execute(query, (app, last[0], last[0])).fetchone():  # noqa: PLR2004 - it and its like
        return False
    database.execute("UPDATE readings SET at = ? WHERE number = ?", (at, last[0]))
    return True


def _shorten(database: Database, app: int, keep: int) -> None:
    """Drop the oldest readings, and what had ended by the oldest that is left."""
    oldest = _oldest(database, app, keep)
    if oldest:
        database.execute("DELETE FROM readings WHERE app = ? AND number < ?", (app, oldest))
        database.execute("DELETE FROM held WHERE app = ? AND gone > 0 AND gone <= ?", (app, oldest))
