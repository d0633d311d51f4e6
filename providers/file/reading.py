"""One read of the app's files into a snapshot, and what proves that it is whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from providers.file.client import Content, read_binary, read_content
from providers.file.config import EntitlementsFile, FileConfig, GrantsFile
from providers.file.grants import GrantMapping
from providers.file.mapping import AccountMapping, read_entitlements
from providers.file.moment import Part, exported_at, newest_file
from providers.file.table import SHOWN, Cell, Table, as_text, fault
from providers.file.table_csv import CsvTable
from providers.file.table_json import JsonTable, list_of_lines
from reconciler.errors import ProviderError
from reconciler.provider.snapshot import (
    ACCOUNTS,
    Completeness,
    LiveAccount,
    Snapshot,
    SnapshotBuilder,
    entitlements_of,
    grants_of,
)

ALL = "*"
SKEW = timedelta(minutes=5)
"""How far the clock of whoever exported may be ahead."""


def open_table(part: Part, content: Content) -> Table:
    """Return a file as a table, by its format.

    Raises:
        ProviderError: it is not in that format.
    """
    if part.kind_of_file == "json":
        return JsonTable(content, part.records)
    if part.kind_of_file == "jsonl":
        return JsonTable(replace(content, text=list_of_lines(content.text)), "")
    if part.kind_of_file == "xlsx":
        from providers.file.table_xlsx import XlsxTable  # noqa: PLC0415 - an optional extra, and slow to import

        return XlsxTable(content, part.sheet, header=part.header, skip_last=part.skip_last)
    return CsvTable(content, part.separator, part.comment, header=part.header, skip_last=part.skip_last)


@dataclass(slots=True)
class _Reading:
    """What is gathered during one read.

    Attributes:
        contents: path → file, as it was read.
        moments: when each file was exported, the accounts' file first; None where nobody says it.
        faults: collection (`grants`, `entitlements`) → why it could not be read whole.
    """

    config: FileConfig
    root: Path
    now: datetime
    builder: SnapshotBuilder = field(default_factory=SnapshotBuilder)
    contents: dict[str, Content] = field(default_factory=dict)
    moments: list[datetime | None] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    strangers: str = ""


def read_snapshot(config: FileConfig, root: Path, now: datetime) -> tuple[Snapshot, dict[str, Content]]:
    """Read the app's files.

    Returns:
        The snapshot, and every file that was read, by its path.

    Raises:
        ProviderError: the accounts' file cannot be read; the message names file and line.
    """
    config = _pick_files(config, root)
    reading = _Reading(config, root, now)
    accounts = _open(reading, config)
    if config.entitlements:
        _read_catalogue(reading, config.entitlements)
    mapping = AccountMapping(config, accounts, reading.builder)
    _read_accounts(reading, mapping, accounts)
    if config.grants and "entitlements" not in reading.faults:
        _read_grants(reading, config.grants, mapping)
    _judge(reading)
    return reading.builder.snapshot, reading.contents


def _open(reading: _Reading, part: Part) -> Table:
    if part.kind_of_file == "xlsx":
        content = read_binary(reading.root, part.path)
    else:
        content = read_content(reading.root, part.path, part.encoding)
    reading.contents[part.path] = content
    table = open_table(part, content)
    reading.moments.append(_moment(reading, part, content, table))
    return table


def _moment(reading: _Reading, part: Part, content: Content, table: Table) -> datetime | None:
    """Return when a file was exported; what says nothing itself was exported together with the accounts."""
    if part.exported_at is not None or not reading.moments:
        return exported_at(part, content, table, reading.root)
    return content.modified if reading.config.exported_at == "modified" else reading.moments[0]


def _pick_files(config: FileConfig, root: Path) -> FileConfig:
    """Return the configuration with the newest file in place of each path with a `*`."""
    names = {"": config, "grants": config.grants, "entitlements": config.entitlements}
    picked = {name: newest_file(root, part) for name, part in names.items() if part and "*" in part.path}
    update: dict[str, object] = {"path": picked.pop("")} if "" in picked else {}
    for name, path in picked.items():
        update[name] = getattr(config, name).model_copy(update={"path": path})
    return config.model_copy(update=update) if update else config


def _read_catalogue(reading: _Reading, part: EntitlementsFile) -> None:
    try:
        read_entitlements(part, _open(reading, part), reading.builder, reading.config.kind)
    except ProviderError as error:
        reading.faults["entitlements"] = reading.faults["grants"] = _why(error)


def _read_accounts(reading: _Reading, mapping: AccountMapping, table: Table) -> None:
    """Read accounts, and the grants that stand beside them; a fault in a grant leaves the accounts whole."""
    gone: set[str] = set()
    grants = GrantMapping(table, reading.builder, reading.config.kind, mapping.numbers, gone)
    for ids, cells in mapping.read():
        gone.update(account.remote_id for account in mapping.gone)
        if cells and "grants" not in reading.faults:
            try:
                _add_grants(reading.config, grants, ids, cells)
            except ProviderError as error:
                reading.faults["grants"] = _why(error)
    _settle(reading, grants, table)


def _add_grants(config: FileConfig, grants: GrantMapping, ids: list[str], cells: Sequence[Sequence[Cell]]) -> None:
    if config.columns.grants:
        kinds = [kind for kind, _ in config.columns.cells]
        grants.add_cells(ids, dict(zip(kinds, cells, strict=True)), config)
        return
    filled = [row for row, cell in enumerate(cells[0]) if as_text(cell)]
    levels = [cells[1][row] for row in filled] if config.columns.level else None
    grants.add_rows([ids[row] for row in filled], [cells[0][row] for row in filled], levels)


def _read_grants(reading: _Reading, part: GrantsFile, mapping: AccountMapping) -> None:
    try:
        table = _open(reading, part)
        holders, gone = _holders(reading, part, mapping)
        grants = GrantMapping(table, reading.builder, reading.config.kind, holders, gone)
        names = list(dict.fromkeys(filter(None, (part.columns.holder, part.columns.entitlement, part.columns.level))))
        for chunk in table.chunks(names):
            grants.add_rows(chunk[0], chunk[1], chunk[2] if part.columns.level else None)
        _settle(reading, grants, table)
    except ProviderError as error:
        reading.faults["grants"] = _why(error)


def _holders(reading: _Reading, part: GrantsFile, mapping: AccountMapping) -> tuple[dict[str, int], set[str]]:
    """Return how the grants' file writes accounts (id, username or email) → their numbers, and those that are gone."""

    def written(account: LiveAccount) -> str:
        return {"id": account.remote_id, "username": account.username, "email": account.email}[part.holder_by]

    if part.holder_by == "id":
        return mapping.numbers, {account.remote_id for account in mapping.gone}
    holders: dict[str, int] = {}
    for number, account in enumerate(reading.builder.snapshot.accounts):
        name = written(account)
        if name and name in holders:
            raise fault(
                part.path, 0, f"two accounts have the {part.holder_by} {name!r}", hint="write holders by their id"
            )
        holders[name] = number
    return holders, {written(account) for account in mapping.gone}


def _settle(reading: _Reading, grants: GrantMapping, table: Table) -> None:
    try:
        unknown = grants.settle()
    except ProviderError as error:
        reading.faults["grants"] = _why(error)
        return
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        reading.strangers = (
            f"{', '.join(unknown[:SHOWN])}{more} hold grants in {table.path} and are not in {reading.config.path}: "
            "the two do not belong together, export both again"
        )


def _judge(reading: _Reading) -> None:
    """Say of each collection whether it is whole, and why."""
    config, snapshot = reading.config, reading.builder.snapshot
    doubt = _age(reading) or _said(config) or reading.strangers
    few = _too_few("accounts", len(snapshot.accounts), config.minimum_accounts)
    snapshot.collections[ACCOUNTS] = _completeness(doubt or few, f"{len(snapshot.accounts)} in {config.path}")
    kinds = {entitlement.key.partition(":")[0] for entitlement in snapshot.entitlements}
    told = (config.kind, *(kind.partition(":")[0] for kind, _ in config.columns.cells))
    kinds |= {ALL, *filter(None, told)}
    if config.shows_grants:
        few_grants = few or _too_few("grants", len(snapshot.holders), config.minimum.grants)
        why = doubt or reading.faults.get("grants", "") or few_grants
        proof = f"{len(snapshot.holders)} in {config.grants.path if config.grants else config.path}"
        snapshot.collections.update({grants_of(kind): _completeness(why, proof) for kind in sorted(kinds)})
    if config.entitlements:
        why = doubt or reading.faults.get("entitlements", "")
        proof = f"{len(snapshot.entitlements)} in {config.entitlements.path}"
        snapshot.collections.update({entitlements_of(kind): _completeness(why, proof) for kind in sorted(kinds)})


def _why(error: ProviderError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _completeness(doubt: str, proof: str) -> Completeness:
    return Completeness(complete=not doubt, why=doubt or proof)


def _said(config: FileConfig) -> str:
    """Return the doubt that nobody has said that the file holds everything."""
    if config.complete or config.writable:
        return ""
    return f"nobody says that {config.path} holds everything: write `complete: true` if it does"


def _too_few(what: str, count: int, minimum: int) -> str:
    if count >= minimum:
        return ""
    return f"{count} {what} where at least {minimum} are expected (`minimum`): the export may be broken"


def _age(reading: _Reading) -> str:
    """Set when the files were true, and return the doubt that this is too long ago, or has not come yet."""
    config, snapshot = reading.config, reading.builder.snapshot
    known = [moment for moment in reading.moments if moment is not None]
    snapshot.undated = not config.writable and (len(known) < len(reading.moments) or not known)
    if known and max(known) > reading.now + SKEW:
        snapshot.undated = True
        return f"{config.path} says that it was exported at {_instant(max(known))}, which has not come yet"
    if snapshot.undated or not known:
        return "" if config.max_age is None else f"{config.path} does not say when it was exported (`exported_at`)"
    snapshot.as_of = min(*known, reading.now)
    if config.max_age is None or reading.now - snapshot.as_of <= config.max_age:
        return ""
    return f"{config.path} is from {_instant(snapshot.as_of)}, older than {_span(config.max_age)}: export it again"


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _span(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 48 else f"{hours:g} hours"  # noqa: PLR2004 - two days read as days
