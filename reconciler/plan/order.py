"""The order that is safe at every step: one walk, used by what explains a plan and by what applies it.

Stages come one after the other; the strands of a stage are independent of each other and may run at the same time; the
changes of a strand come one after the other. An order says nothing about success: `requirements` does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from reconciler.plan.inputs import TICKET
from reconciler.provider.change import Cause, Change, Operation

ONLY_AFTER = "only_after"
"""In `Change.before`: the ids of changes of the same plan that must have been done first.

On a grant: the revokes without which two entitlements would be held that may never be held together. On a removal: the
grants without which too few admins would be left.
"""

Strand: TypeAlias = tuple[Change, ...]


class StageName(StrEnum):
    """The stages, in their order; there are no others."""

    LEAVERS = "leavers"
    LEAVER_GRANTS = "leavers' grants"
    ENTITLEMENTS = "entitlements"
    ACCOUNTS = "accounts"
    SWAPS = "swaps"
    GRANTS = "grants"
    LEVELS = "levels"
    HANDOVERS = "handovers"
    SUSPENSIONS = "suspensions"
    REVOKES = "revokes"
    DELETIONS = "deletions"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the order.

    Attributes:
        name: what it is for:
            LEAVERS: the steps of each leaver's account in one app, as `step_rank` orders them, one strand each;
            LEAVER_GRANTS: what leavers still hold;
            ENTITLEMENTS: created, renamed and updated, renames first within a kind;
            ACCOUNTS: created, reactivated and updated, one strand an account;
            SWAPS: revokes and the grants that may only follow them, one strand an identity, across apps;
            GRANTS, LEVELS: each on its own;
            HANDOVERS: removals that wait for a grant of this plan (the last admin changes), one strand an identity;
            SUSPENSIONS, REVOKES: what ordinary removals take;
            DELETIONS: accounts whose grace is over.
        strands: independent of each other.
    """

    name: StageName
    strands: tuple[Strand, ...]


_STAGES: Mapping[Operation, StageName] = {
    Operation.CREATE_ENTITLEMENT: StageName.ENTITLEMENTS,
    Operation.RENAME_ENTITLEMENT: StageName.ENTITLEMENTS,
    Operation.UPDATE_ENTITLEMENT: StageName.ENTITLEMENTS,
    Operation.CREATE_ACCOUNT: StageName.ACCOUNTS,
    Operation.REACTIVATE_ACCOUNT: StageName.ACCOUNTS,
    Operation.UPDATE_ACCOUNT: StageName.ACCOUNTS,
    Operation.GRANT: StageName.GRANTS,
    Operation.SET_LEVEL: StageName.LEVELS,
    Operation.SUSPEND_ACCOUNT: StageName.SUSPENSIONS,
    Operation.REVOKE: StageName.REVOKES,
    Operation.DELETE_ACCOUNT: StageName.DELETIONS,
    Operation.END_SESSIONS: StageName.LEAVERS,
    Operation.TRANSFER_FILES: StageName.LEAVERS,
    Operation.REMOVE_LICENSES: StageName.LEAVERS,
}
_RANK = {name: number for number, name in enumerate(StageName)}
_WITHIN = {operation: number for number, operation in enumerate((Operation.RENAME_ENTITLEMENT, Operation.REVOKE))}
_STEPS = frozenset(
    {Operation.END_SESSIONS, Operation.SUSPEND_ACCOUNT, Operation.TRANSFER_FILES, Operation.REMOVE_LICENSES}
)
_STEP_RANKS = {Operation.TRANSFER_FILES: 1, Operation.REMOVE_LICENSES: 2}
_LICENSE = "license"
"""The kind of what apps sell by the seat; many delete or hide what is kept under one once it is taken away."""


def loses_files(change: Change) -> bool:
    """Say whether a change may delete or hide what somebody keeps in an app, so that it waits for the transfer."""
    if change.operation is Operation.REVOKE:
        return change.kind == _LICENSE
    return change.operation in {Operation.REMOVE_LICENSES, Operation.DELETE_ACCOUNT}


def transfer_id(change: Change) -> str:
    """Return the id that the transfer of the same holder's files in the same app has."""
    return f"{change.app}/transfer-files/{change.holder}"


def step_rank(operation: Operation) -> int:
    """Return when a step comes, whatever the order of the YAML: out first, then the files, then what holds them.

    Ending sessions and suspending stay as they were written: either may come first.
    """
    return _STEP_RANKS.get(operation, 0)


def staged(changes: Iterable[Change]) -> tuple[Stage, ...]:
    """Put changes in the order in which they may be done, of one app or of several at once.

    Args:
        changes: in any order, but for the steps of one leaver, which stay as they come. Blocked ones are kept.

    Returns:
        Only stages that have something in them. The same set of changes gives the same stages.
    """
    listed = list(changes)
    first = {earlier for change in listed if change.operation is Operation.GRANT for earlier in only_after(change)}
    waiting = _waiting(listed)
    strands: dict[tuple[int, tuple[str, ...]], list[Change]] = {}
    for change in listed:
        name = _stage_of(change, first, waiting)
        strands.setdefault((_RANK[name], _strand_of(change, name)), []).append(change)
    return tuple(_stages(strands))


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order of their stages, one after the other."""
    return tuple(change for stage in staged(changes) for strand in stage.strands for change in strand)


def only_after(change: Change) -> tuple[str, ...]:
    """Return the ids of the changes that must have been done before this one, where the plan says so."""
    ids = change.before.get(ONLY_AFTER)
    return ids if isinstance(ids, tuple) else ()


def gather_asked(stages: Iterable[Sequence[Strand]], needs: Mapping[str, tuple[str, ...]]) -> list[list[Strand]]:
    """Put what people are asked for about one holder into one strand, so that one ticket may ask for all of it.

    It comes where the first of it would: whoever does it keeps to the order of the strand. What has to wait for
    something stays in its stage.

    Args:
        stages: of one app.
        needs: see `requirements`.
    """
    asked: dict[tuple[str, int], list[Change]] = {}
    gathered: list[list[Strand | list[Change]]] = []
    for number, strands in enumerate(stages):
        kept: list[Strand | list[Change]] = []
        for strand in strands:
            for change in (one for one in strand if _is_asked(one)):
                key = (change.holder, number if change.id in needs else -1)
                if key not in asked:
                    kept.append(asked.setdefault(key, []))
                asked[key].append(change)
            if rest := tuple(one for one in strand if not _is_asked(one)):
                kept.append(rest)
        gathered.append(kept)
    return [[tuple(strand) for strand in kept] for kept in gathered if kept]


def _is_asked(change: Change) -> bool:
    """Say whether a person is asked for it by ticket, about an account of somebody."""
    return change.way == TICKET and bool(change.holder) and (":" not in change.holder or change.holder.startswith("@"))


def requirements(changes: Iterable[Change]) -> Mapping[str, tuple[str, ...]]:
    """Return for each change (by id) the changes of the same plan that must have succeeded, or it cannot be done.

    A grant needs the account, the entitlement and the holding entitlement that the same plan creates; what may lose
    files needs their transfer; and whatever `only_after` names is needed. A change without any is not in the result.
    No stage comes before one that it needs.
    """
    known = {change.id: change for change in changes}
    found = {change.id: tuple(_needs(change, known)) for change in known.values()}
    return {name: needed for name, needed in found.items() if needed}


def _needs(change: Change, known: Mapping[str, Change]) -> Iterator[str]:
    yield from (needed for needed in only_after(change) if needed in known)
    for needed in _makers(change):
        # Two tickets do not wait for each other: whoever gives access sees to the account too.
        if needed in known and not change.way == known[needed].way == TICKET:
            yield needed


def _makers(change: Change) -> Iterator[str]:
    """Yield the ids that the changes would have that make what a grant stands on, or save what a removal would lose."""
    if loses_files(change):
        yield transfer_id(change)
    if change.operation not in {Operation.GRANT, Operation.SET_LEVEL}:
        return
    if not change.entitlement_id:
        yield f"{change.app}/create-entitlement/{change.entitlement}"
    if ":" in change.holder and not change.holder.startswith("@"):
        yield from () if change.holder_entitlement_id else (f"{change.app}/create-entitlement/{change.holder}",)
    else:
        yield from () if change.account_id else (f"{change.app}/create-account/{change.holder}",)
        yield f"{change.app}/reactivate-account/{change.holder}"


def _stage_of(change: Change, first: set[str], waiting: set[str]) -> StageName:
    if _waits(change) or not waiting.isdisjoint((change.id, *only_after(change))):
        return StageName.HANDOVERS
    if change.id in first or only_after(change):
        return StageName.SWAPS
    if change.cause is Cause.LEAVER and change.operation is Operation.SUSPEND_ACCOUNT:
        return StageName.LEAVERS
    if change.cause is Cause.LEAVER and change.operation is Operation.REVOKE:
        return StageName.LEAVER_GRANTS
    return _STAGES[change.operation]


def _waits(change: Change) -> bool:
    """Say whether something is taken away only after something was given."""
    return change.operation is not Operation.GRANT and bool(only_after(change))


def _waiting(changes: Sequence[Change]) -> set[str]:
    """Return what waits for a grant: with one of a leaver's steps in an app, all of them, and licences with them."""
    held = {(change.app, change.holder) for change in changes if change.operation in _STEPS and _waits(change)}
    return {c.id for c in changes if _waits(c) or ((c.app, c.holder) in held and _goes_with_steps(c))}


def _goes_with_steps(change: Change) -> bool:
    return change.operation in _STEPS or (change.operation is Operation.REVOKE and loses_files(change))


def _strand_of(change: Change, stage: StageName) -> tuple[str, ...]:
    """Return what the changes of one strand have in common."""
    match stage:
        case StageName.SWAPS | StageName.HANDOVERS:
            return (change.holder,)
        case StageName.ENTITLEMENTS:
            return (change.app, change.kind)
        case StageName.LEAVERS | StageName.ACCOUNTS:
            return (change.app, change.holder)
        case _:
            return (change.app, change.holder, change.entitlement)


def _stages(strands: Mapping[tuple[int, tuple[str, ...]], Sequence[Change]]) -> Iterator[Stage]:
    names = tuple(StageName)
    found: dict[int, list[Strand]] = {}
    for rank, key in sorted(strands):
        found.setdefault(rank, []).append(_ordered(strands[rank, key], names[rank]))
    for rank, listed in sorted(found.items()):
        yield Stage(names[rank], tuple(listed))


def _ordered(changes: Sequence[Change], stage: StageName) -> Strand:
    if stage is StageName.LEAVERS:
        return tuple(sorted(changes, key=lambda change: step_rank(change.operation)))
    if stage is StageName.HANDOVERS:
        return tuple(sorted(changes, key=_handover_rank))
    return tuple(sorted(changes, key=lambda change: (_WITHIN.get(change.operation, len(_WITHIN)), change.id)))


def _handover_rank(change: Change) -> tuple[bool, int]:
    late = change.operation is Operation.REVOKE and loses_files(change)
    return change.operation is Operation.GRANT, len(_STEP_RANKS) + 1 if late else step_rank(change.operation)
