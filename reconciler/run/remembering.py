"""What every app showed when it was read wholly, kept for the history that `who --at` answers from.

A reading counts only if all that the app lists was proven to be complete: accounts, and the grants of every kind. It is
as the app showed it before an apply; what the apply changed and then saw in the app makes a second one of it. What only
closed tickets tell is kept apart from what was seen.
"""

import logging
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler.apply.edge import describe
from reconciler.apply.report import Report
from reconciler.errors import StateError
from reconciler.items import GrantItem, Names, kind_of
from reconciler.plan.inputs import TICKET
from reconciler.plan.sides import Sides
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus, grants_of
from reconciler.state.contract import StateStore
from reconciler.state.past import attested_name, part_name
from reconciler.state.sighting import AN_ACCOUNT

_log = logging.getLogger(__name__)
_UNSEEN: Final = frozenset({Outcome.DONE, Outcome.UNKNOWN})
_STATUSES: Final = {
    Operation.CREATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.REACTIVATE_ACCOUNT: AccountStatus.ACTIVE,
    Operation.SUSPEND_ACCOUNT: AccountStatus.SUSPENDED,
}

Held = tuple[str, str, str | None]
"""A holder, an entitlement's key (or `AN_ACCOUNT`), and the level (or the account's status)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one app showed: as columns of numbers, since there may be a million grants.

    Attributes:
        at: when it was true.
        accounts: holder → status.
        weakest: kind → the level that is written as none.
        attested: the collections of which only closed tickets tell.
    """

    at: datetime
    names: Names
    accounts: Mapping[str, str]
    grants: "array[int]"
    levels: "array[int]"
    weakest: Mapping[str, str | None] = field(default_factory=dict)
    attested: frozenset[str] = frozenset()

    def parts(self) -> tuple[list[Held], list[Held]]:
        """Return what was seen, and what was only attested."""
        parts: tuple[list[Held], list[Held]] = ([], [])
        for one in self.held():
            collection = ACCOUNTS if one[1] == AN_ACCOUNT else grants_of(kind_of(one[1]))
            parts[collection in self.attested].append(one)
        return parts

    def held(self) -> Iterator[Held]:
        """Yield every account and every grant."""
        yield from ((holder, AN_ACCOUNT, status) for holder, status in self.accounts.items())
        item, levels = self.names.item, self.names.levels
        for grant, level in zip(self.grants, self.levels, strict=True):
            found = item(grant)
            yield found.holder, found.entitlement, levels[level]


class Readings:
    """Keeps the complete readings of a plan until they can be written down.

    Args:
        clock: returns the present instant, with a time zone.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.complete: dict[str, Reading] = {}

    def see(self, sides: Sides) -> None:
        """Take what an app showed, if it showed everything."""
        if is_complete(sides):
            snapshots = [way.snapshot for way in sides.live.ways if way.snapshot and way.name != TICKET]
            as_of = min((one.as_of for one in snapshots if one.as_of), default=None)
            accounts = {sides.holder_of(one): one.status.value for one in sides.live.accounts.values()}
            grants, levels = array("q", sides.granted), array("i", sides.granted.values())
            weakest = {kind: sides.names.levels[number] for kind, number in sides.weakest.items()}
            attested = find_attested(sides)
            reading = Reading(as_of or self._clock(), sides.names, accounts, grants, levels, weakest, attested)
            self.complete[sides.inputs.app] = reading

    def _keep_apart(self, state: StateStore, app: str, reading: Reading) -> None:
        """Write down what was attested, and what was seen, apart; of an app without either, only that it ended."""
        seen, attested = reading.parts()
        if attested or attested_name(app) in state.apps():
            state.remember(attested_name(app), self._clock(), attested)
        if ACCOUNTS not in reading.attested:
            state.remember(part_name(app), reading.at, seen)

    def remember(self, state: StateStore, report: Report | None = None) -> None:
        """Write down what was read; of an apply, also what it made of that, where all of it was seen in the app.

        A state that cannot be written now is told in the log: what was applied stays applied without it.
        """
        receipts: dict[str, list[Receipt]] = {}
        for receipt in report.receipts if report else ():
            receipts.setdefault(receipt.change.app, []).append(receipt)
        for app, reading in sorted(self.complete.items()):
            try:
                if reading.attested:
                    self._keep_apart(state, app, reading)
                    continue
                state.remember(app, reading.at, reading.held())
                verified = [one.change for one in receipts.get(app, ()) if one.outcome is Outcome.VERIFIED]
                if verified and not any(map(_is_unseen, receipts[app])):
                    state.remember(app, self._clock(), apply_changes(reading, verified))
            except StateError as error:
                _log.error("what %s showed is not remembered: %s", app, describe(error))


def _told(sides: Sides) -> list[str]:
    return [name for name in sides.live.collections if name == ACCOUNTS or name.startswith("grants:")]


def is_complete(sides: Sides) -> bool:
    """Say whether all accounts and grants of an app are known, by what it lists itself or by what tickets tell."""
    live, told = sides.live, _told(sides)
    return ACCOUNTS in told and all(live.whole(name) and not live.collections[name].unread for name in told)


def find_attested(sides: Sides) -> frozenset[str]:
    """Return the collections of an app of which only closed tickets tell; none where it lists everything itself."""

    def is_attested(collection: str) -> bool:
        way = sides.live.way(collection)
        return way is not None and way.name == TICKET

    if not any(map(is_attested, _told(sides))):
        return frozenset()
    kinds = {kind_of(sides.names.item(grant).entitlement) for grant in sides.granted}
    return frozenset(filter(is_attested, {*_told(sides), *map(grants_of, kinds)}))


def _is_unseen(receipt: Receipt) -> bool:
    return receipt.outcome in _UNSEEN and receipt.change.operation not in TRACELESS


def apply_changes(reading: Reading, changes: Iterable[Change]) -> Iterator[Held]:
    """Yield what an app shows after changes that were all seen in it."""
    held = {(holder, entitlement): level for holder, entitlement, level in reading.held()}
    for change in changes:
        _apply(held, change, reading.weakest)
    return ((*key, level) for key, level in held.items())


def _apply(held: dict[tuple[str, str], str | None], change: Change, weakest: Mapping[str, str | None]) -> None:
    account = change.holder, AN_ACCOUNT
    match change.operation:
        case Operation.CREATE_ACCOUNT | Operation.REACTIVATE_ACCOUNT | Operation.SUSPEND_ACCOUNT:
            held[account] = _STATUSES[change.operation].value
        case Operation.DELETE_ACCOUNT:
            for key in [key for key in held if key[0] == change.holder]:
                del held[key]
        case Operation.GRANT | Operation.SET_LEVEL if isinstance(change.item, GrantItem):
            level = change.after.get("level")
            same = level is None or level == weakest.get(change.kind)
            held[change.item.holder, change.item.entitlement] = None if same else str(level)
        case Operation.REVOKE if isinstance(change.item, GrantItem):
            held.pop((change.item.holder, change.item.entitlement), None)
