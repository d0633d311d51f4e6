"""The three shapes in which files hold grants, each edited in place: many in a cell, one a row, a file of their own."""

from collections.abc import Iterator
from typing import Protocol

from providers.file.config import FileConfig, GrantsFile
from providers.file.mapping import entitlement_key, split_cell, split_level
from providers.file.table import Cell, Row, Sheet, as_text
from reconciler.errors import ProviderError


class GrantShape(Protocol):
    """Where the grants of a holder stand. Holders are texts, as the file writes them."""

    def level(self, holder: str, key: str) -> str | None:
        """Return the level (perhaps empty) of a grant, None where it is not held."""
        ...

    def add(self, holder: str, key: str, level: str) -> None:
        """Write a grant that is not there."""
        ...

    def set_level(self, holder: str, key: str, level: str) -> None:
        """Change the level of a grant that is there."""
        ...

    def remove(self, holder: str, key: str) -> None:
        """Take a grant out that is there."""
        ...

    def keys(self, holder: str) -> list[str]:
        """Return what a holder holds."""
        ...

    def rename(self, old: str, new: str) -> int:
        """Call an entitlement by another key wherever it stands, and return in how many places."""
        ...


class Accounts:
    """The rows of the accounts' file, by account."""

    def __init__(self, config: FileConfig, sheet: Sheet) -> None:
        self.config = config
        self.sheet = sheet
        self._rows: dict[str, list[Row]] = {}
        for row in sheet.rows():
            self._rows.setdefault(as_text(row.get(config.columns.id)), []).append(row)

    def rows(self, remote_id: str) -> list[Row]:
        """Return an account's rows: one, or several in a file with a row for each grant; none where it is not there."""
        return self._rows.get(remote_id, [])

    def __contains__(self, remote_id: object) -> bool:
        return remote_id in self._rows

    def all(self) -> Iterator[tuple[str, Row]]:
        """Yield each account's id and first row."""
        return ((remote_id, rows[0]) for remote_id, rows in self._rows.items())

    def add(self, remote_id: str, values: dict[str, Cell]) -> None:
        """Write a new account at the end."""
        self._rows[remote_id] = [self.sheet.append(values)]

    def remove(self, remote_id: str) -> None:
        """Take an account out, with all of its rows."""
        for row in self._rows.pop(remote_id, []):
            self.sheet.remove(row)

    def moved(self, old: str, new: str) -> None:
        """Say that an account has another id now (a username that is the id)."""
        self._rows[new] = self._rows.pop(old)


class CellGrants:
    """All that an account holds is listed in one cell: text with separators, or a list in JSON."""

    def __init__(self, accounts: Accounts) -> None:
        config = accounts.config
        self._accounts = accounts
        self._column = config.columns.cell
        self._kind = config.kind
        self._separator, self._level_separator = config.item_separator, config.level_separator
        cells = [row.get(self._column) for _, row in accounts.all()]
        spaced = any(isinstance(cell, str) and f"{self._separator} " in cell for cell in cells)
        self._glue = f"{self._separator} " if spaced else self._separator
        self._written = _Written(
            config.kind, [split_level(i, self._level_separator)[0] for c in cells for i in self._items(c)]
        )

    def _items(self, cell: Cell) -> list[str]:
        return split_cell(cell, self._separator)

    def _parse(self, item: str) -> tuple[str, str]:
        name, level = split_level(item, self._level_separator)
        return entitlement_key(name, self._kind), level

    def _held(self, holder: str) -> list[tuple[str, str]]:
        return [
            self._parse(item) for row in self._accounts.rows(holder)[:1] for item in self._items(row.get(self._column))
        ]

    def level(self, holder: str, key: str) -> str | None:
        """See `GrantShape.level`."""
        return dict(self._held(holder)).get(key)

    def keys(self, holder: str) -> list[str]:
        """See `GrantShape.keys`."""
        return [key for key, _ in self._held(holder)]

    def add(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.add`.

        Raises:
            ProviderError: the name holds a separator, and would be read as something else.
        """
        item = self._write(key, level)
        row = self._accounts.rows(holder)[0]
        cell = row.get(self._column)
        if isinstance(cell, list):
            row.set(self._column, [*cell, item])
        else:
            text = as_text(cell)
            row.set(self._column, f"{text}{self._glue}{item}" if text else item)

    def _write(self, key: str, level: str) -> str:
        item = self._written.text(key) + (f"{self._level_separator}{level}" if level else "")
        if (level and not self._level_separator) or [self._parse(part) for part in self._items(item)] != [(key, level)]:
            raise ProviderError(
                f"{key}{' at ' + level if level else ''} cannot be written in a cell with {self._separator!r}"
            )
        return item

    def set_level(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.set_level`."""
        self._replace(self._accounts.rows(holder)[0], key, self._write(key, level))

    def remove(self, holder: str, key: str) -> None:
        """See `GrantShape.remove`."""
        self._replace(self._accounts.rows(holder)[0], key, None)

    def _replace(self, row: Row, key: str, item: str | None) -> None:
        """Write another item in the place of one, or none; the others keep their bytes."""
        cell = row.get(self._column)
        if isinstance(cell, list):
            new = [item if self._parse(as_text(part))[0] == key else part for part in _plain(cell)]
            row.set(self._column, [part for part in new if part is not None])
            return
        parts = as_text(cell).split(self._separator)
        kept = [part if not self._is(part, key) else _in_place(part, item) for part in parts]
        row.set(self._column, self._separator.join(part for part in kept if part is not None))

    def _is(self, part: str, key: str) -> bool:
        return bool(part.strip()) and self._parse(part.strip())[0] == key

    def rename(self, old: str, new: str) -> int:
        """See `GrantShape.rename`."""
        count = 0
        for holder, row in self._accounts.all():
            level = self.level(holder, old)
            if level is not None:
                self._replace(row, old, self._write(new, level))
                count += 1
        return count


def _plain(cell: list[object]) -> list[str]:
    return [str(part) for part in cell]


def _in_place(part: str, item: str | None) -> str | None:
    return None if item is None else part.replace(part.strip(), item, 1)


class RowGrants:
    """The accounts' file has a row for each grant, and repeats the account's own values in each."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._entitlement = accounts.config.columns.entitlement
        self._level = accounts.config.columns.level
        self._kind = accounts.config.kind
        texts = [as_text(row.get(self._entitlement)) for row in accounts.sheet.rows()]
        self._written = _Written(self._kind, list(filter(None, texts)))

    def _row(self, holder: str, key: str) -> Row | None:
        rows = self._accounts.rows(holder)
        return next((row for row in rows if self._key(row) == key), None)

    def _key(self, row: Row) -> str:
        text = as_text(row.get(self._entitlement))
        return entitlement_key(text, self._kind) if text else ""

    def level(self, holder: str, key: str) -> str | None:
        """See `GrantShape.level`."""
        row = self._row(holder, key)
        return None if row is None else as_text(row.get(self._level)) if self._level else ""

    def keys(self, holder: str) -> list[str]:
        """See `GrantShape.keys`."""
        return [key for key in map(self._key, self._accounts.rows(holder)) if key]

    def add(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.add`."""
        rows = self._accounts.rows(holder)
        values: dict[str, Cell] = {self._entitlement: self._written.text(key)}
        if self._level:
            values[self._level] = level
        empty = next((row for row in rows if not self._key(row)), None)
        if empty is None:
            rows.append(self._accounts.sheet.append(values, like=rows[-1]))
            return
        for column, value in values.items():
            empty.set(column, value)

    def set_level(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.set_level`."""
        if row := self._row(holder, key):
            row.set(self._level, level)

    def remove(self, holder: str, key: str) -> None:
        """See `GrantShape.remove`. The account's last row stays, without a grant."""
        rows = self._accounts.rows(holder)
        for row in [row for row in rows if self._key(row) == key]:
            if len(rows) == 1:
                for column in filter(None, (self._entitlement, self._level)):
                    row.set(column, "")
            else:
                rows.remove(row)
                self._accounts.sheet.remove(row)

    def rename(self, old: str, new: str) -> int:
        """See `GrantShape.rename`."""
        rows = [row for row in self._accounts.sheet.rows() if self._key(row) == old]
        for row in rows:
            row.set(self._entitlement, self._written.text(new))
        return len(rows)


class FileGrants:
    """Grants have a file of their own, a row for each."""

    def __init__(self, part: GrantsFile, sheet: Sheet, kind: str) -> None:
        self.sheet = sheet
        self._columns = part.columns
        self._kind = kind
        self._rows: dict[str, dict[str, list[Row]]] = {}
        rows = sheet.rows()
        self._written = _Written(kind, [as_text(row.get(part.columns.entitlement)) for row in rows])
        for row in rows:
            self._index(row)

    def _index(self, row: Row) -> None:
        key = entitlement_key(as_text(row.get(self._columns.entitlement)), self._kind)
        holder = as_text(row.get(self._columns.holder))
        self._rows.setdefault(holder, {}).setdefault(key, []).append(row)

    def level(self, holder: str, key: str) -> str | None:
        """See `GrantShape.level`."""
        rows = self._rows.get(holder, {}).get(key)
        return None if not rows else as_text(rows[0].get(self._columns.level)) if self._columns.level else ""

    def keys(self, holder: str) -> list[str]:
        """See `GrantShape.keys`."""
        return list(self._rows.get(holder, {}))

    def add(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.add`."""
        values: dict[str, Cell] = {self._columns.holder: holder, self._columns.entitlement: self._written.text(key)}
        if self._columns.level:
            values[self._columns.level] = level
        self._index(self.sheet.append(values))

    def set_level(self, holder: str, key: str, level: str) -> None:
        """See `GrantShape.set_level`."""
        for row in self._rows[holder][key]:
            row.set(self._columns.level, level)

    def remove(self, holder: str, key: str) -> None:
        """See `GrantShape.remove`."""
        for row in self._rows[holder].pop(key):
            self.sheet.remove(row)

    def rename(self, old: str, new: str) -> int:
        """See `GrantShape.rename`. The entitlement may be a holder too."""
        count = self.rename_holder(old, new)
        for held in self._rows.values():
            for row in held.get(old, []):
                row.set(self._columns.entitlement, self._written.text(new))
                count += 1
            if old in held:
                held[new] = held.pop(old)
        return count

    def rename_holder(self, old: str, new: str) -> int:
        """Call a holder by another name, and return in how many rows."""
        held = self._rows.pop(old, {})
        for row in (row for rows in held.values() for row in rows):
            row.set(self._columns.holder, new)
        if held:
            self._rows.setdefault(new, {}).update(held)
        return len(held)


class _Written:
    """How a file writes entitlements, so that new rows look like the old ones."""

    def __init__(self, kind: str, texts: list[str]) -> None:
        self._kind = kind
        self._short = not any(text.startswith(f"{kind}:") for text in texts)

    def text(self, key: str) -> str:
        """Return a key as this file writes it: without the default kind, unless the file writes that out."""
        kind, _, name = key.partition(":")
        return name if kind == self._kind and self._short and ":" not in name else key
