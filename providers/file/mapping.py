"""From cells to accounts and entitlements, and the few words that reading and writing share."""

from collections.abc import Iterator, Mapping, Sequence

from providers.file.config import ANY, DEFAULT_STATUSES, EntitlementsFile, FileConfig
from providers.file.table import Cell, Table, as_text, fault
from reconciler.errors import ProviderError
from reconciler.items import Value
from reconciler.provider.snapshot import AccountStatus, LiveAccount, LiveEntitlement, SnapshotBuilder

_TOTALS = frozenset({"total", "totals", "grand total", "sum", "summe", "gesamt", "gesamtsumme", "totale"})
KIND_HINT = "write it as kind:name, or give the file a default `kind:`; in JSON, `roles[].name` names what objects are"
_YES = frozenset({"true", "yes", "y", "1", "x", "enabled", "active", "on", "✓"})
_NO = frozenset({"false", "no", "n", "0", "", "-", "disabled", "inactive", "off", "none"})


def status_texts(config: FileConfig) -> dict[str, AccountStatus]:
    """Return what each text in the status column means, in lower case. What the YAML says replaces the usual texts."""
    meant = config.statuses or DEFAULT_STATUSES
    return {text.strip().lower(): status for status, texts in meant.items() for text in texts}


def as_value(cell: Cell) -> Value:
    """Return a cell as an attribute: JSON scalars as they are, a list as texts, text without blanks around it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, list):
        return tuple(as_text(element) for element in cell if not isinstance(element, list | dict))
    return None if isinstance(cell, dict) else cell


def entitlement_key(text: str, kind: str) -> str:
    """Return the key of an entitlement as it is written in a file: `kind:name`, or a name of the default kind.

    Raises:
        ValueError: there is no kind, or no name.
    """
    written, colon, name = text.partition(":")
    key = text if colon else f"{kind}:{text}"
    if not (written and name if colon else kind and text):
        raise ValueError(f"{text!r} has no kind" if text else "an entitlement without a name")
    return key


def split_cell(cell: Cell, separator: str) -> list[str]:
    """Return the entitlements that one cell lists: text with separators, or (JSON) a list of texts."""
    if isinstance(cell, list):
        return [as_text(element) if not isinstance(element, list | dict) else "" for element in cell]
    return [part for part in map(str.strip, as_text(cell).split(separator)) if part]


def items_of(cell: Cell, kind: str, separator: str) -> list[str]:
    """Return the entitlements that one cell of a kind lists; of an entitlement (`role:admin`), whether it says yes.

    Raises:
        ValueError: it says neither yes nor no.
    """
    if ":" not in kind:
        items = split_cell(cell, separator)
        return [f"{kind}:{item}" for item in items] if kind else items
    text = as_text(cell).casefold()
    if text not in _YES | _NO:
        raise ValueError(f"{text!r} is neither yes nor no, which a column of {kind} holds")
    return [kind] if text in _YES else []


def split_level(item: str, separator: str) -> tuple[str, str]:
    """Return an entitlement and its level as one cell writes them (`repo:web=write`); the level may be empty."""
    name, found, level = item.rpartition(separator) if separator else (item, "", "")
    return (name.strip(), level.strip()) if found else (item, "")


def _is_total(account: LiveAccount) -> bool:
    """Say whether a row that is called `Total` has nothing else by which somebody could be known."""
    if account.remote_id.casefold().rstrip(": ") not in _TOTALS:
        return False
    known = {account.username, account.email, account.external_id} - {"", account.remote_id}
    return all(one.replace(".", "").replace(",", "").isdecimal() for one in known)


class AccountMapping:
    """Reads the accounts of one file into a builder.

    Attributes:
        gone: accounts that the file lists as absent; they are not in the snapshot.
        numbers: account id → number in the snapshot.
    """

    def __init__(self, config: FileConfig, table: Table, builder: SnapshotBuilder) -> None:
        self._config = config
        self._table = table
        self._builder = builder
        self._statuses = status_texts(config)
        self.numbers: dict[str, int] = {}
        self.gone: list[LiveAccount] = []
        self._index = 0
        self._seen: dict[str, LiveAccount] = {}

    def read(self) -> Iterator[tuple[list[str], Sequence[Sequence[Cell]]]]:
        """Yield, for each chunk, the ids of its rows and its grant columns (the cell; or entitlement and level).

        Raises:
            ProviderError: a row without an id, an id twice, or a status that means nothing; names file and line.
        """
        columns = self._config.columns
        cells = [column for _, column in columns.cells]
        grant_columns = [name for name in (*cells, columns.entitlement, columns.level) if name]
        names = list(dict.fromkeys((*columns.names(), *grant_columns)))
        for chunk in self._table.chunks(names):
            values = dict(zip(names, chunk, strict=True))
            yield self._accounts(values, len(chunk[0])), [values[name] for name in grant_columns]

    def _accounts(self, values: Mapping[str, Sequence[Cell]], count: int) -> list[str]:
        columns = self._config.columns
        nothing: Sequence[Cell] = ("",) * count
        picked = [
            values.get(name, nothing) for name in (columns.id, columns.username, columns.email, columns.external_id)
        ]
        attributes = [(name, values[column]) for name, column in columns.attributes.items()]
        states = values[columns.status] if columns.status else None
        ids: list[str] = []
        for row, (own, username, email, external) in enumerate(zip(*picked, strict=True)):
            remote_id, name, mail = as_text(own), as_text(username), as_text(email)
            found: dict[str, Value] = {"username": name, "email": mail} if name or mail else {}
            found.update((attribute, as_value(cells[row])) for attribute, cells in attributes)
            status = self._status(as_text(states[row])) if states else AccountStatus.ACTIVE
            self._add(LiveAccount(remote_id, name, mail, as_text(external), status, found))
            ids.append(remote_id)
            self._index += 1
        return ids

    def _status(self, text: str) -> AccountStatus:
        status = self._statuses.get(text.lower()) or (self._statuses.get(ANY) if text else None)
        if status is None:
            known = ", ".join(text or '""' for text in self._statuses)
            raise self._fault(
                f"the status {text!r} means nothing here", hint=f"say in `statuses:` what it means; known are: {known}"
            )
        return status

    def _add(self, account: LiveAccount) -> None:
        remote_id = account.remote_id
        if not remote_id:
            raise self._fault(
                f"an account without {self._config.columns.id!r}",
                hint="each row needs the account's own id; where the last rows are totals, write `skip_last: 1`",
            )
        if _is_total(account):
            raise self._fault(
                f"{remote_id!r} looks like a row of totals, not like an account",
                hint="where the last row is none, write `skip_last: 1`",
            )
        if remote_id in self._seen:
            self._repeat(account)
            return
        self._seen[remote_id] = account
        if account.status is AccountStatus.ABSENT:
            self.gone.append(account)
        else:
            self.numbers[remote_id] = self._builder.account(account)

    def _repeat(self, account: LiveAccount) -> None:
        """Allow an account's second row only in a file with a row for each grant, and only with the same values."""
        if not self._config.columns.entitlement:
            raise self._fault(
                f"the account {account.remote_id!r} is there twice",
                hint="with a row for each grant, name the column in `columns: {entitlement: …}`",
            )
        if self._seen[account.remote_id] != account:
            raise self._fault(f"the account {account.remote_id!r} has other values here than in an earlier row")

    def _fault(self, message: str, *, hint: str = "") -> ProviderError:
        return fault(self._table.path, self._table.line(self._index), message, hint=hint)


def read_entitlements(part: EntitlementsFile, table: Table, builder: SnapshotBuilder, kind: str) -> None:
    """Read the entitlements' file into a builder.

    Raises:
        ProviderError: an entitlement without a kind, or one twice; names file and line.
    """
    columns = part.columns
    names = list(dict.fromkeys(filter(None, (columns.entitlement, columns.id, *columns.attributes.values()))))
    seen: set[str] = set()
    index = 0
    for chunk in table.chunks(names):
        values = dict(zip(names, chunk, strict=True))
        for row in range(len(chunk[0])):
            key = _key_at(table, index, as_text(values[columns.entitlement][row]), kind)
            remote_id = as_text(values[columns.id][row]) if columns.id else key
            if key in seen or not remote_id or builder.entitlement_number(remote_id) is not None:
                what = f"{key} is there twice" if remote_id else f"{key} has no {columns.id!r}"
                raise fault(table.path, table.line(index), what)
            seen.add(key)
            attributes = {name: as_value(values[column][row]) for name, column in columns.attributes.items()}
            builder.entitlement(LiveEntitlement(remote_id, key, attributes))
            index += 1


def _key_at(table: Table, index: int, text: str, kind: str) -> str:
    try:
        return entitlement_key(text, kind)
    except ValueError as error:
        raise fault(table.path, table.line(index), str(error), hint=KIND_HINT) from None
