"""What is applied, read from the tables and adopted into them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Names, pack
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.blocks import Row
from reconciler.state.codec import decode, decode_moment, decode_values, encode_moment, encode_values
from reconciler.state.contract import Adoption, Applied, AppliedAccount, AppliedEntitlement
from reconciler.state.database import Database
from reconciler.state.names import FileNames

_AT_ONCE = 200
_ACCOUNT = "holder, remote_id, username, status, attributes, since, pending, unfinished"


class _Memo(dict[int, int]):
    """A dict that asks for what it does not hold yet."""

    __slots__ = ("_ask",)

    def __init__(self, ask: Callable[[int], int]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, key: int) -> int:
        value = self[key] = self._ask(key)
        return value


def load_app(database: Database, file: FileNames, app: int, names: Names, folded: Iterable[Row] = ()) -> Applied:
    """Return what is applied in an app, with its grants numbered by `names`; `folded` are those in no table."""
    holder = _Memo(lambda number: pack(names.holder(file.name(number)), 0))
    entitlement = _Memo(lambda number: names.entitlement(file.name(number)))
    level = _Memo(lambda number: names.level(file.name(number) if number else None))
    rows = database.execute("SELECT holder, entitlement, level FROM grants WHERE app = ?", (app,))
    grants = {holder[h] | entitlement[e]: level[n] for h, e, n in chain(folded, rows)}
    rows = database.execute("SELECT holder, entitlement FROM grants WHERE app = ? AND pending > 0", (app,))
    pending = {holder[h] | entitlement[e] for h, e in rows}
    rows = database.execute(f"SELECT {_ACCOUNT} FROM accounts WHERE app = ?", (app,))  # noqa: S608 - our own columns
    known = database.execute("SELECT known FROM apps WHERE app = ?", (app,)).fetchone()
    return Applied(
        accounts=dict(_accounts(file, rows)),
        entitlements=_load_entitlements(database, file, app),
        grants=grants,
        pending=pending,
        counts=dict(database.execute("SELECT collection, items FROM counts WHERE app = ?", (app,)).fetchall()),
        known=bool(known and known[0]),
    )


def load_accounts(
    database: Database, file: FileNames, app: int, identities: Iterable[str]
) -> dict[str, AppliedAccount]:
    """Return what is applied of some identities' accounts."""
    numbers = [number for number in map(file.known, identities) if number is not None]
    found: dict[str, AppliedAccount] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        holders = f"holder IN ({', '.join('?' * len(part))})"
        query = f"SELECT {_ACCOUNT} FROM accounts WHERE app = ? AND {holders}"  # noqa: S608 - our own columns
        found.update(_accounts(file, database.execute(query, (app, *part))))
    return found


def _accounts(file: FileNames, rows: Iterable[Any]) -> Iterator[tuple[str, AppliedAccount]]:
    for holder, remote_id, username, status, attributes, since, pending, unfinished in rows:
        yield (
            file.name(holder),
            AppliedAccount(
                remote_id=remote_id,
                username=username,
                status=AccountStatus(status),
                attributes=decode_values(attributes),
                pending=pending > 0,
                since=decode_moment(since),
                unfinished=tuple(decode(unfinished)),
            ),
        )


def _load_entitlements(database: Database, file: FileNames, app: int) -> dict[str, AppliedEntitlement]:
    rows = database.execute(
        "SELECT entitlement, remote_id, attributes, pending, created FROM entitlements WHERE app = ?", (app,)
    )
    return {
        file.name(number): AppliedEntitlement(remote_id, decode_values(attributes), pending > 0, bool(created))
        for number, remote_id, attributes, pending, created in rows
    }


def adopt(database: Database, file: FileNames, app: int, adoption: Adoption) -> None:
    """Forget what is gone, take on the rest, remember counts; what is already so is not written again."""
    _forget_gone(database, file, app, adoption)
    _adopt_accounts(database, file, app, adoption)
    _adopt_entitlements(database, file, app, adoption)
    _adopt_grants(database, file, app, adoption)
    database.executemany(
        "INSERT INTO counts (app, collection, items) VALUES (?, ?, ?) ON CONFLICT (app, collection) DO UPDATE "
        "SET items = excluded.items WHERE counts.items <> excluded.items",
        [(app, collection, items) for collection, items in sorted(adoption.counts.items())],
    )


def _forget_gone(database: Database, file: FileNames, app: int, adoption: Adoption) -> None:
    for item in adoption.gone:
        match item:
            case AccountItem(holder):
                query = "DELETE FROM accounts WHERE app = ? AND holder = ?"
                database.execute(query, (app, file.known(holder)))
            case EntitlementItem(entitlement):
                query = "DELETE FROM entitlements WHERE app = ? AND entitlement = ?"
                database.execute(query, (app, file.known(entitlement)))
            case GrantItem(holder, entitlement):
                query = "DELETE FROM grants WHERE app = ? AND holder = ? AND entitlement = ?"
                database.execute(query, (app, file.known(holder), file.known(entitlement)))


def _adopt_accounts(database: Database, file: FileNames, app: int, adoption: Adoption) -> None:
    numbers = file.numbers(adoption.accounts)
    database.executemany(
        "INSERT INTO accounts AS old (app, holder, remote_id, username, status, attributes, since, pending, fresh) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (app, holder) DO UPDATE SET remote_id = excluded.remote_id, "
        "username = excluded.username, attributes = excluded.attributes, "
        "since = COALESCE(excluded.since, CASE WHEN old.status = excluded.status THEN old.since END), "
        "status = excluded.status, fresh = 0, "
        "pending = CASE WHEN excluded.pending = 0 THEN 0 WHEN old.pending > 1 THEN old.pending ELSE 1 END "
        "WHERE old.remote_id <> excluded.remote_id OR old.username <> excluded.username "
        "OR old.attributes <> excluded.attributes OR old.status <> excluded.status "
        "OR old.pending <> excluded.pending OR old.fresh <> 0 "
        "OR (excluded.since IS NOT NULL AND COALESCE(old.since, '') <> excluded.since)",
        (
            (app, numbers[holder], *_account_row(account))
            for holder, account in sorted(adoption.accounts.items(), key=itemgetter(0))
        ),
    )


def _account_row(account: AppliedAccount) -> tuple[Any, ...]:
    since = encode_moment(account.since) if account.since else None
    attributes = encode_values(account.attributes)
    return account.remote_id, account.username, account.status.value, attributes, since, int(account.pending)


def _entitlement_row(entitlement: AppliedEntitlement) -> tuple[Any, ...]:
    attributes = encode_values(entitlement.attributes)
    return entitlement.remote_id, attributes, int(entitlement.created), int(entitlement.pending)


def _adopt_entitlements(database: Database, file: FileNames, app: int, adoption: Adoption) -> None:
    numbers = file.numbers(adoption.entitlements)
    database.executemany(
        "INSERT INTO entitlements AS old (app, entitlement, remote_id, attributes, created, pending, fresh) "
        "VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT (app, entitlement) DO UPDATE SET remote_id = excluded.remote_id, "
        "attributes = excluded.attributes, created = excluded.created, pending = excluded.pending, fresh = 0 "
        "WHERE old.remote_id <> excluded.remote_id OR old.attributes <> excluded.attributes "
        "OR old.created <> excluded.created OR old.pending <> excluded.pending OR old.fresh <> 0",
        (
            (app, numbers[key], *_entitlement_row(entitlement))
            for key, entitlement in sorted(adoption.entitlements.items(), key=itemgetter(0))
        ),
    )


def _adopt_grants(database: Database, file: FileNames, app: int, adoption: Adoption) -> None:
    if not adoption.grants:
        return
    rows = [(app, *row) for row in grant_rows(file, adoption)]
    rows.sort()
    database.executemany(
        "INSERT INTO grants AS old (app, holder, entitlement, level) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (app, holder, entitlement) DO UPDATE SET level = excluded.level, pending = 0, fresh = 0 "
        "WHERE old.level <> excluded.level OR old.pending <> 0 OR old.fresh <> 0",
        rows,
    )


def grant_rows(file: FileNames, adoption: Adoption) -> list[Row]:
    """Return the grants of an adoption as (holder, entitlement, level)."""
    numbers = file.numbers({name for grant in adoption.grants for name in grant if name is not None})
    return [(numbers[h], numbers[e], 0 if n is None else numbers[n]) for h, e, n in adoption.grants]
