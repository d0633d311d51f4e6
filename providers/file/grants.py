"""Grants, from cells into the snapshot's three columns of ints: a million of them, and no object for any."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from providers.file.config import FileConfig
from providers.file.mapping import KIND_HINT, entitlement_key, items_of, split_level
from providers.file.table import Cell, Table, as_text, fault
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import LiveEntitlement, SnapshotBuilder

_LATE = -(1 << 30)
"""From here downwards: holders that were no account when they were met. They may be entitlements that come later."""


class _Numbers(dict[Any, int]):
    """Cells to numbers: known ones at the speed of a dict, new ones by `add`."""

    def __init__(self, add: Callable[[Cell], int]) -> None:
        super().__init__()
        self._add = add

    def __missing__(self, cell: Any) -> int:
        number = self[cell] = self._add(cell)
        return number


class GrantMapping:
    """Reads grants in bulk.

    Args:
        table: where they stand, for messages.
        builder: has all accounts, and the entitlements of the catalogue where there is one.
        kind: the kind of entitlements that are written without one.
        holders: how a file writes a holder → the account's number.
        gone: holders that the accounts' file lists as absent; what they hold counts for nothing.
    """

    def __init__(
        self, table: Table, builder: SnapshotBuilder, kind: str, holders: Mapping[str, int], gone: AbstractSet[str]
    ) -> None:
        self._table = table
        self._builder = builder
        self._kind = kind
        self._accounts = holders
        self._gone = gone
        self._by_key = {entitlement.key: n for n, entitlement in enumerate(builder.snapshot.entitlements)}
        self._level_numbers: dict[str | None, int] = {None: 0}
        self._late: list[str] = []
        self._rows = 0
        self.entitlements = _Numbers(self._entitlement)
        self.levels = _Numbers(self._level)
        self.holders = _Numbers(self._holder)

    def add_rows(self, holders: Sequence[Cell], entitlements: Sequence[Cell], levels: Sequence[Cell] | None) -> None:
        """Add a chunk of grants, one a row.

        Raises:
            ProviderError: a row without a holder, or an entitlement without a kind; names file and line.
        """
        try:
            granted = array("i", map(self.entitlements.__getitem__, entitlements))
            who = array("i", map(self.holders.__getitem__, holders))
            level = array("i", map(self.levels.__getitem__, levels)) if levels else array("i", bytes(4 * len(who)))
        except (ValueError, TypeError) as error:
            raise self._locate(holders, entitlements, error) from None
        self._extend(who, granted, level)
        self._rows += len(holders)

    def add_cells(self, holders: Sequence[str], columns: Mapping[str, Sequence[Cell]], config: FileConfig) -> None:
        """Add what is listed in one cell, or several, of each account.

        Args:
            holders: the accounts of a chunk of rows.
            columns: kind (or entitlement, where its column says yes and no) → cells.
            config: what stands between entitlements, and before a level.

        Raises:
            ProviderError: an entitlement without a kind, or neither yes nor no; names file and line.
        """
        sign = config.item_separator
        for row, holder in enumerate(holders):
            try:
                items = [one for kind, cells in columns.items() for one in items_of(cells[row], kind, sign)]
            except ValueError as error:
                raise fault(self._table.path, self._table.line(self._rows), str(error)) from None
            if items and holder not in self._gone:
                self._add_items(holder, items, config.level_separator)
            self._rows += 1

    def _add_items(self, holder: str, items: list[str], level_separator: str) -> None:
        pairs = [split_level(item, level_separator) for item in items] if level_separator else []
        names = [name for name, _ in pairs] if pairs else items
        try:
            granted = array("i", map(self.entitlements.__getitem__, names))
        except ValueError as error:
            raise fault(self._table.path, self._table.line(self._rows), str(error), hint=KIND_HINT) from None
        level = array("i", [self.levels[text] for _, text in pairs] if pairs else bytes(4 * len(items)))
        self._extend(array("i", [self._accounts[holder]]) * len(items), granted, level)

    def _extend(self, holders: "array[int]", granted: "array[int]", levels: "array[int]") -> None:
        snapshot = self._builder.snapshot
        snapshot.holders.extend(holders)
        snapshot.granted.extend(granted)
        snapshot.levels.extend(levels)

    def settle(self) -> list[str]:
        """Find the holders that are entitlements, drop what absent accounts hold, and return unknown holders.

        Raises:
            ProviderError: one grant stands there at two levels.
        """
        unknown = [name for name in self._late if name not in self._gone and name not in self._by_key]
        if self._late:
            self._replace_late()
        if len(self._level_numbers) > 1:
            self._refuse_contradictions()
        return unknown

    def _entitlement(self, cell: Cell) -> int:
        key = entitlement_key(as_text(cell), self._kind)
        number = self._by_key.get(key)
        if number is None:
            number = self._by_key[key] = self._builder.entitlement(LiveEntitlement(remote_id=key, key=key))
        return number

    def _level(self, cell: Cell) -> int:
        text = as_text(cell) or None
        number = self._level_numbers.get(text)
        if number is None:
            number = self._level_numbers[text] = len(self._builder.snapshot.level_names)
            self._builder.snapshot.level_names.append(text)
        return number

    def _holder(self, cell: Cell) -> int:
        name = as_text(cell)
        number = self._accounts.get(name)
        if number is None:
            if not name:
                raise ValueError("a grant without a holder")
            number = _LATE - len(self._late)
            self._late.append(name)
        return number

    def _replace_late(self) -> None:
        """Put entitlements in place of late holders; take out the rows of absent and unknown ones."""
        snapshot = self._builder.snapshot
        final = {_LATE - n: self._by_key.get(name) for n, name in enumerate(self._late)}
        kept = [n for n, holder in enumerate(snapshot.holders) if holder > _LATE or final[holder] is not None]
        late = {number: -1 - entitlement for number, entitlement in final.items() if entitlement is not None}
        snapshot.holders = array("i", [late.get(snapshot.holders[n], snapshot.holders[n]) for n in kept])
        snapshot.granted = array("i", [snapshot.granted[n] for n in kept])
        snapshot.levels = array("i", [snapshot.levels[n] for n in kept])

    def _refuse_contradictions(self) -> None:
        """Refuse one grant at two levels; the same row twice says nothing new."""
        snapshot = self._builder.snapshot
        count = len(snapshot.entitlements)
        pairs = [holder * count + granted for holder, granted in zip(snapshot.holders, snapshot.granted, strict=True)]
        if len(set(pairs)) == len(pairs):
            return
        levels: dict[int, int] = {}
        for pair, level in zip(pairs, snapshot.levels, strict=True):
            if levels.setdefault(pair, level) != level:
                holder, granted = divmod(pair, count)
                who = snapshot.accounts[holder].remote_id if holder >= 0 else snapshot.entitlements[-1 - holder].key
                key = snapshot.entitlements[granted].key
                raise fault(self._table.path, 0, f"{who} holds {key} at two levels", hint="keep the row that is true")

    def _locate(self, holders: Sequence[Cell], entitlements: Sequence[Cell], error: Exception) -> ProviderError:
        """Name the line of the first row of a chunk that cannot be read."""
        for row, (holder, cell) in enumerate(zip(holders, entitlements, strict=True), start=self._rows):
            if not as_text(holder):
                return fault(self._table.path, self._table.line(row), "a grant without a holder")
            try:
                entitlement_key(as_text(cell), self._kind)
            except ValueError as reason:
                return fault(self._table.path, self._table.line(row), str(reason), hint=KIND_HINT)
        return fault(self._table.path, 0, str(error))
