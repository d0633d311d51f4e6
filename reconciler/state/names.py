"""The file's own numbers for names: given out once, never taken back, never changed."""

from collections.abc import Iterable

from reconciler.errors import StateError
from reconciler.state.database import Database


class FileNames:
    """Reads and gives out the numbers of one open file.

    What it remembers stays true as long as the file is open, since numbers are never changed; only a transaction that
    was rolled back takes some away (`forget`).
    """

    __slots__ = ("_database", "_names", "_newest", "_numbers")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names: dict[int, str | None] = {0: None}
        self._newest = 0
        self._numbers: dict[str, int] = {}

    def forget(self) -> None:
        """Forget everything: a transaction was rolled back."""
        self._names = {0: None}
        self._newest = 0
        self._numbers = {}

    def number(self, name: str) -> int:
        """Return a name's number, giving it one if it has none."""
        known = self.known(name)
        return self.numbers((name,))[name] if known is None else known

    def known(self, name: str) -> int | None:
        """Return a name's number if it has one."""
        number = self._numbers.get(name)
        if number is None:
            row = self._database.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
            if row:
                number = self._numbers[name] = int(row[0])
        return number

    def numbers(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of names and perhaps others, giving numbers to those that have none; cheap for many.

        It is not to be changed.
        """
        wanted = set(names)
        missing = sorted(wanted - self._numbers.keys())
        if missing:
            self._database.executemany(
                "INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING", [(name,) for name in missing]
            )
            self._learn()
        return self._numbers

    def name(self, number: int) -> str:
        """Return the name of a number.

        Raises:
            StateError: it has none: the file is damaged.
        """
        name = self._names.get(number)
        if name is None:
            self._learn()
            name = self._names.get(number)
        if name is None:
            raise StateError(f"it refers to name {number}, which is missing", hint="restore the file from a backup")
        return name

    def all(self) -> dict[int, str | None]:
        """Return all names by their numbers, and None by 0; not to be changed."""
        self._learn()
        return self._names

    def _learn(self) -> None:
        """Read the names that were added since the last time."""
        query = "SELECT id, name FROM names WHERE id > ? ORDER BY id"
        for number, name in self._database.execute(query, (self._newest,)):
            self._names[number] = name
            self._numbers[name] = self._newest = number
