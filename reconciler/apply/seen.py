"""What one way showed when an app was read back: accounts, entitlements and the grants that somebody asks about."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.items import fold
from reconciler.provider.change import Change
from reconciler.provider.snapshot import Completeness, LiveAccount, LiveEntitlement, Snapshot

_UNREAD = Completeness(complete=False, why="it was not read back")


@dataclass
class Seen:
    """One way's answer, with the indexes that looking single items up needs.

    Args:
        way: the way's name.
        asked: the changes that somebody will ask about; the grants of all other entitlements stay unindexed.
    """

    way: str
    snapshot: Snapshot
    asked: Iterable[Change] = ()
    _ids: dict[str, int] = field(default_factory=dict)
    _usernames: dict[str, list[int]] = field(default_factory=dict)
    _emails: dict[str, list[int]] = field(default_factory=dict)
    _entitlements: dict[str, int] = field(default_factory=dict)
    _entitlement_ids: dict[str, int] = field(default_factory=dict)
    _grants: dict[tuple[int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, account in enumerate(self.snapshot.accounts):
            self._ids[account.remote_id] = number
            self._usernames.setdefault(fold(account.username), []).append(number)
            self._emails.setdefault(fold(account.email), []).append(number)
        for number, entitlement in enumerate(self.snapshot.entitlements):
            self._entitlements.setdefault(entitlement.key, number)
            self._entitlement_ids[entitlement.remote_id] = number
        found = [self.entitlement(change.entitlement, change.entitlement_id) for change in self.asked]
        self._index_grants({pair[0] for pair in found if pair})

    def _index_grants(self, wanted: set[int]) -> None:
        snapshot = self.snapshot
        if wanted:
            columns = zip(snapshot.holders, snapshot.granted, snapshot.levels, strict=True)
            self._grants = {(holder, what): level for holder, what, level in columns if what in wanted}

    def completeness(self, collection: str) -> Completeness:
        """Return whether a collection was read back, by its name or under the star of every kind."""
        found = self.snapshot.collections
        return found.get(collection) or found.get(f"{collection.partition(':')[0]}:*") or _UNREAD

    def account(self, change: Change, remote_id: str = "") -> tuple[int, LiveAccount] | None:
        """Find the account of a change: by its remote id, else by what it is called, where one alone is called so.

        Args:
            change: the change; its own remote id counts too.
            remote_id: what the provider said that it made or found.
        """
        ids = [wanted for wanted in (remote_id, change.account_id) if wanted]
        for wanted in ids:
            if wanted in self._ids:
                return self._pair(self._ids[wanted])
        if ids and change.way == self.way:
            return None
        numbers = next(filter(None, self._named(change)), ())
        return self._pair(numbers[0]) if len(numbers) == 1 else None

    def can_tell(self, change: Change, remote_id: str = "") -> bool:
        """Say whether an account that `account` does not find is not there: it has an id here, or a name of its own."""
        if (remote_id or change.account_id) and change.way == self.way:
            return True
        named = list(self._named(change))
        return bool(named) and not any(len(numbers) > 1 for numbers in named)

    def _named(self, change: Change) -> Iterator[Sequence[int]]:
        """Yield the accounts that are called as the change says: by username, then by email."""
        username = fold(str(change.after.get("username") or change.username))
        email = fold(str(change.after.get("email") or ""))
        for index, text in ((self._usernames, username), (self._emails, email)):
            if text:
                yield index.get(text, ())

    def _pair(self, number: int) -> tuple[int, LiveAccount]:
        return number, self.snapshot.accounts[number]

    def entitlement(self, key: str, remote_id: str = "") -> tuple[int, LiveEntitlement] | None:
        """Find an entitlement by its remote id, else by its key."""
        number = self._entitlement_ids.get(remote_id) if remote_id else None
        number = self._entitlements.get(key) if number is None else number
        return None if number is None else (number, self.snapshot.entitlements[number])

    def level(self, holder: int, entitlement: int) -> tuple[bool, str | None]:
        """Say whether a holder (an account's number, or -1 minus an entitlement's) holds something, and its level."""
        number = self._grants.get((holder, entitlement))
        return number is not None, None if number is None else self.snapshot.level_names[number]
