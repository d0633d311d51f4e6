"""What was live in an app at each complete read, as differences: when each grant was first seen, and first seen gone.

Only `KEPT` readings of an app are remembered, and what ended before the oldest of them is dropped. A reading that found
nothing new takes the place of the one before, if that found nothing new either.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from reconciler.state.codec import encode_moment
from reconciler.state.database import Database
from reconciler.state.names import FileNames
from reconciler.state.sighting import LiveThen, Sighting

KEPT: Final = 1000
"""How many readings of an app are remembered."""


class HistoryTable(ABC):
    """The history of a store that has its tables in a database."""

    _names: FileNames

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
            found = self._sightings(database, (number, until[-1], until[-1]), readings, (holder, entitlement))
            return LiveThen(readings[until[-1]], following, tuple(sorted(found, key=_by_holder)))

    def _sightings(
        self,
        database: Database,
        arguments: tuple[int | None, ...],
        readings: Mapping[int, datetime],
        only: tuple[str | None, str | None],
    ) -> Iterator[Sighting]:
        """Yield what one reading found, perhaps only of a holder or of an entitlement."""
        query = (
            "SELECT holder, entitlement, level, first, gone FROM held "
            "WHERE app = ? AND first <= ? AND (gone = 0 OR gone > ?)"
        )
        for column, wanted in zip(("holder", "entitlement"), only, strict=True):
            if wanted is not None:
                query += f" AND {column} = ?"
                arguments = (*arguments, self._names.known(wanted))
        name, oldest = self._names.name, min(readings)
        for held_by, what, level, first, gone in database.execute(query, arguments).fetchall():
            since = readings.get(first) if first > oldest else None
            yield Sighting(name(held_by), name(what), name(level) if level else None, since, readings.get(gone))


def _by_holder(one: Sighting) -> tuple[str, str]:
    return one.holder, one.entitlement


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
    query = "SELECT number FROM readings WHERE app = ? ORDER BY number DESC LIMIT 1 OFFSET ?"
    oldest = database.execute(query, (app, keep - 1)).fetchone()
    if oldest:
        database.execute("DELETE FROM readings WHERE app = ? AND number < ?", (app, oldest[0]))
        database.execute("DELETE FROM held WHERE app = ? AND gone > 0 AND gone <= ?", (app, oldest[0]))
