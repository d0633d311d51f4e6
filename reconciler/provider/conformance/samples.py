"""Changes for conformance checks: one for each operation, on the world that `scene.seed` makes."""

from dataclasses import replace

from reconciler.items import AccountItem, EntitlementItem, GrantItem, Value
from reconciler.provider.change import Change, Operation
from reconciler.provider.conformance.harness import Harness, key_of
from reconciler.provider.conformance.scene import NotApplicableError, live_account
from reconciler.provider.snapshot import AccountStatus, LiveAccount, Snapshot

ON_ACCOUNTS = (
    Operation.CREATE_ACCOUNT,
    Operation.UPDATE_ACCOUNT,
    Operation.REACTIVATE_ACCOUNT,
    Operation.SUSPEND_ACCOUNT,
    Operation.DELETE_ACCOUNT,
    Operation.END_SESSIONS,
    Operation.TRANSFER_FILES,
    Operation.REMOVE_LICENSES,
)
ON_ENTITLEMENTS = (
    Operation.CREATE_ENTITLEMENT,
    Operation.RENAME_ENTITLEMENT,
    Operation.GRANT,
    Operation.SET_LEVEL,
    Operation.REVOKE,
)

_NEW = "person99"
_SUBJECTS = {Operation.REACTIVATE_ACCOUNT: "person01", Operation.SET_LEVEL: "person00", Operation.REVOKE: "person00"}


def subject_of(operation: Operation) -> str:
    """Return the username that a sample change of an operation is about."""
    return _NEW if operation is Operation.CREATE_ACCOUNT else _SUBJECTS.get(operation, "person02")


def sample_change(harness: Harness, snapshot: Snapshot, operation: Operation, kind: str, way: str) -> Change:
    """Return a change of an operation on a kind (or `accounts`), as the core would make it from a read.

    Raises:
        NotApplicableError: the harness's kinds or accounts do not have what it takes.
    """
    if operation is Operation.CREATE_ACCOUNT:
        return _creation(way)
    if kind == "accounts":
        return _on_account(harness, snapshot, operation, way)
    if operation in {Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT}:
        return _on_entitlement(snapshot, operation, kind, way)
    return _on_grant(harness, snapshot, operation, kind, way)


def _creation(way: str) -> Change:
    after: dict[str, Value] = {
        "username": _NEW,
        "email": f"{_NEW}@acme.example",
        "external_id": "id-99",
        "person.name": "Noa Ninety-Nine",
        "person.given_name": "Noa",
        "person.family_name": "Ninety-Nine",
    }
    return Change(_APP, Operation.CREATE_ACCOUNT, AccountItem("noa"), way, after=after, username=_NEW)


def _on_account(harness: Harness, snapshot: Snapshot, operation: Operation, way: str) -> Change:
    account = _account(snapshot, subject_of(operation))
    change = Change(
        _APP,
        operation,
        AccountItem(account.username),
        way,
        before={"status": account.status},
        account_id=account.remote_id,
        username=account.username,
        version=account.version,
    )
    match operation:
        case Operation.UPDATE_ACCOUNT:
            return _update(harness, account, change)
        case Operation.SUSPEND_ACCOUNT:
            return replace(change, after={"status": AccountStatus.SUSPENDED})
        case Operation.REACTIVATE_ACCOUNT:
            if not harness.suspended:
                raise NotApplicableError("its accounts cannot be suspended")
            return replace(change, after={"status": AccountStatus.ACTIVE})
        case Operation.TRANSFER_FILES:
            return replace(change, after={"to": "person00", "to_account": _account(snapshot, "person00").remote_id})
    return change


def _update(harness: Harness, account: LiveAccount, change: Change) -> Change:
    if harness.attribute is None:
        raise NotApplicableError("the harness names no attribute that can be written")
    name, value = harness.attribute
    return replace(change, before={name: account.attributes.get(name)}, after={name: value})


def _on_entitlement(snapshot: Snapshot, operation: Operation, kind: str, way: str) -> Change:
    new = f"{kind}:gamma"
    change = Change(_APP, operation, EntitlementItem(new), way)
    if operation is Operation.CREATE_ENTITLEMENT:
        return change
    old = f"{kind}:beta"
    remote_id = _entitlement_id(snapshot, old)
    return replace(change, before={"key": old}, after={"key": new}, entitlement_id=remote_id)


def _on_grant(harness: Harness, snapshot: Snapshot, operation: Operation, kind: str, way: str) -> Change:
    levels = harness.kinds[kind]
    account, key = _account(snapshot, subject_of(operation)), key_of(harness, kind, "alpha")
    before: dict[str, Value] = {}
    after: dict[str, Value] = {}
    if levels[0] is not None:
        before = {} if operation is Operation.GRANT else {"level": levels[0]}
        after = {} if operation is Operation.REVOKE else {"level": levels[0]}
    if operation is Operation.SET_LEVEL:
        if len(levels) == 1:
            raise NotApplicableError(f"{kind} has no levels to change between")
        after = {"level": levels[-1]}
    return Change(
        _APP,
        operation,
        GrantItem(account.username, key),
        way,
        before=before,
        after=after,
        account_id=account.remote_id,
        entitlement_id=_entitlement_id(snapshot, key),
        username=account.username,
    )


def _account(snapshot: Snapshot, username: str) -> LiveAccount:
    found = live_account(snapshot, username)
    return found or LiveAccount(remote_id="", username=username)


def _entitlement_id(snapshot: Snapshot, key: str) -> str:
    return next((each.remote_id for each in snapshot.entitlements if each.key == key), "")


_APP = "conformance"
