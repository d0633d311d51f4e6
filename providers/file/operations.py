"""What each operation means in rows and cells."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from providers.file.book import Book
from providers.file.config import EntitlementsFile
from providers.file.mapping import entitlement_key
from providers.file.shapes import FileGrants, GrantShape
from providers.file.table import Cell, Row, Sheet, as_text
from reconciler.errors import ProviderError
from reconciler.items import Value, fold
from reconciler.provider.change import Change, Operation
from reconciler.provider.snapshot import AccountStatus


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an operation that succeeded: the id of what was made or found, and a remark."""

    remote_id: str = ""
    remark: str = ""


def do(book: Book, change: Change) -> Done:
    """Do one operation in memory.

    Raises:
        ProviderError: it cannot be done; the message says why, in the file's own names.
    """
    return _OPERATIONS[change.operation](book, change)


def _create_account(book: Book, change: Change) -> Done:
    found = _same_account(book, change)
    if found:
        return Done(found, "already there")
    columns, after = book.config.columns, change.after
    values: dict[str, Cell] = {}
    for name in ("username", "email", "external_id"):
        column: str = getattr(columns, name)
        if column:
            values[column] = _cell(book, name, after.get(name, change.username if name == "username" else ""))
    for attribute, column in columns.attributes.items():
        values[column] = _cell(book, attribute, after.get(attribute, after.get(f"person.{attribute}", "")))
    if columns.status:
        values[columns.status] = book.status_cell(AccountStatus.ACTIVE)
    wanted = str(after.get("external_id") or change.holder)
    remote_id = as_text(values.get(columns.id)) or _unused(wanted, book.accounts)
    if remote_id in book.accounts:
        raise ProviderError(
            f"{book.config.path} lists {remote_id!r} as gone", hint="take its row out of the file first"
        )
    values[columns.id] = remote_id
    if columns.cell and book.config.kind_of_file == "json":
        values[columns.cell] = []
    book.accounts.add(remote_id, values)
    return Done(remote_id)


def _same_account(book: Book, change: Change) -> str:
    """Return the id of the account that is to be created, where an earlier run has made it; empty where there is none.

    Raises:
        ProviderError: an account of somebody else has the username or the email address.
    """
    columns, after = book.config.columns, change.after
    wanted = {
        name: fold(as_text(_cell(book, name, after.get(name, "")))) for name in ("external_id", "username", "email")
    }
    for remote_id, row in book.accounts.all():
        if book.status_of(row) is AccountStatus.ABSENT:
            continue
        shown = {n: fold(as_text(row.get(getattr(columns, n)))) for n in wanted if getattr(columns, n)}
        agree = {name: shown[name] == wanted[name] for name in shown if shown[name] and wanted[name]}
        if agree and all(agree.values()):
            return remote_id
        if any(agree.values()):
            name = next(name for name, same in agree.items() if same)
            raise ProviderError(f"the {name.replace('_', ' ')} {wanted[name]!r} belongs to the account {remote_id!r}")
    return ""


def _unused(wanted: str, taken: Container[str]) -> str:
    """Return an id that nothing has yet: the wanted one, or with a number behind it."""
    number, found = 1, wanted
    while found in taken:
        number += 1
        found = f"{wanted}-{number}"
    return found


def _cell(book: Book, name: str, value: Value) -> Cell:
    """Return a value as the file holds it.

    Raises:
        ProviderError: several texts for one cell of a CSV.
    """
    if isinstance(value, tuple):
        if book.config.kind_of_file != "json":
            raise ProviderError(f"{name} has several values, and a cell of {book.config.path} holds one")
        return list(value)
    return value


def _account_id(book: Book, change: Change) -> str:
    """Return the id of the account that a change is about; empty where it is not there."""
    if change.account_id:
        return change.account_id if book.accounts.rows(change.account_id) else ""
    columns = book.config.columns
    for column, text in ((columns.external_id, change.holder), (columns.username, change.username)):
        found = [i for i, row in book.accounts.all() if column and text and as_text(row.get(column)) == text]
        if len(found) == 1:
            return found[0]
    return ""


def _existing_account(book: Book, change: Change) -> str:
    remote_id = _account_id(book, change)
    if not remote_id:
        name = change.account_id or change.username or change.holder
        raise ProviderError(f"{book.config.path} has no account {name!r}")
    return remote_id


def _update_account(book: Book, change: Change) -> Done:
    remote_id = _existing_account(book, change)
    columns, holder = book.config.columns, book.holder(remote_id)
    names = {
        "username": columns.username,
        "email": columns.email,
        "external_id": columns.external_id,
        **columns.attributes,
    }
    for name, value in change.after.items():
        if not names.get(name):
            raise ProviderError(
                f"{book.config.path} has no column for {name}", hint="name it in `columns: {attributes: …}`"
            )
        for row in book.accounts.rows(remote_id):
            row.set(names[name], _cell(book, name, value))
    new_id = as_text(book.accounts.rows(remote_id)[0].get(columns.id))
    if new_id != remote_id:
        book.accounts.moved(remote_id, new_id)
    if isinstance(book.grants, FileGrants) and book.holder(new_id) != holder:
        book.grants.rename_holder(holder, book.holder(new_id))
    return Done(new_id)


def _set_status(status: AccountStatus) -> Callable[[Book, Change], Done]:
    def operation(book: Book, change: Change) -> Done:
        remote_id = _account_id(book, change)
        if not remote_id and status is AccountStatus.SUSPENDED:
            return Done(change.account_id, "not there")
        remote_id = _existing_account(book, change)
        for row in book.accounts.rows(remote_id):
            if book.status_of(row) is not status:
                row.set(book.config.columns.status, book.status_cell(status))
        return Done(remote_id)

    return operation


def _delete_account(book: Book, change: Change) -> Done:
    remote_id = _account_id(book, change)
    if not remote_id:
        return Done(change.account_id, "not there")
    if isinstance(book.grants, FileGrants):
        holder = book.holder(remote_id)
        for key in book.grants.keys(holder):
            book.grants.remove(holder, key)
    book.accounts.remove(remote_id)
    return Done(remote_id)


def _grants(book: Book) -> GrantShape:
    if book.grants is None:
        raise ProviderError(f"{book.config.path} has no place for grants", hint="name a column or a file for them")
    return book.grants


def _holder(book: Book, change: Change) -> str:
    """Return how the file writes the holder of a grant; empty where there is no such account."""
    if change.holder_entitlement_id or ":" in change.holder:
        if not isinstance(book.grants, FileGrants):
            raise ProviderError(
                f"{book.config.path} holds grants of accounts only", hint="give grants a file of their own"
            )
        return change.holder
    remote_id = _account_id(book, change)
    return book.holder(remote_id) if remote_id else ""


def _level(book: Book, change: Change) -> str:
    level = change.after.get("level")
    if level and not book.config.holds_levels:
        raise ProviderError(f"{book.config.path} has no place for the level {level!r}", hint="name a column for it")
    return str(level or "")


def _grant(book: Book, change: Change) -> Done:
    grants, level, holder = _grants(book), _level(book, change), _holder(book, change)
    if not holder:
        _existing_account(book, change)
    current = grants.level(holder, change.entitlement)
    if current is None:
        grants.add(holder, change.entitlement, level)
    elif current != level:
        grants.set_level(holder, change.entitlement, level)
    return Done(change.entitlement, "already granted" if current == level else "")


def _revoke(book: Book, change: Change) -> Done:
    grants, holder = _grants(book), _holder(book, change)
    if not holder or grants.level(holder, change.entitlement) is None:
        return Done(change.entitlement, "not granted")
    grants.remove(holder, change.entitlement)
    return Done(change.entitlement)


def _catalogue(book: Book) -> tuple[EntitlementsFile, Sheet]:
    if book.config.entitlements is None or book.catalogue is None:
        raise ProviderError(
            f"{book.config.path} has no list of entitlements", hint="name a file for them (`entitlements`)"
        )
    return book.config.entitlements, book.catalogue


def _listed(book: Book) -> Iterator[tuple[str, str, Row]]:
    """Yield the id, the key and the row of each entitlement that the catalogue lists."""
    if book.config.entitlements is None or book.catalogue is None:
        return
    columns = book.config.entitlements.columns
    for row in book.catalogue.rows():
        key = entitlement_key(as_text(row.get(columns.entitlement)), book.config.kind)
        yield (as_text(row.get(columns.id)) if columns.id else key), key, row


def _create_entitlement(book: Book, change: Change) -> Done:
    part, sheet = _catalogue(book)
    for remote_id, key, _ in _listed(book):
        if key == change.entitlement:
            return Done(remote_id, "already there")
    columns, key = part.columns, change.entitlement
    values: dict[str, Cell] = {columns.entitlement: _short(book, key)}
    taken = {remote_id for remote_id, _, _ in _listed(book)}
    remote_id = _unused(key, taken) if columns.id else key
    if columns.id:
        values[columns.id] = remote_id
    for attribute, column in columns.attributes.items():
        values[column] = _cell(book, attribute, change.after.get(attribute, ""))
    sheet.append(values)
    return Done(remote_id)


def _short(book: Book, key: str) -> str:
    """Return a key as the catalogue writes it: without the default kind where the others are."""
    kind, _, name = key.partition(":")
    rows = [as_text(row.get(part.columns.entitlement)) for part in [_catalogue(book)[0]] for _, _, row in _listed(book)]
    return name if kind == book.config.kind and not any(text.startswith(f"{kind}:") for text in rows) else key


def _rename_entitlement(book: Book, change: Change) -> Done:
    """Rename in the grants first: a run that is killed in between finds the old name in the catalogue, and goes on."""
    old, new = change.former or change.entitlement_id, change.entitlement
    for remote_id, key, row in _listed(book):
        if remote_id == change.entitlement_id or key == old:
            old = key
            row.set(_catalogue(book)[0].columns.entitlement, _short(book, new))
            break
    if old == new:
        return Done(change.entitlement_id or new, "already renamed")
    if book.grants is not None:
        book.grants.rename(old, new)
    columns = book.config.entitlements.columns if book.config.entitlements else None
    return Done(change.entitlement_id if columns and columns.id else new)


def _update_entitlement(book: Book, change: Change) -> Done:
    part, _ = _catalogue(book)
    for remote_id, key, row in _listed(book):
        if change.entitlement_id in {remote_id, ""} and key == change.entitlement:
            for name, value in change.after.items():
                column = part.columns.attributes.get(name)
                if column is None:
                    raise ProviderError(f"{part.path} has no column for {name}", hint="name it in its `columns`")
                row.set(column, _cell(book, name, value))
            return Done(remote_id)
    raise ProviderError(f"{part.path} does not list {change.entitlement}")


_OPERATIONS: Mapping[Operation, Callable[[Book, Change], Done]] = {
    Operation.CREATE_ACCOUNT: _create_account,
    Operation.UPDATE_ACCOUNT: _update_account,
    Operation.SUSPEND_ACCOUNT: _set_status(AccountStatus.SUSPENDED),
    Operation.REACTIVATE_ACCOUNT: _set_status(AccountStatus.ACTIVE),
    Operation.DELETE_ACCOUNT: _delete_account,
    Operation.GRANT: _grant,
    Operation.SET_LEVEL: _grant,
    Operation.REVOKE: _revoke,
    Operation.CREATE_ENTITLEMENT: _create_entitlement,
    Operation.RENAME_ENTITLEMENT: _rename_entitlement,
    Operation.UPDATE_ENTITLEMENT: _update_entitlement,
}
