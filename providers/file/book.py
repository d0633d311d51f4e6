"""The app's files taken apart, and how they write a status."""

from collections.abc import Mapping

from providers.file.config import DEFAULT_STATUSES, FileConfig
from providers.file.mapping import status_texts
from providers.file.shapes import Accounts, CellGrants, FileGrants, GrantShape, RowGrants
from providers.file.table import Cell, Row, Sheet, as_text
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import AccountStatus

_OPPOSITES = {"true": "false", "yes": "no", "1": "0", "enabled": "disabled", "active": "suspended"}


class Book:
    """The app's files, taken apart.

    Args:
        sheets: path → sheet, for every file that the configuration names.

    Raises:
        ProviderError: a grant that cannot be read.
    """

    def __init__(self, config: FileConfig, sheets: Mapping[str, Sheet]) -> None:
        self.config = config
        self.accounts = Accounts(config, sheets[config.path])
        try:
            self.grants = self._shape(sheets)
        except ValueError as error:
            raise ProviderError(f"{config.path}: {error}", hint="correct the file first") from None
        self.catalogue = sheets[config.entitlements.path] if config.entitlements else None

    def _shape(self, sheets: Mapping[str, Sheet]) -> GrantShape | None:
        config = self.config
        if config.grants:
            return FileGrants(config.grants, sheets[config.grants.path], config.kind)
        if config.columns.grants:
            return CellGrants(self.accounts)
        return RowGrants(self.accounts) if config.columns.entitlement else None

    def holder(self, remote_id: str) -> str:
        """Return how the grants are held by an account: by its id, or what the grants' file writes in its place."""
        by = self.config.grants.holder_by if self.config.grants else "id"
        column: str = getattr(self.config.columns, by)
        return as_text(self.accounts.rows(remote_id)[0].get(column))

    def status_of(self, row: Row) -> AccountStatus:
        """Return the status that a row shows; active where there is no such column."""
        column = self.config.columns.status
        text = as_text(row.get(column)).lower() if column else ""
        return status_texts(self.config).get(text, AccountStatus.ACTIVE)

    def status_cell(self, status: AccountStatus) -> Cell:
        """Return how this file writes a status: as other rows do, or the opposite of what they do, or as configured."""
        column, meant = self.config.columns.status, status_texts(self.config)
        used = [row.get(column) for _, row in self.accounts.all()]
        if any(isinstance(cell, bool) for cell in used):
            return status is AccountStatus.ACTIVE
        for cell in used:
            if meant.get(as_text(cell).lower()) is status:
                return cell
        if not self.config.statuses and status is AccountStatus.SUSPENDED:
            for cell in used:
                opposite = _OPPOSITES.get(as_text(cell).lower())
                if opposite:
                    return _like(as_text(cell), opposite)
        return (self.config.statuses or DEFAULT_STATUSES).get(status, DEFAULT_STATUSES[status])[0]


def _like(example: str, text: str) -> str:
    """Return a text in upper or title case where an example is."""
    if example.isupper():
        return text.upper()
    return text.title() if example.istitle() else text
