"""Conformance: what a provider performs is true afterwards, harmless when repeated, and never done while planning."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial

from reconciler.errors import ReadOnlyError
from reconciler.items import GrantItem, fold
from reconciler.provider.change import Change, Operation, Outcome, Receipt
from reconciler.provider.conformance.harness import Harness, World
from reconciler.provider.conformance.samples import ON_ACCOUNTS, ON_ENTITLEMENTS, sample_change
from reconciler.provider.conformance.scene import (
    CheckFailedError,
    NotApplicableError,
    Scene,
    attributes_of,
    compare,
    expect,
    live_account,
    live_grants,
    need,
    scene,
    seed,
)
from reconciler.provider.contract import BatchProvider, Capabilities, TicketProvider
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus, Snapshot, entitlements_of, grants_of

Body = Callable[[Harness, list[str]], Awaitable[None]]

_STATUSES = {
    Operation.CREATE_ACCOUNT: (AccountStatus.ACTIVE, AccountStatus.INVITED),
    Operation.REACTIVATE_ACCOUNT: (AccountStatus.ACTIVE,),
    Operation.SUSPEND_ACCOUNT: (AccountStatus.SUSPENDED, AccountStatus.ABSENT),
    Operation.DELETE_ACCOUNT: (AccountStatus.ABSENT,),
}


def checks(kinds: Iterable[str]) -> list[tuple[str, Body]]:
    """Return the checks of writing for some kinds: each operation has its own, so that each has its own result."""
    pairs = [(operation, ACCOUNTS) for operation in ON_ACCOUNTS]
    pairs += [(operation, kind) for kind in kinds for operation in ON_ENTITLEMENTS]
    named: list[tuple[str, Body]] = [("it writes nothing while planning", writes_nothing_while_planning)]
    for operation, kind in pairs:
        named.append((f"{operation} ({kind}) is true afterwards, and harmless twice", partial(does, operation, kind)))
    named.append(("it grants and revokes in batches", performs_batches))
    return named


def possible(capabilities: Capabilities, kinds: Iterable[str]) -> list[tuple[Operation, str]]:
    """Return the operations that can be done, each with its kind."""
    pairs = [(operation, ACCOUNTS) for operation in ON_ACCOUNTS]
    pairs += [(operation, kind) for kind in kinds for operation in ON_ENTITLEMENTS]
    return [(operation, kind) for operation, kind in pairs if capabilities.ability(operation, kind)]


async def writes_nothing_while_planning(harness: Harness, said: list[str]) -> None:
    """Every operation is refused with ReadOnlyError where the provider may only read, and the app stays as it was."""
    async with scene(harness, seed(harness), said, read_only=True) as stage:
        before = await stage.app.peek()
        snapshot = await stage.read()
        pairs = possible(stage.provider.capabilities, harness.kinds)
        if not pairs:
            raise NotApplicableError("it can do no operation")
        for operation, kind in pairs:
            try:
                change = sample_change(harness, snapshot, operation, kind, stage.provider.name)
            except NotApplicableError:
                continue
            await _expect_refusal(stage, change)
            expect(await stage.app.peek() == before, f"{operation} ({kind}) changed the app while planning")


async def _expect_refusal(stage: Scene, change: Change) -> None:
    try:
        receipt = await stage.provider.perform(change)
    except ReadOnlyError as error:
        stage.note(error)
        return
    raise CheckFailedError(f"{change.operation} ({change.kind}) ended as `{receipt.outcome}` while planning")


async def does(operation: Operation, kind: str, harness: Harness, said: list[str]) -> None:
    """An operation is done, a read shows it, nothing else moved, and doing it again changes nothing."""
    async with scene(harness, seed(harness), said) as stage:
        need(stage.provider.capabilities.ability(operation, kind), f"{operation} ({kind})")
        change = sample_change(harness, await stage.read(), operation, kind, stage.provider.name)
        before = await stage.app.peek()
        first = await stage.perform(change)
        if first.outcome is Outcome.TICKET:
            await _expect_the_same_ticket(stage, first, before)
            return
        expect(first.outcome is Outcome.DONE, f"it ended as `{first.outcome}`: {first.detail}")
        await _expect_shown(stage, change, await stage.read(), first)
        after = await stage.app.peek()
        _expect_nothing_else(change, before, after)
        second = await stage.perform(change)
        expect(second.outcome is Outcome.DONE, f"the second time it ended as `{second.outcome}`: {second.detail}")
        expect(await stage.app.peek() == after, "doing it again changed the app")


async def _expect_the_same_ticket(stage: Scene, first: Receipt, before: World) -> None:
    """A way that asks people: the same ticket is found again, and nothing is done yet."""
    expect(isinstance(stage.provider, TicketProvider), "only a ticket way may answer `ticket open`")
    second = await stage.perform(first.change)
    expect(second.outcome is Outcome.TICKET and second.detail == first.detail, "performing it again is another ticket")
    if isinstance(stage.provider, TicketProvider):
        tickets = [each for each in await stage.provider.tickets() if each.change_id == first.change.id]
        expect(len(tickets) == 1, f"{len(tickets)} tickets are open for one operation")
    expect(await stage.app.peek() == before, "a ticket was opened and the app changed too")


async def _expect_shown(stage: Scene, change: Change, snapshot: Snapshot, receipt: Receipt) -> None:
    """A read after an operation shows what it made, in every collection that is read and concerned."""
    readable = stage.readable()
    if change.operation in _STATUSES or change.operation is Operation.UPDATE_ACCOUNT:
        if ACCOUNTS in readable:
            _expect_account(change, snapshot, receipt)
    elif change.operation in {Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT}:
        if entitlements_of(change.kind) in readable:
            _expect_entitlement(change, snapshot, receipt)
    elif change.kind != ACCOUNTS and grants_of(change.kind) in readable:
        _expect_grant(change, snapshot)
    compare(snapshot, await stage.app.peek(), readable)


def _expect_account(change: Change, snapshot: Snapshot, receipt: Receipt) -> None:
    account = live_account(snapshot, change.username)
    status = account.status if account else AccountStatus.ABSENT
    wanted = _STATUSES.get(change.operation, (AccountStatus.ACTIVE,))
    expect(status in wanted, f"{change.username} is read as {status} afterwards")
    if account is None:
        return
    if change.operation is Operation.CREATE_ACCOUNT:
        expect(receipt.remote_id == account.remote_id, "the receipt of a creation does not name the new remote id")
    for name, value in attributes_of(change).items():
        shown = account.attributes.get(name)
        expect(shown == value, f"{name} is read as {shown!r} afterwards, not {value!r}")


def _expect_entitlement(change: Change, snapshot: Snapshot, receipt: Receipt) -> None:
    found = next((each for each in snapshot.entitlements if each.key == change.entitlement), None)
    if found is None:
        raise CheckFailedError(f"{change.entitlement} is not listed afterwards")
    if change.operation is Operation.CREATE_ENTITLEMENT:
        expect(receipt.remote_id == found.remote_id, "the receipt of a creation does not name the new remote id")
        return
    old = _old_key(change)
    expect(all(each.key != old for each in snapshot.entitlements), f"{old} is still listed after its renaming")
    expect(found.remote_id == change.entitlement_id, "renaming made another entitlement instead")


def _expect_grant(change: Change, snapshot: Snapshot) -> None:
    grants = live_grants(snapshot, [grants_of(change.kind)])
    levels = [level for holder, key, level in grants if (holder, key) == (change.account_id, change.entitlement)]
    wanted = [] if change.operation is Operation.REVOKE else [change.after.get("level")]
    expect(levels == wanted, f"{change.username} {change.entitlement} is read at {levels} afterwards, not at {wanted}")


def _expect_nothing_else(change: Change, before: World, after: World) -> None:
    """Only the item that the change is about may have moved (an account that goes takes its grants along)."""
    subject, key = fold(change.username), change.entitlement
    old_key = _old_key(change)
    moved = {account[0] for account in _accounts(before) ^ _accounts(after) if fold(account[0]) != subject}
    expect(not moved, f"{change.operation} also changed {', '.join(sorted(moved))}")
    grants = [g for g in before.grants ^ after.grants if fold(g[0]) != subject and not {key, old_key} & {g[0], g[1]}]
    expect(not grants, f"{change.operation} also changed the grants {sorted(map(str, grants))[:3]}")
    others = {pair[0] for pair in before.entitlements.items() ^ after.entitlements.items()} - {key, old_key}
    expect(not others, f"{change.operation} also changed {', '.join(sorted(others))}")
    if change.operation in {Operation.GRANT, Operation.SET_LEVEL}:
        kept = {g for g in before.grants if g[1] == key and fold(g[0]) != subject} - after.grants
        expect(not kept, f"{change.operation} took {key} from others: {sorted(map(str, kept))[:3]}")


def _old_key(change: Change) -> str:
    """Return what an entitlement was called before a change."""
    old = change.before.get("name")
    return change.entitlement if old is None else f"{change.kind}:{old}"


def _accounts(world: World) -> set[tuple[str, str, str, str]]:
    """Return what must not change of accounts, their usernames first."""
    return {(each.username, each.remote_id, each.email, str(each.status)) for each in world.accounts}


async def performs_batches(harness: Harness, said: list[str]) -> None:
    """Several grants of one entitlement are performed together, a receipt each in the same order; revokes too."""
    async with scene(harness, seed(harness), said) as stage:
        provider = stage.provider
        if not (provider.capabilities.batches and isinstance(provider, BatchProvider)):
            raise NotApplicableError("it performs no batches")
        for kind in harness.kinds:
            need(provider.capabilities.ability(Operation.GRANT, kind), f"{Operation.GRANT} ({kind})")
            await _perform_batch(stage, provider, Operation.GRANT, kind)
            if provider.capabilities.ability(Operation.REVOKE, kind):
                await _perform_batch(stage, provider, Operation.REVOKE, kind)


async def _perform_batch(stage: Scene, provider: BatchProvider, operation: Operation, kind: str) -> None:
    """Hand over one change of each of four accounts: one of them is already as it should be."""
    snapshot = await stage.read()
    sample = sample_change(stage.harness, snapshot, Operation.GRANT, kind, provider.name)
    changes = _for_others(sample, snapshot, operation)
    receipts = await provider.perform_batch(changes)
    expect([receipt.change for receipt in receipts] == changes, "receipts are missing, or in another order")
    for receipt in receipts:
        stage.note(receipt)
        expect(receipt.outcome is Outcome.DONE, f"{receipt.change.id} ended as `{receipt.outcome}`: {receipt.detail}")
    after = await stage.read()
    for change in changes:
        _expect_grant(change, after)
    compare(after, await stage.app.peek(), stage.readable())


def _for_others(sample: Change, snapshot: Snapshot, operation: Operation) -> list[Change]:
    """Return a sample grant for four accounts, or its reverse."""
    found = [live_account(snapshot, name) for name in ("person00", "person02", "person03", "person04")]
    return [
        replace(
            sample,
            operation=operation,
            item=GrantItem(account.username, sample.entitlement),
            before=sample.after if operation is Operation.REVOKE else {},
            after={} if operation is Operation.REVOKE else sample.after,
            account_id=account.remote_id,
            username=account.username,
        )
        for account in found
        if account is not None
    ]
