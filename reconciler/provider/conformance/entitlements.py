"""Conformance: levels that change in place, entitlements that hold others, and names that pass to another one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from reconciler.items import GrantItem, Value, fold
from reconciler.provider.change import Change, Operation, Outcome
from reconciler.provider.conformance.harness import Fault, Harness, World, key_of
from reconciler.provider.conformance.samples import sample_change
from reconciler.provider.conformance.scene import (
    CheckFailedError,
    Scene,
    compare,
    expect,
    live_grants,
    need,
    scene,
    seed,
)
from reconciler.provider.contract import CAN, Ability, cannot
from reconciler.provider.snapshot import Snapshot, entitlements_of, grants_of

Body = Callable[[Harness, list[str]], Awaitable[None]]

_NOT_READ = Ability(can=False, why="its capabilities do not name them")


def checks(harness: Harness) -> list[tuple[str, Body]]:
    """Return the checks that a harness has something for: levels, `nesting`, `troubles`."""
    named: list[tuple[str, Body]] = [
        (f"set level ({kind}) goes up and down in place", partial(changes_levels_in_place, kind))
        for kind, levels in harness.kinds.items()
        if len(levels) > 1
    ]
    nesting: Mapping[str, Sequence[str]] = getattr(harness, "nesting", {})
    for kind, holders in nesting.items():
        named += [(f"a {holder} can hold a {kind}", partial(nests, holder, kind)) for holder in holders]
    troubles: Mapping[str, frozenset[Fault]] = getattr(harness, "troubles", {})
    for kind, faults in troubles.items():
        named += [
            (f"{name} ({kind})", partial(body, kind)) for fault, (name, body) in _TROUBLES.items() if fault in faults
        ]
    return named


async def changes_levels_in_place(kind: str, harness: Harness, said: list[str]) -> None:
    """A level is raised and lowered again; its holder is never without it, and nobody else's changes."""
    async with scene(harness, seed(harness), said) as stage:
        need(stage.provider.capabilities.ability(Operation.SET_LEVEL, kind), f"{Operation.SET_LEVEL} ({kind})")
        weakest, strongest = harness.kinds[kind][0], harness.kinds[kind][-1]
        for old, new in ((weakest, strongest), (strongest, weakest)):
            change = sample_change(harness, await stage.read(), Operation.SET_LEVEL, kind, stage.provider.name)
            change = replace(change, before={"level": old}, after={"level": new})
            before, known = await stage.app.peek(), len(_history(stage))
            receipt = await stage.perform(change)
            if receipt.outcome is Outcome.TICKET:
                return
            expect(receipt.outcome is Outcome.DONE, f"{old} to {new} ended as `{receipt.outcome}`: {receipt.detail}")
            for world in _history(stage)[known:]:
                expect(_levels(world, change), f"{change.username} was without {change.entitlement} for a while")
            after = await stage.app.peek()
            expect(_levels(after, change) == {new}, f"the level is {_levels(after, change)} afterwards, not {new}")
            moved = {grant for grant in before.grants ^ after.grants if fold(grant[0]) != fold(change.username)}
            expect(not moved, f"others' grants changed as well: {sorted(map(str, moved))[:3]}")
            compare(await stage.read(), after, stage.readable())


def _history(stage: Scene) -> Sequence[World]:
    """Return what was true after each write, where the app remembers that."""
    remembered: Callable[[], Sequence[World]] = getattr(stage.app, "history", lambda: ())
    return remembered()


def _levels(world: World, change: Change) -> set[str | None]:
    return {
        level
        for holder, key, level in world.grants
        if fold(holder) == fold(change.username) and key == change.entitlement
    }


async def nests(holder_kind: str, kind: str, harness: Harness, said: list[str]) -> None:
    """An entitlement is granted to another one, shown so, and revoked; each twice is harmless, nothing else moves."""
    async with scene(harness, seed(harness), said) as stage:
        for operation in (Operation.GRANT, Operation.REVOKE):
            need(stage.provider.capabilities.ability(operation, kind), f"{operation} ({kind})")
        start = await stage.app.peek()
        change = _nested_grant(harness, await stage.read(), holder_kind, kind, stage.provider.name)
        wanted = (change.holder, change.entitlement, harness.kinds[kind][0])
        if not await _do_twice(stage, change, World(start.accounts, start.entitlements, start.grants | {wanted})):
            return
        if grants_of(kind) in stage.readable():
            shown = live_grants(await stage.read(), [grants_of(kind)])
            expect(wanted in shown, f"{change.holder} is not shown to hold {change.entitlement}")
        await _do_twice(stage, replace(change, operation=Operation.REVOKE, before=change.after, after={}), start)


async def _do_twice(stage: Scene, change: Change, wanted: World) -> bool:
    """Do a change twice; return False where people are asked to, for then nothing has happened yet."""
    for time in ("", " the second time"):
        receipt = await stage.perform(change)
        if receipt.outcome is Outcome.TICKET:
            return False
        words = f"{change.operation} to {change.holder} ended as `{receipt.outcome}`{time}"
        expect(receipt.outcome is Outcome.DONE, f"{words}: {receipt.detail}")
        truth = await stage.app.peek()
        differing = sorted(map(str, truth.grants ^ wanted.grants))[:3]
        expect(not differing, f"{change.operation} to {change.holder}{time} left the grants wrong: {differing}")
        compare(await stage.read(), truth, stage.readable())
    return True


def _nested_grant(harness: Harness, snapshot: Snapshot, holder_kind: str, kind: str, way: str) -> Change:
    holder, key = key_of(harness, holder_kind, "beta"), key_of(harness, kind, "alpha")
    level = harness.kinds[kind][0]
    after: dict[str, Value] = {} if level is None else {"level": level}
    ids = {each.key: each.remote_id for each in snapshot.entitlements}
    return Change(
        "conformance",
        Operation.GRANT,
        GrantItem(holder, key),
        way,
        after=after,
        entitlement_id=ids.get(key, ""),
        holder_entitlement_id=ids.get(holder, ""),
    )


async def follows_a_rename(kind: str, harness: Harness, said: list[str]) -> None:
    """An entitlement that somebody renamed keeps its remote id and its holders."""
    async with scene(harness, seed(harness), said) as stage:
        names = _need_stable(stage, kind)
        old, new = key_of(harness, kind, "beta"), key_of(harness, kind, "gamma")
        before = _remote_id(await stage.read(), old)
        await stage.app.inject(Fault.RENAME_ENTITLEMENT, old, new)
        snapshot = await stage.read()
        expect(_remote_id(snapshot, new) == before, "the remote id changed with the name")
        compare(snapshot, await stage.app.peek(), names)


async def tells_a_recycled_name_apart(kind: str, harness: Harness, said: list[str]) -> None:
    """What got the name of an entitlement has another remote id, none of its holders, and is not given in its stead."""
    async with scene(harness, seed(harness), said) as stage:
        names = _need_stable(stage, kind)
        need(stage.provider.capabilities.ability(Operation.GRANT, kind), f"{Operation.GRANT} ({kind})")
        before = await stage.read()
        change = sample_change(harness, before, Operation.GRANT, kind, stage.provider.name)
        await stage.app.inject(Fault.RECYCLE_ENTITLEMENT, change.entitlement)
        snapshot, truth = await stage.read(), await stage.app.peek()
        compare(snapshot, truth, names)
        same = _remote_id(snapshot, change.entitlement) == _remote_id(before, change.entitlement)
        expect(not same, "another entitlement is shown under the old one's remote id")
        receipt = await stage.perform(change)
        words = f"a grant of what is gone ended as `{receipt.outcome}`"
        expect(receipt.outcome is Outcome.FAILED, f"{words}: {receipt.detail}")
        expect((await stage.app.peek()).grants == truth.grants, "what got the name was given instead")


async def reads_what_vanishes(kind: str, harness: Harness, said: list[str]) -> None:
    """Where an entitlement is deleted in the middle of a read, what is called complete is right about all the rest."""
    async with scene(harness, seed(harness), said) as stage:
        need(stage.provider.capabilities.reads.get(entitlements_of(kind), _NOT_READ), entitlements_of(kind))
        key = key_of(harness, kind, "beta")
        await stage.app.inject(Fault.VANISH, key)
        snapshot = await stage.read()
        truth = await stage.app.peek()
        expect(key not in truth.entitlements, f"{key} did not vanish: the harness has injected nothing")
        held = sorted(holder for holder, shown, _ in snapshot.grants() if shown == key)
        expect(not held, f"{key} is gone, and is shown to be held by {', '.join(held)}")
        listed = {each.key: each.remote_id for each in snapshot.entitlements if each.key == key}
        others = [name for name in stage.readable() if not name.endswith(f":{kind}")]
        lost = [name for name in others if not snapshot.collections[name].complete]
        expect(not lost, f"{', '.join(lost)} could not be read because {key} vanished")
        wanted = replace(truth, entitlements={**truth.entitlements, **listed})
        compare(snapshot, wanted, [name for name in stage.readable() if snapshot.collections[name].complete])


def _need_stable(stage: Scene, kind: str) -> list[str]:
    """Return what is readable; end the check where a kind's entitlements are not listed, or ids mean nothing."""
    stable = stage.provider.capabilities.stable_ids
    need(CAN if stable else cannot("its remote ids are not stable, as its capabilities say"), "no stable ids")
    need(stage.provider.capabilities.reads.get(entitlements_of(kind), _NOT_READ), entitlements_of(kind))
    return stage.readable()


def _remote_id(snapshot: Snapshot, key: str) -> str:
    found = next((each.remote_id for each in snapshot.entitlements if each.key == key), "")
    if not found:
        raise CheckFailedError(f"{key} is not listed")
    return found


_TROUBLES: Mapping[Fault, tuple[str, Callable[[str, Harness, list[str]], Awaitable[None]]]] = {
    Fault.RENAME_ENTITLEMENT: ("it follows a rename of an entitlement", follows_a_rename),
    Fault.RECYCLE_ENTITLEMENT: ("it tells an entitlement's recycled name apart", tells_a_recycled_name_apart),
    Fault.VANISH: ("it reads on where an entitlement vanishes", reads_what_vanishes),
}
