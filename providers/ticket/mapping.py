"""What is true of an app that only people change: what closed tickets say, in the order in which it was done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from providers.ticket.record import Record, Status
from reconciler.items import Value
from reconciler.provider.change import Operation
from reconciler.provider.snapshot import (
    ACCOUNTS,
    AccountStatus,
    Completeness,
    LiveAccount,
    LiveEntitlement,
    Snapshot,
    SnapshotBuilder,
    grants_of,
)

ALL = "*"
_OWN = ("username", "email", "external_id")


@dataclass(slots=True)
class _Account:
    """An account as it came to be."""

    status: AccountStatus = AccountStatus.ACTIVE
    username: str = ""
    values: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class _World:
    """What the tickets have made so far: accounts and grants by holder, and entitlements by key."""

    accounts: dict[str, _Account] = field(default_factory=dict)
    entitlements: dict[str, dict[str, Value]] = field(default_factory=dict)
    grants: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def account(self, record: Record) -> _Account:
        """Return the account that a ticket is about: whoever did something with it has seen it."""
        account = self.accounts.setdefault(record.holder, _Account())
        account.username = account.username or record.username
        return account


def read_attested(records: Sequence[Record], directory: str) -> Snapshot:
    """Return what closed tickets say of an app.

    An account's remote id is its identity's id, an entitlement's is its key: nothing else is known of them.

    Args:
        records: all tickets of the app, in the order in which they were done.
        directory: where they are, for the proof.
    """
    world = _World()
    done = [record for record in records if record.status is Status.DONE]
    for record in done:
        if record.operation in _EFFECTS:
            _EFFECTS[record.operation](world, record)
    snapshot = _snapshot(world)
    proof = f"as attested by {len(done)} closed tickets in {directory}"
    kinds = {entitlement.key.partition(":")[0] for entitlement in snapshot.entitlements} | {ALL}
    for collection in (ACCOUNTS, *(grants_of(kind) for kind in sorted(kinds))):
        snapshot.collections[collection] = Completeness(complete=True, why=proof)
    return snapshot


def _snapshot(world: _World) -> Snapshot:
    builder = SnapshotBuilder()
    for holder, account in world.accounts.items():
        builder.account(_live(holder, account))
    for key in dict.fromkeys((*world.entitlements, *(key for pair in world.grants for key in pair if ":" in key))):
        builder.entitlement(LiveEntitlement(key, key, world.entitlements.get(key, {})))
    for (holder, key), level in world.grants.items():
        number = builder.entitlement_number(key)
        by = builder.entitlement_number(holder) if ":" in holder else builder.account_number(_remote_id(holder))
        if number is not None and by is not None:
            builder.grant(-1 - by if ":" in holder else by, number, level)
    return builder.snapshot


def _remote_id(holder: str) -> str:
    """Return an account's remote id: the identity's id, or what stands behind the `@` of one that belongs to nobody."""
    return holder.removeprefix("@")


def _live(holder: str, account: _Account) -> LiveAccount:
    values = account.values
    return LiveAccount(
        remote_id=_remote_id(holder),
        username=str(values.get("username") or account.username),
        email=str(values.get("email") or ""),
        external_id="" if holder.startswith("@") else holder,
        status=account.status,
        attributes={name: value for name, value in values.items() if name != "external_id" and "person." not in name},
    )


def _made(world: _World, record: Record) -> None:
    account = world.account(record)
    account.status = AccountStatus.ACTIVE
    account.values.update(record.wanted)


def _updated(world: _World, record: Record) -> None:
    world.account(record).values.update(record.wanted)


def _suspended(world: _World, record: Record) -> None:
    world.account(record).status = AccountStatus.SUSPENDED


def _reactivated(world: _World, record: Record) -> None:
    world.account(record).status = AccountStatus.ACTIVE


def _deleted(world: _World, record: Record) -> None:
    world.accounts.pop(record.holder, None)
    world.grants = {pair: level for pair, level in world.grants.items() if pair[0] != record.holder}


def _granted(world: _World, record: Record) -> None:
    if ":" not in record.holder:
        world.account(record)
    level = record.wanted.get("level")
    world.grants[record.holder, record.entitlement] = str(level) if level else None


def _revoked(world: _World, record: Record) -> None:
    world.grants.pop((record.holder, record.entitlement), None)


def _created(world: _World, record: Record) -> None:
    world.entitlements.setdefault(record.entitlement, {}).update(record.wanted)


def _renamed(world: _World, record: Record) -> None:
    old, new = str(record.wanted.get("from") or ""), record.entitlement
    world.entitlements[new] = world.entitlements.pop(old, {})

    def current(key: str) -> str:
        return new if key == old else key

    world.grants = {(current(holder), current(key)): level for (holder, key), level in world.grants.items()}


_EFFECTS: Mapping[Operation, Callable[[_World, Record], None]] = {
    Operation.CREATE_ACCOUNT: _made,
    Operation.UPDATE_ACCOUNT: _updated,
    Operation.SUSPEND_ACCOUNT: _suspended,
    Operation.REACTIVATE_ACCOUNT: _reactivated,
    Operation.DELETE_ACCOUNT: _deleted,
    Operation.GRANT: _granted,
    Operation.SET_LEVEL: _granted,
    Operation.REVOKE: _revoked,
    Operation.CREATE_ENTITLEMENT: _created,
    Operation.UPDATE_ENTITLEMENT: _created,
    Operation.RENAME_ENTITLEMENT: _renamed,
}
