"""Conformance: what a provider reads is whole, true, and repeatable."""

from reconciler.errors import ReconcilerError
from reconciler.provider.change import Operation
from reconciler.provider.conformance.harness import Fault, Harness, World
from reconciler.provider.conformance.scene import (
    CheckFailedError,
    NotApplicableError,
    compare,
    expect,
    live_account,
    need,
    scene,
    seed,
)
from reconciler.provider.contract import CAN, RereadProvider, cannot
from reconciler.provider.snapshot import ACCOUNTS, Snapshot

_MORE_THAN_TWO_PAGES = 2


def _people(harness: Harness) -> int:
    """Return how many accounts fill more than two pages."""
    return max(5, harness.page * _MORE_THAN_TWO_PAGES + 1)


async def capabilities_give_reasons(harness: Harness, said: list[str]) -> None:
    """Each thing that the provider says it cannot do has a reason, and nothing is asked of the app to know it."""
    async with scene(harness, World(), said) as stage:
        capabilities = stage.provider.capabilities
        tables = [capabilities.operations, *capabilities.kinds.values()]
        abilities = [(str(key), table[key]) for table in tables for key in table]
        abilities += [(name, ability) for name, ability in capabilities.reads.items()]
        for name, ability in abilities:
            expect(ability or ability.why, f"`{name}` cannot be done, without a reason")
        for table in capabilities.kinds.values():
            misplaced = [str(operation) for operation in table if operation in _ON_ACCOUNTS]
            expect(not misplaced, f"operations on accounts are listed for a kind: {', '.join(misplaced)}")
        expect(capabilities.concurrency > 0, "concurrency must be at least 1")


_ON_ACCOUNTS = frozenset(
    {
        Operation.CREATE_ACCOUNT,
        Operation.UPDATE_ACCOUNT,
        Operation.REACTIVATE_ACCOUNT,
        Operation.SUSPEND_ACCOUNT,
        Operation.DELETE_ACCOUNT,
    }
)


async def reads_every_page(harness: Harness, said: list[str]) -> None:
    """Accounts, entitlements and grants over several pages are read, each collection proven complete."""
    async with scene(harness, seed(harness, _people(harness)), said) as stage:
        names = _readable(stage.readable())
        snapshot = await stage.read()
        _expect_complete(snapshot, names)
        compare(snapshot, await stage.app.peek(), names)


async def reads_an_empty_app(harness: Harness, said: list[str]) -> None:
    """An app with nothing in it is read as complete and empty."""
    async with scene(harness, World(), said) as stage:
        names = _readable(stage.readable())
        snapshot = await stage.read()
        _expect_complete(snapshot, names)
        compare(snapshot, await stage.app.peek(), names)


async def reads_the_same_twice(harness: Harness, said: list[str]) -> None:
    """Two reads with nothing between them are equal, whatever order the app lists in."""
    async with scene(harness, seed(harness, _people(harness)), said) as stage:
        _readable(stage.readable())
        first, second = _plain(await stage.read()), _plain(await stage.read())
        for name, before in first.items():
            expect(before == second[name], f"{name} differ between two reads")


async def reads_while_planning(harness: Harness, said: list[str]) -> None:
    """A provider that may only read reads the same as any other, and the app is not changed by it."""
    async with scene(harness, seed(harness), said, read_only=True) as stage:
        names = _readable(stage.readable())
        before = await stage.app.peek()
        compare(await stage.read(), before, names)
        expect(await stage.app.peek() == before, "reading changed the app")


async def never_reads_forbidden_as_absent(harness: Harness, said: list[str]) -> None:
    """Where a collection answers 403, that collection is incomplete with a reason, and the others are whole."""
    need(harness.can(Fault.FORBID), f"the harness cannot inject `{Fault.FORBID}`")
    async with scene(harness, World(), said) as stage:
        names = _readable(stage.readable())
    for name in names:
        await _read_with(harness, said, Fault.FORBID, name)


async def never_reads_a_cut_list_as_whole(harness: Harness, said: list[str]) -> None:
    """Where the list of a collection ends in the middle, that collection is never complete."""
    need(harness.can(Fault.CUT_SHORT), f"the harness cannot inject `{Fault.CUT_SHORT}`")
    async with scene(harness, World(), said) as stage:
        names = _readable(stage.readable())
    for name in names:
        await _read_with(harness, said, Fault.CUT_SHORT, name)


async def _read_with(harness: Harness, said: list[str], fault: Fault, name: str) -> None:
    """Read while one collection fails: it must say so, and nothing that is called complete may be wrong."""
    async with scene(harness, seed(harness, _people(harness)), said) as stage:
        await stage.inject(fault, name)
        try:
            snapshot = await stage.read()
        except ReconcilerError as error:
            stage.note(error)
            expect(str(error), "the error says nothing")
            return
        found = snapshot.collections.get(name)
        if found is None:
            raise CheckFailedError(f"{name} is not mentioned though it could not be read")
        unread = name.startswith("grants:") and found.unread
        expect(not found.complete or unread, f"{name} is called complete though {fault}")
        whole = [each for each in stage.readable() if _is_whole(snapshot, each)]
        compare(snapshot, await stage.app.peek(), whole)
        _expect_others(snapshot, name, stage.readable(), _fails_with(harness, name, stage.readable()))


def _fails_with(harness: Harness, failed: str, readable: list[str]) -> set[str]:
    """Return what may be missing where a collection fails: what hangs on it, and what the same list answers."""
    shared: tuple[frozenset[str], ...] = getattr(harness, "together", ())
    found: set[str] = set()
    for name in {failed, *(each for group in shared if failed in group for each in group)}:
        if name == ACCOUNTS:
            return set(readable)
        kind = name.partition(":")[2]
        found |= {f"entitlements:{kind}", f"grants:{kind}"}
    return found


def _expect_others(snapshot: Snapshot, failed: str, readable: list[str], hanging: set[str]) -> None:
    """The failure of one collection must not take others with it that do not hang on it."""
    lost = [name for name in readable if name not in hanging and not snapshot.collections[name].complete]
    expect(not lost, f"{', '.join(lost)} could have been read, and was not, because {failed} could not")


def _is_whole(snapshot: Snapshot, name: str) -> bool:
    found = snapshot.collections.get(name)
    return found is not None and found.complete and not found.unread


async def shows_suspended_accounts(harness: Harness, said: list[str]) -> None:
    """A suspended account is read as suspended, not as gone."""
    need(CAN if harness.suspended else cannot("its accounts cannot be suspended"), "no suspended account")
    async with scene(harness, seed(harness), said) as stage:
        need(stage.provider.capabilities.reads.get(ACCOUNTS, _NOT_READ), "accounts are not read")
        account = live_account(await stage.read(), "person01")
        expect(account is not None, "the suspended account is not listed")
        expect(account is not None and account.status == "suspended", "the suspended account is not shown as suspended")


async def follows_a_rename(harness: Harness, said: list[str]) -> None:
    """An account that somebody renamed keeps its remote id."""
    async with scene(harness, seed(harness), said) as stage:
        before = await _find(stage.provider.capabilities.stable_ids, await stage.read(), "person02")
        await stage.inject(Fault.RENAME_ACCOUNT, "person02", "renamed02")
        after = live_account(await stage.read(), "renamed02")
        expect(after is not None, "the renamed account is not listed under its new name")
        expect(after is not None and after.remote_id == before, "the remote id changed with the username")


async def tells_a_recycled_name_apart(harness: Harness, said: list[str]) -> None:
    """A stranger who got a freed username has another remote id."""
    async with scene(harness, seed(harness), said) as stage:
        before = await _find(stage.provider.capabilities.stable_ids, await stage.read(), "person00")
        await stage.inject(Fault.RECYCLE_USERNAME, "person00")
        snapshot = await stage.read()
        after = live_account(snapshot, "person00")
        expect(after is None or after.remote_id != before, "the stranger has the old account's remote id")
        inherited = [key for holder, key, _ in snapshot.grants() if after is not None and holder == after.remote_id]
        expect(not inherited, f"the stranger is shown with the old account's grants: {', '.join(inherited)}")


async def _find(stable: bool, snapshot: Snapshot, username: str) -> str:
    need(CAN if stable else cannot("its remote ids are not stable, as its capabilities say"), "no stable ids")
    found = live_account(snapshot, username)
    if found is None:
        raise NotApplicableError("accounts are not read")
    return found.remote_id


async def rereads_single_accounts(harness: Harness, said: list[str]) -> None:
    """Single accounts are read by remote id: as the list shows them, and None for one that does not exist."""
    async with scene(harness, seed(harness), said) as stage:
        if not isinstance(stage.provider, RereadProvider):
            raise NotApplicableError("it cannot reread single accounts")
        truth = await stage.app.peek()
        gone = truth.account("person02")
        if gone is None:
            raise NotApplicableError("the app does not show the accounts that it was started with")
        ids = [account.remote_id for account in truth.accounts if account is not gone][:2]
        await stage.inject(Fault.DELETE_ACCOUNT, gone.username)
        found = await stage.provider.reread([*ids, gone.remote_id])
        expect([each.remote_id if each else None for each in found] == [*ids, None], "other accounts were returned")


_NOT_READ = cannot("its capabilities do not name them")


def _readable(names: list[str]) -> list[str]:
    """End the check where the provider reads nothing."""
    if not names:
        raise NotApplicableError("it reads no collection")
    return names


def _expect_complete(snapshot: Snapshot, names: list[str]) -> None:
    missing = [name for name in names if name not in snapshot.collections]
    expect(not missing, f"{', '.join(missing)} can be read, as its capabilities say, and is not mentioned")
    for name in names:
        found = snapshot.collections[name]
        expect(found.complete and not found.unread, f"{name} is incomplete: {found.why}")


def _plain(snapshot: Snapshot) -> dict[str, object]:
    """Return a snapshot so that order does not matter."""
    return {
        "accounts": sorted(map(repr, snapshot.accounts)),
        "entitlements": sorted(map(repr, snapshot.entitlements)),
        "grants": sorted(map(repr, snapshot.grants())),
        "collections": {name: (each.complete, each.unread) for name, each in snapshot.collections.items()},
    }


CHECKS = (
    ("its capabilities give reasons", capabilities_give_reasons),
    ("it reads every page", reads_every_page),
    ("it reads an empty app as empty", reads_an_empty_app),
    ("it reads the same twice", reads_the_same_twice),
    ("it reads while planning", reads_while_planning),
    ("it never reads forbidden as absent", never_reads_forbidden_as_absent),
    ("it never reads a cut list as whole", never_reads_a_cut_list_as_whole),
    ("it shows suspended accounts", shows_suspended_accounts),
    ("it follows a rename", follows_a_rename),
    ("it tells a recycled username apart", tells_a_recycled_name_apart),
    ("it rereads single accounts", rereads_single_accounts),
)
"""Each check's sentence and body, in the order in which they run."""
