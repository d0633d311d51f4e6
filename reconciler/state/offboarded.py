"""Who was offboarded before git knew: kept in the state until git says so too, so that no run gives anything back.

They are kept as accounts of an app that cannot exist (its name holds an `@`), so that every back end can.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from reconciler.items import AccountItem, Names
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.contract import Adoption, AppliedAccount, StateStore

OFFBOARDED: Final = "@offboarded"


def read_offboarded(state: StateStore) -> Mapping[str, datetime]:
    """Return who is held for gone, and since when."""
    if OFFBOARDED not in state.apps():
        return {}
    accounts = state.load(OFFBOARDED, Names()).accounts
    return {identity: account.since for identity, account in accounts.items() if account.since}


def hold_offboarded(state: StateStore, people: Mapping[str, datetime]) -> frozenset[str]:
    """Hold people for gone from an instant on, and return who was not yet; the others keep the earlier instant."""
    known = read_offboarded(state)
    new = {
        identity: AppliedAccount("", status=AccountStatus.SUSPENDED, since=at)
        for identity, at in people.items()
        if identity not in known
    }
    if new:
        state.adopt(OFFBOARDED, Adoption(accounts=new))
    return frozenset(new)


def release_offboarded(state: StateStore, people: Iterable[str]) -> None:
    """Let git alone say of these people whether they are here."""
    gone = [AccountItem(identity) for identity in sorted(set(people) & set(read_offboarded(state)))]
    if gone:
        state.adopt(OFFBOARDED, Adoption(gone=gone))
