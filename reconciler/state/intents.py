"""What an intent does to the applied items, and how its outcome confirms or undoes that.

`enter` gives an item the values that it will have and returns those that it had, as data for the journal: only what the
operation touches, so that undoing one intent leaves another one on the same item alone. A row counts its open intents
in `pending`; one that was made by an intent and never confirmed is `fresh`, and goes when the last intent is undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from reconciler.items import AccountItem, EntitlementItem, GrantItem
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.codec import decode, decode_values, encode, encode_moment, encode_values
from reconciler.state.database import Database
from reconciler.state.kept import kept_attributes
from reconciler.state.names import FileNames

_STEPS: Final = frozenset({Operation.END_SESSIONS, Operation.TRANSFER_FILES, Operation.REMOVE_LICENSES})
_ENDED: Final = frozenset({Outcome.VERIFIED, Outcome.DONE, Outcome.TICKET})
_UNDOING: Final = frozenset({Outcome.FAILED, Outcome.NOT_ATTEMPTED, Outcome.TICKET})
_REMOVALS: Final = frozenset({Operation.REVOKE, Operation.DELETE_ACCOUNT})
_LESS: Final = "pending = CASE WHEN pending > 1 THEN pending - 1 ELSE 0 END"
_STATUSES: Final = {
    Operation.CREATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.REACTIVATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.SUSPEND_ACCOUNT: AccountStatus.SUSPENDED,
}


def is_step(change: Change) -> bool:
    """Say whether an operation is a leaver's step that no reading shows."""
    return change.operation in _STEPS


def removes_item(change: Change) -> bool:
    """Say whether an operation takes its item away."""
    return change.operation in _REMOVALS


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a change's item stands: the table, the condition and its arguments."""

    table: str
    condition: str
    key: tuple[int, ...]

    def update(self, database: Database, values: Mapping[str, Any], more: str = "") -> None:
        """Set columns, and what `more` says in SQL."""
        columns = ", ".join([*(f"{column} = ?" for column in values), *([more] if more else [])])
        query = f"UPDATE {self.table} SET {columns} WHERE {self.condition}"  # noqa: S608 - our own tables and columns
        database.execute(query, (*values.values(), *self.key))

    def read(self, database: Database, columns: str) -> Any:
        """Return these columns, None if there is no such row."""
        query = f"SELECT {columns} FROM {self.table} WHERE {self.condition}"  # noqa: S608 - our own tables and columns
        return database.execute(query, self.key).fetchone()

    def drop(self, database: Database, condition: str) -> None:
        """Delete the row if the condition holds."""
        query = f"DELETE FROM {self.table} WHERE {self.condition} AND {condition}"  # noqa: S608 - our own tables
        database.execute(query, self.key)


def _row(file: FileNames, app: int, change: Change) -> _Row:
    match change.item:
        case AccountItem(holder):
            return _Row("accounts", "app = ? AND holder = ?", (app, file.number(holder)))
        case EntitlementItem(entitlement):
            return _Row("entitlements", "app = ? AND entitlement = ?", (app, file.number(entitlement)))
        case GrantItem(holder, entitlement):
            key = (app, file.number(holder), file.number(entitlement))
            return _Row("grants", "app = ? AND holder = ? AND entitlement = ?", key)


def enter(database: Database, file: FileNames, app: int, change: Change, at: datetime) -> str | None:
    """Give a change's item its new values, pending; return the old ones as text, None where nothing is to be undone."""
    row = _row(file, app, change)
    if is_step(change):
        _note_step(database, row, change, done=False)
        return None
    if removes_item(change):
        row.update(database, {}, "pending = pending + 1")
        return None
    match row.table:
        case "accounts":
            return _enter_account(database, row, change, at)
        case "entitlements":
            return _enter_entitlement(database, row, change)
        case _:
            return _enter_grant(database, row, change, file)


def settle(database: Database, file: FileNames, app: int, receipt: Receipt, previous: str | None) -> None:
    """Confirm or undo what an intent did, as its outcome says."""
    outcome = receipt.outcome
    if is_step(receipt.change):
        if outcome in _ENDED:
            _note_step(database, _row(file, app, receipt.change), receipt.change, done=True)
    elif outcome in _UNDOING:
        _undo(database, file, app, receipt.change, previous)
    elif outcome is not Outcome.UNKNOWN:
        _confirm(database, file, app, receipt)


def _note_step(database: Database, row: _Row, change: Change, *, done: bool) -> None:
    """Add a step to those that are unfinished, or take it away."""
    found = row.read(database, "unfinished")
    if found is None:
        return
    others = [step for step in decode(found[0]) if step != change.operation]
    row.update(database, {"unfinished": encode(others if done else [*others, change.operation.value])})


def _enter_grant(database: Database, row: _Row, change: Change, file: FileNames) -> str | None:
    wanted = change.after.get("level")
    level = 0 if wanted is None else file.number(str(wanted))
    old = row.read(database, "level")
    if old is None:
        database.execute(
            "INSERT INTO grants (app, holder, entitlement, level, pending, fresh) VALUES (?, ?, ?, ?, 1, 1)",
            (*row.key, level),
        )
        return None
    row.update(database, {"level": level}, "pending = pending + 1")
    return encode({"level": file.name(old[0]) if old[0] else None})


def _enter_account(database: Database, row: _Row, change: Change, at: datetime) -> str:
    status = str(change.before.get("status") or AccountStatus.ACTIVE)
    start = (*row.key, change.account_id, change.username, status, encode_moment(at))
    columns = "app, holder, remote_id, username, status, since, attributes, fresh"
    _insert(database, row, columns, (*start, encode_values({}), 1))
    return _overwrite(database, row, change, _account_values(change, at))


def _account_values(change: Change, at: datetime) -> dict[str, Any]:
    """Return the columns that a change of an account sets, without the attributes."""
    values: dict[str, Any] = {}
    if status := _STATUSES.get(change.operation):
        values |= {"status": status.value, "since": encode_moment(at)}
    if change.operation is Operation.CREATE_ACCOUNT:
        values["remote_id"] = ""
    if change.operation is Operation.REACTIVATE_ACCOUNT:
        values["unfinished"] = "[]"
    if username := change.after.get("username"):
        values["username"] = str(username)
    return values


def _enter_entitlement(database: Database, row: _Row, change: Change) -> str:
    create = change.operation is Operation.CREATE_ENTITLEMENT
    columns = "app, entitlement, remote_id, attributes, fresh"
    _insert(database, row, columns, (*row.key, change.entitlement_id, encode_values({}), 1))
    return _overwrite(database, row, change, {"remote_id": "", "created": 1} if create else {})


def _insert(database: Database, row: _Row, columns: str, values: Sequence[Any]) -> None:
    """Add the row as it would be without the change, if it is missing."""
    marks = ", ".join("?" * len(values))
    query = f"INSERT INTO {row.table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own tables and columns
    database.execute(query, values)


def _overwrite(database: Database, row: _Row, change: Change, values: dict[str, Any]) -> str:
    """Set columns and merge attributes; return what both were."""
    columns = ["attributes", *values]
    old = dict(zip(columns, row.read(database, ", ".join(columns)), strict=True))
    before = decode_values(old.pop("attributes"))
    undo: dict[str, Any] = old
    if kept := kept_attributes(change):
        undo["attributes"] = {name: before[name] for name in kept if name in before}
        undo["added"] = sorted(kept.keys() - before.keys())
        values = values | {"attributes": encode_values(before | kept)}
    row.update(database, values, "pending = pending + 1")
    return encode(undo)


def _undo(database: Database, file: FileNames, app: int, change: Change, previous: str | None) -> None:
    """Give an item back what an intent changed; an item that only intents made goes with the last of them."""
    row = _row(file, app, change)
    values: dict[str, Any] = decode(previous) if previous else {}
    if "attributes" in values:
        found = row.read(database, "attributes")
        now = decode_values(found[0]) if found else {}
        added = set(values.pop("added"))
        restored = {name: value for name, value in now.items() if name not in added} | values["attributes"]
        values["attributes"] = encode_values(restored)
    if "level" in values and not isinstance(values["level"], int):
        values["level"] = file.number(values["level"]) if values["level"] else 0
    row.update(database, values, _LESS)
    row.drop(database, "fresh = 1 AND pending = 0")


def _confirm(database: Database, file: FileNames, app: int, receipt: Receipt) -> None:
    """Make an item ours after the app said that it is done; `seen` in the app, it is no longer pending."""
    change = receipt.change
    row = _row(file, app, change)
    if removes_item(change):
        return
    values = {} if isinstance(change.item, GrantItem) or not receipt.remote_id else {"remote_id": receipt.remote_id}
    row.update(database, values, ", ".join(["fresh = 0", *_less_pending(receipt)]))
    if change.operation is Operation.RENAME_ENTITLEMENT:
        _move(database, file, row, change)


def _less_pending(receipt: Receipt) -> list[str]:
    """Return how `pending` changes: of an account, other fields may still be open."""
    if receipt.outcome is not Outcome.VERIFIED:
        return []
    return [_LESS if isinstance(receipt.change.item, AccountItem) else "pending = 0"]


def _move(database: Database, file: FileNames, row: _Row, change: Change) -> None:
    """Let a renamed entitlement keep what was recorded under its old key: the pin and the grants."""
    app, new = row.key
    query = (
        "SELECT entitlement, attributes, created FROM entitlements WHERE app = ? AND remote_id = ? AND entitlement <> ?"
    )
    for old, attributes, created in database.execute(query, (app, change.entitlement_id, new)).fetchall():
        row.update(database, {"attributes": attributes, "created": created})
        database.execute("DELETE FROM entitlements WHERE app = ? AND entitlement = ?", (app, old))
        _move_grants(database, app, old, new)
    name = change.before.get("name")
    known = file.known(f"{change.kind}:{name}") if name else None
    if known is not None:
        _move_grants(database, app, known, new)


def _move_grants(database: Database, app: int, old: int, new: int) -> None:
    for column, other in (("entitlement", "holder"), ("holder", "entitlement")):
        replaced = f"SELECT {other} FROM grants WHERE app = ? AND {column} = ?"  # noqa: S608 - our own columns
        query = f"DELETE FROM grants WHERE app = ? AND {column} = ? AND {other} IN ({replaced})"  # noqa: S608 - same
        database.execute(query, (app, new, app, old))
        query = f"UPDATE grants SET {column} = ? WHERE app = ? AND {column} = ?"  # noqa: S608 - same
        database.execute(query, (new, app, old))
