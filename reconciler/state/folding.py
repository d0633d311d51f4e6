"""A store whose settled grants are folded away: where a row of the database is several times as large as a grant."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.items import GrantItem, Item
from reconciler.provider.change import Change, Operation, Receipt
from reconciler.state.applied import grant_rows
from reconciler.state.blocks import Blocks
from reconciler.state.contract import Adoption
from reconciler.state.database import Database
from reconciler.state.tables import TableStore

_MANY: Final = 2000
"""So many grants are folded away at once; fewer wait in their table until there are."""


class FoldingStore(TableStore):
    """What is written finds its grants in their table, and what has settled is folded away after an adoption."""

    _grants: Blocks

    def _fold_grants(self, database: Database) -> None:
        """Begin to keep settled grants in blocks."""
        columns = ("holder", "entitlement", "level")
        self._grants = Blocks(database, "grants", columns, 2, "pending = 0 AND fresh = 0")

    def adopt(self, app: str, adoption: Adoption) -> None:
        """Take items on, forget gone ones, remember counts."""
        with self.together():
            number = self._app(app)
            if len(adoption.grants) >= _MANY:
                adoption = self._put(number, adoption)
            grants = [GrantItem(holder, entitlement) for holder, entitlement, _ in adoption.grants]
            self._unfold(number, [*adoption.gone, *grants])
            super().adopt(app, adoption)
            self._grants.fold(number, _MANY)

    def _put(self, app: int, adoption: Adoption) -> Adoption:
        """Fold an adoption's grants away at once; return what else there is to adopt."""
        before = self._database.total_changes
        rows = grant_rows(self._names, adoption)
        keys = {row[:2] for row in rows}
        query = "SELECT holder, entitlement FROM grants WHERE app = ?"
        replaced = [(app, *row) for row in self._database.execute(query, (app,)).fetchall() if tuple(row) in keys]
        query = "DELETE FROM grants WHERE app = ? AND holder = ? AND entitlement = ?"
        self._database.executemany(query, replaced)
        self._grants.put(app, rows)
        if self._database.total_changes > before:
            self._touch(app)
        return replace(adoption, grants=())

    def intend(self, run: str, changes: Sequence[Change], at: datetime) -> Sequence[int]:
        """Record the intent of changes, before their first request: journal and pending items."""
        with self.together():
            self._unfold_changed(changes)
            return super().intend(run, changes, at)

    def settle(self, run: str, receipts: Iterable[tuple[int, Receipt]], at: datetime) -> None:
        """Record outcomes, by the entries' numbers."""
        listed = list(receipts)
        with self.together():
            self._unfold_changed([receipt.change for _, receipt in listed])
            super().settle(run, listed, at)

    def _unfold_changed(self, changes: Iterable[Change]) -> None:
        items: dict[str, list[Item]] = {}
        for change in changes:
            items.setdefault(change.app, []).append(change.item)
            if change.operation is Operation.RENAME_ENTITLEMENT:
                self._grants.unfold_all(self._app(change.app))
        for app, listed in items.items():
            self._unfold(self._app(app), listed)

    def _unfold(self, app: int, items: Iterable[Item]) -> None:
        """Take grants back into their table, as far as they are folded away."""
        known = self._names.known
        keys = {(known(one.holder), known(one.entitlement)) for one in items if isinstance(one, GrantItem)}
        self._grants.unfold(app, {(h, e) for h, e in keys if h is not None and e is not None})
