"""An app is read back after its changes: what it shows decides what is verified, and what the state remembers."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.apply.edge import describe, guard
from reconciler.apply.judge import Judge, Judgement
from reconciler.apply.route import OpenedWay, Route
from reconciler.apply.seen import Seen
from reconciler.errors import ReconcilerError
from reconciler.items import AccountItem, Item, kind_of
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import (
    ACCOUNTS,
    Completeness,
    Snapshot,
    entitlements_of,
    grants_of,
)
from reconciler.state.contract import Adoption, AppliedAccount

_ENTITLEMENTS: Final = frozenset(
    {Operation.CREATE_ENTITLEMENT, Operation.RENAME_ENTITLEMENT, Operation.UPDATE_ENTITLEMENT}
)
_GRANTS: Final = frozenset({Operation.GRANT, Operation.SET_LEVEL, Operation.REVOKE})
_WORTH_READING: Final = frozenset({Outcome.DONE, Outcome.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What reading an app back came to.

    Attributes:
        receipts: the last word on each that was done or unknown.
        judgements: change's id → what the app shows, for everything that was looked at.
        gone: items that were removed and seen absent.
        counts: collection → items, for each collection that was read whole.
        problem: why a part could not be read back, or empty.
    """

    receipts: tuple[Receipt, ...] = ()
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    gone: tuple[Item, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


async def read_back(route: Route, receipts: Iterable[Receipt]) -> ReadBack:
    """Read an app once more, as far as its changes need it, and compare.

    Only what is done or unknown is looked at. DONE becomes VERIFIED, or stays with what the app shows in its words;
    UNKNOWN becomes VERIFIED where the app shows it. A ticket stays a ticket.
    """
    receipts = [receipt for receipt in receipts if receipt.outcome in _WORTH_READING]
    open_ones = [receipt for receipt in receipts if receipt.change.operation not in TRACELESS]
    traceless = [_tell_traceless(receipt) for receipt in receipts if receipt.change.operation in TRACELESS]
    if not open_ones:
        return ReadBack(tuple(traceless))
    seen, why, problem = await _read(route, open_ones)
    judge = Judge(seen, why, _weakest(route))
    judged = {receipt.change.id: judge.judge(receipt) for receipt in open_ones}
    return ReadBack(
        receipts=(*traceless, *(_conclude(receipt, judged[receipt.change.id]) for receipt in open_ones)),
        judgements=judged,
        gone=tuple(receipt.change.item for receipt in open_ones if judged[receipt.change.id].gone),
        counts=_counts(route, {id(answer): answer for answer in seen.values()}.values()),
        problem=problem,
    )


def _tell_traceless(receipt: Receipt) -> Receipt:
    return replace(receipt, detail=receipt.detail or "no reading can show it")


def _conclude(receipt: Receipt, judgement: Judgement) -> Receipt:
    """Write what was seen into a receipt."""
    if judgement.seen:
        words = receipt.detail if receipt.outcome is Outcome.DONE else "no clear answer came, but the app shows it"
        remote_id = judgement.remote_id or receipt.remote_id
        return replace(receipt, outcome=Outcome.VERIFIED, detail=words or judgement.words, remote_id=remote_id)
    if judgement.seen is None:
        words = f"not read back: {judgement.words}"
    elif receipt.outcome is Outcome.DONE:
        words = f"the app answered ok, but shows {judgement.words}"
    else:
        words = f"the app shows {judgement.words}"
    return replace(receipt, detail=f"{receipt.detail}; {words}" if receipt.detail else words)


async def _read(route: Route, receipts: Sequence[Receipt]) -> tuple[dict[str, Seen], dict[str, str], str]:
    """Ask each way that is needed once; return collection → answer, collection → why there is none, and problems."""
    needed = sorted({_collection(receipt.change) for receipt in receipts})
    readers = {collection: way for collection in needed if (way := route.reader(collection))}
    grants = [receipt.change for receipt in receipts if receipt.change.operation in _GRANTS]
    seen: dict[str, Seen] = {}
    why: dict[str, str] = {}
    for way in {id(way): way for way in readers.values()}.values():
        collections = [collection for collection, reader in readers.items() if reader is way]
        try:
            answer = Seen(way.name, await _ask(route.app, way, collections, receipts), grants)
        except ReconcilerError as error:
            why.update(dict.fromkeys(collections, f"{way.name}: {describe(error)}"))
        else:
            seen.update(dict.fromkeys(collections, answer))
    return seen, why, "; ".join(sorted(set(why.values())))


async def _ask(app: str, way: OpenedWay, collections: Collection[str], receipts: Sequence[Receipt]) -> Snapshot:
    """Read a way whole, or only some accounts where that is enough and the way can."""
    ids = [receipt.remote_id or receipt.change.account_id for receipt in receipts]
    reader = way.reread
    if reader is None or set(collections) != {ACCOUNTS} or not all(ids) or any(_elsewhere(r, way) for r in receipts):
        return await guard(way.provider.read, f"{app}: reading back")
    wanted = list(dict.fromkeys(ids))
    accounts = await guard(lambda: reader.reread(wanted), f"{app}: reading {len(wanted)} accounts back")
    known = Completeness(complete=True, why="each account was asked for", unread=frozenset({_NOT_ALL}))
    return Snapshot(accounts=[account for account in accounts if account], collections={ACCOUNTS: known})


_NOT_ALL: Final = "every other account"


def _elsewhere(receipt: Receipt, way: OpenedWay) -> bool:
    """Say whether a change is not about accounts, or its remote id is another way's."""
    return _collection(receipt.change) != ACCOUNTS or receipt.change.way != way.name


def _collection(change: Change) -> str:
    if change.operation in _GRANTS:
        return grants_of(change.kind)
    return entitlements_of(change.kind) if change.operation in _ENTITLEMENTS else ACCOUNTS


def _weakest(route: Route) -> dict[str, str]:
    """Return kind → its weakest level, as the first way that knows the levels says."""
    found: dict[str, str] = {}
    for way in reversed(list(route.ways.values())):
        found.update({kind: levels[0] for kind, levels in way.capabilities.levels.items() if levels})
    return found


def _counts(route: Route, seen: Iterable[Seen]) -> dict[str, int]:
    """Count what was read whole, so that the next read is not taken for a short one because of our own removals."""
    counts: dict[str, int] = {}
    for answer in seen:
        found = _count(answer.snapshot)
        for collection in _collections(answer.snapshot):
            reader, said = route.reader(collection), answer.completeness(collection)
            if reader and reader.name == answer.way and said.complete and not said.unread:
                counts[collection] = found[collection]
    return counts


def _collections(snapshot: Snapshot) -> set[str]:
    """Return the collections that a snapshot is about, a star replaced by the kinds that are there."""
    kinds = {kind_of(entitlement.key) for entitlement in snapshot.entitlements}
    starred = {collection for collection in snapshot.collections if collection.endswith(":*")}
    named = {collection.replace("*", kind) for collection in starred for kind in kinds}
    return (set(snapshot.collections) - starred) | named


def _count(snapshot: Snapshot) -> Counter[str]:
    """Return collection → items."""
    kinds = [kind_of(entitlement.key) for entitlement in snapshot.entitlements]
    counts = Counter(map(entitlements_of, kinds))
    counts[ACCOUNTS] = len(snapshot.accounts)
    for number, grants in Counter(snapshot.granted).items():
        counts[grants_of(kinds[number])] += grants
    return counts


def adoption_of(receipts: Iterable[Receipt], read: ReadBack, accounts: Mapping[str, AppliedAccount]) -> Adoption:
    """Return what the state must learn from a reading: pins and usernames as the app shows them, what is gone, counts.

    Args:
        receipts: all of the app's, after they were concluded and settled.
        read: what the reading came to.
        accounts: what the state says of the accounts among them now.
    """
    doubtful = {r.change.holder for r in receipts if _is_doubtful(r)}
    learned = {}
    for receipt in receipts:
        judgement, account = read.judgements.get(receipt.change.id), accounts.get(receipt.change.holder)
        if not (account and judgement and isinstance(receipt.change.item, AccountItem)):
            continue
        if judgement.seen and not judgement.gone:
            learned[receipt.change.holder] = replace(
                account,
                remote_id=judgement.remote_id or account.remote_id,
                username=judgement.username or account.username,
                pending=account.pending and receipt.change.holder in doubtful,
            )
    return Adoption(accounts=learned, gone=read.gone, counts=read.counts)


def _is_doubtful(receipt: Receipt) -> bool:
    """Say whether an account's change may or may not have been done."""
    is_account = isinstance(receipt.change.item, AccountItem) and receipt.change.operation not in TRACELESS
    return is_account and receipt.outcome in _WORTH_READING
