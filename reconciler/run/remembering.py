"""What every app showed when it was read wholly, kept for the history that `who --at` answers from.

A reading counts only if all that the app lists was proven to be complete: accounts, and the grants of every kind. It is
as the app showed it before an apply; what the apply changed and then saw in the app makes a second one of it.
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
from reconciler.items import GrantItem, Names
from reconciler.plan.inputs import TICKET
from reconciler.plan.sides import Sides
from reconciler.provider.change import TRACELESS, Change, Operation, Outcome, Receipt
from reconciler.provider.snapshot import ACCOUNTS, AccountStatus
from reconciler.state.contract import StateStore
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
    """

    at: datetime
    names: Names
    accounts: Mapping[str, str]
    grants: "array[int]"
    levels: "array[int]"
    weakest: Mapping[str, str | None] = field(default_factory=dict)

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
            snapshots = [way.snapshot for way in sides.live.ways if way.snapshot]
            as_of = min((one.as_of for one in snapshots if one.as_of), default=None)
            accounts = {sides.holder_of(one): one.status.value for one in sides.live.accounts.values()}
            grants, levels = array("q", sides.granted), array("i", sides.granted.values())
            weakest = {kind: sides.names.levels[number] for kind, number in sides.weakest.items()}
            reading = Reading(as_of or self._clock(), sides.names, accounts, grants, levels, weakest)
            self.complete[sides.inputs.app] = reading

    def remember(self, state: StateStore, report: Report | None = None) -> None:
        """Write down what was read; of an apply, also what it made of that, where all of it was seen in the app.

        A state that cannot be written now is told in the log: what was applied stays applied without it.
        """
        receipts: dict[str, list[Receipt]] = {}
        for receipt in report.receipts if report else ():
            receipts.setdefault(receipt.change.app, []).append(receipt)
        for app, reading in sorted(self.complete.items()):
            try:
                state.remember(app, reading.at, reading.held())
                verified = [one.change for one in receipts.get(app, ()) if one.outcome is Outcome.VERIFIED]
                if verified and not any(map(_is_unseen, receipts[app])):
                    state.remember(app, self._clock(), apply_changes(reading, verified))
            except StateError as error:
                _log.error("what %s showed is not remembered: %s", app, describe(error))


def is_complete(sides: Sides) -> bool:
    """Say whether an app itself listed all of its accounts and of its grants; what tickets say is no reading."""
    live = sides.live
    told = [name for name in live.collections if name == ACCOUNTS or name.startswith("grants:")]
    ways = [way for name in told if (way := live.way(name))]
    whole = all(live.whole(name) and not live.collections[name].unread for name in told)
    return ACCOUNTS in told and whole and all(way.name != TICKET for way in ways)


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
