"""The blocks of one app as bundles of numbers."""

from collections.abc import Iterable, Iterator

from reconciler.items import Names
from reconciler.model.access import Recipients, Wanted
from reconciler.resolve.declared import AbsentBecause, Bundle
from reconciler.resolve.resolved import Block, Resolved


class Numbers(dict[Wanted, int]):
    """The number of each wanted entitlement and of its level, given out when a wording is first met.

    Attributes:
        level_of: the level's number of each wording.
        contested: numbers of the entitlements that are wanted at more than one level, whoever wants them.
    """

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.level_of: dict[Wanted, int] = {}
        self.contested: set[int] = set()
        self._names = names
        self._first_level: dict[int, int] = {}

    def __missing__(self, wanted: Wanted) -> int:
        number = self[wanted] = self._names.entitlement(wanted.entitlement)
        level = self.level_of[wanted] = self._names.level(wanted.level)
        if self._first_level.setdefault(number, level) != level:
            self.contested.add(number)
        return number


class Bundler:
    """Makes the bundles of one app from its blocks; the same recipients become the same set."""

    def __init__(self, resolved: Resolved, app: str, names: Names) -> None:
        self.numbers = Numbers(names)
        self._resolved = resolved
        self._app = app
        self._names = names
        self._sets: dict[int, frozenset[int]] = {}

    def bundles(self) -> Iterator[Bundle]:
        """Yield a bundle for those who get a block (or got it, until it expired), and one for those it excepts."""
        for block in self._resolved.blocks.get(self._app, ()):
            holders = self._identities(block.members)
            if block.to.entitlements:
                holders |= self._entitlements(block.to)
            if holders:
                yield self._bundle(block, holders, AbsentBecause.EXPIRED if block.expired else None)
            if block.excluded:
                yield self._bundle(block, self._identities(block.excluded), AbsentBecause.EXCLUDED)

    def _bundle(self, block: Block, holders: frozenset[int], absent: AbsentBecause | None) -> Bundle:
        wanted = block.grants[self._app]
        return Bundle(
            source=block.source,
            place=block.place,
            holders=holders,
            wanted=wanted,
            entitlements=tuple(map(self.numbers.__getitem__, wanted.wanted)),
            absent=absent,
            note=block.note,
            to=block.to,
            until=block.until,
        )

    def _identities(self, members: tuple[int, ...]) -> frozenset[int]:
        """Return the numbers of identities in this app; recipients that are one object are worked out once."""
        if len(members) == 1:
            return frozenset((self._names.holder(self._resolved.roster.ids[members[0]]),))
        if (found := self._sets.get(id(members))) is None:
            ids = self._resolved.roster.ids
            found = self._sets[id(members)] = frozenset(self._names.holder(ids[number]) for number in members)
        return found

    def _entitlements(self, to: Recipients) -> frozenset[int]:
        """Return the numbers of the entitlements of this app that a block goes to."""
        return frozenset(self._names.holder(key) for key in self._keys(to.entitlements))

    def _keys(self, entitlements: Iterable[str]) -> Iterator[str]:
        for written in entitlements:
            app, _, key = written.partition("/")
            if app == self._app:
                yield key
