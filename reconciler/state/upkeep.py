"""Looking after a state: taking all of it elsewhere, forgetting people, and dropping pins that are wrong."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, groupby
from operator import itemgetter
from typing import Any, Final

from reconciler.errors import StateError
from reconciler.items import AccountItem, EntitlementItem, Item
from reconciler.state.blocks import Blocks, Row
from reconciler.state.codec import decode
from reconciler.state.database import Database
from reconciler.state.names import FileNames
from reconciler.state.rows import FORMAT, TABLES, Table, put_in, take_out

_BY_HOLDER: Final = ("accounts", "grants", "held")


class Upkeep(ABC):
    """What is done to a state by hand."""

    _names: FileNames
    _grants: Blocks | None
    _held: Blocks | None

    @abstractmethod
    def _reading(self) -> AbstractContextManager[Database]:
        """See one moment of the database."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Database]:
        """Write in one transaction, if nobody else holds the lock."""

    @abstractmethod
    def _touch(self, app: int) -> None:
        """Make the fingerprint of an app another one."""

    def _tables(self) -> Iterable[Table]:
        """Return the tables that are taken along."""
        return TABLES.values()

    def _number_on(self, database: Database) -> None:  # noqa: B027 - most databases do so by themselves
        """Go on numbering after what was put in with numbers of its own."""

    def _folding(self) -> dict[str, Blocks]:
        """Return the tables whose settled rows are folded away."""
        kept = {"grants": self._grants, "held": self._held}
        return {table: blocks for table, blocks in kept.items() if blocks}

    def _folded(self, table: str) -> list[Row]:
        """Return the rows of a table that are folded away, each with its app."""
        blocks = self._folding().get(table)
        return [(app, *row) for app in blocks.apps() for row in blocks.read(app)] if blocks else []

    def export(self) -> Iterator[list[Any]]:
        """Return everything but the lock as plain lists: `["state", format, lineage]`, then `[table, values…]`.

        All of it is of one moment, and no transaction stays open while it is used.
        """
        with self._reading() as database:
            lineage = database.execute("SELECT lineage FROM meta").fetchone()[0]
            found = {
                table.name: take_out(database, self._names, table, folded=self._folded(table.name))
                for table in self._tables()
            }
        rows = ([name, *row] for name, listed in found.items() for row in listed)
        return chain([["state", FORMAT, lineage]], rows)

    def restore(self, rows: Iterable[Sequence[Any]]) -> int:
        """Fill an empty state with what `export` yielded, all or nothing; return how many rows there were.

        Raises:
            StateError: the state is not empty, or the rows are none, incomplete or of a newer tool.
        """
        found = iter(rows)
        lineage = _lineage_of(next(found, ()))
        count = 0
        with self._writing() as database:
            tables = ["blocks", *(table.name for table in self._tables())]
            if any(database.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() for name in tables):  # noqa: S608 - ours
                raise StateError("it is not empty", hint="import into a new one, or move what is there away first")
            database.execute("UPDATE meta SET lineage = ?", (lineage,))
            for name, group in groupby(found, key=itemgetter(0)):
                if name not in TABLES:
                    raise StateError(f"there is no {name!r} in a state", hint="import what `state export` printed")
                listed = [row[1:] for row in group]
                put_in(database, self._names, TABLES[name], listed)
                count += len(listed)
            self._fold_all(database)
            self._number_on(database)
        return count

    def _fold_all(self, database: Database) -> None:
        """Fold away what was put in."""
        apps = [row[0] for row in database.execute("SELECT app FROM apps").fetchall()]
        for blocks in self._folding().values():
            for app in apps:
                blocks.fold(app, 1)

    def forget_identity(self, identity: str, app: str | None = None) -> int:
        """Drop what is applied, remembered and told in the journal of an identity; return how many rows that were.

        Args:
            identity: whom; the audit trail alone still names it.
            app: only what is in this app; everywhere, if None.

        Raises:
            StateError: an interrupted apply left an intent on it: only an apply can tell what became of that.
        """
        with self._writing() as database:
            holder, number = self._names.known(identity), self._names.known(app) if app is not None else None
            if app is not None and number is None:
                return 0
            dropped = self._drop_told(database, identity, app)
            self._unfold_holder(holder, number)
            for table in _BY_HOLDER if holder is not None else ():
                dropped += self._drop_held(database, table, holder or 0, number)
            if app is None and holder is not None:
                self._drop_name(database, holder)
            return dropped

    def _unfold_holder(self, holder: int | None, app: int | None) -> None:
        """Take what a holder has and had back into the tables, from which it can be deleted."""
        for blocks in self._folding().values() if holder is not None else ():
            for one in blocks.apps() if app is None else [app]:
                blocks.unfold_holder(one, holder or 0)

    def _drop_told(self, database: Database, identity: str, app: str | None) -> int:
        rows = database.execute("SELECT number, app, change, outcome FROM journal").fetchall()
        told = [row for row in rows if app in (None, row[1]) and identity in decode(row[2])["item"][1:]]
        if any(not outcome for *_, outcome in told):
            raise StateError(
                f"an interrupted apply left an intent on {identity}", hint="apply once more, then forget it"
            )
        for number, *_ in told:
            database.execute("DELETE FROM journal WHERE number = ?", (number,))
        return len(told)

    def _drop_held(self, database: Database, table: str, holder: int, app: int | None) -> int:
        where, arguments = ("holder = ?", (holder,)) if app is None else ("holder = ? AND app = ?", (holder, app))
        query = f"SELECT DISTINCT app FROM {table} WHERE {where}"  # noqa: S608 - our own tables
        apps = [row[0] for row in database.execute(query, arguments).fetchall()]
        for one in apps:
            self._touch(one)
        return database.execute(f"DELETE FROM {table} WHERE {where}", arguments).rowcount  # noqa: S608 - same

    def _drop_name(self, database: Database, number: int) -> None:
        """Take a name out of the file, unless something else bears it."""
        used = [(table.name, column) for table in TABLES.values() for column in table.names]
        for table, column in used:
            query = f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1"  # noqa: S608 - our own tables
            if database.execute(query, (number,)).fetchone():
                return
        if any(number in row[1:] for table in self._folding() for row in self._folded(table)):
            return
        database.execute("DELETE FROM names WHERE id = ?", (number,))
        self._names.forget()

    def unpin(self, app: str, item: Item) -> bool:
        """Drop the pin of an account or an entitlement; the next plan matches it anew. False if it is not applied.

        Raises:
            StateError: the item is a grant, which has no pin.
        """
        with self._writing() as database:
            number = self._names.known(app)
            match item:
                case AccountItem(holder):
                    query = "UPDATE accounts SET remote_id = '', username = '' WHERE app = ? AND holder = ?"
                    name = holder
                case EntitlementItem(entitlement):
                    query = "UPDATE entitlements SET remote_id = '' WHERE app = ? AND entitlement = ?"
                    name = entitlement
                case _:
                    raise StateError(f"{item} is a grant, which has no pin", hint="name its holder or its entitlement")
            if number is None or not database.execute(query, (number, self._names.known(name))).rowcount:
                return False
            self._touch(number)
            return True

    def repair(self, app: str) -> int:
        """Drop every pin of an app, so that the next plan finds them anew and the next apply adopts them."""
        with self._writing() as database:
            number = self._names.known(app)
            dropped = 0
            for table in ("accounts", "entitlements"):
                query = f"UPDATE {table} SET remote_id = '' WHERE app = ? AND remote_id <> ''"  # noqa: S608 - ours
                dropped += database.execute(query, (number,)).rowcount if number is not None else 0
            if number is not None and dropped:
                self._touch(number)
            return dropped


def _lineage_of(first: Sequence[Any]) -> str:
    match first:
        case ["state", int(found), str(lineage)] if found <= FORMAT:
            return lineage
        case ["state", int(found), str()]:
            raise StateError(
                f"the rows have format {found}; this tool knows formats up to {FORMAT}",
                hint="a newer reconciler wrote them: update the tool",
            )
    raise StateError("this is no exported state", hint="import what `reconciler state export` printed")
