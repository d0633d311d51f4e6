"""What was told about open tickets, so that it is not told twice nor looked for every night.

It is kept as accounts of an app that cannot exist (its name holds an `@`), so that every back end can; so are people
who were offboarded.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from reconciler.items import AccountItem, Names
from reconciler.provider.snapshot import AccountStatus
from reconciler.state.contract import Adoption, AppliedAccount, StateStore

TOLD: Final = "@told"


def read_told(state: StateStore) -> Collection[str]:
    """Return what was told and is still of interest: `KEY/mark`, the key being the ticket's."""
    return state.load(TOLD, Names()).accounts.keys() if TOLD in state.apps() else ()


def keep_told(state: StateStore, told: Mapping[str, datetime], gone: Collection[str] = ()) -> None:
    """Remember what was told and when, and forget what nobody will ask about any more."""
    if told or gone:
        new = {name: AppliedAccount("", status=AccountStatus.SUSPENDED, since=at) for name, at in sorted(told.items())}
        state.adopt(TOLD, Adoption(accounts=new, gone=[AccountItem(name) for name in sorted(gone)]))
