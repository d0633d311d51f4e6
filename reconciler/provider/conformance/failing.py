"""Conformance: what a provider says when the app throttles, refuses, forgets to answer, or has changed meanwhile."""

from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.conformance.harness import Fault, Harness, World
from reconciler.provider.conformance.samples import sample_change
from reconciler.provider.conformance.scene import NotApplicableError, Scene, compare, expect, need, scene, seed
from reconciler.provider.conformance.writing import possible
from reconciler.provider.snapshot import ACCOUNTS

_TAKING = (Operation.REVOKE, Operation.SUSPEND_ACCOUNT, Operation.DELETE_ACCOUNT, Operation.END_SESSIONS)
_GIVING = (Operation.GRANT, Operation.SET_LEVEL)
_PUT_OFF = (Operation.GRANT, Operation.CREATE_ACCOUNT)
_TRIED = (Operation.GRANT, Operation.CREATE_ACCOUNT, Operation.REVOKE, Operation.SUSPEND_ACCOUNT)


async def _changes(stage: Scene, operations: tuple[Operation, ...]) -> list[Change]:
    """Return a sample change for each of some operations that the provider can do; end the check if there is none."""
    snapshot = await stage.read()
    pairs = [pair for pair in possible(stage.provider.capabilities, stage.harness.kinds) if pair[0] in operations]
    changes = []
    for operation, kind in pairs:
        try:
            changes.append(sample_change(stage.harness, snapshot, operation, kind, stage.provider.name))
        except NotApplicableError:
            continue
    if not changes:
        raise NotApplicableError(f"it can do none of: {', '.join(operations)}")
    return changes


async def _ways(harness: Harness, said: list[str], fault: Fault, operations: tuple[Operation, ...]) -> int:
    """Return how many sample changes there are; each is tried in an app of its own."""
    need(harness.can(fault), f"the harness cannot inject `{fault}`")
    async with scene(harness, seed(harness), said) as stage:
        return len(await _changes(stage, operations))


async def waits_while_reading(harness: Harness, said: list[str]) -> None:
    """A read that the app throttles waits as it was told, and is complete."""
    async with scene(harness, seed(harness), said) as stage:
        names = stage.readable()
        if not names:
            raise NotApplicableError("it reads no collection")
        await stage.inject(Fault.THROTTLE)
        snapshot = await stage.read()
        incomplete = [name for name in names if not snapshot.collections[name].complete]
        expect(not incomplete, f"{', '.join(incomplete)} is incomplete though the app only asked to wait")
        compare(snapshot, await stage.app.peek(), names)


async def waits_while_writing(harness: Harness, said: list[str]) -> None:
    """A write that the app throttles is done, once, after the wait."""
    for number in range(await _ways(harness, said, Fault.THROTTLE, _PUT_OFF)):
        async with scene(harness, seed(harness), said) as stage:
            change = (await _changes(stage, _PUT_OFF))[number]
            await stage.inject(Fault.THROTTLE)
            receipt = await stage.perform(change)
            expect(
                receipt.outcome is Outcome.DONE, f"{change.operation} ended as `{receipt.outcome}`: {receipt.detail}"
            )
            compare(await stage.read(), await stage.app.peek(), stage.readable())


async def tells_refusals(harness: Harness, said: list[str]) -> None:
    """A refused change has failed, in the app's own words, and the app is as it was."""
    for number in range(await _ways(harness, said, Fault.REFUSE, _TRIED)):
        async with scene(harness, seed(harness), said) as stage:
            change = (await _changes(stage, _TRIED))[number]
            before = await stage.app.peek()
            await stage.inject(Fault.REFUSE)
            receipt = await stage.perform(change)
            expect(receipt.outcome is Outcome.FAILED, f"a refused {change.operation} ended as `{receipt.outcome}`")
            heard = harness.refusal.lower() in receipt.detail.lower()
            expect(heard, f"the app's words are not in the receipt of a refused {change.operation}: {receipt.detail}")
            expect(await stage.app.peek() == before, "the app changed though it refused")


async def tells_lost_answers(harness: Harness, said: list[str]) -> None:
    """A change that was done while its answer got lost is looked up or called unknown, never failed."""
    for number in range(await _ways(harness, said, Fault.LOSE_ANSWER, _TRIED)):
        async with scene(harness, seed(harness), said) as stage:
            change = (await _changes(stage, _TRIED))[number]
            await stage.inject(Fault.LOSE_ANSWER)
            receipt = await stage.perform(change)
            allowed = {Outcome.DONE, Outcome.UNKNOWN}
            words = f"{change.operation} was done, its answer lost, and it ended as `{receipt.outcome}`"
            expect(receipt.outcome in allowed, f"{words}: {receipt.detail}")
            compare(await stage.read(), await stage.app.peek(), stage.readable())


async def takes_what_is_gone(harness: Harness, said: list[str]) -> None:
    """Taking something from an account that somebody deleted meanwhile is success: it is gone."""
    for number in range(await _ways(harness, said, Fault.DELETE_ACCOUNT, _TAKING)):
        async with scene(harness, seed(harness), said) as stage:
            change = (await _changes(stage, _TAKING))[number]
            await stage.inject(Fault.DELETE_ACCOUNT, change.username)
            receipt = await stage.perform(change)
            words = f"{change.operation} of a deleted account ended as `{receipt.outcome}`"
            expect(receipt.outcome is Outcome.DONE, f"{words}: {receipt.detail}")


async def gives_nothing_to_the_gone(harness: Harness, said: list[str]) -> None:
    """Giving something to an account that somebody deleted meanwhile has failed, and makes no new account."""
    await _expect_failure(harness, said, Fault.DELETE_ACCOUNT)


async def gives_nothing_that_is_gone(harness: Harness, said: list[str]) -> None:
    """Giving an entitlement that somebody deleted meanwhile has failed, and makes no new entitlement."""
    await _expect_failure(harness, said, Fault.DELETE_ENTITLEMENT)


async def gives_nothing_to_a_stranger(harness: Harness, said: list[str]) -> None:
    """A stranger who got the username meanwhile is given nothing."""
    await _expect_failure(harness, said, Fault.RECYCLE_USERNAME)


async def _expect_failure(harness: Harness, said: list[str], fault: Fault) -> None:
    """Inject a fault between reading and giving: the giving fails, and nothing new is there."""
    for number in range(await _ways(harness, said, fault, _GIVING)):
        async with scene(harness, seed(harness), said) as stage:
            if fault is Fault.RECYCLE_USERNAME and not stage.provider.capabilities.stable_ids:
                raise NotApplicableError("its remote ids are not stable, as its capabilities say")
            change = (await _changes(stage, _GIVING))[number]
            await stage.inject(fault, change.entitlement if fault is Fault.DELETE_ENTITLEMENT else change.username)
            before = await stage.app.peek()
            receipt = await stage.perform(change)
            words = f"{change.operation} ended as `{receipt.outcome}` after {fault}"
            expect(receipt.outcome is Outcome.FAILED, f"{words}: {receipt.detail}")
            _expect_no_more(before, await stage.app.peek())


def _expect_no_more(before: World, after: World) -> None:
    expect({a.remote_id for a in before.accounts} == {a.remote_id for a in after.accounts}, "accounts were changed")
    expect(before.entitlements == after.entitlements, "entitlements were changed")
    expect(after.grants <= before.grants, f"given all the same: {sorted(map(str, after.grants - before.grants))[:3]}")


async def one_refusal_stops_nothing(harness: Harness, said: list[str]) -> None:
    """After a change that failed, the provider goes on: it reads, complete."""
    async with scene(harness, seed(harness), said) as stage:
        if ACCOUNTS not in stage.readable():
            raise NotApplicableError("accounts are not read")
        change = (await _changes(stage, _GIVING))[0]
        await stage.inject(Fault.DELETE_ACCOUNT, change.username)
        await stage.perform(change)
        compare(await stage.read(), await stage.app.peek(), stage.readable())


CHECKS = (
    ("it waits when throttled while reading", waits_while_reading),
    ("it waits when throttled while writing", waits_while_writing),
    ("it tells refusals in the app's words", tells_refusals),
    ("it never calls a lost answer a failure", tells_lost_answers),
    ("it takes from who is gone", takes_what_is_gone),
    ("it gives nothing to who is gone", gives_nothing_to_the_gone),
    ("it gives nothing that is gone", gives_nothing_that_is_gone),
    ("it gives nothing to a stranger", gives_nothing_to_a_stranger),
    ("it goes on after a failure", one_refusal_stops_nothing),
)
"""Each check's sentence and body, in the order in which they run."""
