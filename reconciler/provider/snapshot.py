"""What an app answered: accounts, entitlements and grants, each collection with proof that it is complete or why not.

A *collection* is `accounts`, `entitlements:KIND` or `grants:KIND` (the grants of entitlements of that kind). Grants are
three columns of ints, since there may be a million of them: see `SnapshotBuilder`, which is what providers use.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from reconciler.items import Value

ACCOUNTS = "accounts"


def entitlements_of(kind: str) -> str:
    """Return the name of the collection of all entitlements of a kind."""
    return f"entitlements:{kind}"


def grants_of(kind: str) -> str:
    """Return the name of the collection of all grants of entitlements of a kind."""
    return f"grants:{kind}"


class AccountStatus(StrEnum):
    """The state of an account in its app. An account that could not be read is in no snapshot."""

    ACTIVE = "active"
    INVITED = "invited"
    SUSPENDED = "suspended"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """An account as the app shows it.

    Attributes:
        remote_id: the app's own id; stable if the provider's capabilities say so.
        username, email, external_id: what accounts are matched by; empty where the app has none.
        attributes: the app's attributes by the names that `accounts.attributes` in the YAML uses; only those that can
            be compared.
        version: the app's concurrency token (an ETag), or empty.
    """

    remote_id: str
    username: str = ""
    email: str = ""
    external_id: str = ""
    status: AccountStatus = AccountStatus.ACTIVE
    attributes: Mapping[str, Value] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class LiveEntitlement:
    """An entitlement as the app shows it; `key` is `kind:name`."""

    remote_id: str
    key: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class Completeness:
    """Whether one collection was read whole.

    Attributes:
        complete: True only if it was proven.
        why: what proves it, or what is missing, in a few words.
        unread: keys of entitlements whose own part could not be read (a 403 on one group); the rest is complete.
        attested: whether it is what people said in closed tickets, and nobody has seen it in the app.
    """

    complete: bool
    why: str = ""
    unread: frozenset[str] = frozenset()
    attested: bool = False


@dataclass(slots=True)
class Snapshot:
    """One read of one app by one way.

    Attributes:
        accounts, entitlements: in any order.
        holders: column: number of the holding account (index into `accounts`), or `-1 - n` for entitlement `n`.
        granted: column: index into `entitlements`.
        levels: column: index into `level_names` (0 is always None).
        collections: the completeness of every collection that this way is able to read.
        own_account: the remote id of the account that the tool itself acts as, or empty.
        as_of: when what was read was true, if that was earlier than now (an export's date).
        undated: whether it may have been true long ago and nobody says when: no proof of what was done since.
        requests: how many requests the read took.
    """

    accounts: list[LiveAccount] = field(default_factory=list)
    entitlements: list[LiveEntitlement] = field(default_factory=list)
    holders: "array[int]" = field(default_factory=lambda: array("i"))
    granted: "array[int]" = field(default_factory=lambda: array("i"))
    levels: "array[int]" = field(default_factory=lambda: array("i"))
    level_names: list[str | None] = field(default_factory=lambda: [None])
    collections: dict[str, Completeness] = field(default_factory=dict)
    own_account: str = ""
    as_of: datetime | None = None
    undated: bool = False
    requests: int = 0
    notes: list[str] = field(default_factory=list)

    def grants(self) -> Iterator[tuple[str, str, str | None]]:
        """Yield (holder's remote id, entitlement's key, level) of each grant; for tests and small snapshots."""
        for holder, granted, level in zip(self.holders, self.granted, self.levels, strict=True):
            who = self.accounts[holder].remote_id if holder >= 0 else self.entitlements[-1 - holder].key
            yield who, self.entitlements[granted].key, self.level_names[level]


class SnapshotBuilder:
    """Collects what a provider reads. Add accounts and entitlements before the grants that name them.

    Adding an account or entitlement twice by the same remote id, or a grant of something that was not added, is
    counted (`duplicates`, `dangling`), never silently dropped.
    """

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.duplicates: list[str] = []
        self.dangling: list[str] = []
        self._accounts: dict[str, int] = {}
        self._entitlements: dict[str, int] = {}
        self._levels: dict[str | None, int] = {None: 0}

    def account(self, account: LiveAccount) -> int:
        """Add an account and return its number."""
        number = self._accounts.setdefault(account.remote_id, len(self.snapshot.accounts))
        if number == len(self.snapshot.accounts):
            self.snapshot.accounts.append(account)
        else:
            self.duplicates.append(account.remote_id)
        return number

    def entitlement(self, entitlement: LiveEntitlement) -> int:
        """Add an entitlement and return its number."""
        number = self._entitlements.setdefault(entitlement.remote_id, len(self.snapshot.entitlements))
        if number == len(self.snapshot.entitlements):
            self.snapshot.entitlements.append(entitlement)
        else:
            self.duplicates.append(entitlement.remote_id)
        return number

    def grant(self, holder: int, entitlement: int, level: str | None = None) -> None:
        """Add a grant by the numbers that `account` (or `-1 -` that of an `entitlement`) and `entitlement` gave."""
        number = self._levels.get(level)
        if number is None:
            number = self._levels[level] = len(self.snapshot.level_names)
            self.snapshot.level_names.append(level)
        self.snapshot.holders.append(holder)
        self.snapshot.granted.append(entitlement)
        self.snapshot.levels.append(number)

    def account_number(self, remote_id: str) -> int | None:
        """Return the number of an account that was added, or None."""
        return self._accounts.get(remote_id)

    def entitlement_number(self, remote_id: str) -> int | None:
        """Return the number of an entitlement that was added, or None."""
        return self._entitlements.get(remote_id)

    def complete(self, collection: str, why: str, *, unread: frozenset[str] = frozenset()) -> None:
        """Say that a collection is whole, and what proves it."""
        self.snapshot.collections[collection] = Completeness(complete=True, why=why, unread=unread)

    def incomplete(self, collection: str, why: str) -> None:
        """Say that a collection is not whole, and why; it stays so even if `complete` was said of a part before."""
        self.snapshot.collections[collection] = Completeness(complete=False, why=why)
